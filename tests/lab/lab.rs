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
use crate::parts::dns::{self, Dns};
use crate::parts::flapping::{self, Flapping};
use crate::parts::pki::Pki;
use crate::parts::registry::{self, Registry};
use crate::parts::squid::{self, Squid};
use crate::parts::{
    apiserver, containerd, controller_manager, etcd, github, kube_proxy, kubelet, namespaces,
};
use crate::processes::Processes;
use crate::standing::Standing;

/// What `prepare` put onto the machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Prepared {
    /// The programs that were built.
    pub(crate) binaries: PathBuf,
    /// The storage of a registry with the images that were built.
    pub(crate) images: PathBuf,
}

/// A running lab.
#[derive(Debug)]
pub(crate) struct Lab {
    pub(crate) processes: Arc<Processes>,
    pub(crate) cluster: Cluster,
    pub(crate) pki: Pki,
    /// What it was asked, and for whom.
    pub(crate) registry: Registry,
    pub(crate) flapping: Flapping,
    pub(crate) dns: Dns,
    pub(crate) squid: Squid,
    pub(crate) github: github::Servers,
    pub(crate) standing: Standing,
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
            images: value("images")?,
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
        let directory = processes.directory();
        let cluster = Cluster::new(directory, &prepared.binaries)?;
        let pki = Pki::make(directory)?;
        let github = github::start(directory, &pki)?;
        let flapping = flapping::start(directory, &pki).await?;
        let (etcd, ()) = tokio::try_join!(
            etcd::start(&processes, &cluster.binaries),
            containerd::start(&processes)
        )?;
        let ((), squid, (registry, dns)) = tokio::try_join!(
            start_node(&processes, &cluster, &etcd),
            squid::start(&processes),
            start_registry(&processes, &pki, &prepared.images),
        )?;
        Ok(Self {
            processes,
            cluster,
            pki,
            registry,
            flapping,
            dns,
            squid,
            github,
            standing: Standing::default(),
        })
    }

    /// How a person gets in, and what is there. Its passwords open nothing else.
    pub(crate) fn directions(&self) -> String {
        let (puller, mirror) = (registry::PULLER, registry::MIRROR_READER);
        let rows = [
            (
                "a shell in it",
                format!(
                    "nsenter --target {} --mount --net env KUBECONFIG={} PATH={}:$PATH bash",
                    std::process::id(),
                    self.cluster.kubeconfig.display(),
                    self.binaries().display(),
                ),
            ),
            (
                "registry",
                format!("{}  {} {}", registry::HOST, puller.user, puller.password),
            ),
            (
                "  for jobs",
                format!("{}  {} {}", registry::HOST, mirror.user, mirror.password),
            ),
            (
                "proxy",
                format!(
                    "http://{}:{}  {} {}",
                    squid::HOST,
                    squid::PORT,
                    squid::USER,
                    squid::PASSWORD
                ),
            ),
            (
                "GitHub",
                format!("https://{}  {}", github::OUTSIDE_HOST, github::TOKEN),
            ),
            ("  direct", format!("https://{}", github::DIRECT_HOST)),
            ("authorities", self.pki.bundle().display().to_string()),
            ("  root alone", self.pki.root().display().to_string()),
            (
                "logs",
                self.processes
                    .directory()
                    .path("logs")
                    .display()
                    .to_string(),
            ),
        ];
        let rows = rows.map(|(name, value)| format!("  {name:<15}{value}\n"));
        format!(
            "The lab is up. Ctrl-C stops it and removes what it made.\n\n{}",
            rows.concat()
        )
    }

    /// The directory with the programs that were built.
    pub(crate) fn binaries(&self) -> &Path {
        &self.cluster.binaries
    }
}

/// Control plane and node, until pods can be scheduled.
async fn start_node(processes: &Processes, cluster: &Cluster, etcd: &str) -> Result<()> {
    apiserver::start(processes, cluster, etcd).await?;
    controller_manager::start(processes, cluster)?;
    kube_proxy::start(processes, cluster)?;
    kubelet::start(processes, cluster)?;
    kubelet::wait_until_ready(processes, cluster).await
}

/// The registry, the names, and what the node's runtime knows of both.
async fn start_registry(
    processes: &Processes,
    pki: &Pki,
    images: &Path,
) -> Result<(Registry, Dns)> {
    let directory = processes.directory();
    let (registry, dns) = tokio::try_join!(
        registry::start(processes, pki, images),
        dns::start(processes)
    )?;
    for host in [registry::HOST, registry::FLAPPING_HOST] {
        registry::trust_on_node(directory, host, &pki.bundle())?;
    }
    containerd::mirror_docker_io(directory, &pki.bundle())?;
    containerd::pull_pause(directory).await?;
    Ok((registry, dns))
}
