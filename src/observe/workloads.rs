//! Finds ARC's own workloads and resources in a cluster, whoever installed them, page by page.
//!
//! What counts as a program of ARC's is said by [`crate::object::pods::runs_arc`].

use std::collections::BTreeMap;

use serde_json::Value;

use crate::clients::kube::{Cluster, ClusterError, Page, Selection};
use crate::object::ObjectRef;
use crate::object::pods::{LEGACY_GROUP, Role, SCALE_SET_GROUP, containers};

/// A kind to look through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// `apps/v1`.
    pub api_version: String,
    /// `Deployment`.
    pub kind: &'static str,
}

/// Where ARC's programs run.
pub fn programs() -> Kind {
    Kind {
        api_version: "apps/v1".to_owned(),
        kind: "Deployment",
    }
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
        kinds.map(|kind| Kind {
            api_version: format!("{group}/v1alpha1"),
            kind,
        })
    };
    of(LEGACY_GROUP, LEGACY)
        .into_iter()
        .chain(of(SCALE_SET_GROUP, SCALE_SET))
        .collect()
}

/// One page of a kind's objects; an empty one where the cluster does not know the kind.
pub async fn page(
    cluster: &Cluster,
    kind: &Kind,
    namespace: Option<&str>,
    token: Option<&str>,
) -> Result<Page, ClusterError> {
    let selection = Selection {
        namespace,
        ..Selection::default()
    };
    match cluster
        .page(&kind.api_version, kind.kind, &selection, token)
        .await
    {
        Err(ClusterError::NotFound { .. }) => Ok(Page::default()),
        page => page,
    }
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

/// Pull secrets of ServiceAccounts, each read once.
#[derive(Debug, Default)]
pub struct ServiceAccounts {
    known: BTreeMap<(String, String), Vec<String>>,
}

impl ServiceAccounts {
    /// The names in `imagePullSecrets` of a ServiceAccount; none where it is not there or may not be read.
    pub async fn pull_secrets(
        &mut self,
        cluster: &Cluster,
        namespace: &str,
        name: &str,
    ) -> Result<&[String], ClusterError> {
        let key = (namespace.to_owned(), name.to_owned());
        if !self.known.contains_key(&key) {
            let account = ObjectRef::new("v1", "ServiceAccount", Some(namespace), name);
            let object = match cluster.get(&account).await {
                Err(ClusterError::Forbidden { .. }) => None,
                object => object?,
            };
            let names = object
                .as_ref()
                .and_then(|account| account.get("imagePullSecrets"))
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(|secret| secret.get("name").and_then(Value::as_str))
                .map(str::to_owned)
                .collect();
            self.known.insert(key.clone(), names);
        }
        Ok(self.known.get(&key).map_or(&[], Vec::as_slice))
    }
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
    fn the_listeners_image_stands_in_a_variable() {
        let object = deployment(
            "arc",
            &json!([{"name": "manager", "image": "r/gha-runner-scale-set-controller:0.14.2",
            "env": [{"name": "CONTROLLER_MANAGER_CONTAINER_IMAGE", "value": "r/x:1"}]}]),
        );
        assert_eq!(listener_image(&object), Some("r/x:1"));
    }
}
