//! Rolls every Deployment out at once, where no controller does: what a run waits for is not what is tested.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use kube::Client;
use kube::api::{Api, ListParams, Patch, PatchParams};
use serde_json::json;
use tokio::task::JoinHandle;

/// Works until it is dropped.
pub(super) struct Rollouts(JoinHandle<()>);

impl Drop for Rollouts {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Rollouts {
    pub(super) fn follow(client: Client) -> Self {
        Self(tokio::spawn(async move {
            loop {
                // What has just gone, or moved, is looked at again.
                roll_out(&client).await.ok();
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }))
    }
}

async fn roll_out(client: &Client) -> kube::Result<()> {
    let all = Api::<Deployment>::all(client.clone());
    for deployment in all.list(&ListParams::default()).await? {
        let metadata = deployment.metadata;
        let seen = deployment
            .status
            .and_then(|status| status.observed_generation);
        if seen == metadata.generation {
            continue;
        }
        let replicas = deployment.spec.and_then(|spec| spec.replicas).unwrap_or(1);
        let status = json!({"status": {
            "observedGeneration": metadata.generation, "replicas": replicas, "updatedReplicas": replicas,
            "readyReplicas": replicas, "availableReplicas": replicas}});
        let namespace = metadata.namespace.unwrap_or_default();
        Api::<Deployment>::namespaced(client.clone(), &namespace)
            .patch_status(
                &metadata.name.unwrap_or_default(),
                &PatchParams::default(),
                &Patch::Merge(&status),
            )
            .await?;
    }
    Ok(())
}
