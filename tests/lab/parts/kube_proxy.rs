//! kube-proxy: Services become rules of the namespace `lab`.

use std::process::Command;

use anyhow::Result;
use serde_json::json;

use crate::cluster::Cluster;
use crate::processes::Processes;

use super::kubelet;
use super::namespaces::{NODE, PODS};

pub(crate) fn start(processes: &Processes, cluster: &Cluster) -> Result<()> {
    let kubeconfig =
        cluster.kubeconfig_for("system:kube-proxy", &["system:node-proxier"], "kube-proxy")?;
    let config = json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clusterCIDR": PODS,
        "bindAddress": NODE.to_string(),
        "hostnameOverride": kubelet::NAME,
        "clientConnection": { "kubeconfig": kubeconfig },
        // The table's size is the machine's, not ours.
        "conntrack": { "maxPerCore": 0 },
        "iptables": { "minSyncPeriod": "100ms" },
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
    });
    let file = processes
        .directory()
        .write("kube-proxy.json", config.to_string())?;
    let mut command = Command::new(cluster.binaries.join("kube-proxy"));
    command.arg(format!("--config={}", file.display()));
    processes.spawn("kube-proxy", command)
}
