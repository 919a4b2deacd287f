//! What of an object cannot be changed while it exists, whoever asks.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::Wanted;
use super::maker::is_mirror_pod;
use crate::object::pods::pod_specs_with;
use crate::object::{Pointer, items_at, text_at};

/// Why an object is not patched, and what to do instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Skipped {
    /// Why, as a sentence without a full stop.
    pub reason: String,
    /// What to do instead.
    pub remedy: String,
}

impl fmt::Display for Skipped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.reason, self.remedy)
    }
}

/// A pod that a kubelet shows of a file on its node.
pub(super) fn mirror_pod(object: &Value) -> Option<Skipped> {
    is_mirror_pod(object).then(|| {
        let node = text_at(object, "/spec/nodeName").unwrap_or("its node");
        Skipped {
            reason: "a static pod: the kubelet makes it from a file".to_owned(),
            remedy: format!(
                "change the image in the file on {node} (staticPodPath of its kubelet)"
            ),
        }
    })
}

/// A Job or a pod that is finished.
pub(super) fn finished(object: &Value) -> Option<Skipped> {
    let kind = text_at(object, "/kind").unwrap_or_default();
    (matches!(kind, "Job" | "Pod") && is_finished(object)).then(|| Skipped {
        reason: "it is finished and pulls nothing any more".to_owned(),
        remedy: format!("leave it, or delete it: {}", delete(object)),
    })
}

/// A Job, whose template is fixed from the start (suspended or not), and a ConfigMap that says so itself.
pub(super) fn fixed(object: &Value) -> Option<Skipped> {
    let reason = match text_at(object, "/kind") {
        Some("Job") => "the pod template of a Job cannot be changed",
        Some("ConfigMap") if is_immutable(object) => "it is immutable",
        _ => return None,
    };
    Some(Skipped {
        reason: reason.to_owned(),
        remedy: format!(
            "delete it and create it again with these images: {}",
            delete(object)
        ),
    })
}

/// An object of a custom kind without pods, by its schema and its shape: a controller may take what looks like an image
/// for something else, so that only a person says that it is one.
pub(super) fn unsure(object: &Value, wanted: &Wanted<'_>) -> Option<Skipped> {
    let (group, _) = text_at(object, "/apiVersion")?.split_once('/')?;
    let kind = text_at(object, "/kind")?;
    let is_unsure = wanted.custom_kinds.is_some_and(|kinds| {
        kinds.has_no_pods(group, kind) && pod_specs_with(object, kinds).is_empty()
    });
    (is_unsure && !wanted.is_named).then(|| Skipped {
        reason: "nothing tells that it holds a pod".to_owned(),
        remedy: format!("if these are images, name the kind: --kind {kind}.{group}"),
    })
}

fn is_immutable(object: &Value) -> bool {
    object.get("immutable").and_then(Value::as_bool) == Some(true)
}

/// The command that deletes an object.
fn delete(object: &Value) -> String {
    let text = |pointer: &str| text_at(object, pointer).unwrap_or_default();
    format!(
        "kubectl delete {} {} -n {}",
        text("/kind").to_lowercase(),
        text("/metadata/name"),
        text("/metadata/namespace")
    )
}

fn is_finished(object: &Value) -> bool {
    let phase = text_at(object, "/status/phase");
    let conditions = items_at(object, "/status/conditions");
    matches!(phase, Some("Succeeded" | "Failed"))
        || conditions.iter().any(|condition| {
            matches!(text_at(condition, "/type"), Some("Complete" | "Failed"))
                && text_at(condition, "/status") == Some("True")
        })
}

/// True where a live object takes a change at `at`: of a pod only the images of its containers and init containers.
pub(super) fn may_change(object: &Value, at: &Pointer) -> bool {
    if text_at(object, "/kind") != Some("Pod") || text_at(object, "/apiVersion") != Some("v1") {
        return true;
    }
    let segments = at.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    matches!(
        segments[..],
        ["spec", "containers" | "initContainers", _, "image"]
    )
}
