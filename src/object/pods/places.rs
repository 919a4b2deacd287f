//! Where the pods of built-in kinds and of ARC's stand.

use super::{LEGACY_GROUP, Part, SCALE_SET_GROUP, Shape};

/// A pod spec of a known kind.
pub(super) struct Place {
    pub(super) spec: &'static str,
    pub(super) metadata: Option<&'static str>,
    pub(super) shape: Shape,
    pub(super) part: Part,
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
/// The hooks of the container mode read files of this kind with the pod in `spec`, where an API server has none.
const POD_TEMPLATE: [Place; 2] = [
    place(
        "/template/spec",
        "/template/metadata",
        Shape::PodSpec,
        Part::Workload,
    ),
    place("/spec", "/metadata", Shape::PodSpec, Part::Workload),
];
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

/// The pod specs of a built-in kind or one of ARC's; none for others.
pub(super) fn places(group: &str, kind: &str) -> &'static [Place] {
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

/// Groups of an API server's own kinds that end in `.k8s.io`. Other owners have such groups as well, with images in
/// them: `sparkoperator.k8s.io`, `kustomize.config.k8s.io`, `kubeadm.k8s.io`.
const BUILT_IN: [&str; 20] = [
    "admissionregistration",
    "apiextensions",
    "apiregistration",
    "authentication",
    "authorization",
    "certificates",
    "coordination",
    "discovery",
    "events",
    "flowcontrol.apiserver",
    "internal.apiserver",
    "metrics",
    "networking",
    "node",
    "policy",
    "rbac.authorization",
    "resource",
    "scheduling",
    "storage",
    "storagemigration",
];

/// True for the groups of kinds that every API server brings: none of them holds images but those in `places`.
pub fn is_built_in(group: &str) -> bool {
    matches!(
        group,
        "" | "apps" | "batch" | "extensions" | "autoscaling" | "policy"
    ) || group
        .strip_suffix(".k8s.io")
        .is_some_and(|name| BUILT_IN.contains(&name))
}
