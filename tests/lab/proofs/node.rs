//! The lab itself: without these nothing else that it shows means anything.

use std::sync::Arc;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::evidence::Since;
use crate::harness::topic;
use crate::lab::Lab;
use crate::parts::containerd;
use crate::parts::namespaces::{NODE, Stray, strays};
use crate::parts::registry::{self, NODE_MIRROR, PULLER};
use crate::pods::Sandbox;

topic!(node: a_pod_runs, a_service_answers, the_api_answers_by_name, docker_hub_is_mirrored, a_stray_is_recorded);

/// A pod of busybox in the internal registry, pulled with the pull secret.
fn busybox(name: &str, command: &[&str]) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": name, "labels": { "app": name } },
        "spec": {
            "imagePullSecrets": [{ "name": "pull" }],
            "terminationGracePeriodSeconds": 0,
            "containers": [{
                "name": "main",
                "image": format!("{}/library/busybox:1.35", registry::HOST),
                "command": command,
            }],
        },
    })
}

async fn a_pod_runs(lab: Arc<Lab>) -> Result<()> {
    let since = Since::now(&lab)?;
    containerd::forget_images().await?;
    let sandbox = Sandbox::new(&lab, "node-pod").await?;
    sandbox.pull_secret("pull", PULLER).await?;
    let command = ["sh", "-c", "echo said at start; exec sleep 3600"];
    sandbox.apply(&busybox("one", &command)).await?;
    sandbox.wait_until_ready("pod/one").await?;
    let said = sandbox
        .exec("one", "main", &["echo", "said by exec"])
        .await?;
    ensure!(said == "said by exec\n", "exec: {said:?}");
    let log = sandbox.kubectl(&["logs", "one"]).await?;
    ensure!(log == "said at start\n", "logs: {log:?}");
    let pulled = since.of(&lab, NODE)?.pulled_by(PULLER);
    ensure!(pulled.contains("library/busybox:1.35"), "{pulled:?}");
    sandbox.delete().await
}

async fn a_service_answers(lab: Arc<Lab>) -> Result<()> {
    let sandbox = Sandbox::new(&lab, "node-service").await?;
    sandbox.pull_secret("pull", PULLER).await?;
    let serve = [
        "sh",
        "-c",
        "echo hello >/tmp/index.html && exec httpd -f -p 8080 -h /tmp",
    ];
    sandbox.apply(&busybox("server", &serve)).await?;
    sandbox
        .apply(&busybox("client", &["sleep", "3600"]))
        .await?;
    sandbox
        .apply(&json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": { "name": "server" },
            "spec": { "selector": { "app": "server" }, "ports": [{ "port": 80, "targetPort": 8080 }] },
        }))
        .await?;
    for pod in ["pod/server", "pod/client"] {
        sandbox.wait_until_ready(pod).await?;
    }
    let address = sandbox
        .kubectl(&[
            "get",
            "service",
            "server",
            "-o",
            "jsonpath={.spec.clusterIP}",
        ])
        .await?;
    // The rules of a Service come a moment after its pods are ready.
    let ask = format!(
        "for i in $(seq 40); do printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 {address} 80 | grep hello && exit; usleep 250000; done; exit 1"
    );
    // Both ways: to another pod, and from a pod to itself.
    for pod in ["client", "server"] {
        let answer = sandbox.exec(pod, "main", &["sh", "-c", &ask]).await?;
        ensure!(answer == "hello\n", "{pod} got {answer:?}");
    }
    sandbox.delete().await
}

async fn the_api_answers_by_name(lab: Arc<Lab>) -> Result<()> {
    let sandbox = Sandbox::new(&lab, "node-dns").await?;
    sandbox.pull_secret("pull", PULLER).await?;
    sandbox.apply(&busybox("one", &["sleep", "3600"])).await?;
    sandbox.wait_until_ready("pod/one").await?;
    let found = sandbox
        .exec(
            "one",
            "main",
            &["nslookup", "kubernetes.default.svc.cluster.local"],
        )
        .await?;
    ensure!(found.contains("10.96.0.1"), "{found}");
    let ask =
        "printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' | nc kubernetes.default.svc 443 | head -c 12";
    let answer = sandbox.exec("one", "main", &["sh", "-c", ask]).await?;
    // To plain HTTP a TLS server of Go says so in plain HTTP.
    ensure!(answer.starts_with("HTTP/1.0 400"), "{answer:?}");
    sandbox.delete().await
}

async fn docker_hub_is_mirrored(lab: Arc<Lab>) -> Result<()> {
    let since = Since::now(&lab)?;
    containerd::forget_images().await?;
    let sandbox = Sandbox::new(&lab, "node-mirror").await?;
    let mut pod = busybox("one", &["sleep", "3600"]);
    // Neither host nor pull secret.
    pod["spec"]["containers"][0]["image"] = "busybox:1.35".into();
    pod["spec"]["imagePullSecrets"] = json!([]);
    sandbox.apply(&pod).await?;
    sandbox.wait_until_ready("pod/one").await?;
    let pulled = since.of(&lab, NODE)?.pulled_by(NODE_MIRROR);
    ensure!(pulled.contains("library/busybox:1.35"), "{pulled:?}");
    sandbox.delete().await
}

async fn a_stray_is_recorded(lab: Arc<Lab>) -> Result<()> {
    let sandbox = Sandbox::new(&lab, "node-stray").await?;
    sandbox.pull_secret("pull", PULLER).await?;
    sandbox.apply(&busybox("one", &["sleep", "3600"])).await?;
    sandbox.wait_until_ready("pod/one").await?;
    let source = sandbox
        .kubectl(&["get", "pod", "one", "-o", "jsonpath={.status.podIP}"])
        .await?;
    let tried = sandbox
        .exec(
            "one",
            "main",
            &[
                "sh",
                "-c",
                "nc -w 3 192.0.2.7 443 </dev/null || echo refused",
            ],
        )
        .await?;
    ensure!(tried == "refused\n", "{tried:?}");
    let stray = Stray {
        source: source.parse()?,
        destination: [192, 0, 2, 7].into(),
        protocol: "tcp".to_owned(),
        port: 443,
    };
    let strays = strays()?;
    ensure!(strays.contains(&stray), "{strays:?}");
    sandbox.delete().await
}
