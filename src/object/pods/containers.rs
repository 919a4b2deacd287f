//! Every container of an object, with what it does.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::survey::{Pod, survey};
use super::{CustomKinds, Part, PodSpecAt, Shape};
use crate::object::{Pointer, items_at, text_at};

/// What a container does in ARC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The manager of either generation, its webhook server and metrics server.
    Controller,
    /// kube-rbac-proxy.
    RbacProxy,
    /// The listener of a scale set.
    Listener,
    /// The runner.
    Runner,
    /// The Docker daemon.
    Dind,
    /// An init container.
    Init,
    /// Beside a runner or a listener, or an init container that stays.
    Sidecar,
    /// In the template of the container hooks: what they merge into a job's container (`$job`), or a service's (`$NAME`).
    Job,
    /// Of anything but ARC; a field of a custom kind, too.
    Workload,
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Controller => "controller",
            Self::RbacProxy => "rbac-proxy",
            Self::Listener => "listener",
            Self::Runner => "runner",
            Self::Dind => "dind",
            Self::Init => "init",
            Self::Sidecar => "sidecar",
            Self::Job => "job",
            Self::Workload => "workload",
        })
    }
}

/// A container that is written out in an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerAt {
    /// Where it stands.
    pub pointer: Pointer,
    /// Its name.
    pub name: String,
    /// What it does.
    pub role: Role,
    /// The pod that it belongs to.
    pub pod: PodSpecAt,
}

pub(super) const LISTS: [&str; 4] = [
    "initContainers",
    "containers",
    "sidecarContainers",
    "ephemeralContainers",
];

/// Every container of an object, pod by pod, in the order in which they start.
pub fn containers(object: &Value) -> Vec<ContainerAt> {
    containers_with(object, &CustomKinds::default())
}

/// As [`containers`], where the schemas of custom kinds tell of pods.
pub fn containers_with(object: &Value, kinds: &CustomKinds) -> Vec<ContainerAt> {
    let survey = survey(object, kinds);
    survey.pods.iter().flat_map(of_pod).collect()
}

/// Every container of one pod.
pub(super) fn of_pod<'a>(pod: &'a Pod<'_>) -> impl Iterator<Item = ContainerAt> + 'a {
    written(pod).map(|one| ContainerAt {
        pointer: one.pointer(pod),
        name: text(one.value, "name").to_owned(),
        role: one.role(pod),
        pod: pod.at.clone(),
    })
}

/// A container that is written out in a pod.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written<'a> {
    pub(super) value: &'a Value,
    list: &'static str,
    index: usize,
}

impl Written<'_> {
    pub(super) fn pointer(&self, pod: &Pod<'_>) -> Pointer {
        Pointer::new(format!("{}/{}/{}", pod.at.pointer, self.list, self.index))
    }

    pub(super) fn role(&self, pod: &Pod<'_>) -> Role {
        let always = text(self.value, "restartPolicy") == "Always";
        let init = self.list == "initContainers" && !always;
        let stays = self.list == "initContainers" && always;
        match role(pod.at.part, init, self.value) {
            Role::Workload if stays => Role::Sidecar,
            role => role,
        }
    }
}

/// What each list of a pod holds; a [`Shape::RunnerConfig`] has none.
pub(super) fn written<'a>(pod: &'a Pod<'_>) -> impl Iterator<Item = Written<'a>> {
    let has_lists = pod.at.shape != Shape::RunnerConfig;
    let lists = LISTS.into_iter().filter(move |_| has_lists);
    lists.flat_map(|list| {
        let items = pod.spec.get(list).and_then(Value::as_array);
        let items = items.into_iter().flatten().enumerate();
        items.map(move |(index, value)| Written { value, list, index })
    })
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// True for the name of the container beside a runner in which Docker's daemon runs: scale sets say `dind`, the legacy
/// generation `docker`.
pub fn is_daemon(name: &str) -> bool {
    matches!(name, "dind" | "docker")
}

fn role(part: Part, init: bool, container: &Value) -> Role {
    let name = text(container, "name");
    match part {
        _ if init => Role::Init,
        Part::Runner if name == "runner" => Role::Runner,
        Part::Runner if is_daemon(name) => Role::Dind,
        Part::Listener if name == "listener" => Role::Listener,
        Part::Workload
            if name.contains("rbac-proxy")
                || text(container, "image").contains("/kube-rbac-proxy") =>
        {
            Role::RbacProxy
        }
        // No container of a pod may be called so.
        Part::Workload if name.starts_with('$') => Role::Job,
        Part::Workload if runs_arc(container) => Role::Controller,
        Part::Workload => Role::Workload,
        Part::Runner | Part::Listener => Role::Sidecar,
    }
}

/// True for a container that runs one of ARC's own programs (managers of both generations, webhook server, metrics
/// server, listener), whatever its image is called: by image, program, flags, variables or mount. `/manager` alone is
/// what every operator calls its program.
pub fn runs_arc(container: &Value) -> bool {
    has_image_of_arc(container)
        || has_words_of_arc(container)
        || has_variable_of_arc(container)
        || items_at(container, "/volumeMounts")
            .iter()
            .any(|mount| text_at(mount, "/mountPath") == Some("/etc/actions-runner-controller"))
}

/// True for an image with the name of one of ARC's own programs; runners stand under the same names as directories.
pub fn has_image_of_arc(container: &Value) -> bool {
    let image = text_at(container, "/image").unwrap_or_default();
    let repository = image.split('@').next().unwrap_or_default();
    let last = repository.rsplit('/').next().unwrap_or_default();
    let last = last.split(':').next().unwrap_or_default();
    last.contains("actions-runner-controller") || last.contains("gha-runner-scale-set-controller")
}

fn has_variable_of_arc(container: &Value) -> bool {
    items_at(container, "/env").iter().any(|variable| {
        matches!(
            text_at(variable, "/name"),
            Some("CONTROLLER_MANAGER_CONTAINER_IMAGE" | "GITHUB_APP_INSTALLATION_ID")
        )
    })
}

/// Programs and flags that nothing but ARC has.
fn has_words_of_arc(container: &Value) -> bool {
    const PROGRAMS: [&str; 3] = [
        "/github-webhook-server",
        "/actions-metrics-server",
        "/ghalistener",
    ];
    const FLAGS: [&str; 4] = [
        "auto-scaling-runner-set-only",
        "runner-image-pull-secret",
        "docker-registry-mirror",
        "common-runner-labels",
    ];
    /// Other programs have them too: one of them beside `/manager`, or both.
    const COMMON: [&str; 2] = ["docker-image", "runner-image"];
    let words: Vec<&str> = ["/command", "/args"]
        .into_iter()
        .flat_map(|list| items_at(container, list))
        .filter_map(Value::as_str)
        .collect();
    let flag = |name: &str| {
        words.iter().any(|word| {
            word.starts_with('-') && word.trim_start_matches('-').split('=').next() == Some(name)
        })
    };
    let is_manager = text_at(container, "/command/0")
        .is_some_and(|program| program.rsplit('/').next() == Some("manager"));
    let common = COMMON.into_iter().filter(|name| flag(name)).count();
    words.iter().any(|word| PROGRAMS.contains(word))
        || FLAGS.into_iter().any(flag)
        || common == COMMON.len()
        || (is_manager && common > 0)
}
