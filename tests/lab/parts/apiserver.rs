//! kube-apiserver on the node's address, so that pods reach it and it reaches kubelet and webhooks.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use http::Request;

use crate::cluster::Cluster;
use crate::processes::Processes;

use super::namespaces::NODE;

pub(crate) const PORT: u16 = 6443;
/// Where Services get their addresses; the first is the API server's own.
pub(crate) const SERVICES: &str = "10.96.0.0/16";
pub(crate) const SERVICE_ADDRESS: &str = "10.96.0.1";

/// Starts it and waits until it answers.
pub(crate) async fn start(processes: &Processes, cluster: &Cluster, etcd: &str) -> Result<()> {
    let file = |name: &str| cluster.file(name).display().to_string();
    let mut command = Command::new(cluster.binaries.join("kube-apiserver"));
    command
        .arg(format!("--etcd-servers={etcd}"))
        .arg(format!("--bind-address={NODE}"))
        .arg(format!("--advertise-address={NODE}"))
        .arg(format!("--secure-port={PORT}"))
        .arg(format!("--service-cluster-ip-range={SERVICES}"))
        .arg(format!("--tls-cert-file={}", file("apiserver.crt")))
        .arg(format!("--tls-private-key-file={}", file("apiserver.key")))
        .arg(format!("--client-ca-file={}", file("ca.crt")))
        .arg(format!(
            "--service-account-key-file={}",
            file("service-account.pub")
        ))
        .arg(format!(
            "--service-account-signing-key-file={}",
            file("service-account.key")
        ))
        .arg("--service-account-issuer=https://kubernetes.default.svc.cluster.local")
        // Logs, exec and port-forward: by address, since nothing here knows the node's name.
        .arg("--kubelet-preferred-address-types=InternalIP")
        .arg(format!(
            "--kubelet-client-certificate={}",
            file("admin.crt")
        ))
        .arg(format!("--kubelet-client-key={}", file("admin.key")))
        // Admission webhooks are reached at their pods, not at an address that only kube-proxy knows.
        .arg("--enable-aggregator-routing=true")
        .args([
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            "--profiling=false",
        ]);
    processes.spawn("kube-apiserver", command)?;

    let client = cluster.client()?;
    let ready = async || {
        let answer = client.request_text(Request::get("/readyz").body(Vec::new())?);
        Ok(answer.await? == "ok")
    };
    processes
        .wait("kube-apiserver", Duration::from_mins(1), ready)
        .await
}
