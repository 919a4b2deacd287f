//! The Pod that a pod template becomes, near enough for admission to judge it. Pure.

use serde_json::{Map, Value, json};

use crate::object::Manifest;
use crate::object::pods::{Part, PodSpecAt, Shape};

/// Stands where a controller fills an image in.
const SOME_IMAGE: &str = "arc-setup.invalid/image";
/// What a legacy Runner's spec shares with a PodSpec; everything else in it is read by the controller.
const SHARED: [&str; 18] = [
    "affinity",
    "automountServiceAccountToken",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "hostAliases",
    "imagePullSecrets",
    "initContainers",
    "nodeSelector",
    "priorityClassName",
    "runtimeClassName",
    "securityContext",
    "serviceAccountName",
    "sidecarContainers",
    "terminationGracePeriodSeconds",
    "tolerations",
    "topologySpreadConstraints",
    "volumes",
];

/// A Pod in `namespace` made from the template at `at`. None where the object holds no pod there.
pub fn pod_of(manifest: &Manifest, at: &PodSpecAt, namespace: &str) -> Option<Value> {
    let spec = at.pointer.get(&manifest.object)?;
    let mut spec = match at.shape {
        Shape::PodSpec => spec.clone(),
        Shape::RunnerSpec => runner_spec(spec),
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
    if let Some(template) = at.metadata.as_ref().and_then(|at| at.get(&manifest.object))
        && manifest.kind() != "Runner"
    {
        for field in ["labels", "annotations"] {
            if let Some(values) = template.get(field) {
                metadata[field] = values.clone();
            }
        }
    }
    Some(json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}))
}

/// The containers `runner` and `docker` as the legacy controller writes them.
fn runner_spec(spec: &Value) -> Value {
    let flag = |name: &str, usual: bool| spec.get(name).and_then(Value::as_bool).unwrap_or(usual);
    let within = flag("dockerdWithinRunnerContainer", false);
    let beside = flag("dockerEnabled", true) && !within;
    let mut pod = Map::new();
    for field in SHARED {
        if let Some(value) = spec.get(field)
            && field != "sidecarContainers"
        {
            pod.insert(field.to_owned(), value.clone());
        }
    }
    let mut containers: Vec<Value> = ["containers", "sidecarContainers"]
        .iter()
        .filter_map(|field| spec.get(*field).and_then(Value::as_array))
        .flatten()
        .cloned()
        .collect();
    let named = |containers: &[Value], name: &str| {
        containers
            .iter()
            .any(|container| container.get("name").and_then(Value::as_str) == Some(name))
    };
    if !named(&containers, "runner") {
        let mut runner =
            json!({"name": "runner", "image": spec.get("image").unwrap_or(&Value::Null)});
        for field in ["env", "resources", "volumeMounts"] {
            if let Some(value) = spec.get(field) {
                runner[field] = value.clone();
            }
        }
        if within {
            runner["securityContext"] = json!({"privileged": true});
        }
        containers.insert(0, runner);
    }
    if beside && !named(&containers, "docker") {
        let mut docker =
            json!({"name": "docker", "image": SOME_IMAGE, "securityContext": {"privileged": true}});
        if let Some(resources) = spec.get("dockerdContainerResources") {
            docker["resources"] = resources.clone();
        }
        containers.push(docker);
    }
    pod.insert("containers".to_owned(), Value::Array(containers));
    Value::Object(pod)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Source;
    use crate::object::pods::pod_specs;

    fn pods(object: Value) -> Vec<Value> {
        let manifest = Manifest::new(object, Source::Pass("test".to_owned()));
        pod_specs(&manifest.object)
            .iter()
            .filter_map(|at| pod_of(&manifest, at, "ns"))
            .collect()
    }

    #[test]
    fn a_legacy_runner_gains_its_privileged_daemon() {
        let made = pods(
            json!({"apiVersion": "actions.summerwind.dev/v1alpha1", "kind": "RunnerDeployment",
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
            json!({"apiVersion": "actions.summerwind.dev/v1alpha1", "kind": "Runner",
            "metadata": {"name": "r", "labels": {"a": "b"}}, "spec": {"dockerEnabled": false}}),
        );
        assert!(!made[0].to_string().contains("privileged"));
        assert!(made[0]["spec"]["containers"][0]["image"].is_string());
    }

    #[test]
    fn what_is_no_container_is_left_to_the_server() {
        let made = pods(
            json!({"apiVersion": "actions.github.com/v1alpha1", "kind": "AutoscalingRunnerSet",
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
            json!({"apiVersion": "actions.github.com/v1alpha1", "kind": "AutoscalingRunnerSet",
            "metadata": {"name": "r"}, "spec": {"template": {"spec": {"containers": [{"name": "runner", "image": "x"}]}},
            "listenerTemplate": {"spec": {"containers": [{"name": "listener"}]}}}}),
        );
        assert_eq!(made.len(), 2);
        assert_eq!(made[1]["spec"]["containers"][0]["image"], json!(SOME_IMAGE));
    }
}
