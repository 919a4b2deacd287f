//! etcd on a Unix socket.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::processes::Processes;

/// Starts it and returns its endpoint.
pub(crate) async fn start(processes: &Processes, binaries: &Path) -> Result<String> {
    let directory = processes.directory().make("etcd")?;
    let socket = directory.join("socket");
    let endpoint = format!("unix://{}", socket.display());
    let mut command = Command::new(binaries.join("etcd"));
    command
        .arg("--name=etcd")
        .arg(format!("--data-dir={}", directory.join("data").display()))
        .arg(format!("--listen-client-urls={endpoint}"))
        // Nobody asks for these, but etcd insists on the form host:port.
        .args([
            "--advertise-client-urls=unix://client:1",
            "--listen-peer-urls=unix://peer:1",
            "--initial-advertise-peer-urls=unix://peer:1",
            "--initial-cluster=etcd=unix://peer:1",
        ])
        // Nothing here outlives the lab.
        .args(["--unsafe-no-fsync", "--log-level=warn"]);
    processes.spawn("etcd", command)?;
    let listening = async || Ok(socket.exists());
    processes
        .wait("etcd", Duration::from_secs(30), listening)
        .await?;
    Ok(endpoint)
}
