//! What blocks the targets that are waited for: objects around them, webhooks, logs.

use tokio::time::Instant;

use super::run::Run;
use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;
use crate::verify::classify::Classified;

impl Run<'_, '_> {
    /// Every cause with the target that it blocks; fails where the logs tell one that ends the wait at once.
    pub(super) async fn causes(
        &mut self,
        waiting: &[(ObjectRef, String)],
        now: Instant,
        looked: bool,
    ) -> Result<Vec<(ObjectRef, Classified)>, Failure> {
        let mut seen = Vec::new();
        for (target, _) in waiting {
            if let Some(live) = self.world.get(target) {
                let found = self
                    .gatherer
                    .causes(self.cluster, self.options.registry, &self.world, live, now)
                    .await;
                seen.extend(found.into_iter().map(|cause| (target.clone(), cause)));
            }
        }
        // What stands behind a webhook comes before it.
        if !waiting
            .iter()
            .any(|(target, _)| target.kind == "Deployment")
        {
            seen.extend(waiting.iter().filter_map(webhook_cause));
        }
        if looked && waiting.iter().any(|(target, _)| is_runner_object(target)) {
            self.logs.look(self.cluster, &self.world).await;
        }
        seen.extend(self.told_by_logs(waiting)?);
        Ok(seen)
    }

    /// What the logs tell of runner objects that are waited for; fails where it ends the wait.
    fn told_by_logs(
        &self,
        waiting: &[(ObjectRef, String)],
    ) -> Result<Vec<(ObjectRef, Classified)>, Failure> {
        let runners = || {
            let targets = waiting.iter().map(|(target, _)| target);
            targets.filter(|target| is_runner_object(target))
        };
        let mut seen = Vec::new();
        for told in self.logs.told() {
            let evidence = &told.newest.evidence;
            let is_named = |target: &&ObjectRef| {
                let mut lines = evidence.iter();
                lines.any(|line| line.contains(&target.name))
            };
            let Some(target) = runners().find(is_named).or(runners().next()) else {
                break;
            };
            if told.ends() {
                return Err(told.newest.failure(target, Exit::ApplyFailed));
            }
            if told.stands(&self.world, target) {
                seen.push((target.clone(), told.newest.clone()));
            }
        }
        Ok(seen)
    }
}

/// A webhook that no Service stands behind, or that does not answer.
fn webhook_cause((target, reason): &(ObjectRef, String)) -> Option<(ObjectRef, Classified)> {
    let is_webhook = target.kind.ends_with("WebhookConfiguration");
    let found = || Classified::new("webhook-unreachable", target, reason).evidence(reason);
    is_webhook.then(|| (target.clone(), found()))
}

fn is_runner_object(target: &ObjectRef) -> bool {
    target.group().starts_with("actions.")
}
