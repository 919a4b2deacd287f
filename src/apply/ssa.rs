//! Server-side apply of one complete object, and what a refusal means.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::clients::kube::{Applied, ApplyOptions, Cluster, ClusterError};
use crate::failure::{Exit, Failure};
use crate::object::{Manifest, ObjectRef};
use crate::observe::{FieldOwner, MANAGER, Resolver, all_ours};
use crate::plan::{conflict_failure, is_runner_object};

use crate::clients::interrupt::Interrupt;

/// A kind that was just established, and a webhook whose endpoint was just made, may take this long to answer.
pub(super) const SETTLING: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Applies objects for one run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writer<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) resolver: &'a Resolver<'a>,
    pub(super) force_conflicts: bool,
    pub(super) interrupt: &'a Interrupt,
    /// How long what passes by itself may take.
    pub(super) settling: Duration,
}

impl Writer<'_> {
    /// Applies a manifest with its late values. With `both`, caBundles trust the replaced authority too.
    pub(super) async fn apply(&self, manifest: &Manifest, both: bool) -> Result<Applied, Failure> {
        let object = manifest.reference();
        let wanted = self
            .resolver
            .resolve(self.cluster, manifest, None, both)
            .await?;
        let start = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut force = false;
        loop {
            self.interrupt.check()?;
            let options = ApplyOptions {
                manager: MANAGER,
                force,
                dry_run: false,
            };
            let error = match self.cluster.apply(&wanted, &options).await {
                Ok(applied) => {
                    let version = applied.object.pointer("/metadata/resourceVersion");
                    self.resolver
                        .note_version(&object, version.and_then(|version| version.as_str()));
                    return Ok(applied);
                }
                Err(error) => error,
            };
            match &error {
                ClusterError::Conflict { owners, .. } if !owners.is_empty() && !force => {
                    let owners: Vec<FieldOwner> = owners
                        .iter()
                        .map(|owner| FieldOwner {
                            manager: owner.manager.clone(),
                            field: owner.field.clone(),
                        })
                        .collect();
                    let definition = object.kind == "CustomResourceDefinition";
                    if !all_ours(&owners) && (definition || !self.force_conflicts) {
                        return Err(conflict_failure(&[(&object, &owners)]));
                    }
                    force = true;
                    continue;
                }
                _ if settles(&error, &object) && start.elapsed() < self.settling => {}
                _ => return Err(refused(&error, &object)),
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// What passes by itself shortly after something else was made.
fn settles(error: &ClusterError, object: &ObjectRef) -> bool {
    match error {
        ClusterError::NotFound { .. } => is_runner_object(object),
        ClusterError::WebhookFailed { .. } => true,
        ClusterError::Conflict { owners, .. } => owners.is_empty(),
        _ => false,
    }
}

fn refused(error: &ClusterError, object: &ObjectRef) -> Failure {
    let failure = error.failure(format!("{object} was refused"), Exit::ApplyFailed);
    match error {
        ClusterError::WebhookFailed { webhook, .. } => failure
            .remedy(format!(
                "see whether the backend of the webhook {webhook} runs and is trusted"
            ))
            .remedy("then run the same command again: it goes on from what is there"),
        _ => failure.remedy(
            "when it is repaired, run the same command again: it goes on from what is there",
        ),
    }
}
