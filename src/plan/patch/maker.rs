//! Which controller makes an object from another: what it makes is written back, its source is not.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::owner::mark;
use crate::object::pods::{CustomKinds, LEGACY_GROUP, SCALE_SET_GROUP};
use crate::object::{items_at, text_at};

/// A controller that makes an object from another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Maker {
    /// The source's kind; empty where only the kind of the object says that it is made.
    pub kind: String,
    /// The source's name.
    pub name: String,
    /// The source's API group; empty for the core group, and where it is not said.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// True where the schema of its kind says where its pods stand.
    #[serde(skip)]
    pub has_pods: bool,
}

impl Maker {
    /// True where the source names the images itself, so that it is patched instead. An operator's own kind may take
    /// them from anywhere.
    pub fn names_images(&self) -> bool {
        self.has_pods
            || matches!(
                self.group.as_str(),
                "" | "apps" | "batch" | "extensions" | LEGACY_GROUP | SCALE_SET_GROUP
            )
    }

    /// The same, where the schemas of custom kinds are known.
    #[must_use]
    pub(super) fn known_by(mut self, kinds: Option<&CustomKinds>) -> Self {
        self.has_pods = kinds.is_some_and(|kinds| !kinds.pods(&self.group, &self.kind).is_empty());
        self
    }
}

impl fmt::Display for Maker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind, name, group, ..
        } = self;
        if self.names_images() {
            return write!(
                formatter,
                "made by a controller from {kind} {name}, whose images are rewritten there"
            );
        }
        write!(
            formatter,
            "made by an operator from {kind} {name} ({group}), which would write it back: name the images in that \
             object, or in the flags and variables (RELATED_IMAGE_…) of its operator"
        )
    }
}

/// The controller that makes this object, if one does.
pub fn maker(object: &Value) -> Option<Maker> {
    let controlled = items_at(object, "/metadata/ownerReferences")
        .iter()
        .find(|reference| {
            reference.get("controller").and_then(Value::as_bool) == Some(true)
                // OLM's are marks of an owner that a person can edit.
                && text_at(reference, "/kind") != Some("ClusterServiceVersion")
        });
    if let Some(reference) = controlled {
        let text = |key: &str| text_at(reference, key).unwrap_or_default();
        let (kind, name) = of_deployment(object, text("/kind"), text("/name"));
        let group = text("/apiVersion").split_once('/');
        return Some(Maker {
            kind: kind.to_owned(),
            name: name.to_owned(),
            group: group.map_or("", |(group, _)| group).to_owned(),
            has_pods: false,
        });
    }
    let is_scale_set = text_at(object, "/apiVersion")
        .and_then(|version| version.split('/').next())
        .is_some_and(|group| group == SCALE_SET_GROUP);
    let is_made = matches!(
        text_at(object, "/kind"),
        Some("AutoscalingListener" | "EphemeralRunnerSet" | "EphemeralRunner")
    );
    let source = text_at(object, "/spec/autoscalingRunnerSetName");
    (is_scale_set && is_made).then(|| Maker {
        kind: "AutoscalingRunnerSet".to_owned(),
        name: source.unwrap_or_default().to_owned(),
        group: SCALE_SET_GROUP.to_owned(),
        has_pods: false,
    })
}

/// A Deployment's ReplicaSets, and their pods, are called by the hash of the template: the source is the Deployment.
fn of_deployment<'a>(object: &Value, kind: &'a str, name: &'a str) -> (&'a str, &'a str) {
    let hash = mark(object, "/metadata/labels", "pod-template-hash");
    let deployment = hash.as_deref().and_then(|hash| {
        name.strip_suffix(hash)
            .and_then(|name| name.strip_suffix('-'))
    });
    match deployment {
        Some(deployment) if kind == "ReplicaSet" => ("Deployment", deployment),
        _ => (kind, name),
    }
}

/// True for a pod that a kubelet shows of a file on its node; the API server cannot change it.
pub(super) fn is_mirror_pod(object: &Value) -> bool {
    mark(
        object,
        "/metadata/annotations",
        "kubernetes.io/config.mirror",
    )
    .is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_controller_makes_names_its_source() {
        let runner = json!({"kind": "Runner", "metadata": {"ownerReferences": [
            {"kind": "RunnerReplicaSet", "name": "r-1", "controller": true}]}});
        assert_eq!(maker(&runner).unwrap().name, "r-1");
        let listener = json!({"apiVersion": "actions.github.com/v1alpha1", "kind": "AutoscalingListener",
            "spec": {"autoscalingRunnerSetName": "linux"}});
        assert_eq!(maker(&listener).unwrap().name, "linux");
        let alone = json!({"apiVersion": "actions.summerwind.dev/v1alpha1", "kind": "Runner"});
        assert_eq!(maker(&alone), None);
    }

    #[test]
    fn sources_are_followed_up_and_operators_are_told() {
        let pod = json!({"kind": "Pod", "metadata": {"labels": {"pod-template-hash": "5d9c8"}, "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1-5d9c8", "controller": true}]}});
        assert_eq!(
            maker(&pod).unwrap().to_string(),
            "made by a controller from Deployment web-1, whose images are rewritten there"
        );
        let made = json!({"kind": "StatefulSet", "metadata": {"ownerReferences": [
            {"apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus", "name": "k8s", "controller": true}]}});
        let made = maker(&made).unwrap();
        assert!(!made.names_images());
        assert!(
            made.to_string()
                .contains("from Prometheus k8s (monitoring.coreos.com)"),
            "{made}"
        );
    }
}
