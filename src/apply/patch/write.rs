//! Decides about one object and sends its patch; decides again where it moved in between.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use tokio::sync::Semaphore;

use super::report::{ObjectReport, Treatment, Untaken, Written, add_one};
use super::{Meetings, PatchOptions, Task};
use crate::clients::interrupt::Interrupt;
use crate::clients::kube::{Cluster, ClusterError, Patching};
use crate::object::pods::CustomKinds;
use crate::object::{ObjectRef, text_at};
use crate::observe::workloads::ServiceAccounts;
use crate::observe::{SecretPresence, Targets};
use crate::plan::patch::{
    AccountPullSecrets, Decided, MANAGER, Patch, Verdict, Wanted, accounted_pods, decide,
    service_account, undo,
};
use crate::rules::RuleSet;

/// Patches on their way at the same time. More do not make an API server faster: docs/benchmarks.md.
pub(super) const AT_ONCE: usize = 8;

/// How often an object that moves is decided again.
const ATTEMPTS: usize = 5;

/// Said of an object whose images came after the bound.
const NOT_COMPARED: &str =
    "there are too many images to know whether another one would become one of these";

/// What is done with a patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Counted.
    Count,
    /// Sent for a dry run.
    DryRun,
    /// Written.
    Write,
}

/// What is to be done, the same for every object.
pub(super) struct Work<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) rules: &'a RuleSet,
    pub(super) options: &'a PatchOptions,
    pub(super) mode: Mode,
    /// The cluster's own kinds that have pods.
    pub(super) custom_kinds: CustomKinds,
    pub(super) targets: Option<&'a Targets>,
    pub(super) interrupt: &'a Interrupt,
    pub(super) meetings: &'a Meetings,
    pub(super) accounts: ServiceAccounts,
    pub(super) secrets: SecretPresence,
    /// [`AT_ONCE`] may be on their way.
    pub(super) sending: Semaphore,
    /// How many images no rule takes, by registry.
    pub(super) untaken: Mutex<BTreeMap<String, usize>>,
}

/// An object that was treated.
pub(super) struct Treated {
    pub(super) object: ObjectRef,
    /// One of ARC's own.
    pub(super) is_own: bool,
    pub(super) written: Result<Written, Untaken>,
}

/// What is to be done with an object: send this patch, or leave it.
enum Next {
    Send(Box<Patch>, ObjectReport),
    /// With what is to be told of it all the same.
    Unchanged(Option<ObjectReport>),
    Left(ObjectReport),
}

impl Work<'_> {
    /// Decides and writes, and keeps which object it was.
    pub(super) async fn treated(&self, object: Value, is_own: bool) -> Treated {
        Treated {
            object: ObjectRef::from_value(&object),
            is_own,
            written: self.treat(object, is_own).await,
        }
    }

    /// Decides and writes; every error but a lost race is returned. Once the run is interrupted nothing more is sent.
    pub(super) async fn treat(&self, mut object: Value, is_own: bool) -> Result<Written, Untaken> {
        // What a program of ARC's is afterwards decides about listeners and rollouts.
        let is_wanted = is_own && text_at(&object, "/kind") == Some("Deployment");
        // It is never closed.
        let _turn = self.sending.acquire().await.ok();
        let mut attempt = 1;
        loop {
            let (patch, mut report) = match self.decide(&object, attempt == 1).await? {
                Next::Send(patch, report) => (*patch, report),
                Next::Unchanged(told) => {
                    let live = is_wanted.then_some(object);
                    return Ok(Written::Unchanged { live, told });
                }
                Next::Left(report) => return Ok(Written::Left(report)),
            };
            let left = tokio::select! {
                biased;
                _ = self.interrupt.requested() => return Ok(Written::Stopped),
                left = self.left(&mut report, &patch.after) => left?,
            };
            if let Some(treatment) = left {
                report.treatment = treatment;
                report.slots.clear();
                report.pull_secrets.clear();
                return Ok(Written::Left(report));
            }
            let error = match self.send(patch, &mut report, is_wanted).await {
                Ok(live) => return Ok(Written::Changed { report, live }),
                Err(error) => error,
            };
            if !may_have_moved(&error) {
                return Err(Untaken::of(report, error));
            }
            let Some(now) = self.cluster.get(&report.object).await? else {
                report.treatment = Treatment::Gone;
                report.slots.clear();
                return Ok(Written::Left(report));
            };
            let is_conflict = matches!(error, ClusterError::Conflict { .. });
            if attempt == ATTEMPTS || (!is_conflict && !moved(&object, &now)) {
                return Err(Untaken::of(report, error));
            }
            attempt += 1;
            object = now;
        }
    }

    /// Why the object is left as it is although its patch is known.
    async fn left(
        &self,
        report: &mut ObjectReport,
        after: &Value,
    ) -> Result<Option<Treatment>, ClusterError> {
        if let Some(missing) = self.secret_is_missing(report).await {
            return Ok(Some(missing));
        }
        self.verify(report, after).await
    }

    /// `counts` for the first look at an object: what no rule takes of it is counted once.
    async fn decide(&self, object: &Value, counts: bool) -> Result<Next, ClusterError> {
        let accounts = self.account_pull_secrets(object).await?;
        let wanted = Wanted {
            pull_secret: self.options.pull_secret.as_deref(),
            force: self.options.force,
            service_account_pull_secrets: &accounts,
            custom_kinds: Some(&self.custom_kinds),
        };
        let Decided {
            mut verdict,
            mut notes,
            arrivals,
            untaken,
        } = match self.options.task {
            Task::Rewrite => decide(object, self.rules, &wanted),
            Task::Undo => undo(object),
        };
        if counts && !untaken.is_empty() {
            let mut known = self.untaken.lock().unwrap_or_else(PoisonError::into_inner);
            for host in untaken {
                add_one(&mut known, &host);
            }
        }
        let changes = !matches!(verdict, Verdict::Unchanged | Verdict::Stays);
        match self.meetings.meet(&arrivals, object, changes) {
            Ok(true) => {}
            Ok(false) => notes.push(NOT_COMPARED.to_owned()),
            Err(mut reasons) => {
                if let Verdict::Refused(others) = verdict {
                    reasons.extend(others);
                }
                verdict = Verdict::Refused(reasons);
            }
        }
        let treatment = match verdict {
            Verdict::Unchanged => {
                let told = (!notes.is_empty()).then(|| {
                    let reference = ObjectRef::from_value(object);
                    ObjectReport::new(reference, Treatment::Unchanged, notes)
                });
                return Ok(Next::Unchanged(told));
            }
            Verdict::Stays => Treatment::Stays,
            Verdict::Patch(mut patch) => {
                let reference = ObjectRef::from_value(object);
                let mut report = ObjectReport::new(reference, Treatment::Patched, notes);
                report.slots = std::mem::take(&mut patch.slots);
                report.pull_secrets = std::mem::take(&mut patch.pull_secrets);
                report.removed = std::mem::take(&mut patch.removed);
                if report.changes_nothing() {
                    report.treatment = Treatment::Kept;
                }
                return Ok(Next::Send(patch, report));
            }
            Verdict::Made(from) => Treatment::Made { from },
            Verdict::Owned(advice) => Treatment::Owned { advice },
            Verdict::Skipped(why) => Treatment::Skipped { why },
            Verdict::Refused(reasons) => Treatment::Refused { reasons },
        };
        let reference = ObjectRef::from_value(object);
        Ok(Next::Left(ObjectReport::new(reference, treatment, notes)))
    }

    /// Sends a patch; returns what the object is then, if `is_wanted`, and notes what the server warned of.
    async fn send(
        &self,
        patch: Patch,
        report: &mut ObjectReport,
        is_wanted: bool,
    ) -> Result<Option<Value>, ClusterError> {
        if self.mode == Mode::Count {
            return Ok(is_wanted.then_some(patch.after));
        }
        let dry_run = self.mode == Mode::DryRun;
        let (object, operations) = (&report.object, &patch.operations);
        let sent = if is_wanted {
            let sent = self
                .cluster
                .json_patch(object, operations, MANAGER, dry_run);
            let sent = sent.await;
            sent.map(|applied| (applied.warnings, Some(applied.object)))
        } else {
            let how = Patching {
                manager: MANAGER,
                // Images stand where images stood; a list of pull secrets may be new to the kind.
                strict: !report.pull_secrets.is_empty(),
                dry_run,
            };
            let sent = self.cluster.json_patch_unread(object, operations, &how);
            sent.await.map(|warnings| (warnings, None))
        };
        match sent {
            Ok((warnings, live)) => {
                report.notes.extend(warnings);
                Ok(live)
            }
            Err(ClusterError::WebhookFailed { message, .. }) if dry_run => {
                let note = format!("not known whether it is accepted: {message}");
                report.notes.push(note);
                Ok(is_wanted.then_some(patch.after))
            }
            Err(error) => Err(error),
        }
    }

    /// Of every ServiceAccount that a pod of the object runs as.
    async fn account_pull_secrets(
        &self,
        object: &Value,
    ) -> Result<Vec<AccountPullSecrets>, ClusterError> {
        let mut found: Vec<AccountPullSecrets> = Vec::new();
        let (Some(_), Some(namespace)) = (
            &self.options.pull_secret,
            text_at(object, "/metadata/namespace"),
        ) else {
            return Ok(found);
        };
        for pod in accounted_pods(object, Some(&self.custom_kinds)) {
            let account = service_account(object, &pod);
            if found.iter().any(|known| known.account == account) {
                continue;
            }
            let secrets = self.accounts.pull_secrets(self.cluster, namespace, account);
            found.push(AccountPullSecrets {
                account: account.to_owned(),
                pull_secrets: secrets.await?,
            });
        }
        Ok(found)
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
        "/template",
        "/data",
    ]
    .iter()
    .any(|path| before.pointer(path) != now.pointer(path))
}
