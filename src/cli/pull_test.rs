//! The last stage of `init`: runner sets that want no runner show that they could start one.

use std::time::Duration;

use futures::FutureExt;

use crate::apply::{self, PullTests};
use crate::clients::interrupt::Interrupt;
use crate::clients::kube::Cluster;
use crate::config::{Config, Mode};
use crate::event::{Event, Sink};
use crate::facts::Facts;
use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;
use crate::observe::{LegacyManager, Receipt};
use crate::plan::{Plan, PullTest, idle_sets, pull_test};
use crate::verify::wait::{self, Level, RegistryLook, Report, SeenSet};

/// What the stage needs.
pub(super) struct PullTesting<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) config: &'a Config,
    pub(super) facts: &'a Facts,
    pub(super) plan: &'a Plan,
    /// True where `--no-pull-test` was given.
    pub(super) skipped: bool,
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
    ) -> Result<Receipt, Failure> {
        if report.level != Level::Runners {
            return Ok(receipt);
        }
        let idle_sets = idle_sets(&self.plan.objects);
        let (mut due, mut seen) = (Vec::new(), Vec::new());
        for (test, set) in self.tests(report).await? {
            match receipt.pull_test(&test.set, &test.hash) {
                Some(known) if set.is_idle => {
                    report.tried(&test.set, format!("{} (at {})", known.proof, known.at));
                }
                None if set.is_idle && self.skipped => {
                    report.not_tried(&test.set, "and --no-pull-test leaves its images untried");
                }
                None if set.is_idle => due.push(test),
                // Once these runners are gone, they will have been.
                None if idle_sets.contains(&test.set) => seen.push((test, set.proof)),
                _ => {}
            }
        }
        let receipt = self.carry_out(&due, &seen, &receipt).await?;
        for test in &due {
            if let Some(shown) = receipt.pull_test(&test.set, &test.hash) {
                report.tried(&test.set, shown.proof.clone());
            }
        }
        Ok(receipt)
    }

    /// The pull test of each runner set, whether or not it is due.
    async fn tests(&self, report: &Report) -> Result<Vec<(PullTest, SeenSet)>, Failure> {
        if report.runner_sets.is_empty() {
            return Ok(Vec::new());
        }
        let manager = self.manager().await?;
        let of = |set: &SeenSet| {
            let test = pull_test(&set.object, &manager, &self.config.name, self.timeout)?;
            Some((test, set.clone()))
        };
        Ok(report.runner_sets.iter().filter_map(of).collect())
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
        let live = self.cluster.get(&reference).await.map_err(|error| {
            error.failure(format!("cannot read {reference}"), Exit::ApplyFailed)
        })?;
        let known = self.facts.cluster.controllers.iter().find(|controller| {
            controller.namespace == existing.namespace && controller.name == existing.name
        });
        let version = known.and_then(|controller| controller.version);
        let version = version.unwrap_or(self.config.version);
        Ok(live.map_or_else(LegacyManager::default, |deployment| {
            LegacyManager::of(&deployment, version)
        }))
    }

    async fn carry_out(
        &self,
        due: &[PullTest],
        seen: &[(PullTest, String)],
        receipt: &Receipt,
    ) -> Result<Receipt, Failure> {
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
            seen,
            namespaces: &self.config.runner_namespaces(),
            started: &started,
            events: self.events,
            interrupt: self.interrupt,
        }))
        .await
    }
}
