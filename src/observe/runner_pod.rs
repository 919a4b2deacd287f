//! The Pod that a pod template becomes, near enough for admission to judge it and for a node to run it. Pure.

mod legacy;

use serde_json::{Value, json};

use crate::object::pods::{Part, PodSpecAt, Shape};
use crate::object::{items_at, text_at};

pub use legacy::LegacyManager;

/// Stands where a controller fills an image in.
const SOME_IMAGE: &str = "arc-setup.invalid/image";

/// A Pod in `namespace` made from the template at `at`. None where the object holds no pod there.
pub fn pod_of(
    object: &Value,
    at: &PodSpecAt,
    namespace: &str,
    manager: &LegacyManager,
) -> Option<Value> {
    let spec = at.pointer.get(object)?;
    let kind = object.get("kind").and_then(Value::as_str);
    let mut spec = match at.shape {
        Shape::PodSpec if kind == Some("RunnerSet") => {
            legacy::pod_spec_of_set(object.get("spec")?, spec, manager)
        }
        Shape::PodSpec | Shape::Containers => spec.clone(),
        Shape::RunnerSpec => legacy::pod_spec(spec, manager),
        Shape::RunnerConfig => return None,
    };
    for list in ["initContainers", "containers"] {
        let containers = spec.get_mut(list).and_then(Value::as_array_mut);
        // What is no object at all came out of a podTemplate: the server refuses it in its own words.
        let containers = containers.into_iter().flatten();
        for container in containers.filter_map(Value::as_object_mut) {
            let image = container.get("image").and_then(Value::as_str);
            if image.is_none_or(str::is_empty) {
                container.insert("image".to_owned(), json!(SOME_IMAGE));
            }
        }
    }
    // A listener template may name no container at all.
    if at.part == Part::Listener
        && let Some(fields) = spec.as_object_mut()
        && fields
            .get("containers")
            .and_then(Value::as_array)
            .is_none_or(Vec::is_empty)
    {
        let listener = json!([{"name": "listener", "image": SOME_IMAGE}]);
        fields.insert("containers".to_owned(), listener);
    }
    spec.get("containers")?;
    let mut metadata = json!({"generateName": "arc-setup-check-", "namespace": namespace});
    if let Some(template) = at.metadata.as_ref().and_then(|at| at.get(object))
        && kind != Some("Runner")
    {
        for field in ["labels", "annotations"] {
            if let Some(values) = template.get(field) {
                metadata[field] = values.clone();
            }
        }
    }
    Some(json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}))
}

/// False where [`pod_of`] had to make an image up: only its controller knows it.
pub fn names_every_image(pod: &Value) -> bool {
    ["/spec/initContainers", "/spec/containers"]
        .iter()
        .flat_map(|list| items_at(pod, list))
        .all(|container| text_at(container, "/image") != Some(SOME_IMAGE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::pods::pod_specs;

    fn pods(object: &Value) -> Vec<Value> {
        pod_specs(object)
            .iter()
            .filter_map(|at| pod_of(object, at, "ns", &LegacyManager::default()))
            .collect()
    }

    #[test]
    fn a_legacy_runner_gains_its_privileged_daemon() {
        let made = pods(
            &json!({"apiVersion": "actions.summerwind.dev/v1alpha1", "kind": "RunnerDeployment",
            "metadata": {"name": "r"}, "spec": {"template": {"metadata": {"labels": {"a": "b"}},
            "spec": {"organization": "o", "image": "x", "volumes": []}}}}),
        );
        assert_eq!(made.len(), 1);
        let spec = &made[0]["spec"];
        assert_eq!(
            spec["containers"][1]["securityContext"],
            json!({"privileged": true})
        );
        assert_eq!(spec.get("organization"), None);
        assert_eq!(made[0]["metadata"]["labels"], json!({"a": "b"}));
    }

    #[test]
    fn without_docker_nothing_is_privileged() {
        let made = pods(
            &json!({"apiVersion": "actions.summerwind.dev/v1alpha1", "kind": "Runner",
            "metadata": {"name": "r", "labels": {"a": "b"}}, "spec": {"dockerEnabled": false}}),
        );
        assert!(!made[0].to_string().contains("privileged"));
        assert!(made[0]["spec"]["containers"][0]["image"].is_string());
    }

    #[test]
    fn what_is_no_container_is_left_to_the_server() {
        let made = pods(
            &json!({"apiVersion": "actions.github.com/v1alpha1", "kind": "AutoscalingRunnerSet",
            "metadata": {"name": "r"}, "spec": {"template": {"spec": {"containers": ["runner", 5, null]}},
            "listenerTemplate": {"spec": "listener"}}}),
        );
        assert_eq!(
            made[0]["spec"]["containers"],
            json!(["runner", 5, null]),
            "{made:?}"
        );
    }

    #[test]
    fn a_scale_set_has_a_runner_and_a_listener() {
        let made = pods(
            &json!({"apiVersion": "actions.github.com/v1alpha1", "kind": "AutoscalingRunnerSet",
            "metadata": {"name": "r"}, "spec": {"template": {"spec": {"containers": [{"name": "runner", "image": "x"}]}},
            "listenerTemplate": {"spec": {"containers": [{"name": "listener"}]}}}}),
        );
        assert_eq!(made.len(), 2);
        assert_eq!(made[1]["spec"]["containers"][0]["image"], json!(SOME_IMAGE));
    }
}
