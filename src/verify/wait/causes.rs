//! What blocks the targets that are waited for: objects around them, webhooks, logs.

use tokio::time::Instant;

use super::run::Run;
use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;
use crate::plan::is_runner_object;
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
        // Under another team's controller a line that names none of ours may be about anybody's.
        let own = |object: &ObjectRef| object.kind == "Deployment";
        let is_ours = self.options.objects.iter().any(own);
        let mut seen = Vec::new();
        for told in self.logs.told() {
            let evidence = &told.newest.evidence;
            let is_named = |target: &&ObjectRef| evidence.iter().any(|line| is_about(line, target));
            let named = runners().find(is_named);
            let Some(target) = named.or_else(|| runners().next().filter(|_| is_ours)) else {
                continue;
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

/// True where a log's line names a runner object, or a pod of it: by a word, not by a part of a URL, of the name of
/// the pod that wrote it, or of a namespace.
fn is_about(evidence: &str, target: &ObjectRef) -> bool {
    let told = evidence.strip_prefix("log of ");
    let line = match told.and_then(|told| told.split_once(": ")) {
        // A listener's log is about the set that it listens for.
        Some((pod, line)) if !pod.ends_with("-listener") => line,
        _ => evidence,
    };
    let parts = |letter: char| letter.is_whitespace() || "\"'\\,;:=(){}[]".contains(letter);
    let mut words = line
        .split(char::is_whitespace)
        .filter(|word| !word.contains("://"))
        .flat_map(|word| word.split(parts))
        .flat_map(|word| word.split('/'));
    words.any(|word| {
        Some(word) != target.namespace.as_deref()
            && word
                .strip_prefix(target.name.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    })
}

/// A webhook that no Service stands behind, or that does not answer.
fn webhook_cause((target, reason): &(ObjectRef, String)) -> Option<(ObjectRef, Classified)> {
    let is_webhook = target.kind.ends_with("WebhookConfiguration");
    let found = || Classified::new("webhook-unreachable", target, reason).evidence(reason);
    is_webhook.then(|| (target.clone(), found()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_about_whom_it_names() {
        let target = |namespace: &str, name: &str| {
            ObjectRef::new(
                "actions.github.com/v1alpha1",
                "AutoscalingRunnerSet",
                Some(namespace),
                name,
            )
        };
        let line = |words: &str| format!("log of Pod arc-systems/arc-controller-7d9-x: {words}");
        for (namespace, name, words, about) in [
            (
                "runners",
                "build",
                r#"ERROR {"runner": "runners/build-1", "error": "x"}"#,
                true,
            ),
            (
                "runners",
                "build",
                r#"{"error": "pods \"build-2\" is forbidden: exceeded quota"}"#,
                true,
            ),
            (
                "runners",
                "build",
                "AutoscalingRunnerSet=build failed",
                true,
            ),
            (
                "runners",
                "build",
                r#"{"runner": "runners/rebuild-1"}"#,
                false,
            ),
            // Its URL, its namespace and its controller's pod are no names of it.
            (
                "runners",
                "acme",
                r#"{"error": "POST https://ghes.corp/api/v3/orgs/acme/actions: 401"}"#,
                false,
            ),
            (
                "arc-runners",
                "arc",
                r#"{"namespace": "arc-runners"}"#,
                false,
            ),
            ("runners", "arc", "GitHub answered 401", false),
        ] {
            assert_eq!(
                is_about(&line(words), &target(namespace, name)),
                about,
                "{name}: {words}"
            );
        }
        let listener = "log of Pod arc-systems/linux-5f7-listener: GitHub answered 401";
        assert!(is_about(listener, &target("runners", "linux")));
    }
}
