//! `init`: all stages, from configuration to proof.

use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;

use crate::apply::{self, Executed, Execution};
use crate::checks::{Finding, blocking};
use crate::cli::config_args::ConfigArgs;
use crate::cli::overtaken::look_again;
use crate::cli::preflight::{self, Checked, Choices};
use crate::cli::pull_test::PullTesting;
use crate::cli::session::target;
use crate::cli::{Session, clock, config_load, last_words, pass, rollout, seconds};
use crate::clients::kube::Cluster;
use crate::clients::roots::preload_system_roots;
use crate::config::load::{Loaded, SecretReading};
use crate::facts::{self, Facts};
use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;
use crate::observe::{Receipt, Resolver};
use crate::plan::{self, Plan, PullTest, counted, describe, idle_sets};
use crate::ui::progress::Progress;
use crate::ui::{output, prompt};
use crate::verify::wait::{self, KnownLines, Level, Report, WaitOptions};

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// Show what would happen and stop
    #[arg(long, help_heading = "Applying")]
    dry_run: bool,
    /// With --dry-run: end with 10 where anything would change
    #[arg(long, requires = "dry_run", help_heading = "Applying")]
    exit_code: bool,
    /// Do not ask before writing
    #[arg(long, short, help_heading = "Applying")]
    yes: bool,
    /// How far to wait
    #[arg(long, value_enum, default_value_t = WaitFor::Runners, help_heading = "Applying")]
    wait: WaitFor,
    /// Do not try a pod of each runner set that wants no runner while idle
    #[arg(long, help_heading = "Applying")]
    no_pull_test: bool,
    /// How long to wait without any progress
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = seconds::parse, help_heading = "Applying")]
    timeout: Duration,
    /// Take fields that another manager owns (never those of a CRD)
    #[arg(long, help_heading = "Applying")]
    force_conflicts: bool,
    /// End with 4 where preflight has warnings or could not check something
    #[arg(long, help_heading = "Applying")]
    strict: bool,
}

/// How far `--wait` goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum WaitFor {
    /// Not at all.
    None,
    /// The controller is available.
    Manager,
    /// Every runner set is accepted, and the runners that are due are there; of a set without any, a pod is tried.
    Runners,
}

impl Args {
    fn choices(&self) -> Choices {
        Choices {
            force_conflicts: self.force_conflicts,
            pull_test: self.wait == WaitFor::Runners && !self.no_pull_test,
        }
    }
}

/// The answer of `init`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    context: &'a str,
    server: &'a str,
    user: &'a str,
    dry_run: bool,
    changed: bool,
    findings: &'a [Finding],
    plan: &'a Plan,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<&'a Receipt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<&'a Report>,
}

pub(super) async fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let needs = session.target_needs(args.yes || args.dry_run, args.dry_run);
    let loaded = config_load::load_with(&args.config, SecretReading::Read, session, &needs)?;
    Session::require_target(&needs)?;
    let progress = session.progress();
    progress.stage("reading the cluster");
    if loaded.config.ca_bundle.is_none() {
        // Registry and GitHub are asked once the cluster has answered.
        tokio::task::spawn_blocking(preload_system_roots);
    }
    let cluster = session.connect().await?;
    progress.told(&target(&cluster));
    let work = Work {
        args,
        session,
        cluster: &cluster,
        loaded: &loaded,
        progress: &progress,
    };
    let mut so_far = SoFar::default();
    let attempt = async || Box::pin(work.attempt(&mut so_far)).await;
    look_again(&loaded.config.name, &progress, attempt).await
}

/// What the stages of one run share.
struct Work<'a> {
    args: &'a Args,
    session: &'a Session,
    cluster: &'a Cluster,
    loaded: &'a Loaded,
    progress: &'a Progress,
}

/// What earlier attempts have shown on the terminal, and done.
#[derive(Default)]
struct SoFar {
    findings: Vec<String>,
    /// The plan; empty until one was shown.
    plan: Vec<String>,
    /// True where a plan that writes was carried out.
    wrote: bool,
}

impl Work<'_> {
    /// Looks, shows, asks and carries out. None: another run of arc-setup came in between.
    async fn attempt(&self, so_far: &mut SoFar) -> Result<Option<Exit>, Failure> {
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
        let checked =
            preflight::check(cluster, loaded, &mut facts, &rendered, &resolver, choices).await?;
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
        let config = &self.loaded.config;
        let events = |event| self.progress.tell(&event);
        let registries = rollout::Registries::new(config, &self.loaded.credentials, facts)?;
        let look = |image| registries.ask(image);
        let rollout = rollout::Rollout {
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
        let mut known_lines = None;
        if plan.writes() {
            let namespace = config.controller_namespace();
            known_lines = Some(KnownLines::read(self.cluster, namespace).await);
        }
        let receipt = match Box::pin(apply::execute(plan, &execution)).await? {
            Executed::Done(receipt) => *receipt,
            Executed::Overtaken => return Ok(None),
        };
        so_far.wrote |= plan.writes();
        let options = WaitOptions {
            level: self.args.wait.into(),
            objects: plan
                .objects
                .iter()
                .map(crate::object::Manifest::reference)
                .collect(),
            controller_namespace: Some(config.controller_namespace().to_owned()),
            known_lines,
            timeout: self.args.timeout,
            registry: Some(&look),
        };
        let interrupt = &self.session.interrupt;
        let report = wait::wait(self.cluster, &options, &events, interrupt);
        let mut report = Box::pin(report).await?;
        let testing = PullTesting {
            cluster: self.cluster,
            config,
            facts,
            plan,
            skipped: self.args.no_pull_test,
            agreed: &|tests| self.agrees_to_try(tests, plan),
            timeout: self.args.timeout,
            registry: &look,
            events: &events,
            interrupt,
        };
        Ok(match testing.run(receipt, &mut report).await? {
            Executed::Done(receipt) => Some((*receipt, report)),
            Executed::Overtaken => None,
        })
    }

    /// Shows findings, and the plan where it can be carried out, unless they were shown before; on stderr, since
    /// stdout is the answer. True where the plan is not the one that was shown last.
    fn show(&self, plan: &Plan, checked: &Checked, stopped: bool, shown: &mut SoFar) -> bool {
        let (args, session) = (self.args, self.session);
        let now = SoFar {
            findings: preflight::lines(&checked.findings, session.terminal),
            plan: describe(plan),
            wrote: shown.wrote,
        };
        let before = std::mem::replace(shown, now);
        let is_new = shown.plan != before.plan;
        if shown.findings != before.findings {
            preflight::annotate(&checked.findings, session.format);
        }
        // Whoever is asked must see what about.
        let asked = !args.yes && !args.dry_run;
        if session.quiet && !asked {
            return is_new;
        }
        if shown.findings != before.findings {
            for line in &shown.findings {
                output::talk(line);
            }
        }
        if is_new && plan.writes() && !stopped {
            for line in &shown.plan {
                self.progress.line(line);
            }
            if args.choices().pull_test && !idle_sets(&plan.objects).is_empty() {
                self.progress.line("then a pod of each runner set that wants no runner while idle is tried and removed, unless it was tried before (--no-pull-test leaves it out)");
            }
        }
        is_new
    }

    /// Asks. Nothing is asked where nothing is written.
    fn confirm(&self, plan: &Plan) -> Result<(), Failure> {
        if self.args.yes || !plan.writes() {
            return Ok(());
        }
        self.session.interrupt.check()?;
        let question = format!("Apply this to {}?", target(self.cluster));
        if self.progress.suspended(|| prompt::confirm(&question))? {
            return Ok(());
        }
        Err(prompt::declined())
    }

    /// Asks before pods are tried, unless the plan that was agreed to told of them.
    fn agrees_to_try(&self, tests: &[PullTest], plan: &Plan) -> Result<bool, Failure> {
        if self.args.yes || plan.writes() {
            return Ok(true);
        }
        self.session.interrupt.check()?;
        let sets = counted(tests.len(), "runner set");
        let question = format!(
            "Start a pod of {sets} in {} to see whether it can run, and remove it?",
            target(self.cluster)
        );
        self.progress.suspended(|| prompt::confirm(&question))
    }
}

impl From<WaitFor> for Level {
    fn from(wait: WaitFor) -> Self {
        match wait {
            WaitFor::None => Self::None,
            WaitFor::Manager => Self::Manager,
            WaitFor::Runners => Self::Runners,
        }
    }
}

/// The last word of a dry run, and its exit code.
fn looked(args: &Args, plan: &Plan, session: &Session) -> Exit {
    if !session.quiet {
        output::talk(if plan.writes() {
            "nothing was written; the same command without --dry-run carries this out"
        } else {
            "nothing to do: everything is as wanted"
        });
    }
    if args.exit_code && plan.writes() {
        Exit::ChangesPending
    } else {
        Exit::Done
    }
}

fn answer(
    session: &Session,
    cluster: &Cluster,
    plan: &Plan,
    checked: &Checked,
    changed: bool,
    done: Option<(&Receipt, &Report)>,
) -> Result<(), Failure> {
    let identity = &cluster.identity;
    let answer = Answer {
        context: &identity.context,
        server: &identity.server,
        user: &identity.user,
        dry_run: done.is_none(),
        changed,
        findings: &checked.findings,
        plan,
        receipt: done.map(|(receipt, _)| receipt),
        report: done.map(|(_, report)| report),
    };
    // A person has read it all on stderr.
    output::answer(session.format, "Init", &answer, String::new)
}
