//! A runner set of the validated configuration.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::github::{ExistingSecret, Scope};

/// One set of runners.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunnerSet {
    /// Its name: what `runs-on` says in scale-set mode. At most 45 characters.
    pub name: String,
    /// Which kind of object carries it. Scale-set mode knows only `ScaleSet`.
    pub kind: RunnerKind,
    /// The namespace, already resolved from the default.
    pub namespace: String,
    /// Where it registers, already resolved from the default.
    pub scope: Scope,
    /// Extra labels.
    pub labels: Vec<String>,
    /// Runner group.
    pub group: Option<String>,
    /// Runner image before rewriting; None takes the default of mode and container mode.
    pub image: Option<String>,
    /// dind image before rewriting; None takes the default.
    pub dind_image: Option<String>,
    /// Least number of runners.
    pub min: u32,
    /// Greatest number of runners. For `Runner` it is 1.
    pub max: u32,
    /// How jobs get containers.
    pub container_mode: ContainerMode,
    /// The volume of `_work`.
    pub work_volume: WorkVolume,
    /// Legacy autoscaling.
    pub scaling: Scaling,
    /// A Secret for this set's own GitHub login, in its namespace; None takes `github.credentials`.
    pub github_secret: Option<ExistingSecret>,
    /// Merged strategically over the rendered pod template.
    pub pod_template: Option<Value>,
}

/// The kind of object that carries a runner set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RunnerKind {
    /// AutoscalingRunnerSet.
    ScaleSet,
    /// A single legacy Runner.
    Runner,
    /// A legacy RunnerDeployment with a HorizontalRunnerAutoscaler where min and max differ or metrics are given.
    RunnerDeployment,
    /// A legacy RunnerSet (StatefulSet-like; 0.20 or newer).
    RunnerSet,
}

impl RunnerKind {
    /// The `kind` of the object.
    pub fn object_kind(self) -> &'static str {
        match self {
            Self::ScaleSet => "AutoscalingRunnerSet",
            Self::Runner => "Runner",
            Self::RunnerDeployment => "RunnerDeployment",
            Self::RunnerSet => "RunnerSet",
        }
    }
}

/// How jobs get containers.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum ContainerMode {
    /// None: jobs run in the runner container.
    #[default]
    None,
    /// A privileged Docker daemon beside the runner.
    Dind,
    /// Job pods through the container hooks, with a shared volume.
    Kubernetes,
    /// Job pods without a shared volume (scale set 0.13 or newer).
    KubernetesNovolume,
}

/// The volume of `_work` (and of tmp, so that moves between them never cross a device).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkVolume {
    /// emptyDir on the node's disk, with an optional size limit (a quantity).
    #[serde(rename_all = "camelCase")]
    EmptyDir {
        /// Size limit, such as `20Gi`.
        size_limit: Option<String>,
    },
    /// A volume claim made for each pod.
    #[serde(rename_all = "camelCase")]
    Claim {
        /// Storage class; None takes the cluster's default.
        storage_class: Option<String>,
        /// Size, such as `20Gi`.
        size: String,
        /// `ReadWriteOnce` or `ReadWriteMany`.
        access_mode: String,
    },
}

/// Legacy autoscaling (HorizontalRunnerAutoscaler).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scaling {
    /// By queued and running workflow runs of these repositories (`name` without owner).
    pub queue_repositories: Option<Vec<String>>,
    /// By the share of busy runners.
    pub busy: Option<BusyScaling>,
    /// Overrides of `min` at set times.
    pub schedules: Vec<Schedule>,
    /// Seconds to wait before scaling down after a scale-out.
    pub scale_down_delay_seconds: Option<u32>,
}

/// PercentageRunnersBusy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BusyScaling {
    /// Share above which to scale up, as a decimal text: `0.75`.
    pub up_threshold: String,
    /// Share below which to scale down.
    pub down_threshold: String,
    /// Factor to scale up by, as a decimal text: `1.4`.
    pub up_factor: String,
    /// Factor to scale down by.
    pub down_factor: String,
}

/// A scheduled override.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// Start, RFC 3339: `2026-01-05T07:00:00+01:00`.
    pub start: String,
    /// End, RFC 3339.
    pub end: String,
    /// Least number of runners in that time.
    pub min: u32,
    /// `Daily`, `Weekly`, `Monthly`, `Yearly`; None is once.
    pub frequency: Option<String>,
    /// RFC 3339; no repetition after it.
    pub until: Option<String>,
}
