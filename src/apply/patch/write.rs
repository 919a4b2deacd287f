//! Decides about one object and sends its patch; decides again where it moved in between.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use tokio::sync::Semaphore;

use super::injecting::{InjectedObjects, Injecting};
use super::pace::Pace;
use super::report::{ObjectReport, Rejected, Treatment, Written, add_one};
use super::{Meetings, PatchOptions, Task};
use crate::clients::interrupt::Interrupt;
use crate::clients::kube::{Cluster, ClusterError, PatchBody, Patching};
use crate::object::pods::CustomKinds;
use crate::object::{ObjectRef, text_at};
use crate::observe::workloads::ServiceAccounts;
use crate::observe::{SecretPresence, Targets};
use crate::plan::patch::{
    AccountPullSecrets, Decided, MANAGER, Patch, Verdict, Wanted, accounted_pods, decide, recorded,
    service_account, undo,
};
use crate::rules::RuleSet;

/// Objects that are looked at and patched at the same time.
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
    /// Counted, and what an earlier run began is waited for.
    Watch,
    /// Sent for a dry run.
    DryRun,
    /// Written.
    Write,
}

impl Mode {
    /// True where nothing is sent.
    fn only_counts(self) -> bool {
        matches!(self, Self::Count | Self::Watch)
    }

    /// True where programs are waited for.
    pub(super) fn waits(self) -> bool {
        matches!(self, Self::Write | Self::Watch)
    }
}

/// What is to be done, the same for every object.
pub(super) struct Work<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) rules: &'a RuleSet,
    pub(super) options: &'a PatchOptions,
    pub(super) mode: Mode,
    /// The cluster's own kinds that may name images.
    pub(super) custom_kinds: CustomKinds,
    pub(super) targets: Option<&'a Targets>,
    pub(super) interrupt: &'a Interrupt,
    pub(super) meetings: &'a Meetings,
    pub(super) accounts: ServiceAccounts,
    pub(super) secrets: SecretPresence,
    /// What is put into every container beside the images; None: nothing.
    pub(super) injecting: Option<&'a Injecting<'a>>,
    pub(super) injected: InjectedObjects,
    /// [`AT_ONCE`] may be looked at; how many patches of them are on their way is for `pace`.
    pub(super) sending: Semaphore,
    pub(super) pace: Pace,
    /// How many images no rule takes, by registry.
    pub(super) untaken: Mutex<BTreeMap<String, usize>>,
}

/// An object that was treated.
pub(super) struct Treated {
    pub(super) object: ObjectRef,
    /// One of ARC's own.
    pub(super) is_own: bool,
    /// How many times programs had been waited for when it was begun.
    pub(super) rollouts: usize,
    pub(super) written: Result<Written, Rejected>,
}

/// Whether an object is looked at for the first time: what no rule takes of it is counted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    First,
    Again,
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
    pub(super) async fn treated(
        &self,
        object: Value,
        is_own: bool,
        look: Look,
        rollouts: usize,
    ) -> Treated {
        Treated {
            object: ObjectRef::from_value(&object),
            is_own,
            rollouts,
            written: self.treat(object, is_own, look).await,
        }
    }

    /// Decides and writes; every error but a lost race is returned. Once the run is interrupted nothing more is sent.
    async fn treat(
        &self,
        mut object: Value,
        is_own: bool,
        mut look: Look,
    ) -> Result<Written, Rejected> {
        // What a program of ARC's is afterwards decides about listeners and rollouts.
        let is_wanted = is_own && text_at(&object, "/kind") == Some("Deployment");
        // It is never closed.
        let _turn = self.sending.acquire().await.ok();
        let mut sent: Option<Sent> = None;
        let mut attempt = 1;
        loop {
            let (patch, mut report) = match self.decide(&object, look).await? {
                Next::Send(patch, report) => (*patch, report),
                Next::Unchanged(told) => {
                    let told = self.renewed(&object, told).await;
                    let own_work = sent.filter(|sent| sent.stands_in(&object));
                    let live = is_wanted.then_some(object);
                    return Ok(match own_work {
                        Some(Sent { report, .. }) => Written::Changed { report, live },
                        None => Written::Unchanged { live, told },
                    });
                }
                Next::Left(report) => return Ok(Written::Left(report)),
            };
            let left = tokio::select! {
                biased;
                _ = self.interrupt.requested() => return Ok(Written::Stopped),
                left = self.left(&mut report, &patch, &object) => left?,
            };
            if let Some(treatment) = left {
                return Ok(Written::Left(instead(report, treatment)));
            }
            if self.mode.only_counts() {
                let live = is_wanted.then(|| patch.after(&object));
                return Ok(Written::Changed { report, live });
            }
            if let Some(treatment) = self.cannot_inject(&report).await {
                return Ok(Written::Left(instead(report, treatment)));
            }
            let turn = tokio::select! {
                biased;
                _ = self.interrupt.requested() => return Ok(Written::Stopped),
                turn = self.pace.turn() => turn,
            };
            let sending = self.send(&patch, &object, &mut report, (is_wanted, attempt));
            let error = match turn.send(sending).await {
                Ok(live) => return Ok(Written::Changed { report, live }),
                Err(error) => error,
            };
            let now = match self.moved_to(&object, &report, &error).await? {
                After::Moved(now) if attempt < ATTEMPTS => now,
                After::Moved(_) | After::Same => return Err(Rejected::of(report, error)),
                After::Gone => return Ok(Written::Left(instead(report, Treatment::Gone))),
            };
            sent = Some(Sent {
                after: patch.after(&object),
                before: std::mem::replace(&mut object, now),
                report,
            });
            look = Look::Again;
            attempt += 1;
        }
    }

    /// What became of an object whose patch was answered with `error`.
    async fn moved_to(
        &self,
        before: &Value,
        report: &ObjectReport,
        error: &ClusterError,
    ) -> Result<After, ClusterError> {
        if !may_have_moved(error) {
            return Ok(After::Same);
        }
        let Some(now) = self.cluster.get(&report.object).await? else {
            return Ok(After::Gone);
        };
        let is_conflict = matches!(error, ClusterError::Conflict { .. });
        if is_conflict || moved(before, &now) {
            return Ok(After::Moved(now));
        }
        Ok(After::Same)
    }

    /// Why the object is left as it is although its patch is known.
    async fn left(
        &self,
        report: &mut ObjectReport,
        patch: &Patch,
        object: &Value,
    ) -> Result<Option<Treatment>, ClusterError> {
        if let Some(missing) = self.secret_is_missing(report).await {
            return Ok(Some(missing));
        }
        self.verify(report, patch, object).await
    }

    async fn decide(&self, object: &Value, look: Look) -> Result<Next, ClusterError> {
        let accounts = self.account_pull_secrets(object).await?;
        let wanted = Wanted {
            pull_secret: self.options.pull_secret.as_deref(),
            injection: self.injecting.map(|injecting| injecting.injection),
            force: self.options.force,
            service_account_pull_secrets: &accounts,
            custom_kinds: Some(&self.custom_kinds),
            is_named: self.options.selection.names(object),
        };
        let mut decided = match self.options.task {
            Task::Rewrite => decide(object, self.rules, &wanted),
            Task::Undo => undo(object),
        };
        if look == Look::First {
            self.count_untaken(&decided.untaken);
        }
        self.compare(&mut decided, object);
        Ok(next(decided, object))
    }

    fn count_untaken(&self, hosts: &[String]) {
        if hosts.is_empty() {
            return;
        }
        let mut known = self.untaken.lock().unwrap_or_else(PoisonError::into_inner);
        for host in hosts {
            add_one(&mut known, host);
        }
    }

    /// Refuses what would be one image with another object's.
    fn compare(&self, decided: &mut Decided, object: &Value) {
        let changes = !matches!(decided.verdict, Verdict::Unchanged | Verdict::Stays);
        match self.meetings.meet(&decided.arrivals, object, changes) {
            Ok(true) => {}
            Ok(false) => decided.notes.push(NOT_COMPARED.to_owned()),
            Err(mut reasons) => {
                if let Verdict::Refused(others) = &mut decided.verdict {
                    reasons.append(others);
                }
                decided.verdict = Verdict::Refused(reasons);
                decided.would_change.clear();
            }
        }
    }

    /// Sends a patch, for the first time or again; returns what the object is then, if `is_wanted`, and notes what the
    /// server warned of.
    async fn send(
        &self,
        patch: &Patch,
        before: &Value,
        report: &mut ObjectReport,
        (is_wanted, attempt): (bool, usize),
    ) -> Result<Option<Value>, ClusterError> {
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
                strict: !report.pull_secrets.is_empty() || !report.injected.is_empty(),
                dry_run,
            };
            // A status that moves all the time would refuse it for ever: then the tests of the JSON patch are better.
            let strategic = if attempt == 1 {
                patch.strategic(before)
            } else {
                None
            };
            let body = match &strategic {
                Some(merged) => PatchBody::Strategic(merged),
                None => PatchBody::Json(operations),
            };
            let sent = self.cluster.patch_unread(object, body, &how);
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
                Ok(is_wanted.then(|| patch.after(before)))
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

/// What follows from a verdict.
fn next(decided: Decided, object: &Value) -> Next {
    let Decided {
        verdict,
        notes,
        would_change,
        is_by_other_rules,
        ..
    } = decided;
    let reference = ObjectRef::from_value(object);
    let treatment = match verdict {
        Verdict::Unchanged => {
            let treatment = if is_by_other_rules {
                Treatment::ByOtherRules
            } else {
                Treatment::Unchanged
            };
            let told = (!notes.is_empty()).then(|| ObjectReport::new(reference, treatment, notes));
            return Next::Unchanged(told);
        }
        Verdict::Stays => Treatment::Stays,
        Verdict::Patch(mut patch) => {
            let mut report = ObjectReport::new(reference, Treatment::Patched, notes);
            report.slots = std::mem::take(&mut patch.slots);
            report.pull_secrets = std::mem::take(&mut patch.pull_secrets);
            report.injected = std::mem::take(&mut patch.injected);
            report.removed = std::mem::take(&mut patch.removed);
            report.changed_since = patch.changed_since;
            if report.changes_nothing() {
                report.treatment = Treatment::Kept;
            }
            return Next::Send(patch, report);
        }
        Verdict::Made(from) => Treatment::Made { from },
        Verdict::Owned(advice) => Treatment::Owned { advice },
        Verdict::Skipped(why) => Treatment::Skipped { why },
        Verdict::Refused(reasons) => Treatment::Refused { reasons },
    };
    let mut report = ObjectReport::new(reference, treatment, notes);
    report.slots = would_change;
    Next::Left(report)
}

/// An object that is left although a patch of it was known.
fn instead(mut report: ObjectReport, treatment: Treatment) -> ObjectReport {
    report.treatment = treatment;
    report.slots.clear();
    report.pull_secrets.clear();
    report.injected.clear();
    report
}

/// An object after a patch that was not taken.
enum After {
    /// It is another meanwhile.
    Moved(Value),
    /// It is as it was: the patch is what the server does not take.
    Same,
    Gone,
}

/// A patch to which the answer was that the object had moved.
struct Sent {
    /// The object before, and as it was sent.
    before: Value,
    after: Value,
    report: ObjectReport,
}

impl Sent {
    /// True where the object carries the record that was sent and did not before: a proxy gave up on an answer, and
    /// the patch that went out again found its own work.
    fn stands_in(&self, object: &Value) -> bool {
        let sent = recorded(&self.after);
        recorded(&self.before) != sent && recorded(object) == sent
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
