//! One run: the programs, their rollouts, the listeners, the resources.

use serde_json::Value;

use super::report::{ObjectReport, PatchReport, Treatment, Written};
use super::{PatchOptions, Rollouts};
use crate::clients::interrupt::Interrupt;
use crate::clients::kube::{Cluster, ClusterError};
use crate::event::{Event, Outcome, Sink};
use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;
use crate::observe::workloads::{
    Kind, ServiceAccounts, is_arc_program, listener_image, page, programs, resources,
};
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
        rollouts(rolling.clone(), self.options.timeout).await?;
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
                next => next.map_err(|error| {
                    error.failure(
                        format!("cannot list {} objects", kind.kind),
                        Exit::ApplyFailed,
                    )
                })?,
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
        if let Some(image) = written.live().and_then(listener_image) {
            self.controllers.push(Controller {
                object: reference.clone(),
                image: image.to_owned(),
                changed,
            });
        }
        if changed && self.mode == Mode::Write && reference.kind == "Deployment" {
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
            "{patched} objects were patched; each is patched whole or not at all"
        ))
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
            "{patched} objects were patched before; the same command goes on from there"
        ))
    }
}
