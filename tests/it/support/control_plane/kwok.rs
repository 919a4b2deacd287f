//! Nodes and pods without a kubelet: the stages that kwok plays, and the node that it manages.

use anyhow::Result;
use k8s_openapi::api::core::v1::Node;
use kube::api::{Api, PostParams};
use serde_json::json;

/// Nodes with this annotation are kwok's.
pub(super) const NODE_ANNOTATION: &str = "kwok.x-k8s.io/node=fake";
const NODE: &str = "kwok-node";

/// Pods run at once, unless an image of theirs contains `missing` or they carry the annotation
/// `arc-setup.test/pull-error`, whose value then is what the registry answered.
pub(super) const STAGES: &str = include_str!("stages.yaml");

/// Makes the one node; kwok sees it and makes it ready.
pub(super) async fn create_node(client: &kube::Client) -> Result<()> {
    let (annotation, value) = NODE_ANNOTATION.split_once('=').unwrap_or_default();
    let node: Node = serde_json::from_value(json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": NODE,
            "annotations": { annotation: value },
            "labels": {
                "kubernetes.io/hostname": NODE,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
            },
        },
    }))?;
    Api::all(client.clone())
        .create(&PostParams::default(), &node)
        .await?;
    Ok(())
}

/// Whether the node is ready and may be scheduled to.
pub(super) async fn node_is_ready(client: &kube::Client) -> Result<bool> {
    let node = Api::<Node>::all(client.clone()).get(NODE).await?;
    // The scheduler waits for the taint to go, which the controller-manager takes away.
    let tainted = node
        .spec
        .and_then(|spec| spec.taints)
        .is_some_and(|taints| !taints.is_empty());
    let ready = node
        .status
        .and_then(|status| status.conditions)
        .is_some_and(|conditions| {
            conditions
                .iter()
                .any(|one| one.type_ == "Ready" && one.status == "True")
        });
    Ok(ready && !tainted)
}
