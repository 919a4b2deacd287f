//! Decides about one object and sends its patch; decides again where it moved in between.

use serde_json::Value;

use super::report::{ObjectReport, Treatment, Written};
use super::run::{Mode, Run};
use crate::clients::kube::ClusterError;
use crate::object::ObjectRef;
use crate::object::pods::pod_specs;
use crate::plan::patch::{Decided, MANAGER, Patch, Verdict, Wanted, decide};

/// How often an object that moves is decided again.
const ATTEMPTS: usize = 5;

/// What is to be done with an object: send this patch, or leave it.
enum Next {
    Send(Box<Patch>, ObjectReport),
    Done(Written),
}

impl Run<'_> {
    /// Decides and writes; every error but a lost race is returned.
    pub(super) async fn treat(&mut self, mut object: Value) -> Result<Written, ClusterError> {
        let mut attempt = 1;
        loop {
            let (patch, mut report) = match self.decide(&object).await? {
                Next::Send(patch, report) => (*patch, report),
                Next::Done(written) => return Ok(written),
            };
            if self.mode == Mode::Count {
                let live = patch.after;
                return Ok(Written::Changed { report, live });
            }
            let error = match self.send(patch, &mut report).await {
                Ok(live) => return Ok(Written::Changed { report, live }),
                Err(error) => error,
            };
            if !may_have_moved(&error) {
                return Err(error);
            }
            let Some(now) = self.cluster.get(&report.object).await? else {
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

    async fn decide(&mut self, object: &Value) -> Result<Next, ClusterError> {
        let reference = ObjectRef::from_value(object);
        let accounts = self.account_pull_secrets(object, &reference).await?;
        let wanted = Wanted {
            pull_secret: self.options.pull_secret.as_deref(),
            force: self.options.force,
            service_account_pull_secrets: &accounts,
        };
        let Decided { verdict, notes } = decide(object, self.rules, &wanted);
        let mut report = ObjectReport {
            object: reference,
            treatment: Treatment::Patched,
            slots: Vec::new(),
            pull_secrets: Vec::new(),
            notes,
        };
        report.treatment = match verdict {
            Verdict::Unchanged => return Ok(Next::Done(Written::Unchanged(object.clone()))),
            Verdict::Patch(mut patch) => {
                report.slots = std::mem::take(&mut patch.slots);
                report.pull_secrets = std::mem::take(&mut patch.pull_secrets);
                return Ok(Next::Send(patch, report));
            }
            Verdict::Made(from) => Treatment::Made { from },
            Verdict::Owned(advice) => Treatment::Owned { advice },
            Verdict::Skipped(why) => Treatment::Skipped { why },
            Verdict::Refused(reasons) => Treatment::Refused { reasons },
        };
        Ok(Next::Done(Written::Left(report)))
    }

    /// Sends a patch; returns what the object is then, and notes what the server warned of.
    async fn send(&self, patch: Patch, report: &mut ObjectReport) -> Result<Value, ClusterError> {
        let dry_run = self.mode == Mode::DryRun;
        let sent = self
            .cluster
            .json_patch(&report.object, &patch.operations, MANAGER, dry_run)
            .await;
        match sent {
            Ok(applied) => {
                report.notes.extend(applied.warnings);
                Ok(applied.object)
            }
            Err(ClusterError::WebhookFailed { message, .. }) if dry_run => {
                let note = format!("not known whether it is accepted: {message}");
                report.notes.push(note);
                Ok(patch.after)
            }
            Err(error) => Err(error),
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

/// A failed `test` is answered as an invalid request, as is a patch that is wrong.
fn may_have_moved(error: &ClusterError) -> bool {
    matches!(
        error,
        ClusterError::Conflict { .. }
            | ClusterError::Invalid { .. }
            | ClusterError::NotFound { .. }
    )
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
