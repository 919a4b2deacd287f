//! A pod is ready when all its containers are; while not, it names the container and the reason.

use serde_json::Value;

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
        return Some(reason.to_owned());
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
