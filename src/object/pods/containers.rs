//! Every container of an object, with what it does.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Part, PodSpecAt, Shape, pod_specs};
use crate::object::Pointer;

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
    /// Anything else.
    Sidecar,
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

const LISTS: [&str; 4] = [
    "initContainers",
    "containers",
    "sidecarContainers",
    "ephemeralContainers",
];

/// Every container of an object, pod by pod, in the order in which they start.
pub fn containers(object: &Value) -> Vec<ContainerAt> {
    let mut found = Vec::new();
    for pod in pod_specs(object) {
        if pod.shape == Shape::RunnerConfig {
            continue;
        }
        for list in LISTS {
            let at = pod.pointer.child(list);
            let items = at.get(object).and_then(Value::as_array);
            for (index, item) in items.into_iter().flatten().enumerate() {
                let text = |key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default();
                let always = text("restartPolicy") == "Always";
                found.push(ContainerAt {
                    pointer: at.index(index),
                    name: text("name").to_owned(),
                    role: role(pod.part, list == "initContainers" && !always, item),
                    pod: pod.clone(),
                });
            }
        }
    }
    found
}

fn role(part: Part, init: bool, container: &Value) -> Role {
    let text = |key: &str| {
        container
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let name = text("name");
    match part {
        _ if init => Role::Init,
        Part::Runner if name == "runner" => Role::Runner,
        Part::Runner if name == "dind" || name == "docker" => Role::Dind,
        Part::Listener if name == "listener" => Role::Listener,
        Part::Workload
            if name.contains("rbac-proxy") || text("image").contains("/kube-rbac-proxy") =>
        {
            Role::RbacProxy
        }
        Part::Workload if is_controller(container) => Role::Controller,
        _ => Role::Sidecar,
    }
}

/// True for ARC's own binaries: by image, or by the variables that only they read.
pub(super) fn is_controller(container: &Value) -> bool {
    let image = container
        .get("image")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let repository = image.split('@').next().unwrap_or_default();
    let last = repository.rsplit('/').next().unwrap_or_default();
    let last = last.split(':').next().unwrap_or_default();
    if last.contains("actions-runner-controller")
        || last.contains("gha-runner-scale-set-controller")
    {
        return true;
    }
    let variables = container.get("env").and_then(Value::as_array);
    let known = variables.into_iter().flatten().any(|variable| {
        let name = variable.get("name").and_then(Value::as_str);
        matches!(
            name,
            Some("CONTROLLER_MANAGER_CONTAINER_IMAGE" | "GITHUB_APP_INSTALLATION_ID")
        )
    });
    let mounts = container.get("volumeMounts").and_then(Value::as_array);
    known
        || mounts.into_iter().flatten().any(|mount| {
            mount.get("mountPath").and_then(Value::as_str) == Some("/etc/actions-runner-controller")
        })
}
