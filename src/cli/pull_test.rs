//! The last stage of `init`: runner sets that want no runner show that they could start one.

use std::time::Duration;

use futures::FutureExt;

use crate::apply::{self, Executed, PullTests};
use crate::clients::interrupt::Interrupt;
use crate::clients::kube::{Cluster, ClusterError};
use crate::config::{Config, Mode};
use crate::event::{Event, Sink};
use crate::facts::Facts;
use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;
use crate::observe::{LegacyManager, Receipt};
use crate::plan::{Plan, PullTest, pull_test};
use crate::verify::wait::{self, Level, RegistryLook, Report, SeenSet};

/// What the stage needs.
pub(super) struct PullTesting<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) config: &'a Config,
    pub(super) facts: &'a Facts,
    pub(super) plan: &'a Plan,
    /// True where `--no-pull-test` was given.
    pub(super) skipped: bool,
    /// Whether pods may be made.
    pub(super) agreed: &'a (dyn Fn(&[PullTest]) -> Result<bool, Failure> + Sync),
    pub(super) timeout: Duration,
    pub(super) registry: RegistryLook<'a>,
    pub(super) events: Sink<'a>,
    pub(super) interrupt: &'a Interrupt,
}

impl PullTesting<'_> {
    /// Tries a pod of each idle runner set that no earlier run has tried as it is now, and completes the report.
    pub(super) async fn run(
        &self,
        receipt: Receipt,
        report: &mut Report,
    ) -> Result<Executed, Failure> {
        if report.level != Level::Runners {
            return Ok(Executed::Done(Box::new(receipt)));
        }
        let mut due = self.due(&receipt, report).await?;
        if !due.is_empty() && !(self.agreed)(&due)? {
            for test in due.drain(..) {
                report.not_tried(&test.set, "and a pod of it was not wanted");
            }
        }
        let executed = self.carry_out(&due, &receipt).await?;
        if let Executed::Done(receipt) = &executed {
            report.has_tried = !due.is_empty();
            for test in &due {
                if let Some(shown) = receipt.pull_test(&test.set, &test.hash) {
                    report.tried(&test.set, shown.proof.clone());
                }
            }
        }
        Ok(executed)
    }

    /// The tests that are due; the others go to the report.
    async fn due(&self, receipt: &Receipt, report: &mut Report) -> Result<Vec<PullTest>, Failure> {
        let mut due = Vec::new();
        for (test, set) in self.tests(report).await? {
            match receipt.pull_test(&test.set, &test.hash) {
                Some(known) if set.is_idle => {
                    report.tried(&test.set, format!("{} (at {})", known.proof, known.at));
                }
                None if set.is_idle && self.skipped => {
                    report.not_tried(&test.set, "and --no-pull-test leaves its images untried");
                }
                None if set.is_idle => due.push(test),
                // Runners that run now may be of the template before: the next run that finds none tries it.
                _ => {}
            }
        }
        Ok(due)
    }

    /// The pull test of each runner set, whether or not it is due.
    async fn tests(&self, report: &mut Report) -> Result<Vec<(PullTest, SeenSet)>, Failure> {
        let sets = std::mem::take(&mut report.runner_sets);
        if sets.is_empty() {
            return Ok(Vec::new());
        }
        let manager = self.manager().await?;
        let mut tests = Vec::new();
        for set in sets {
            match pull_test(&set.object, &manager, &self.config.name, self.timeout) {
                Some(test) => tests.push((test, set)),
                None => report.not_tried(
                    &ObjectRef::from_value(&set.object),
                    "and the images that its controller adds to its pods are not known here",
                ),
            }
        }
        Ok(tests)
    }

    /// The manager whose flags fill in what a legacy runner leaves open.
    async fn manager(&self) -> Result<LegacyManager, Failure> {
        if self.config.mode != Mode::Legacy {
            return Ok(LegacyManager::default());
        }
        let Some(existing) = &self.config.controller.existing else {
            let mut deployments = self.plan.objects.iter();
            let own = deployments.find(|manifest| manifest.kind() == "Deployment");
            return Ok(own.map_or_else(LegacyManager::default, |manifest| {
                LegacyManager::of(&manifest.object, self.config.version)
            }));
        };
        let namespace = Some(existing.namespace.as_str());
        let reference = ObjectRef::new("apps/v1", "Deployment", namespace, &existing.name);
        let live = match self.cluster.get(&reference).await {
            // Whoever may not read it does not know what it adds.
            Err(ClusterError::Forbidden { .. }) => None,
            live => live.map_err(|error| {
                error.failure(format!("cannot read {reference}"), Exit::ApplyFailed)
            })?,
        };
        let known = self.facts.cluster.controllers.iter().find(|controller| {
            controller.namespace == existing.namespace && controller.name == existing.name
        });
        let version = known.and_then(|controller| controller.version);
        let version = version.unwrap_or(self.config.version);
        Ok(live.map_or_else(LegacyManager::default, |deployment| {
            LegacyManager::of(&deployment, version)
        }))
    }

    async fn carry_out(&self, due: &[PullTest], receipt: &Receipt) -> Result<Executed, Failure> {
        // A pod is not ready, and nobody has heard of it: its set is told of when all is shown.
        let events = |event| {
            if !matches!(event, Event::Ready { .. }) {
                (self.events)(event);
            }
        };
        let started = |set: ObjectRef, pod: ObjectRef| {
            let waited = wait::started(
                self.cluster,
                pod,
                self.timeout,
                Some(self.registry),
                &events,
                self.interrupt,
            );
            async move {
                waited.await.map_err(|failure| {
                    failure.why(format!(
                        "the pod is made from the template of {set}, with another command: no runner of it is due"
                    ))
                })
            }
            .boxed()
        };
        Box::pin(apply::pull_tests(&PullTests {
            cluster: self.cluster,
            receipt,
            tests: due,
            namespaces: &self.config.runner_namespaces(),
            started: &started,
            events: self.events,
            interrupt: self.interrupt,
        }))
        .await
    }
}
