//! `patch-images`: rewrites what already runs, whoever installed it. Streams: page → decide → patch → emit.
//!
//! ARC's programs come first and are waited for, so that the webhooks that guard the resources answer. No
//! plan and no receipt file: the annotation on each object is the receipt.

mod listeners;
mod report;
mod run;
mod write;

use std::time::Duration;

use futures::future::BoxFuture;

use crate::clients::interrupt::Interrupt;
use crate::clients::kube::Cluster;
use crate::event::Sink;
use crate::failure::Failure;
use crate::object::ObjectRef;
use crate::rules::RuleSet;

pub use report::{ObjectReport, PatchReport, Treatment};
use run::{Mode, Run};

/// What is wanted besides the rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PatchOptions {
    /// Only this namespace; None is all of them.
    pub namespace: Option<String>,
    /// The pull secret to append.
    pub pull_secret: Option<String>,
    /// Asks the server what would happen, writes nothing.
    pub dry_run: bool,
    /// Patches what a deployment tool owns.
    pub force: bool,
    /// Waits for every rollout; without it only where the next step needs one.
    pub wait: bool,
    /// How long a wait may go without progress.
    pub timeout: Duration,
}

/// Waits until these objects are rolled out; the duration is the time without progress. The caller hands in
/// what verifies (`verify::wait::rollouts`), since data flows from here to there.
pub type Rollouts<'a> =
    &'a (dyn Fn(Vec<ObjectRef>, Duration) -> BoxFuture<'a, Result<(), Failure>> + Send + Sync);

/// Patches every object that the rules concern. The report says what was not patched and why; its
/// [`PatchReport::exit`] is the exit code. A failure ends the run where it happens; a second run goes on there.
pub async fn patch_images(
    cluster: &Cluster,
    rules: &RuleSet,
    options: &PatchOptions,
    rollouts: Rollouts<'_>,
    sink: Sink<'_>,
    interrupt: &Interrupt,
) -> Result<PatchReport, Failure> {
    let mode = if options.dry_run {
        Mode::DryRun
    } else {
        Mode::Write
    };
    Run::new(cluster, rules, options, mode, sink, interrupt)
        .all(rollouts)
        .await
}

/// Counts what [`patch_images`] would do, without writing or asking the server to: for the question before it.
pub async fn preview(
    cluster: &Cluster,
    rules: &RuleSet,
    options: &PatchOptions,
    interrupt: &Interrupt,
) -> Result<PatchReport, Failure> {
    let never: Rollouts<'_> = &|_, _| Box::pin(async { Ok(()) });
    Run::new(cluster, rules, options, Mode::Count, &|_| {}, interrupt)
        .all(never)
        .await
}

#[cfg(test)]
mod tests;
