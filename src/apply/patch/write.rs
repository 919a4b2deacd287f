//! Decides about one object and sends its patch; decides again where it moved in between.

use serde_json::Value;

use super::report::{ObjectReport, Treatment};
use super::run::{Mode, Run};
use crate::clients::kube::ClusterError;
use crate::object::ObjectRef;
use crate::object::pods::pod_specs;
use crate::plan::patch::{Decided, MANAGER, Verdict, Wanted, decide};

/// How often an object that moves is decided again.
const ATTEMPTS: usize = 5;

/// What became of an object.
#[derive(Debug)]
pub(super) enum Written {
    /// As wanted already.
    Unchanged(Value),
    /// Patched, or counted, or accepted in a dry run; `live` is what it is then.
    Changed { report: ObjectReport, live: Value },
    /// Not patched, and why.
    Left(ObjectReport),
}

impl Written {
    /// The object as it is now; None where it was left.
    pub(super) fn live(&self) -> Option<&Value> {
        match self {
            Self::Unchanged(object) | Self::Changed { live: object, .. } => Some(object),
            Self::Left(_) => None,
        }
    }
}

impl Run<'_> {
    /// Decides and writes; every error but a lost race is returned.
    pub(super) async fn treat(&mut self, mut object: Value) -> Result<Written, ClusterError> {
        let reference = ObjectRef::from_value(&object);
        let mut attempt = 1;
        loop {
            let accounts = self.account_pull_secrets(&object, &reference).await?;
            let wanted = Wanted {
                pull_secret: self.options.pull_secret.as_deref(),
                force: self.options.force,
                service_account_pull_secrets: &accounts,
            };
            let Decided { verdict, notes } = decide(&object, self.rules, &wanted);
            let mut report = ObjectReport {
                object: reference.clone(),
                treatment: Treatment::Patched,
                slots: Vec::new(),
                pull_secrets: Vec::new(),
                notes,
            };
            let patch = match verdict {
                Verdict::Unchanged => return Ok(Written::Unchanged(object)),
                Verdict::Made(from) => {
                    report.treatment = Treatment::Made { from };
                    return Ok(Written::Left(report));
                }
                Verdict::Owned(advice) => {
                    report.treatment = Treatment::Owned { advice };
                    return Ok(Written::Left(report));
                }
                Verdict::Refused(reasons) => {
                    report.treatment = Treatment::Refused { reasons };
                    return Ok(Written::Left(report));
                }
                Verdict::Patch(patch) => *patch,
            };
            report.slots = patch.slots;
            report.pull_secrets = patch.pull_secrets;
            if self.mode == Mode::Count {
                return Ok(Written::Changed {
                    report,
                    live: patch.after,
                });
            }
            let dry_run = self.mode == Mode::DryRun;
            let sent = self
                .cluster
                .json_patch(&reference, &patch.operations, MANAGER, dry_run)
                .await;
            let error = match sent {
                Ok(applied) => {
                    report.notes.extend(applied.warnings);
                    return Ok(Written::Changed {
                        report,
                        live: applied.object,
                    });
                }
                Err(ClusterError::WebhookFailed { message, .. }) if dry_run => {
                    report
                        .notes
                        .push(format!("not known whether it is accepted: {message}"));
                    return Ok(Written::Changed {
                        report,
                        live: patch.after,
                    });
                }
                Err(error) => error,
            };
            // A failed `test` is answered as an invalid request, as is a patch that is wrong.
            let may_have_moved = matches!(
                error,
                ClusterError::Conflict { .. }
                    | ClusterError::Invalid { .. }
                    | ClusterError::NotFound { .. }
            );
            if !may_have_moved {
                return Err(error);
            }
            let Some(now) = self.cluster.get(&reference).await? else {
                report.treatment = Treatment::Gone;
                report.slots.clear();
                return Ok(Written::Left(report));
            };
            let is_conflict = matches!(error, ClusterError::Conflict { .. });
            if attempt == ATTEMPTS || (!is_conflict && !moved(&object, &now)) {
                return Err(error);
            }
            attempt += 1;
            object = now;
        }
    }

    async fn account_pull_secrets(
        &mut self,
        object: &Value,
        reference: &ObjectRef,
    ) -> Result<Vec<String>, ClusterError> {
        let (Some(_), Some(namespace)) = (&self.options.pull_secret, &reference.namespace) else {
            return Ok(Vec::new());
        };
        // The controllers of ARC and a Deployment alike default to the namespace's own account.
        let account = pod_specs(object)
            .first()
            .and_then(|pod| pod.pointer.child("serviceAccountName").get(object))
            .and_then(Value::as_str)
            .filter(|name| !name.is_empty())
            .unwrap_or("default");
        self.accounts
            .pull_secrets(self.cluster, namespace, account)
            .await
            .map(<[String]>::to_vec)
    }
}

/// True where what the patch tests is not as it was.
fn moved(before: &Value, now: &Value) -> bool {
    [
        "/metadata/uid",
        "/metadata/generation",
        "/metadata/annotations",
        "/spec",
    ]
    .iter()
    .any(|path| before.pointer(path) != now.pointer(path))
}
