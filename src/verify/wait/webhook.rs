//! Does a webhook answer? Only calling it tells: a guarded object is sent as a dry run.

use serde_json::{Value, json};

use super::run::Run;
use crate::clients::kube::ClusterError;
use crate::object::ObjectRef;
use crate::object::pods::LEGACY_GROUP;
use crate::verify::readiness::webhook_configuration::Answer;

impl Run<'_, '_> {
    /// Sends a guarded object as a dry run, until it was answered once.
    pub(super) async fn try_webhook(&mut self, configuration: &ObjectRef) {
        if self.answers.get(configuration) == Some(&Answer::Reached) {
            return;
        }
        let Some(live) = self.world.get(configuration) else {
            return;
        };
        let service = live.pointer("/webhooks/0/clientConfig/service/namespace");
        let Some(namespace) = service.and_then(Value::as_str) else {
            return;
        };
        let sample = json!({
            "apiVersion": format!("{LEGACY_GROUP}/v1alpha1"), "kind": "Runner",
            "metadata": {"generateName": "arc-setup-check-", "namespace": namespace},
            "spec": {"repository": "arc-setup/check"},
        });
        let answer = match self.cluster.create(&sample, true).await {
            Err(ClusterError::WebhookFailed { message, .. }) => Answer::NotReached(message),
            // Rights are asked for before webhooks: nothing is known then.
            Err(
                ClusterError::Forbidden { .. }
                | ClusterError::NotFound { .. }
                | ClusterError::Unreachable { .. },
            ) => return,
            _ => Answer::Reached,
        };
        self.answers.insert(configuration.clone(), answer);
    }
}
