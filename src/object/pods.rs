//! Where pods and their containers hide in each kind, and which container does what.
//!
//! The only place that knows this: passes and patches over live objects ask here. Built-in kinds and ARC's are known
//! by their paths, custom kinds by their schemas ([`CustomKinds`]) or by what can only be a pod template. A CRD's own
//! schema, `status`, managedFields, Secrets and kubectl's stale copy are never looked at.

mod absent;
mod broken;
mod catalogue;
mod containers;
mod custom;
mod edit;
mod flags;
mod hook_template;
mod images;
mod in_pods;
mod places;
mod schema;
mod sites;
mod slots;
mod split;
mod survey;
mod suspected;
mod unread;
mod words;

use serde_json::Value;

use super::Pointer;

pub use absent::{AbsentKind, AbsentSlot, absent_slots};
pub use catalogue::{NameStrength, image_name_strength};
pub use containers::{
    ContainerAt, Role, containers, containers_with, has_image_of_arc, is_daemon, runs_arc,
};
pub use custom::{CustomKind, CustomKinds, CustomPod};
pub use edit::{Replacement, SlotEdit, replacements, write_slots};
pub use flags::flags;
pub use hook_template::hook_templates;
pub use places::is_built_in;
pub use schema::{Definition, OpenApi};
pub use sites::{Site, may_use_sudo, sites, starts_job_pods};
pub use slots::{ArgumentForm, ImageSlot, SlotKind};
pub use split::PARTS;
pub use suspected::{Suspect, Suspicion};
pub use unread::unread_fields;
pub use words::{may_lack_images, may_name_images};

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
    /// Lists of containers in a custom kind. Whether it takes what else a PodSpec has (`imagePullSecrets`, `volumes`)
    /// is not known.
    Containers,
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

/// Every pod spec of an object that exists in it, in the order of the object. Lists are followed. In a custom kind
/// it is what can only be a pod template: a mapping whose key ends in `template`, with `spec.containers`, each of them
/// with a name and an image.
pub fn pod_specs(object: &Value) -> Vec<PodSpecAt> {
    pod_specs_with(object, &CustomKinds::default())
}

/// As [`pod_specs`], and those that the schemas of custom kinds tell of.
pub fn pod_specs_with(object: &Value, kinds: &CustomKinds) -> Vec<PodSpecAt> {
    let survey = survey::survey(object, kinds);
    survey.pods.into_iter().map(|pod| pod.at).collect()
}

/// Every place of an object that surely names an image. An `image` field of a container is one even if it does not
/// parse; arguments and variables are only where their name says so and the value parses; mappings of parts where
/// they can be nothing else. Objects within the texts of a ConfigMap are looked into.
pub fn image_slots(object: &Value) -> Vec<ImageSlot> {
    image_slots_with(object, &CustomKinds::default())
}

/// As [`image_slots`], where the schemas of custom kinds tell of pods.
pub fn image_slots_with(object: &Value, kinds: &CustomKinds) -> Vec<ImageSlot> {
    images::certain(object, kinds)
}

/// Every text of an object that may be an image and is no slot. In pods: words of arguments and variables that name a
/// host and a tag or digest, or a known registry. In custom kinds, in the values of a chart and in the files of a
/// ConfigMap: also what is called so. `10m`, `127.0.0.1:8080` and `robbos/testing-grounds` are none.
pub fn suspected(object: &Value) -> Vec<Suspect> {
    suspected_with(object, &CustomKinds::default())
}

/// As [`suspected`], where the schemas of custom kinds tell of pods.
pub fn suspected_with(object: &Value, kinds: &CustomKinds) -> Vec<Suspect> {
    images::all(object, kinds, 0).suspects
}

/// Slots and suspects in one walk: [`image_slots_with`] and [`suspected_with`].
pub fn slots_and_suspects(object: &Value, kinds: &CustomKinds) -> (Vec<ImageSlot>, Vec<Suspect>) {
    let found = images::all(object, kinds, 0);
    (found.slots, found.suspects)
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
