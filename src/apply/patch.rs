//! `patch-images`: rewrites what already runs, whoever installed it. Streams: page → decide → patch → emit.
//!
//! ARC's programs come first, then everybody else's workloads; the programs are waited for before ARC's resources, so that
//! the webhooks that guard these answer, and hold up nothing else. No plan and no receipt file: the annotation on each object is the receipt. Nothing grows with the number of objects.

mod failures;
mod injected;
mod injecting;
mod listeners;
mod meetings;
mod pace;
mod pull_secret;
mod report;
mod requests;
mod run;
mod selection;
mod stream;
mod verified;
mod write;

use std::sync::Mutex;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::Semaphore;

use crate::clients::interrupt::Interrupt;
use crate::clients::kube::Cluster;
use crate::event::Sink;
use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;
use crate::observe::workloads::ServiceAccounts;
use crate::observe::{CustomKindsReport, SecretPresence, Targets, custom_kinds};
use crate::rules::RuleSet;

use injecting::InjectedObjects;
pub use injecting::Injecting;
pub use meetings::Meetings;
use pace::Pace;
pub use report::{Made, ObjectReport, PatchReport, Treatment, Unlisted};
pub use requests::{ImageRequest, TargetImage};
use run::Run;
pub use selection::Selection;
use write::{AT_ONCE, Mode, Work};

/// What is done with each object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Task {
    /// Its images are rewritten by the rules.
    #[default]
    Rewrite,
    /// It gets back what stood there before, as its annotation says.
    Undo,
}

/// What is wanted besides the rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct PatchOptions {
    /// What is done.
    pub task: Task,
    /// Which objects.
    pub selection: Selection,
    /// The pull secret to append; an object in whose namespace it is not there stays as it is.
    pub pull_secret: Option<String>,
    /// Asks the server what would happen, writes nothing.
    pub dry_run: bool,
    /// Patches what a deployment tool owns.
    pub force: bool,
    /// Leaves an object whose new images are not known to be in their registry.
    pub require_verified: bool,
    /// Waits for every rollout of ARC's programs; without it only where the next step needs one.
    pub wait: bool,
    /// How long a wait may go without progress.
    pub timeout: Duration,
}

/// Waits until these objects are rolled out; the duration is the time without progress. The caller hands in
/// what verifies (`verify::wait::rollouts`), since data flows from here to there.
pub type Rollouts<'a> =
    &'a (dyn Fn(Vec<ObjectRef>, Duration) -> BoxFuture<'a, Result<(), Failure>> + Send + Sync);

/// Takes each object that is not as the rules want it, as soon as it is known what became of it. Its failure ends
/// the run.
pub type Emit<'a> = &'a (dyn Fn(&ObjectReport) -> Result<(), Failure> + Send + Sync);

/// Whom a run tells and asks.
#[derive(Clone, Copy)]
#[expect(
    missing_debug_implementations,
    reason = "functions have nothing to show"
)]
pub struct Hands<'a> {
    /// Waits for rollouts.
    pub rollouts: Rollouts<'a>,
    /// What happens, for a person who watches.
    pub sink: Sink<'a>,
    /// What became of each object: the answer.
    pub emit: Emit<'a>,
    /// Who knows whether an image is there; None: nobody is asked.
    pub targets: Option<&'a Targets>,
    /// What is put into every container beside the images; None: nothing.
    pub injecting: Option<&'a Injecting<'a>>,
    /// Which image is a copy of which; what a count before has noted counts, too.
    pub meetings: &'a Meetings,
    /// Looked at before each object.
    pub interrupt: &'a Interrupt,
}

impl<'a> Hands<'a> {
    /// Tells nobody anything, and finds every program rolled out.
    fn silent(
        targets: Option<&'a Targets>,
        meetings: &'a Meetings,
        interrupt: &'a Interrupt,
    ) -> Self {
        Self {
            rollouts: &|_, _| Box::pin(async { Ok(()) }),
            sink: &|_| {},
            emit: &|_| Ok(()),
            targets,
            injecting: None,
            meetings,
            interrupt,
        }
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Patched {
    /// What was done, to the end or until the failure.
    pub report: PatchReport,
    /// Why it did not come to its end.
    pub failure: Option<Failure>,
}

/// Patches every object that the rules concern. The report says what was not patched and why; its
/// [`PatchReport::exit`] is the exit code. A second run goes on where a failure ended this one.
pub async fn patch_images(
    cluster: &Cluster,
    rules: &RuleSet,
    options: &PatchOptions,
    hands: Hands<'_>,
) -> Patched {
    let mode = if options.dry_run {
        Mode::DryRun
    } else {
        Mode::Write
    };
    go(cluster, rules, options, mode, hands).await
}

/// As [`patch_images`] where a count found nothing to do: nothing is written, whatever came since, and what an earlier
/// run began is waited for.
pub async fn watch(
    cluster: &Cluster,
    rules: &RuleSet,
    options: &PatchOptions,
    hands: Hands<'_>,
) -> Patched {
    go(cluster, rules, options, Mode::Watch, hands).await
}

/// Counts what [`patch_images`] would do, without writing or asking the server to: for the question before it. What it
/// notes in `meetings` lets the run leave both of two images that would be one.
pub async fn preview(
    cluster: &Cluster,
    rules: &RuleSet,
    options: &PatchOptions,
    targets: Option<&Targets>,
    injecting: Option<&Injecting<'_>>,
    meetings: &Meetings,
    interrupt: &Interrupt,
) -> Result<PatchReport, Failure> {
    let hands = Hands {
        injecting,
        ..Hands::silent(targets, meetings, interrupt)
    };
    let mut counted = go(cluster, rules, options, Mode::Count, hands).await;
    // The first of two images that would be one was counted before the other was seen.
    if counted.failure.is_none() && meetings.has_met() {
        counted = go(cluster, rules, options, Mode::Count, hands).await;
    }
    match counted.failure {
        Some(failure) => Err(failure),
        None => Ok(counted.report),
    }
}

async fn go(
    cluster: &Cluster,
    rules: &RuleSet,
    options: &PatchOptions,
    mode: Mode,
    hands: Hands<'_>,
) -> Patched {
    let mut custom = CustomKindsReport::default();
    if options.selection.takes_custom_kinds() {
        match custom_kinds(cluster).await {
            Ok(found) => custom = found,
            Err(error) => {
                let what = "cannot look for the cluster's own kinds";
                return Patched {
                    report: PatchReport::default(),
                    failure: Some(error.failure(what, Exit::Preflight)),
                };
            }
        }
    }
    let work = Work {
        cluster,
        rules,
        options,
        mode,
        custom_kinds: custom.kinds,
        targets: hands.targets,
        interrupt: hands.interrupt,
        meetings: hands.meetings,
        accounts: ServiceAccounts::default(),
        secrets: SecretPresence::default(),
        injecting: hands.injecting,
        injected: InjectedObjects::default(),
        sending: Semaphore::new(AT_ONCE),
        pace: Pace::new(),
        untaken: Mutex::default(),
    };
    Run::new(&work, hands).all(custom.unread).await
}

#[cfg(test)]
mod tests;
