//! One run: the programs, their rollouts, the listeners, the resources.

use serde_json::Value;

use super::report::{ObjectReport, PatchReport, Treatment, Written};
use super::{PatchOptions, Rollouts};
use crate::clients::interrupt::Interrupt;
use crate::clients::kube::{Cluster, ClusterError};
use crate::event::{Event, Outcome, Sink};
use crate::facts::controller_of;
use crate::failure::{Exit, Failure};
use crate::object::pods::{Role, image_slots};
use crate::object::{ObjectRef, Pointer};
use crate::observe::workloads::{
    Kind, ServiceAccounts, is_arc_program, listener_image, page, programs, resources,
};
use crate::plan::counted;
use crate::plan::patch::ORIGINAL_IMAGES;
use crate::rules::RuleSet;

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
}

/// The state of a run.
pub(super) struct Run<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) rules: &'a RuleSet,
    pub(super) options: &'a PatchOptions,
    pub(super) mode: Mode,
    pub(super) sink: Sink<'a>,
    interrupt: &'a Interrupt,
    pub(super) accounts: ServiceAccounts,
    pub(super) report: PatchReport,
    pub(super) controllers: Vec<Controller>,
    /// Programs that were changed and not waited for yet.
    rolling: Vec<ObjectRef>,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        cluster: &'a Cluster,
        rules: &'a RuleSet,
        options: &'a PatchOptions,
        mode: Mode,
        sink: Sink<'a>,
        interrupt: &'a Interrupt,
    ) -> Self {
        Self {
            cluster,
            rules,
            options,
            mode,
            sink,
            interrupt,
            accounts: ServiceAccounts::default(),
            report: PatchReport {
                dry_run: mode != Mode::Write,
                ..PatchReport::default()
            },
            controllers: Vec::new(),
            rolling: Vec::new(),
        }
    }

    pub(super) async fn all(mut self, rollouts: Rollouts<'_>) -> Result<PatchReport, Failure> {
        self.kind(&programs(), rollouts).await?;
        if self.options.wait {
            self.roll_out(rollouts).await?;
        }
        self.remake_listeners(rollouts).await?;
        for kind in resources() {
            self.kind(&kind, rollouts).await?;
        }
        Ok(self.report)
    }

    /// Waits for the programs that were changed; nothing to wait for in a dry run.
    pub(super) async fn roll_out(&mut self, rollouts: Rollouts<'_>) -> Result<(), Failure> {
        if self.rolling.is_empty() {
            return Ok(());
        }
        let rolling = std::mem::take(&mut self.rolling);
        let done = rollouts(rolling.clone(), self.options.timeout).await;
        done.map_err(|failure| self.goes_on(failure, &rolling))?;
        self.report.rolled_out.extend(rolling);
        Ok(())
    }

    /// Waits for `controller` too, which an earlier run may have changed.
    pub(super) async fn roll_out_also(
        &mut self,
        controller: &ObjectRef,
        rollouts: Rollouts<'_>,
    ) -> Result<(), Failure> {
        if self.mode != Mode::Write {
            return Ok(());
        }
        if !self.rolling.contains(controller) && !self.report.rolled_out.contains(controller) {
            self.rolling.push(controller.clone());
        }
        self.roll_out(rollouts).await
    }

    async fn kind(&mut self, kind: &Kind, rollouts: Rollouts<'_>) -> Result<(), Failure> {
        let mut token: Option<String> = None;
        loop {
            self.check_interrupt()?;
            let namespace = self.options.namespace.as_deref();
            let next = page(self.cluster, kind, namespace, token.as_deref()).await;
            let next = match next {
                // The token is too old: from the start, where what is done is found as wanted.
                Err(ClusterError::Gone { .. }) if token.is_some() => {
                    token = None;
                    continue;
                }
                next => next.map_err(|error| self.unlisted(kind, &error))?,
            };
            for object in next.items {
                self.check_interrupt()?;
                if kind.kind != "Deployment" || is_arc_program(&object) {
                    self.object(object, rollouts).await?;
                }
            }
            token = next.next;
            if token.is_none() {
                return Ok(());
            }
        }
    }

    async fn object(&mut self, object: Value, rollouts: Rollouts<'_>) -> Result<(), Failure> {
        let reference = ObjectRef::from_value(&object);
        let mut written = self.treat(object.clone()).await;
        // A webhook guards this kind and its pod is being replaced just now: that is what rolled out.
        if let Err(ClusterError::WebhookFailed { .. }) = &written
            && self.mode == Mode::Write
            && !self.rolling.is_empty()
        {
            self.roll_out(rollouts).await?;
            written = self.treat(object).await;
        }
        let written = written.map_err(|error| self.failure(&reference, &error))?;
        let changed = matches!(written, Written::Changed { .. });
        if let Some(live) = written.live()
            && let Some(image) = listener_image(live)
        {
            self.controllers.push(Controller {
                object: reference.clone(),
                image: image.to_owned(),
                field: image_slots(live)
                    .into_iter()
                    .find(|slot| slot.why == Role::Listener)
                    .map_or_else(Pointer::root, |slot| slot.pointer),
                watches: controller_of(live).and_then(|controller| controller.watches),
                changed,
            });
        }
        // One that an earlier run patched and that never became available is no success of this one.
        let waited_for = changed || (self.options.wait && written.live().is_some_and(hangs));
        if waited_for && self.mode == Mode::Write && reference.kind == "Deployment" {
            self.rolling.push(reference.clone());
        }
        match written {
            Written::Unchanged(_) => self.report.unchanged += 1,
            Written::Changed { report, .. } | Written::Left(report) => {
                self.tell(&report);
                self.report.objects.push(report);
            }
        }
        Ok(())
    }

    fn tell(&self, report: &ObjectReport) {
        for slot in &report.slots {
            let before = slot.before.as_deref().unwrap_or("(not set)");
            (self.sink)(Event::Note {
                text: format!(
                    "{}: {}: {before} → {} ({})",
                    report.object, slot.place, slot.after, slot.rule
                ),
            });
        }
        let outcome = match report.treatment {
            Treatment::Patched => Outcome::Changed,
            _ => Outcome::Kept,
        };
        (self.sink)(Event::Object {
            object: report.object.clone(),
            outcome,
        });
    }

    pub(super) fn check_interrupt(&self) -> Result<(), Failure> {
        let patched = self.report.patched();
        self.interrupt.check_after(&format!(
            "{}; each is patched whole or not at all",
            were_patched(patched)
        ))
    }

    /// A failure to look at a kind. Where nothing was written yet, nothing was applied either.
    fn unlisted(&self, kind: &Kind, error: &ClusterError) -> Failure {
        let patched = self.report.patched();
        let exit = match (self.mode, patched) {
            (Mode::Write, 1..) => Exit::ApplyFailed,
            _ => Exit::Preflight,
        };
        let namespace = self.options.namespace.as_deref();
        let place = namespace.map_or("the whole cluster".to_owned(), |name| {
            format!("namespace {name}")
        });
        let what = format!("cannot look for {}s in {place}", kind.kind);
        let failure = error.failure(what, exit).remedy(format!(
            "use a login that may get, list and patch Deployments and ARC's own kinds in {place}{}",
            match namespace {
                Some(_) => "",
                None => ", or look into one namespace only: --namespace NAME",
            }
        ));
        match patched {
            0 => failure,
            _ => failure.remedy(format!(
                "{}; the same command goes on from there",
                stays(patched)
            )),
        }
    }

    /// What is as it was patched although it does not become ready, and the way back.
    fn goes_on(&self, failure: Failure, rolling: &[ObjectRef]) -> Failure {
        let mut failure = failure.remedy(format!(
            "{}; what ran before goes on until new pods are ready, and the same command waits for them again",
            stays(self.report.patched())
        ));
        for object in rolling.iter().take(3) {
            failure = failure.remedy(format!(
                "to have the images of before again: kubectl rollout undo deployment {} -n {}",
                object.name,
                object.namespace.as_deref().unwrap_or_default()
            ));
        }
        failure
    }

    fn failure(&self, object: &ObjectRef, error: &ClusterError) -> Failure {
        let patched = self.report.patched();
        let failure = error.failure(format!("cannot patch {object}"), Exit::ApplyFailed);
        let failure = match error {
            ClusterError::WebhookFailed { webhook, .. } => failure.remedy(format!(
                "the webhook {webhook} guards this kind and does not answer: get the pod behind it ready (kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations names its Service), or delete the configuration where its install is gone"
            )),
            ClusterError::Forbidden { .. } => failure.remedy(format!(
                "the user needs get, list and patch on {} in that namespace, and admission must accept the object",
                object.kind
            )),
            _ => failure,
        };
        failure.remedy(format!(
            "{}; the same command goes on from there",
            stays(patched)
        ))
    }
}

/// True for a Deployment that an earlier run patched and whose pods are not all available as it wants them.
fn hangs(deployment: &Value) -> bool {
    let number = |pointer: &str| deployment.pointer(pointer).and_then(Value::as_u64);
    let wanted = number("/spec/replicas").unwrap_or(1);
    let has = |pointer: &str| number(pointer).unwrap_or(0);
    let original = deployment
        .pointer("/metadata/annotations")
        .and_then(|annotations| annotations.get(ORIGINAL_IMAGES));
    original.is_some()
        && (has("/status/observedGeneration") < has("/metadata/generation")
            || has("/status/updatedReplicas") < wanted
            || has("/status/availableReplicas") < wanted
            || has("/status/replicas") > wanted)
}

fn stays(count: usize) -> String {
    format!("what was patched stays ({})", counted(count, "object"))
}

fn were_patched(count: usize) -> String {
    let verb = if count == 1 { "was" } else { "were" };
    format!("{} {verb} patched", counted(count, "object"))
}
