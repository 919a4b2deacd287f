//! `init`: all stages, from configuration to proof.

mod attempt;
mod shown;

use std::time::Duration;

use clap::ValueEnum;

use crate::cli::config_args::ConfigArgs;
use crate::cli::overtaken::look_again;
use crate::cli::preflight::{self, Choices};
use crate::cli::{Session, config_load, seconds};
use crate::clients::kube::Cluster;
use crate::config::load::{Loaded, SecretReading};
use crate::failure::{Exit, Failure};
use crate::ui::progress::Progress;
use crate::verify::wait::Level;

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
            sees_certificates: false,
        }
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

pub(super) async fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let needs = session.target_needs(args.yes || args.dry_run, args.dry_run);
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
