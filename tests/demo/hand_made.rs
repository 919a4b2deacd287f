//! An install as somebody made it by hand: the legacy controller of v0.18.2, before its image was
//! mirrored, in a namespace that arc-setup knows nothing of.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::surroundings::Surroundings;
use crate::transcript::Transcript;

const DEPLOYMENT: &str = "deployment/controller-manager";
const COLUMNS: &str = "custom-columns=CONTAINERS:.spec.template.spec.containers[*].name,IMAGES:.spec.template.spec.containers[*].image";

/// The install, and what its sidecar must come from in the end.
#[derive(Debug)]
pub(crate) struct HandMade {
    namespace: String,
    repaired: String,
}

/// Applies it and waits until it is available.
pub(crate) fn apply(transcript: &Transcript, around: &Surroundings) -> Result<HandMade> {
    let taken = around
        .company()
        .configured("/namespaces/controller", "arc-systems")
        == "actions-runner-system";
    let namespace = if taken {
        "runners-by-hand"
    } else {
        "actions-runner-system"
    };
    let file = around.file("hand-made.json", &manifests(namespace).to_string())?;
    around.kubectl(transcript, &["apply", "-f", &file.display().to_string()])?;
    around.ask(&[
        "wait",
        "-n",
        namespace,
        "--for=condition=Available",
        DEPLOYMENT,
        "--timeout=60s",
    ])?;
    around.kubectl(
        transcript,
        &["get", DEPLOYMENT, "-n", namespace, "-o", COLUMNS],
    )?;
    Ok(HandMade {
        namespace: namespace.to_owned(),
        repaired: format!(
            "{}/brancz/kube-rbac-proxy:v0.8.0",
            around.company().registry_host()
        ),
    })
}

impl HandMade {
    /// Shows the images as they are now and returns the Deployment's generation.
    pub(crate) fn expect_repaired(
        &self,
        transcript: &Transcript,
        around: &Surroundings,
    ) -> Result<u64> {
        around.kubectl(
            transcript,
            &["get", DEPLOYMENT, "-n", &self.namespace, "-o", COLUMNS],
        )?;
        let deployment = self.read(around)?;
        let containers = deployment
            .pointer("/spec/template/spec/containers")
            .and_then(Value::as_array);
        let mut images = containers
            .into_iter()
            .flatten()
            .map(|container| &container["image"]);
        ensure!(
            images.any(|image| *image == self.repaired),
            "kube-rbac-proxy does not come from {}",
            self.repaired
        );
        let available = deployment["status"]["availableReplicas"]
            .as_u64()
            .unwrap_or(0);
        ensure!(available > 0, "the repaired Deployment is not available");
        Ok(deployment["metadata"]["generation"].as_u64().unwrap_or(0))
    }

    /// Fails when somebody wrote to the Deployment since.
    pub(crate) fn expect_generation(&self, around: &Surroundings, generation: u64) -> Result<()> {
        let now = self.read(around)?["metadata"]["generation"].as_u64();
        ensure!(
            now == Some(generation),
            "the second run changed the Deployment again"
        );
        Ok(())
    }

    fn read(&self, around: &Surroundings) -> Result<Value> {
        Ok(serde_json::from_str(&around.ask(&[
            "get",
            DEPLOYMENT,
            "-n",
            &self.namespace,
            "-o",
            "json",
        ])?)?)
    }
}

fn manifests(namespace: &str) -> Value {
    let labels = json!({ "control-plane": "controller-manager" });
    let secret_key = |key: &str| json!({ "secretKeyRef": { "name": "controller-manager", "key": key, "optional": true } });
    let containers = json!([
        {
            "name": "manager",
            "image": "summerwind/actions-runner-controller:v0.18.2",
            "command": ["/manager"],
            "args": ["--metrics-addr=127.0.0.1:8080", "--enable-leader-election", "--sync-period=10m"],
            "env": [{ "name": "GITHUB_TOKEN", "valueFrom": secret_key("github_token") }],
            "ports": [{ "name": "webhook-server", "containerPort": 9443 }],
            "resources": { "limits": { "cpu": "100m", "memory": "100Mi" }, "requests": { "cpu": "100m", "memory": "20Mi" } },
        },
        {
            "name": "kube-rbac-proxy",
            "image": "quay.io/brancz/kube-rbac-proxy:v0.8.0",
            "args": ["--secure-listen-address=0.0.0.0:8443", "--upstream=http://127.0.0.1:8080/", "--logtostderr=true"],
            "ports": [{ "name": "https", "containerPort": 8443 }],
        },
    ]);
    json!({ "apiVersion": "v1", "kind": "List", "items": [
        { "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace, "labels": labels } },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": { "name": "controller-manager", "namespace": namespace, "labels": labels },
            "spec": {
                "replicas": 1,
                "selector": { "matchLabels": labels },
                "template": {
                    "metadata": { "labels": labels },
                    "spec": { "containers": containers, "terminationGracePeriodSeconds": 10 },
                },
            },
        },
    ]})
}
