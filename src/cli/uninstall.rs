//! `uninstall`: runner sets first, then what they need, the controller last.

use std::time::Duration;

use serde::Serialize;

use crate::apply::{self, Executed, Execution};
use crate::cli::config_args::{Part, PartArgs};
use crate::cli::overtaken::look_again;
use crate::cli::session::target;
use crate::cli::{Session, clock, config_load, rollout, seconds};
use crate::clients::kube::Cluster;
use crate::config::Credentials;
use crate::config::load::{self, SecretReading};
use crate::config::problem;
use crate::facts::{Facts, KubernetesVersion};
use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;
use crate::observe::{Observed, Resolver};
use crate::plan::{Plan, Step, counted, describe};
use crate::ui::progress::Progress;
use crate::ui::{output, prompt};

/// Arguments of `uninstall`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: PartArgs<Place>,
    /// Show what would be removed and stop
    #[arg(long, help_heading = "Removing")]
    dry_run: bool,
    /// Do not ask before removing
    #[arg(long, short, help_heading = "Removing")]
    yes: bool,
    /// How long to wait without any progress
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = seconds::parse, help_heading = "Removing")]
    timeout: Duration,
}

/// Which install it is, and where.
#[derive(Debug, Clone)]
struct Place;

impl Part for Place {
    const FIELDS: &'static [&'static str] =
        &["name", "namespaces.controller", "controller.existing"];
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    context: &'a str,
    server: &'a str,
    user: &'a str,
    dry_run: bool,
    plan: &'a Plan,
}

pub(super) async fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    Session::require_target(&session.target_needs(args.yes || args.dry_run, args.dry_run))?;
    let sources = config_load::sources(&args.config.config, SecretReading::Leave, session);
    let partial = load::load_partial(&sources).map_err(|problems| problem::failure(&problems))?;
    let progress = session.progress();
    let cluster = session.connect().await?;
    progress.told(&target(&cluster));
    let namespaces: Vec<&str> = partial.homes.iter().map(String::as_str).collect();
    let work = Work {
        args,
        session,
        cluster: &cluster,
        install: &partial.name,
        namespaces: &namespaces,
        progress: &progress,
    };
    let mut shown = Vec::new();
    let attempt = async || work.attempt(&mut shown).await;
    look_again(&partial.name, &progress, attempt).await
}

/// What one run is about.
struct Work<'a> {
    args: &'a Args,
    session: &'a Session,
    cluster: &'a Cluster,
    install: &'a str,
    /// Where its receipt may lie, or its controller; none where nothing was named.
    namespaces: &'a [&'a str],
    progress: &'a Progress,
}

impl Work<'_> {
    /// Looks, shows, asks and removes. None: another run of arc-setup came in between. `shown` is the plan that
    /// stands on the terminal already.
    async fn attempt(&self, shown: &mut Vec<String>) -> Result<Option<Exit>, Failure> {
        let (args, session, progress) = (self.args, self.session, self.progress);
        progress.stage("looking for what belongs to the install");
        let plan = apply::plan_uninstall(self.cluster, self.install, self.namespaces).await?;
        let lines = describe(&plan);
        let is_new = *shown != lines;
        *shown = lines;
        if is_new && plan.writes() && !args.asks_in_vain(session) {
            for line in &*shown {
                progress.line(line);
            }
        }
        if args.dry_run || !plan.writes() {
            progress.end();
            let last = if plan.writes() {
                "nothing was removed; the same command without --dry-run does it".to_owned()
            } else {
                nothing(self.cluster, self.install, self.namespaces).await
            };
            progress.told(&last);
            return self.answer(&plan).map(Some);
        }
        if is_new {
            self.confirm(&plan)?;
        }
        if let Executed::Overtaken = self.carry_out(&plan).await? {
            return Ok(None);
        }
        progress.end();
        for step in plan.steps() {
            if let Step::Keep { object, why } = step {
                progress.told(&format!("  kept: {object}: {why}"));
            }
        }
        let context = &self.cluster.identity.context;
        progress.told(&format!("{} is removed from {context}", self.install));
        self.answer(&plan).map(Some)
    }

    fn confirm(&self, plan: &Plan) -> Result<(), Failure> {
        let count = counted(removals(plan), "object");
        let question = format!(
            "Remove {count} of {} from {}?",
            self.install,
            target(self.cluster)
        );
        if self.args.yes || self.progress.suspended(|| prompt::confirm(&question))? {
            return Ok(());
        }
        Err(prompt::declined())
    }

    /// Removes. No credential is needed, and nothing is rendered.
    async fn carry_out(&self, plan: &Plan) -> Result<Executed, Failure> {
        let credentials = Credentials::default();
        let facts = Facts::assumed(KubernetesVersion::DEFAULT);
        let resolver = Resolver::new(&credentials, clock::now());
        let events = |event| self.progress.tell(&event);
        let rollout = rollout::Rollout {
            cluster: self.cluster,
            timeout: self.args.timeout,
            registry: None,
            events: &events,
            interrupt: &self.session.interrupt,
        };
        let gate = |object: ObjectRef| rollout.of(vec![object]);
        let execution = Execution {
            cluster: self.cluster,
            resolver: &resolver,
            observed: &Observed::default(),
            facts: &facts,
            force_conflicts: false,
            timeout: self.args.timeout,
            gate: &gate,
            events: &events,
            interrupt: &self.session.interrupt,
        };
        Box::pin(apply::execute(plan, &execution)).await
    }

    fn answer(&self, plan: &Plan) -> Result<Exit, Failure> {
        let answer = Answer {
            context: &self.cluster.identity.context,
            server: &self.cluster.identity.server,
            user: &self.cluster.identity.user,
            dry_run: self.args.dry_run,
            plan,
        };
        // A person has read it all on stderr.
        output::answer(self.session.format, "Uninstall", &answer, String::new)?;
        Ok(Exit::Done)
    }
}

impl Args {
    /// True where nobody would read the plan: whoever is asked must see what about.
    fn asks_in_vain(&self, session: &Session) -> bool {
        session.quiet && (self.yes || self.dry_run)
    }
}

/// Why there is nothing to do, and which installs there are instead.
async fn nothing(cluster: &Cluster, name: &str, namespaces: &[&str]) -> String {
    let context = &cluster.identity.context;
    let place = match namespaces {
        [] => context.clone(),
        [one] => format!("namespace {one} of {context}"),
        several => format!("the namespaces {} of {context}", several.join(", ")),
    };
    let nothing = format!("nothing to do: there is no install named {name} in {place}");
    let others = apply::installs(cluster).await;
    if others.is_empty() {
        nothing
    } else {
        format!(
            "{nothing}; there is {} (--name, --controller-namespace)",
            others.join(", ")
        )
    }
}

fn removals(plan: &Plan) -> usize {
    let removes = |step: &&Step| matches!(step, Step::Delete { .. });
    plan.steps().filter(removes).count()
}
