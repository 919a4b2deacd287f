//! Takes evidence out of live objects: container states, the long texts of pull events, failed creations.

use serde_json::Value;

use crate::object::ObjectRef;
use crate::verify::readiness::fields::{condition_is, items, number, text};

/// What a container's status says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodEvidence {
    /// The pod.
    pub object: ObjectRef,
    /// The container.
    pub container: String,
    /// Its image as the pod names it.
    pub image: String,
    /// Why it waits: `ErrImagePull`, `CrashLoopBackOff`.
    pub reason: String,
    /// The node's words; shortened after the first back-off.
    pub message: String,
    /// How often it was restarted.
    pub restarts: i64,
    /// Why its last run ended.
    pub last_reason: String,
    /// The exit code of its last run.
    pub last_exit: Option<i64>,
}

/// The containers of a pod that wait for a reason, init containers first.
pub fn container_evidence(pod: &Value) -> Vec<PodEvidence> {
    let lists = [
        ("/status/initContainerStatuses", "/spec/initContainers"),
        ("/status/containerStatuses", "/spec/containers"),
    ];
    let mut found = Vec::new();
    for (statuses, specs) in lists {
        for status in items(pod, statuses) {
            let reason = text(status, "/state/waiting/reason");
            if reason.is_empty() || matches!(reason, "PodInitializing" | "ContainerCreating") {
                continue;
            }
            let name = text(status, "/name");
            // The status may name what the runtime resolved; the spec is what was asked for.
            let image = items(pod, specs)
                .iter()
                .find(|container| text(container, "/name") == name)
                .map_or(text(status, "/image"), |container| {
                    text(container, "/image")
                });
            found.push(PodEvidence {
                object: ObjectRef::from_value(pod),
                container: name.to_owned(),
                image: image.to_owned(),
                reason: reason.to_owned(),
                message: text(status, "/state/waiting/message").to_owned(),
                restarts: number(status, "/restartCount").unwrap_or_default(),
                last_reason: text(status, "/lastState/terminated/reason").to_owned(),
                last_exit: number(status, "/lastState/terminated/exitCode"),
            });
        }
    }
    found
}

/// The long text of the newest event that tells why `image` could not be pulled for this pod.
pub fn pull_evidence<'a>(
    pod: &Value,
    image: &str,
    events: impl Iterator<Item = &'a Value>,
) -> Option<&'a str> {
    let uid = text(pod, "/metadata/uid");
    let quoted = format!("\"{image}\"");
    events
        .filter(|event| !uid.is_empty() && text(event, "/involvedObject/uid") == uid)
        .filter(|event| {
            matches!(
                text(event, "/reason"),
                "Failed" | "InspectFailed" | "ErrImageNeverPull"
            )
        })
        .filter(|event| text(event, "/message").contains(&quoted))
        .max_by_key(|event| {
            let last = text(event, "/lastTimestamp");
            if last.is_empty() {
                text(event, "/eventTime")
            } else {
                last
            }
        })
        .map(|event| text(event, "/message"))
}

/// What the API server said when pods could not be made: conditions of a Deployment or ReplicaSet, and
/// warnings about the object itself.
pub fn replica_failures<'a>(
    object: &'a Value,
    events: impl Iterator<Item = &'a Value>,
) -> Vec<&'a str> {
    let uid = text(object, "/metadata/uid");
    let mut found: Vec<&str> = condition_is(object, "ReplicaFailure", "True")
        .map(|condition| text(condition, "/message"))
        .into_iter()
        .collect();
    if text(object, "/status/reason") == "InvalidPod" {
        found.push(text(object, "/status/message"));
    }
    found.extend(
        events
            .filter(|event| !uid.is_empty() && text(event, "/involvedObject/uid") == uid)
            .filter(|event| matches!(text(event, "/reason"), "FailedCreate" | "FailedCreatePod"))
            .map(|event| text(event, "/message")),
    );
    found.retain(|message| !message.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_image_is_the_one_that_was_asked_for() {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n", "uid": "u"},
            "spec": {"containers": [{"name": "a", "image": "docker:dind"}]},
            "status": {"containerStatuses": [{"name": "a", "image": "docker.io/library/docker:dind", "restartCount": 3,
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {"reason": "Error", "exitCode": 2}}}]}});
        let found = container_evidence(&pod);
        assert_eq!(found[0].image, "docker:dind");
        assert_eq!((found[0].restarts, found[0].last_exit), (3, Some(2)));
    }

    #[test]
    fn the_newest_long_text_of_this_very_pod_counts() {
        let pod = json!({"metadata": {"uid": "u"}});
        let event = |uid: &str, time: &str, message: &str| json!({"involvedObject": {"uid": uid}, "reason": "Failed", "lastTimestamp": time, "message": message});
        let events = [
            event(
                "u",
                "2026-01-01T00:00:02Z",
                "Failed to pull image \"x:1\": new",
            ),
            event(
                "u",
                "2026-01-01T00:00:01Z",
                "Failed to pull image \"x:1\": old",
            ),
            event(
                "other",
                "2026-01-01T00:00:03Z",
                "Failed to pull image \"x:1\": other",
            ),
            event("u", "2026-01-01T00:00:04Z", "Error: ImagePullBackOff"),
        ];
        assert_eq!(
            pull_evidence(&pod, "x:1", events.iter()),
            Some("Failed to pull image \"x:1\": new")
        );
    }
}
