//! `uninstall`: runner sets first, then what they need, the controller last.

use std::time::Duration;

use serde::Serialize;

use crate::apply::{self, Execution};
use crate::cli::config_args::{Part, PartArgs};
use crate::cli::{Session, clock, config_load, rollout, seconds};
use crate::config::Credentials;
use crate::config::load::{self, SecretReading};
use crate::config::problem;
use crate::facts::{Facts, KubernetesVersion};
use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;
use crate::observe::{Observed, Resolver};
use crate::plan::{Plan, describe};
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
    const FIELDS: &'static [&'static str] = &["name", "namespaces.controller"];
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    context: &'a str,
    server: &'a str,
    dry_run: bool,
    plan: &'a Plan,
}

pub(super) async fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    Session::require_target(&session.target_needs(args.yes || args.dry_run, args.dry_run))?;
    let sources = config_load::sources(&args.config.config, SecretReading::Leave, session);
    let partial = load::load_partial(&sources).map_err(|problems| problem::failure(&problems))?;
    let progress = session.progress();
    let cluster = session.connect().await?;
    progress.stage("looking for what belongs to the install");
    let named = partial.origins.0.contains_key("namespaces.controller");
    let namespace = named.then_some(partial.namespaces.controller.as_str());
    let plan = apply::plan_uninstall(&cluster, &partial.name, namespace).await?;
    if plan.writes() && !session.quiet {
        for line in describe(&plan) {
            progress.line(&line);
        }
    }
    let answer = Answer {
        context: &cluster.identity.context,
        server: &cluster.identity.server,
        dry_run: args.dry_run,
        plan: &plan,
    };
    if args.dry_run || !plan.writes() {
        progress.end();
        if !plan.writes() {
            output::talk(&format!(
                "nothing to do: there is no install named {} here",
                partial.name
            ));
        }
        output::answer(session.format, "Uninstall", &answer, String::new)?;
        return Ok(Exit::Done);
    }
    let question = format!(
        "Remove the install {} from {}?",
        partial.name, cluster.identity.server
    );
    if !args.yes && !progress.suspended(|| prompt::confirm(&question))? {
        return Err(prompt::declined());
    }
    let credentials = Credentials::default();
    let facts = Facts::assumed(KubernetesVersion::DEFAULT);
    let resolver = Resolver::new(&credentials, clock::now());
    let events = |event| progress.tell(&event);
    let rollout = rollout::Rollout {
        cluster: &cluster,
        timeout: args.timeout,
        registry: None,
        events: &events,
        interrupt: &session.interrupt,
    };
    let gate = |object: ObjectRef| rollout.of(vec![object]);
    let execution = Execution {
        cluster: &cluster,
        resolver: &resolver,
        observed: &Observed::default(),
        facts: &facts,
        force_conflicts: false,
        timeout: args.timeout,
        gate: &gate,
        events: &events,
        interrupt: &session.interrupt,
    };
    Box::pin(apply::execute(&plan, &execution)).await?;
    progress.end();
    output::talk(&format!("{} is removed", partial.name));
    output::answer(session.format, "Uninstall", &answer, String::new)?;
    Ok(Exit::Done)
}
