//! kube-controller-manager and kube-scheduler.

use std::process::Command;

use anyhow::Result;

use crate::cluster::Cluster;
use crate::processes::Processes;

/// Starts both; what they do shows in the cluster.
pub(crate) fn start(processes: &Processes, cluster: &Cluster) -> Result<()> {
    let kubeconfig = format!("--kubeconfig={}", cluster.kubeconfig.display());
    let alone = ["--leader-elect=false", "--secure-port=0"];

    let mut manager = Command::new(cluster.binaries.join("kube-controller-manager"));
    manager
        .arg(&kubeconfig)
        .args(alone)
        .arg(format!(
            "--service-account-private-key-file={}",
            cluster.file("service-account.key").display()
        ))
        .arg(format!(
            "--root-ca-file={}",
            cluster.file("ca.crt").display()
        ))
        .args([
            "--use-service-account-credentials=true",
            "--kube-api-qps=200",
            "--kube-api-burst=400",
        ]);
    processes.spawn("kube-controller-manager", manager)?;

    let mut scheduler = Command::new(cluster.binaries.join("kube-scheduler"));
    scheduler.arg(&kubeconfig).args(alone);
    processes.spawn("kube-scheduler", scheduler)
}
