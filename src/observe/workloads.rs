//! Which workloads of a cluster are looked at: ARC's own, whoever installed them, and everything else that has pods.
//!
//! What counts as a program of ARC's is said by [`crate::object::pods::runs_arc`].

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::{Mutex, OnceCell};

use crate::clients::kube::{Cluster, ClusterError};
use crate::failure::{Exit, Failure};
use crate::object::pods::{CustomKinds, LEGACY_GROUP, Role, SCALE_SET_GROUP, containers};
use crate::object::{ObjectRef, text_at};

/// A kind to look through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// `apps/v1`.
    pub api_version: String,
    /// `Deployment`.
    pub kind: String,
}

impl Kind {
    /// Where pods are written down for others.
    pub fn config_map() -> Self {
        Self::new("v1", "ConfigMap")
    }

    fn new(api_version: &str, kind: &str) -> Self {
        Self {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
        }
    }
}

/// Where ARC's programs run.
pub fn programs() -> Kind {
    Kind::new("apps/v1", "Deployment")
}

/// ARC's resources whose specs name images; sources before what controllers make of them.
pub fn resources() -> Vec<Kind> {
    const LEGACY: [&str; 4] = [
        "RunnerDeployment",
        "RunnerSet",
        "RunnerReplicaSet",
        "Runner",
    ];
    const SCALE_SET: [&str; 4] = [
        "AutoscalingRunnerSet",
        "AutoscalingListener",
        "EphemeralRunnerSet",
        "EphemeralRunner",
    ];
    let of = |group: &'static str, kinds: [&'static str; 4]| {
        kinds.map(|kind| Kind::new(&format!("{group}/v1alpha1"), kind))
    };
    of(LEGACY_GROUP, LEGACY)
        .into_iter()
        .chain(of(SCALE_SET_GROUP, SCALE_SET))
        .collect()
}

/// Every built-in kind that has pods, beside [`programs`], and where pods are written down for others; sources before
/// what controllers make of them.
pub fn workloads() -> Vec<Kind> {
    [
        ("apps/v1", "StatefulSet"),
        ("apps/v1", "DaemonSet"),
        ("batch/v1", "CronJob"),
        ("v1", "PodTemplate"),
        ("v1", "ReplicationController"),
        ("apps/v1", "ReplicaSet"),
        ("batch/v1", "Job"),
        ("v1", "Pod"),
        ("v1", "ConfigMap"),
    ]
    .map(|(api_version, kind)| Kind::new(api_version, kind))
    .into()
}

/// The custom kinds that may name images.
pub fn custom(kinds: &CustomKinds) -> Vec<Kind> {
    let kinds = kinds.iter();
    kinds
        .map(|kind| Kind::new(&kind.api_version(), &kind.kind))
        .collect()
}

/// Refuses a namespace that is named and not there: a run that finds nothing in it would look like success. Whoever may
/// not read it may know better than this.
pub async fn check_namespaces(cluster: &Cluster, names: &[String]) -> Result<(), Failure> {
    for name in names {
        let namespace = ObjectRef::new("v1", "Namespace", None, name);
        if let Ok(None) = cluster.get(&namespace).await {
            return Err(Failure::new(
                "namespace-missing",
                Exit::Usage,
                format!("there is no namespace {name} in this cluster"),
            )
            .remedy("name one of those that kubectl get namespaces lists"));
        }
    }
    Ok(())
}

/// True for a namespace of the platform itself: what runs there, the platform looks after.
pub fn is_of_the_platform(namespace: &str) -> bool {
    ["kube-", "cattle-", "openshift-"]
        .iter()
        .any(|prefix| namespace.starts_with(prefix))
}

/// True for an object of a group of Rancher's or OpenShift's: what stands in no namespace there is the platform's own.
pub fn is_of_a_platforms_kind(object: &Value) -> bool {
    let version = text_at(object, "/apiVersion").unwrap_or_default();
    let group = version.split_once('/').map_or("", |(group, _)| group);
    ["cattle.io", "openshift.io"].iter().any(|platform| {
        let rest = group.strip_suffix(platform);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

/// True for a Deployment that runs one of ARC's programs, or the kube-rbac-proxy that ARC v0.18 to v0.27
/// put into a Deployment of the bare name `controller-manager`.
pub fn is_arc_program(deployment: &Value) -> bool {
    let found = containers(deployment);
    let is_arc = found
        .iter()
        .any(|container| container.role == Role::Controller);
    let reference = ObjectRef::from_value(deployment);
    let only_proxies = !found.is_empty()
        && found
            .iter()
            .all(|container| container.role == Role::RbacProxy);
    is_arc || (reference.name == "controller-manager" && only_proxies)
}

/// The image that a scale-set controller gives to its listeners; None for other programs.
pub fn listener_image(deployment: &Value) -> Option<&str> {
    containers(deployment)
        .iter()
        .filter(|container| container.role == Role::Controller)
        .filter_map(|container| container.pointer.get(deployment))
        .find_map(|container| {
            let variables = container.get("env").and_then(Value::as_array)?;
            variables
                .iter()
                .find(|variable| {
                    variable.get("name").and_then(Value::as_str)
                        == Some("CONTROLLER_MANAGER_CONTAINER_IMAGE")
                })
                .and_then(|variable| variable.get("value"))
                .and_then(Value::as_str)
        })
}

/// Most ServiceAccounts that are remembered; the names of a cluster have no bound.
const MOST_ACCOUNTS: usize = 4096;

/// Pull secrets of ServiceAccounts, each read once; may be asked from many places at the same time.
#[derive(Debug, Default)]
pub struct ServiceAccounts {
    known: Mutex<HashMap<ObjectRef, Arc<OnceCell<Vec<String>>>>>,
}

impl ServiceAccounts {
    /// The names in `imagePullSecrets` of a ServiceAccount; none where it is not there or may not be read.
    pub async fn pull_secrets(
        &self,
        cluster: &Cluster,
        namespace: &str,
        name: &str,
    ) -> Result<Vec<String>, ClusterError> {
        let account = ObjectRef::new("v1", "ServiceAccount", Some(namespace), name);
        let cell = {
            let mut known = self.known.lock().await;
            if known.len() >= MOST_ACCOUNTS {
                known.clear();
            }
            Arc::clone(known.entry(account.clone()).or_default())
        };
        let names = cell.get_or_try_init(|| read_pull_secrets(cluster, &account));
        names.await.cloned()
    }
}

async fn read_pull_secrets(
    cluster: &Cluster,
    account: &ObjectRef,
) -> Result<Vec<String>, ClusterError> {
    let object = match cluster.get(account).await {
        Err(ClusterError::Forbidden { .. }) => None,
        object => object?,
    };
    let secrets = object
        .as_ref()
        .and_then(|account| account.get("imagePullSecrets"))
        .and_then(Value::as_array);
    Ok(secrets
        .into_iter()
        .flatten()
        .filter_map(|secret| secret.get("name").and_then(Value::as_str))
        .map(str::to_owned)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn deployment(name: &str, containers: &Value) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "n"},
            "spec": {"template": {"spec": {"containers": containers}}}})
    }

    #[test]
    fn arc_is_known_by_more_than_a_common_command() {
        let proxy =
            json!({"name": "kube-rbac-proxy", "image": "quay.io/brancz/kube-rbac-proxy:v0.8.0"});
        let cases = [
            (
                "x",
                json!([{"name": "manager", "image": "mirror/actions-runner-controller:v1"}]),
                true,
            ),
            (
                "x",
                json!([{"name": "m", "image": "mirror/arc:1", "command": ["/manager"], "args": ["--docker-image=docker:dind"]}]),
                true,
            ),
            (
                "x",
                json!([{"name": "m", "image": "mirror/arc:1", "command": ["/github-webhook-server"]}]),
                true,
            ),
            (
                "x",
                json!([{"name": "m", "image": "mirror/arc:1", "args": ["--docker-image=docker:dind", "--runner-image=r:1"]}]),
                true,
            ),
            (
                "x",
                json!([{"name": "m", "image": "mirror/builds:1", "command": ["/builds", "register"], "args": ["--docker-image=alpine"]}]),
                false,
            ),
            ("controller-manager", json!([proxy]), true),
            (
                "other-controller-manager",
                json!([proxy, {"name": "manager", "image": "other/operator:1", "command": ["/manager"]}]),
                false,
            ),
            (
                "controller-manager",
                json!([proxy, {"name": "manager", "image": "other/operator:1", "command": ["/manager"]}]),
                false,
            ),
        ];
        for (name, containers, expected) in cases {
            assert_eq!(
                is_arc_program(&deployment(name, &containers)),
                expected,
                "{name} {containers}"
            );
        }
    }

    #[test]
    fn a_platforms_kinds_are_known_by_their_groups() {
        for (version, expected) in [
            ("management.cattle.io/v3", true),
            ("cattle.io/v1", true),
            ("config.openshift.io/v1", true),
            ("notcattle.io/v1", false),
            ("cattle.io.example.com/v1", false),
            ("v1", false),
        ] {
            let object = json!({ "apiVersion": version });
            assert_eq!(is_of_a_platforms_kind(&object), expected, "{version}");
        }
    }

    #[test]
    fn the_listeners_image_stands_in_a_variable() {
        let object = deployment(
            "arc",
            &json!([{"name": "manager", "image": "r/gha-runner-scale-set-controller:0.14.2",
            "env": [{"name": "CONTROLLER_MANAGER_CONTAINER_IMAGE", "value": "r/x:1"}]}]),
        );
        assert_eq!(listener_image(&object), Some("r/x:1"));
    }
}
