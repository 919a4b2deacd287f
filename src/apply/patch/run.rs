//! One run: the programs, their rollouts, the listeners, the resources, and every other workload that is wanted.

use std::sync::PoisonError;

use serde_json::Value;

use super::report::{ObjectReport, PatchReport, Rejected, Treatment, Unlisted, Written};
use super::selection::Whose;
use super::write::{Mode, Treated, Work};
use super::{Hands, Patched};
use crate::clients::kube::ClusterError;
use crate::event::{Event, Outcome};
use crate::facts::controller_of;
use crate::failure::{Exit, Failure};
use crate::object::pods::{Role, image_slots};
use crate::object::{ObjectRef, Pointer, items_at, text_at};
use crate::observe::workloads::{Kind, check_namespaces, custom, listener_image};
use crate::plan::counted;
use crate::plan::patch::{MANAGER, recorded};

/// After so many objects in a row that the server failed on, there is something wrong that is not theirs. What it refuses
/// is about the object, or about who asks for it there: the next namespace may be another's.
const MOST_FAILED: usize = 100;

/// Kinds whose pods are replaced after a patch.
const ROLLING: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];

/// A scale-set controller and the image that its listeners should have.
#[derive(Debug, Clone)]
pub(super) struct Controller {
    pub(super) object: ObjectRef,
    pub(super) image: String,
    /// Where it names that image, which is where the rules see it.
    pub(super) field: Pointer,
    /// The only namespace whose runner sets it looks after; None: every namespace's.
    pub(super) watches: Option<String>,
    pub(super) changed: bool,
    /// It was patched at some time: its image was written by this program.
    pub(super) was_patched: bool,
}

/// The state of a run.
pub(super) struct Run<'a, 'h> {
    pub(super) work: &'a Work<'a>,
    pub(super) hands: Hands<'h>,
    pub(super) report: PatchReport,
    pub(super) controllers: Vec<Controller>,
    /// Programs that were changed and not waited for yet.
    rolling: Vec<ObjectRef>,
    /// Where the pods stand that ARC's container hooks make, of the runner objects that were read.
    pub(super) hook_templates: Vec<ObjectRef>,
    /// How many times programs were waited for.
    pub(super) rollouts: usize,
    /// Why no more of others' workloads are tried, where so many were refused: ARC's own come all the same.
    pub(super) gave_up: Option<Failure>,
    /// Objects that the server failed on since it took the last one.
    failed_in_a_row: usize,
}

impl<'a, 'h> Run<'a, 'h> {
    pub(super) fn new(work: &'a Work<'a>, hands: Hands<'h>) -> Self {
        Self {
            work,
            hands,
            report: PatchReport {
                dry_run: work.mode != Mode::Write,
                ..PatchReport::default()
            },
            controllers: Vec::new(),
            rolling: Vec::new(),
            hook_templates: Vec::new(),
            rollouts: 0,
            gave_up: None,
            failed_in_a_row: 0,
        }
    }

    /// `unread`: what of the cluster's own kinds nobody could read.
    pub(super) async fn all(mut self, unread: Vec<String>) -> Patched {
        self.report
            .unlisted
            .extend(unread.into_iter().map(|why| Unlisted {
                kind: "custom kind".to_owned(),
                namespace: None,
                why,
                is_required: true,
                is_forbidden: false,
            }));
        let mut ended = self.phases().await;
        if ended
            .as_ref()
            .is_err_and(|failure| failure.exit() == Exit::Interrupted)
        {
            // What was on its way when it came is counted now.
            ended = self.check_interrupt();
        }
        self.report.rolling += self.rolling.len();
        let mut untaken = self
            .work
            .untaken
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.report.untaken = std::mem::take(&mut untaken);
        drop(untaken);
        Patched {
            report: self.report,
            failure: ended.err(),
        }
    }

    async fn phases(&mut self) -> Result<(), Failure> {
        let selection = &self.work.options.selection;
        let custom = custom(&self.work.custom_kinds);
        selection.check_kinds(&custom)?;
        check_namespaces(self.work.cluster, &selection.namespaces).await?;
        let programs = selection.programs();
        self.kinds(programs.as_slice()).await?;
        // They need none of ARC's programs, which may take their time or never become ready.
        let workloads = selection.workloads(&self.in_places(custom).await);
        self.kinds(&workloads).await?;
        if programs.is_some() {
            if self.work.options.wait {
                self.roll_out().await?;
            }
            self.remake_listeners().await?;
        }
        self.kinds(&selection.resources()).await?;
        self.hook_templates().await?;
        self.gave_up.take().map_or(Ok(()), Err)
    }

    /// Waits for the programs that were changed; nothing to wait for in a dry run.
    pub(super) async fn roll_out(&mut self) -> Result<(), Failure> {
        if self.rolling.is_empty() {
            return Ok(());
        }
        let rolling = std::mem::take(&mut self.rolling);
        let timeout = self.work.options.timeout;
        let done = (self.hands.rollouts)(rolling.clone(), timeout).await;
        done.map_err(|failure| self.goes_on(failure, &rolling))?;
        self.rollouts += 1;
        self.report.rolled_out.extend(rolling);
        Ok(())
    }

    /// Waits for `controller` too, which an earlier run may have changed.
    pub(super) async fn roll_out_also(&mut self, controller: &ObjectRef) -> Result<(), Failure> {
        if self.work.mode != Mode::Write {
            return Ok(());
        }
        if !self.rolling.contains(controller) && !self.report.rolled_out.contains(controller) {
            self.rolling.push(controller.clone());
        }
        self.roll_out().await
    }

    /// True where a webhook guards an object of ARC's and its pod is being replaced just now, or was when the object was
    /// begun: that is what rolled out. What another's webhook refuses, no rollout of ARC's mends.
    pub(super) fn waits_for_rollout(&self, treated: &Treated) -> bool {
        let is_guarded = matches!(
            treated.written,
            Err(Rejected {
                error: ClusterError::WebhookFailed { .. },
                ..
            })
        );
        let is_mended = !self.rolling.is_empty() || self.rollouts > treated.rollouts;
        is_guarded && treated.is_own && self.work.mode == Mode::Write && is_mended
    }

    /// Waits for the programs, and returns the object as it is then, to be treated again; None where it cannot be.
    pub(super) async fn after_rollout(
        &mut self,
        treated: &mut Treated,
    ) -> Result<Option<Value>, Failure> {
        self.roll_out().await?;
        treated.written = match self.work.cluster.get(&treated.object).await {
            Ok(Some(now)) => return Ok(Some(now)),
            Ok(None) => {
                let object = treated.object.clone();
                Ok(Written::Left(ObjectReport::new(
                    object,
                    Treatment::Gone,
                    Vec::new(),
                )))
            }
            Err(error) => Err(error.into()),
        };
        Ok(None)
    }

    /// Takes note of what became of an object, and tells it.
    pub(super) fn take(&mut self, treated: Treated) -> Result<(), Failure> {
        let Treated {
            object,
            is_own,
            written,
            ..
        } = treated;
        let written = match written {
            Ok(written) => written,
            Err(Rejected { error, .. }) if is_own || !is_of_the_object(&error) => {
                // A wait for a busy server ends when somebody stops the run.
                self.check_interrupt()?;
                return Err(self.failure(&object, &error));
            }
            Err(rejected) => return self.took_no_patch(&object, rejected),
        };
        if matches!(written, Written::Changed { .. }) {
            self.failed_in_a_row = 0;
        }
        self.look_at_rollout(&object, &written);
        match written {
            Written::Unchanged { told, .. } => {
                // Most hold no image at all.
                let has_none = object.kind == "ConfigMap"
                    || self.has_no_pods(&object.api_version, &object.kind);
                let is_by_other_rules = told
                    .as_ref()
                    .is_some_and(|told| told.treatment == Treatment::ByOtherRules);
                if (!has_none || told.is_some()) && !is_by_other_rules {
                    self.report.unchanged += 1;
                }
                told.map_or(Ok(()), |report| self.tell(&report))
            }
            Written::Changed { report, .. } | Written::Left(report) => self.tell(&report),
            Written::Stopped => self.check_interrupt(),
        }
    }

    /// Remembers a program of ARC's that is waited for, and the listeners' image; counts other rollouts.
    fn look_at_rollout(&mut self, object: &ObjectRef, written: &Written) {
        let changed = matches!(written, Written::Changed { report, .. } if report.treatment == Treatment::Patched);
        let Some(live) = written.live() else {
            if changed && self.work.mode == Mode::Write && ROLLING.contains(&object.kind.as_str()) {
                self.report.rolling += 1;
            }
            return;
        };
        if let Some(image) = listener_image(live) {
            self.controllers.push(Controller {
                object: object.clone(),
                image: image.to_owned(),
                field: image_slots(live)
                    .into_iter()
                    .find(|slot| slot.why == Role::Listener)
                    .map_or_else(Pointer::root, |slot| slot.pointer),
                watches: controller_of(live).and_then(|controller| controller.watches),
                changed,
                was_patched: was_patched(live),
            });
        }
        // One that an earlier run patched and that never became available is no success of this one.
        let left_hanging = self.work.options.wait && was_patched(live) && hangs(live);
        let mode = self.work.mode;
        if (changed && mode == Mode::Write) || (left_hanging && mode.waits()) {
            self.rolling.push(object.clone());
        }
    }

    /// An object that the server refuses is told, and the run goes on: it may be the only one.
    fn took_no_patch(&mut self, object: &ObjectRef, rejected: Rejected) -> Result<(), Failure> {
        let Rejected { error, slots } = rejected;
        let why = error.message().to_owned();
        let mut report = ObjectReport::new(object.clone(), Treatment::Failed { why }, Vec::new());
        report.slots = slots;
        self.tell(&report)?;
        if is_refusal(&error) {
            return Ok(());
        }
        self.failed_in_a_row += 1;
        if self.failed_in_a_row >= MOST_FAILED {
            let count = counted(self.failed_in_a_row, "object");
            let failure = self.failure(object, &error);
            let failure = failure.evidence(format!("so it was with {count} in a row now"));
            self.gave_up.get_or_insert(failure);
        }
        Ok(())
    }

    pub(super) fn tell(&mut self, report: &ObjectReport) -> Result<(), Failure> {
        self.report.note(report);
        (self.hands.emit)(report)?;
        let outcome = match report.treatment {
            Treatment::Patched => Outcome::Changed,
            _ => Outcome::Kept,
        };
        (self.hands.sink)(Event::Object {
            object: report.object.clone(),
            outcome,
        });
        Ok(())
    }

    pub(super) fn check_interrupt(&self) -> Result<(), Failure> {
        if !self.hands.interrupt.is_set() {
            return Ok(());
        }
        let patched = self.report.patched();
        self.hands.interrupt.check_after(&format!(
            "{}; each is patched whole or not at all",
            were_patched(patched)
        ))
    }

    fn has_no_pods(&self, api_version: &str, kind: &str) -> bool {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        self.work.custom_kinds.has_no_pods(group, kind)
    }

    /// A kind that cannot be looked at. ARC's own it cannot do without; of the others it is told.
    pub(super) fn cannot_list(
        &mut self,
        kind: &Kind,
        namespace: Option<&str>,
        error: &ClusterError,
    ) -> Result<(), Failure> {
        self.check_interrupt()?;
        if is_of_the_object(error) && Whose::of(kind) == Whose::Others {
            self.report.unlisted.push(Unlisted {
                kind: kind.kind.clone(),
                namespace: namespace.map(str::to_owned),
                why: error.message().to_owned(),
                is_required: !self.has_no_pods(&kind.api_version, &kind.kind)
                    || self.work.options.selection.names_kind(kind),
                is_forbidden: matches!(error, ClusterError::Forbidden { .. }),
            });
            return Ok(());
        }
        Err(self.unlisted(kind, namespace, error))
    }
}

/// True for an answer about this one object or kind; the next may go through.
fn is_of_the_object(error: &ClusterError) -> bool {
    !matches!(
        error,
        ClusterError::Unauthorized { .. }
            | ClusterError::Unreachable { .. }
            | ClusterError::TooManyRequests { .. }
    )
}

/// True where the server understood, and says no to this one: missing rights, a policy, a field.
fn is_refusal(error: &ClusterError) -> bool {
    matches!(
        error,
        ClusterError::Forbidden { .. } | ClusterError::Invalid { .. }
    )
}

/// True for an object that an earlier run patched, or put back: an undo takes the annotation away, and who wrote stays.
fn was_patched(object: &Value) -> bool {
    let managed = items_at(object, "/metadata/managedFields");
    recorded(object).is_some()
        || managed
            .iter()
            .any(|entry| text_at(entry, "/manager") == Some(MANAGER))
}

/// True for a Deployment whose pods are not all available as it wants them.
fn hangs(deployment: &Value) -> bool {
    let number = |pointer: &str| deployment.pointer(pointer).and_then(Value::as_u64);
    let wanted = number("/spec/replicas").unwrap_or(1);
    let has = |pointer: &str| number(pointer).unwrap_or(0);
    has("/status/observedGeneration") < has("/metadata/generation")
        || has("/status/updatedReplicas") < wanted
        || has("/status/availableReplicas") < wanted
        || has("/status/replicas") > wanted
}

fn were_patched(count: usize) -> String {
    let verb = if count == 1 { "was" } else { "were" };
    format!("{} {verb} patched", counted(count, "object"))
}
