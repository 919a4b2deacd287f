//! A pod is ready when all its containers are; while not, it names the container and the reason.

use serde_json::Value;

use crate::verify::redact::without_secrets;

use super::State;
use super::fields::{condition_is, is_deleting, items, text};

/// Judges a pod that should run.
pub fn pod(object: &Value) -> State {
    match text(object, "/status/phase") {
        "Failed" => {
            let reason = text(object, "/status/reason");
            return State::failed(
                if reason.is_empty() { "Failed" } else { reason },
                text(object, "/status/message"),
            );
        }
        "Succeeded" => return State::ready("completed"),
        _ => {}
    }
    if is_deleting(object) {
        return State::waiting("it is being deleted");
    }
    if condition_is(object, "Ready", "True").is_some() {
        return State::ready("all containers ready");
    }
    if let Some(condition) = condition_is(object, "PodScheduled", "False") {
        return State::waiting(format!("not scheduled: {}", text(condition, "/message")));
    }
    for list in ["/status/initContainerStatuses", "/status/containerStatuses"] {
        for container in items(object, list) {
            if let Some(reason) = blocked(container) {
                return State::waiting(format!("container {}: {reason}", text(container, "/name")));
            }
        }
    }
    State::waiting("its containers are starting")
}

/// Why a container does not run, or runs and is not ready.
pub(super) fn blocked(container: &Value) -> Option<String> {
    let reason = text(container, "/state/waiting/reason");
    if !reason.is_empty() && reason != "PodInitializing" {
        let message = text(container, "/state/waiting/message");
        return Some(match last_words(message) {
            Some(words) if reason.contains("Image") => format!("{reason}: {words}"),
            _ => reason.to_owned(),
        });
    }
    if let Some(exit) = container.pointer("/state/terminated/exitCode") {
        return (exit.as_i64() != Some(0)).then(|| format!("ended with exit code {exit}"));
    }
    let is = |key: &str| container.get(key).and_then(Value::as_bool);
    let running = container.pointer("/state/running").is_some();
    let probe = if is("started") == Some(false) {
        "startup"
    } else {
        "readiness"
    };
    (running && is("ready") != Some(true))
        .then(|| format!("running, its {probe} probe has not passed"))
}

/// What a node's chain of errors ends with: `503 Service Unavailable`, `not found`. The rest names the image again.
fn last_words(message: &str) -> Option<String> {
    const LONGEST: usize = 100;
    let words = message.rsplit(": ").next().unwrap_or_default().trim();
    let tells = message.contains(": ") && !words.is_empty() && words.len() <= LONGEST;
    tells.then(|| without_secrets(words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_blocked_container_is_named() {
        let object = json!({"status": {"phase": "Pending",
            "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "False"}],
            "initContainerStatuses": [{"name": "copy", "state": {"terminated": {"exitCode": 0}}}],
            "containerStatuses": [
                {"name": "runner", "ready": false, "state": {"waiting": {"reason": "PodInitializing"}}},
                {"name": "dind", "ready": false, "state": {"waiting": {"reason": "ImagePullBackOff"}}}]}});
        assert_eq!(
            pod(&object),
            State::waiting("container dind: ImagePullBackOff")
        );
    }

    #[test]
    fn what_the_registry_said_is_told() {
        let waiting = |reason: &str, message: &str| {
            let waiting = json!({"reason": reason, "message": message});
            json!({"status": {"containerStatuses": [{"name": "manager", "state": {"waiting": waiting}}]}})
        };
        let pull = "failed to pull and unpack image \"r.corp/a/b:1\": failed to resolve reference \"r.corp/a/b:1\": \
                    pulling from host r.corp failed with status code [manifests 1]: 503 Service Unavailable";
        assert_eq!(
            pod(&waiting("ErrImagePull", pull)),
            State::waiting("container manager: ErrImagePull: 503 Service Unavailable")
        );
        let again = format!("Back-off pulling image \"r.corp/a/b:1\": ErrImagePull: {pull}");
        assert_eq!(
            pod(&waiting("ImagePullBackOff", &again)),
            State::waiting("container manager: ImagePullBackOff: 503 Service Unavailable")
        );
        let secret = "Get \"https://r.corp/v2/\": Authorization: Bearer 0123456789abcdef";
        assert_eq!(
            pod(&waiting("ErrImagePull", secret)),
            State::waiting("container manager: ErrImagePull: Bearer ***")
        );
        for (reason, message) in [
            (
                "ImagePullBackOff",
                "Back-off pulling image \"r.corp/a/b:1\"",
            ),
            (
                "CrashLoopBackOff",
                "back-off 10s: restarting failed container",
            ),
        ] {
            assert_eq!(
                pod(&waiting(reason, message)),
                State::waiting(format!("container manager: {reason}"))
            );
        }
    }

    #[test]
    fn ends_and_readiness() {
        assert!(
            pod(&json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}))
                .is_ready()
        );
        assert_eq!(
            pod(
                &json!({"status": {"phase": "Failed", "reason": "Evicted", "message": "low on memory"}})
            ),
            State::failed("Evicted", "low on memory")
        );
        assert_eq!(
            pod(&json!({})),
            State::waiting("its containers are starting")
        );
    }
}
