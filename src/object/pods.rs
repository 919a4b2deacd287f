//! Where pods and their containers hide in each kind, and which container does what.
//!
//! The only place that knows this: passes and patches over live objects ask here. Only known paths are
//! followed, so that a CRD's schema, `status`, managedFields and kubectl's stale copy are never reached.

mod absent;
mod catalogue;
mod containers;
mod edit;
mod flags;
mod sites;
mod slots;
mod split;
mod suspected;

use serde_json::Value;

use super::Pointer;

pub use absent::{AbsentKind, AbsentSlot, absent_slots};
pub use catalogue::{NameStrength, image_name_strength};
pub use containers::{ContainerAt, Role, containers, has_image_of_arc, is_daemon, runs_arc};
pub use edit::{Replacement, SlotEdit, replacements, write_slots};
pub use flags::flags;
pub use sites::{Site, may_use_sudo, sites};
pub use slots::{ArgumentForm, ImageSlot, SlotKind, image_slots};
pub use suspected::{Suspect, suspected};

/// Group of the legacy generation.
pub const LEGACY_GROUP: &str = "actions.summerwind.dev";
/// Group of the scale-set generation.
pub const SCALE_SET_GROUP: &str = "actions.github.com";

/// What stands at a pod's pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shape {
    /// A core PodSpec.
    PodSpec,
    /// `Runner.spec` of the legacy generation: a PodSpec with the runner container's own fields (`image`,
    /// `env`, `volumeMounts`, `resources`) and dind's (`dockerEnv`, `dockerVolumeMounts`) spread beside
    /// the container lists. Its controller writes the containers `runner` and `docker`.
    RunnerSpec,
    /// `RunnerSet.spec`: only the runner's scalars; its pod stands in `template.spec` as a PodSpec.
    RunnerConfig,
}

/// Whose pod it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// A pod of a built-in kind: controllers and everything else.
    Workload,
    /// A scale set's listener.
    Listener,
    /// A runner.
    Runner,
}

/// A pod spec inside an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodSpecAt {
    /// Where the spec stands. It need not exist: a listener template may be absent.
    pub pointer: Pointer,
    /// Where the pod's labels and annotations come from; None where they cannot be set.
    pub metadata: Option<Pointer>,
    /// What stands there.
    pub shape: Shape,
    /// Whose pod it is.
    pub part: Part,
}

/// Every pod spec of an object that exists in it, in the order of the object. Lists are followed.
pub fn pod_specs(object: &Value) -> Vec<PodSpecAt> {
    let mut found = Vec::new();
    collect(object, &Pointer::root(), &mut found);
    found
}

fn collect(object: &Value, at: &Pointer, found: &mut Vec<PodSpecAt>) {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let kind = text("kind");
    if kind.ends_with("List")
        && let Some(items) = object.get("items").and_then(Value::as_array)
    {
        for (index, item) in items.iter().enumerate() {
            collect(item, &at.child("items").index(index), found);
        }
        return;
    }
    let group = text("apiVersion")
        .split_once('/')
        .map_or("", |(group, _)| group);
    for place in places(group, kind) {
        let pointer = Pointer::new(format!("{at}{}", place.spec));
        if Pointer::new(place.spec)
            .get(object)
            .is_some_and(Value::is_object)
        {
            found.push(PodSpecAt {
                pointer,
                metadata: place
                    .metadata
                    .map(|path| Pointer::new(format!("{at}{path}"))),
                shape: place.shape,
                part: place.part,
            });
        }
    }
}

struct Place {
    spec: &'static str,
    metadata: Option<&'static str>,
    shape: Shape,
    part: Part,
}

const fn place(spec: &'static str, metadata: &'static str, shape: Shape, part: Part) -> Place {
    Place {
        spec,
        metadata: if metadata.is_empty() {
            None
        } else {
            Some(metadata)
        },
        shape,
        part,
    }
}

const POD: [Place; 1] = [place("/spec", "/metadata", Shape::PodSpec, Part::Workload)];
const TEMPLATE: [Place; 1] = [place(
    "/spec/template/spec",
    "/spec/template/metadata",
    Shape::PodSpec,
    Part::Workload,
)];
const CRON_JOB: [Place; 1] = [place(
    "/spec/jobTemplate/spec/template/spec",
    "/spec/jobTemplate/spec/template/metadata",
    Shape::PodSpec,
    Part::Workload,
)];
const POD_TEMPLATE: [Place; 1] = [place(
    "/template/spec",
    "/template/metadata",
    Shape::PodSpec,
    Part::Workload,
)];
const RUNNER: [Place; 1] = [place("/spec", "/metadata", Shape::RunnerSpec, Part::Runner)];
const RUNNER_TEMPLATE: [Place; 1] = [place(
    "/spec/template/spec",
    "/spec/template/metadata",
    Shape::RunnerSpec,
    Part::Runner,
)];
const RUNNER_SET: [Place; 2] = [
    place("/spec", "", Shape::RunnerConfig, Part::Runner),
    place(
        "/spec/template/spec",
        "/spec/template/metadata",
        Shape::PodSpec,
        Part::Runner,
    ),
];
const AUTOSCALING_RUNNER_SET: [Place; 2] = [
    place(
        "/spec/template/spec",
        "/spec/template/metadata",
        Shape::PodSpec,
        Part::Runner,
    ),
    place(
        "/spec/listenerTemplate/spec",
        "/spec/listenerTemplate/metadata",
        Shape::PodSpec,
        Part::Listener,
    ),
];
const AUTOSCALING_LISTENER: [Place; 2] = [
    place("/spec", "", Shape::RunnerConfig, Part::Listener),
    place(
        "/spec/template/spec",
        "/spec/template/metadata",
        Shape::PodSpec,
        Part::Listener,
    ),
];
const EPHEMERAL_RUNNER_SET: [Place; 1] = [place(
    "/spec/ephemeralRunnerSpec/spec",
    "/spec/ephemeralRunnerSpec/metadata",
    Shape::PodSpec,
    Part::Runner,
)];
const EPHEMERAL_RUNNER: [Place; 1] = [place(
    "/spec/spec",
    "/spec/metadata",
    Shape::PodSpec,
    Part::Runner,
)];

fn places(group: &str, kind: &str) -> &'static [Place] {
    match (group, kind) {
        ("", "Pod") => &POD,
        ("", "PodTemplate") => &POD_TEMPLATE,
        ("" | "apps" | "extensions" | "batch", _) => match kind {
            "Deployment"
            | "ReplicaSet"
            | "StatefulSet"
            | "DaemonSet"
            | "Job"
            | "ReplicationController" => &TEMPLATE,
            "CronJob" => &CRON_JOB,
            _ => &[],
        },
        (LEGACY_GROUP, "Runner") => &RUNNER,
        (LEGACY_GROUP, "RunnerDeployment" | "RunnerReplicaSet") => &RUNNER_TEMPLATE,
        (LEGACY_GROUP, "RunnerSet") => &RUNNER_SET,
        (SCALE_SET_GROUP, "AutoscalingRunnerSet") => &AUTOSCALING_RUNNER_SET,
        (SCALE_SET_GROUP, "AutoscalingListener") => &AUTOSCALING_LISTENER,
        (SCALE_SET_GROUP, "EphemeralRunnerSet") => &EPHEMERAL_RUNNER_SET,
        (SCALE_SET_GROUP, "EphemeralRunner") => &EPHEMERAL_RUNNER,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pointers(object: &Value) -> Vec<String> {
        pod_specs(object)
            .iter()
            .map(|at| at.pointer.to_string())
            .collect()
    }

    #[test]
    fn every_kind_has_its_place() {
        let pod = json!({"containers": []});
        let template = json!({"template": {"spec": pod}});
        let cases = [
            ("v1", "Pod", json!({"spec": pod}), "/spec"),
            ("v1", "PodTemplate", template.clone(), "/template/spec"),
            (
                "apps/v1",
                "Deployment",
                json!({"spec": template}),
                "/spec/template/spec",
            ),
            (
                "batch/v1",
                "CronJob",
                json!({"spec": {"jobTemplate": {"spec": template}}}),
                "/spec/jobTemplate/spec/template/spec",
            ),
            (
                "actions.summerwind.dev/v1alpha1",
                "Runner",
                json!({"spec": pod}),
                "/spec",
            ),
            (
                "actions.github.com/v1alpha1",
                "EphemeralRunner",
                json!({"spec": {"spec": pod}}),
                "/spec/spec",
            ),
            (
                "actions.github.com/v1alpha1",
                "EphemeralRunnerSet",
                json!({"spec": {"ephemeralRunnerSpec": {"spec": pod}}}),
                "/spec/ephemeralRunnerSpec/spec",
            ),
        ];
        for (api_version, kind, body, expected) in cases {
            let mut object = body;
            object["apiVersion"] = json!(api_version);
            object["kind"] = json!(kind);
            assert_eq!(pointers(&object), [expected], "{kind}");
            let list = json!({"apiVersion": "v1", "kind": "List", "items": [{}, object]});
            assert_eq!(pointers(&list), [format!("/items/1{expected}")], "{kind}");
        }
    }

    #[test]
    fn two_pods_live_in_a_scale_set_and_in_a_runner_set() {
        let scale_set = json!({"apiVersion": "actions.github.com/v1alpha1", "kind": "AutoscalingRunnerSet",
            "spec": {"template": {"spec": {}}, "listenerTemplate": {"spec": {}}}});
        assert_eq!(
            pointers(&scale_set),
            ["/spec/template/spec", "/spec/listenerTemplate/spec"]
        );
        let runner_set = json!({"apiVersion": "actions.summerwind.dev/v1alpha1", "kind": "RunnerSet",
            "spec": {"image": "x", "template": {"spec": {}}}});
        let found = pod_specs(&runner_set);
        assert_eq!(found[0].shape, Shape::RunnerConfig);
        assert_eq!(found[1].shape, Shape::PodSpec);
    }

    #[test]
    fn what_only_looks_like_a_pod_is_left_alone() {
        let schema = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "spec": {"template": {"spec": {"containers": [{"image": "x"}]}}}});
        assert!(pod_specs(&schema).is_empty());
        let foreign = json!({"apiVersion": "example.com/v1", "kind": "Runner", "spec": {}});
        assert!(pod_specs(&foreign).is_empty());
    }
}
