//! One look at the cluster, and what follows from it: plan, checks, writing, waiting.

use super::shown::{answer, looked};
use super::{SoFar, WaitFor, Work};
use crate::apply::{self, Executed, Execution};
use crate::checks::blocking;
use crate::cli::preflight::{self, Checked};
use crate::cli::pull_test::PullTesting;
use crate::cli::rollout::{Registries, Rollout};
use crate::cli::{clock, last_words, pass};
use crate::facts::{self, Facts};
use crate::failure::{Exit, Failure};
use crate::object::{Manifest, ObjectRef};
use crate::observe::{Receipt, Resolver};
use crate::plan::{self, Plan};
use crate::verify::wait::{self, KnownLines, Report, WaitOptions};

/// How far a run went that was interrupted while it looked.
const LOOKED: &str = "it was comparing and asking; nothing is written meanwhile";

impl Work<'_> {
    /// Looks, shows, asks and carries out. None: another run of arc-setup came in between.
    pub(super) async fn attempt(&self, so_far: &mut SoFar) -> Result<Option<Exit>, Failure> {
        let Self {
            args,
            session,
            cluster,
            loaded,
            progress,
        } = self;
        let now = clock::now();
        let mut facts = facts::read(cluster, &loaded.config, now).await?;
        let mut rendered = pass::rendered(&loaded.config, &facts)?;
        rendered
            .changes
            .extend(plan::strip_moved(&mut rendered.manifests));
        progress.stage("comparing with the cluster, asking registry and GitHub");
        let resolver = Resolver::new(&loaded.credentials, now);
        let choices = args.choices();
        let checking = preflight::check(cluster, loaded, &mut facts, &rendered, &resolver, choices);
        // A registry that is busy may take its time.
        let checked = Box::pin(session.interrupt.unless(LOOKED, checking)).await??;
        let plan = plan::build(&plan::Inputs {
            install: &loaded.config.name,
            namespace: &checked.home,
            controller_namespace: loaded.config.controller_namespace(),
            common: &loaded.config.common(),
            manifests: &rendered.manifests,
            changes: &rendered.changes,
            observed: &checked.observed,
        });
        let stopped = blocking(&checked.findings, args.strict);
        let is_new = self.show(&plan, &checked, stopped.is_some(), so_far);
        if let Some(stopped) = stopped {
            progress.end();
            preflight::refuse(session, &cluster.identity, &checked.findings, &stopped)?;
            return Ok(Some(stopped.exit()));
        }
        if args.dry_run {
            answer(session, cluster, &plan, &checked, plan.writes(), None)?;
            return Ok(Some(looked(args, &plan, session)));
        }
        if is_new {
            self.confirm(&plan)?;
        }
        let carried_out = self.carry_out(&plan, &checked, &facts, &resolver, so_far);
        let Some((receipt, report)) = carried_out.await.map_err(last_words::goes_on)? else {
            return Ok(None);
        };
        progress.end();
        let wrote = so_far.wrote;
        last_words::told(&report, wrote, &loaded.config, session, cluster);
        let done = Some((&receipt, &report));
        answer(session, cluster, &plan, &checked, wrote, done)?;
        Ok(Some(Exit::Done))
    }

    /// Writes, waits and tries. None: another run of arc-setup came in between, before the first write or before a pod
    /// was tried.
    async fn carry_out(
        &self,
        plan: &Plan,
        checked: &Checked,
        facts: &Facts,
        resolver: &Resolver<'_>,
        so_far: &mut SoFar,
    ) -> Result<Option<(Receipt, Report)>, Failure> {
        let (config, credentials) = (&self.loaded.config, &self.loaded.credentials);
        let interrupt = &self.session.interrupt;
        let registries = Registries::new(config, credentials, facts, interrupt)?;
        let known_lines = self.known_lines(plan).await;
        let written = self.write(plan, checked, facts, resolver, &registries);
        let Executed::Done(receipt) = Box::pin(written).await? else {
            return Ok(None);
        };
        so_far.wrote |= plan.writes();
        let mut report = Box::pin(self.wait(plan, known_lines, &registries)).await?;
        let tried = self.try_pods(plan, facts, *receipt, &mut report, &registries);
        Ok(match tried.await? {
            Executed::Done(receipt) => Some((*receipt, report)),
            Executed::Overtaken => None,
        })
    }

    /// What the controller's log holds before anything is written. Who does not wait for runners does not read logs.
    async fn known_lines(&self, plan: &Plan) -> Option<KnownLines> {
        if !plan.writes() || self.args.wait != WaitFor::Runners {
            return None;
        }
        let namespace = self.loaded.config.controller_namespace();
        Some(KnownLines::read(self.cluster, namespace).await)
    }

    async fn write(
        &self,
        plan: &Plan,
        checked: &Checked,
        facts: &Facts,
        resolver: &Resolver<'_>,
        registries: &Registries,
    ) -> Result<Executed, Failure> {
        let events = |event| self.progress.tell(&event);
        let look = |image| registries.ask(image);
        let rollout = Rollout {
            cluster: self.cluster,
            timeout: self.args.timeout,
            registry: Some(&look),
            events: &events,
            interrupt: &self.session.interrupt,
        };
        let gate = |object: ObjectRef| rollout.of(vec![object]);
        let execution = Execution {
            cluster: self.cluster,
            resolver,
            observed: &checked.observed,
            facts,
            force_conflicts: self.args.force_conflicts,
            timeout: self.args.timeout,
            gate: &gate,
            events: &events,
            interrupt: &self.session.interrupt,
        };
        apply::execute(plan, &execution).await
    }

    async fn wait(
        &self,
        plan: &Plan,
        known_lines: Option<KnownLines>,
        registries: &Registries,
    ) -> Result<Report, Failure> {
        let objects = plan.objects.iter().map(Manifest::reference);
        let namespace = self.loaded.config.controller_namespace();
        let look = |image| registries.ask(image);
        let options = WaitOptions {
            level: self.args.wait.into(),
            objects: objects.collect(),
            controller_namespace: Some(namespace.to_owned()),
            known_lines,
            timeout: self.args.timeout,
            registry: Some(&look),
        };
        let events = |event| self.progress.tell(&event);
        wait::wait(self.cluster, &options, &events, &self.session.interrupt).await
    }

    /// Tries a pod of each runner set that wants no runner while idle.
    async fn try_pods(
        &self,
        plan: &Plan,
        facts: &Facts,
        receipt: Receipt,
        report: &mut Report,
        registries: &Registries,
    ) -> Result<Executed, Failure> {
        let events = |event| self.progress.tell(&event);
        let look = |image| registries.ask(image);
        let testing = PullTesting {
            cluster: self.cluster,
            config: &self.loaded.config,
            facts,
            plan,
            skipped: self.args.no_pull_test,
            agreed: &|tests| self.agrees_to_try(tests, plan),
            timeout: self.args.timeout,
            registry: &look,
            events: &events,
            interrupt: &self.session.interrupt,
        };
        testing.run(receipt, report).await
    }
}
