//! kubelet: the one node.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::Node;
use kube::Api;
use serde_json::json;

use crate::cgroup;
use crate::cluster::Cluster;
use crate::processes::Processes;

use super::containerd;
use super::namespaces::NODE;

/// The node's name.
pub(crate) const NAME: &str = "node-1";

pub(crate) fn start(processes: &Processes, cluster: &Cluster) -> Result<()> {
    let directory = processes.directory();
    let user = format!("system:node:{NAME}");
    let kubeconfig = cluster.kubeconfig_for(&user, &["system:nodes"], "kubelet")?;
    // What pods with `dnsPolicy: Default` get.
    let resolver = directory.publish("node-resolv.conf", format!("nameserver {NODE}\n"))?;
    let config = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": format!("unix://{}", containerd::SOCKET),
        "address": NODE.to_string(),
        "authentication": {
            "anonymous": { "enabled": false },
            "webhook": { "enabled": true },
            "x509": { "clientCAFile": cluster.file("ca.crt") },
        },
        "authorization": { "mode": "Webhook" },
        "clusterDNS": [NODE.to_string()],
        "clusterDomain": "cluster.local",
        "resolvConf": resolver,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{}", cgroup::NAME),
        // Both versions of control groups are fine here; a kubelet of today refuses the first by itself.
        "failCgroupV1": false,
        "failSwapOn": false,
        "enableControllerAttachDetach": false,
        "serializeImagePulls": false,
        "podLogsDir": directory.make("pod-logs")?,
        "volumePluginDir": directory.make("volume-plugins")?,
        // The machine's disk and memory are not ours: whoever fills them must not evict our pods.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {
            "memory.available": "0%", "nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%", "imagefs.inodesFree": "0%",
        },
        // Seconds count where a test waits for a pod's end or a node's start.
        "nodeStatusUpdateFrequency": "4s",
        "syncFrequency": "10s",
    });
    let file = directory.write("kubelet.json", config.to_string())?;
    let mut command = Command::new(cluster.binaries.join("kubelet"));
    command
        .arg(format!("--config={}", file.display()))
        .arg(format!("--kubeconfig={}", kubeconfig.display()))
        // Not below /var, which is an overlay here: volumes of pods must carry overlays of their own.
        .arg(format!(
            "--root-dir={}",
            directory.make("kubelet")?.display()
        ))
        .arg(format!(
            "--cert-dir={}",
            directory.make("kubelet-certificates")?.display()
        ))
        .arg(format!("--hostname-override={NAME}"))
        .arg(format!("--node-ip={NODE}"));
    processes.spawn("kubelet", command)
}

/// Waits until pods can be scheduled.
pub(crate) async fn wait_until_ready(processes: &Processes, cluster: &Cluster) -> Result<()> {
    let nodes = Api::<Node>::all(cluster.client()?);
    let ready = async || {
        let node = nodes.get(NAME).await?;
        let status = node.status.context("no status yet")?;
        let ready = status
            .conditions
            .into_iter()
            .flatten()
            .find(|one| one.type_ == "Ready")
            .context("no condition Ready yet")?;
        let tainted = node
            .spec
            .and_then(|spec| spec.taints)
            .is_some_and(|taints| !taints.is_empty());
        if ready.status != "True" || tainted {
            anyhow::bail!("{}", ready.message.unwrap_or_default());
        }
        Ok(true)
    };
    processes
        .wait("kubelet", Duration::from_mins(1), ready)
        .await
}
