//! Starts the parts in their order, those that do not need each other side by side, and stops them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::cgroup;
use crate::cluster::Cluster;
use crate::directory::Directory;
use crate::isolation;
use crate::parts::{
    apiserver, containerd, controller_manager, etcd, kube_proxy, kubelet, namespaces,
};
use crate::processes::Processes;

/// What `prepare` put onto the machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Prepared {
    /// The programs that were built.
    pub(crate) binaries: PathBuf,
}

/// A running lab.
#[derive(Debug)]
pub(crate) struct Lab {
    pub(crate) processes: Arc<Processes>,
    pub(crate) cluster: Cluster,
}

impl Prepared {
    /// Runs `prepare`, whose progress goes to our stderr.
    pub(crate) fn run() -> Result<Self> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/prepare");
        let output = Command::new(script)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot run {script}"))?;
        ensure!(
            output.status.success(),
            "{script} ended with {}; its reason stands above",
            output.status
        );
        let said = String::from_utf8(output.stdout)?;
        let value = |name: &str| {
            let mut pairs = said.lines().filter_map(|line| line.split_once('='));
            let found = pairs.find(|(key, _)| *key == name);
            found
                .map(|(_, directory)| PathBuf::from(directory))
                .with_context(|| format!("{script} did not say where {name} is"))
        };
        Ok(Self {
            binaries: value("binaries")?,
        })
    }
}

/// What must be there before there are threads: this process's mounts, network and control group.
pub(crate) fn ground() -> Result<Processes> {
    let directory = Directory::take()?;
    let laid = isolation::arrange(directory.path("").as_path())
        .and_then(|()| cgroup::join())
        .and_then(|()| namespaces::make());
    if let Err(error) = laid {
        directory.remove()?;
        return Err(error);
    }
    Ok(Processes::new(directory))
}

impl Lab {
    /// Starts every part and waits until the node is ready.
    pub(crate) async fn start(processes: Arc<Processes>, prepared: &Prepared) -> Result<Self> {
        let cluster = Cluster::new(processes.directory(), &prepared.binaries)?;
        let control_plane = start_control_plane(&processes, &cluster);
        let runtime = containerd::start(&processes, "registry.lab.internal/pause:3.10");
        tokio::try_join!(control_plane, runtime)?;
        kubelet::start(&processes, &cluster)?;
        kubelet::wait_until_ready(&processes, &cluster).await?;
        Ok(Self { processes, cluster })
    }

    /// How a person gets in.
    pub(crate) fn directions(&self) -> String {
        format!(
            "The lab is up. Ctrl-C stops it and removes what it made.\n\
             \n  a shell in it    nsenter --target {process} --mount --net -- env PATH={binaries}:$PATH KUBECONFIG={kubeconfig} bash\n",
            process = std::process::id(),
            binaries = self.binaries().display(),
            kubeconfig = self.cluster.kubeconfig.display(),
        )
    }

    /// The directory with the programs that were built.
    pub(crate) fn binaries(&self) -> &Path {
        &self.cluster.binaries
    }
}

async fn start_control_plane(processes: &Processes, cluster: &Cluster) -> Result<()> {
    let etcd = etcd::start(processes, &cluster.binaries).await?;
    apiserver::start(processes, cluster, &etcd).await?;
    controller_manager::start(processes, cluster)?;
    kube_proxy::start(processes, cluster)
}
