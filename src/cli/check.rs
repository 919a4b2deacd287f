//! `check`: all that `init` checks, and what each place of the cluster reaches; installs nothing.

mod host;
mod look;
mod text;

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::checks::{Finding, Verdict, blocking};
use crate::cli::config_args::ConfigArgs;
use crate::cli::preflight::{self, Checked, Choices};
use crate::cli::{Session, clock, config_load, pass, seconds};
use crate::clients::kube::Cluster;
use crate::config::load::{Loaded, SecretReading};
use crate::facts::{self, Facts};
use crate::failure::{Exit, Failure};
use crate::observe::Resolver;
use crate::plan;
use crate::plan::vantage::Probes;
use crate::ui::progress::Progress;
use crate::ui::{self, output};
use crate::verify::vantage::Grid;
use crate::yaml;

/// How far a run went that was interrupted while it looked.
const LOOKED: &str = "it was comparing and asking; nothing is written meanwhile";

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// Look from the cluster too: start short-lived pods where controller and runners are, and remove them
    #[arg(long, help_heading = "Checking")]
    from_cluster: bool,
    /// With --from-cluster: show the pods that would be started and stop
    #[arg(long, requires = "from_cluster", help_heading = "Checking")]
    dry_run: bool,
    /// Do not ask before starting pods
    #[arg(long, short, help_heading = "Checking")]
    yes: bool,
    /// How long to wait for a pod without any progress
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = seconds::parse, help_heading = "Checking")]
    timeout: Duration,
    /// End with 4 where there are warnings or something could not be checked
    #[arg(long, help_heading = "Checking")]
    strict: bool,
}

/// The answer of `check`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    context: &'a str,
    server: &'a str,
    user: &'a str,
    findings: &'a [Finding],
    /// Only with --from-cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    grid: Option<&'a Grid>,
}

/// The answer of a dry run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    dry_run: bool,
    pods: Vec<&'a Value>,
}

pub(super) async fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let looks_only = args.dry_run || !args.from_cluster;
    let needs = session.target_needs(args.yes || looks_only, looks_only);
    let mut loaded = config_load::load_with(&args.config, SecretReading::Read, session, &needs)?;
    Session::require_target(&needs)?;
    let progress = session.progress();
    let cluster = preflight::connected(&mut loaded, session, &progress).await?;
    let work = Work {
        args,
        session,
        cluster: &cluster,
        loaded: &loaded,
        progress: &progress,
    };
    Box::pin(work.check()).await
}

/// What the stages of one run share.
struct Work<'a> {
    args: &'a Args,
    session: &'a Session,
    cluster: &'a Cluster,
    loaded: &'a Loaded,
    progress: &'a Progress,
}

impl Work<'_> {
    /// Reads, renders, checks, looks from the cluster where that is wanted, and answers.
    async fn check(&self) -> Result<Exit, Failure> {
        let config = &self.loaded.config;
        let now = clock::now();
        let mut facts = facts::read(self.cluster, config, now).await?;
        let mut rendered = pass::rendered(config, &facts)?;
        rendered
            .changes
            .extend(plan::strip_moved(&mut rendered.manifests));
        let look = if self.args.from_cluster {
            let look = self.prepare(&facts, &rendered)?;
            if self.args.dry_run {
                self.progress.end();
                self.show_pods(&look.probes)?;
                return Ok(Exit::Done);
            }
            Some(look)
        } else {
            None
        };
        let mut checked = self.preflight(&mut facts, &rendered, now).await?;
        let grid = match look {
            None => None,
            Some(look) => Some(self.look(look, &facts, &checked.home).await?),
        };
        self.progress.end();
        if let Some(grid) = &grid {
            checked.findings.extend(grid.findings());
        }
        self.answer(&checked.findings, grid.as_ref())
    }

    /// What `init` checks, told on stderr.
    async fn preflight(
        &self,
        facts: &mut Facts,
        rendered: &pass::Rendered,
        now: i64,
    ) -> Result<Checked, Failure> {
        self.progress
            .stage("comparing with the cluster, asking registry and GitHub");
        let resolver = Resolver::new(&self.loaded.credentials, now);
        let choices = Choices {
            force_conflicts: false,
            pull_test: false,
            sees_certificates: true,
        };
        let checking = preflight::check(
            self.cluster,
            self.loaded,
            facts,
            rendered,
            &resolver,
            choices,
        );
        let checked = Box::pin(self.session.interrupt.unless(LOOKED, checking)).await??;
        if !self.session.quiet {
            for line in preflight::lines(&checked.findings, self.session.terminal) {
                self.progress.line(&line);
            }
        }
        Ok(checked)
    }

    /// The pods, for whoever wants to see them first.
    fn show_pods(&self, probes: &Probes) -> Result<(), Failure> {
        let pods: Vec<&Value> = probes.probes.iter().map(|probe| &probe.pod).collect();
        let shown = Shown {
            dry_run: true,
            pods: pods.clone(),
        };
        output::answer(self.session.format, "CheckPods", &shown, || {
            let documents = pods.iter().map(|pod| yaml::to_string(pod));
            documents.fold(String::new(), |text, document| text + "---\n" + &document)
        })
    }

    /// Grid and findings; the exit code.
    fn answer(&self, findings: &[Finding], grid: Option<&Grid>) -> Result<Exit, Failure> {
        let session = self.session;
        preflight::annotate(findings, session.format);
        let identity = &self.cluster.identity;
        let answer = Answer {
            context: &identity.context,
            server: &identity.server,
            user: &identity.user,
            findings,
            grid,
        };
        output::answer(session.format, "Check", &answer, || {
            grid.map(text::grid).unwrap_or_default()
        })?;
        let Some(stopped) = blocking(findings, self.args.strict) else {
            let doubts = |finding: &&Finding| finding.verdict != Verdict::Ok;
            if !session.quiet && findings.iter().filter(doubts).count() == 0 {
                output::talk("all checks passed");
            }
            return Ok(Exit::Done);
        };
        let stopped = told(&stopped);
        output::talk(&ui::failure::text(&stopped, session.terminal));
        Ok(stopped.exit())
    }
}

/// The same in the words of a command that never writes.
fn told(stopped: &Failure) -> Failure {
    let details = stopped.details();
    let what = details
        .what
        .replace("preflight found", "check found")
        .replace("; nothing was written", "");
    let start = Failure::new(&details.code, details.exit, what);
    let with_why = details.why.iter().fold(start, Failure::why);
    let with_evidence = details.evidence.iter().fold(with_why, Failure::evidence);
    details.remedy.iter().fold(with_evidence, Failure::remedy)
}
