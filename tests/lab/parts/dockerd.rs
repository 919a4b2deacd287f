//! Docker daemons outside of pods, each on the files and variables of a dind container (`dind`).
//!
//! A daemon has mounts of its own, in which those files stand where the container would have them, and an address of its
//! own beside the pods', by which the records tell it from everybody else. It runs no containers: pulling is what is
//! shown here.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::lab::Lab;
use crate::processes::Processes;

use super::dind::Dind;
use super::namespaces::{BRIDGE, NODE, batch};

/// Binds each pair of its arguments, then becomes the rest of them. `/run` is empty as in a container: with the socket
/// of the node's containerd in it, that is what dockerd would use.
const BIND: &str = r#"set -e
mount -t tmpfs tmpfs /run
while [ "$1" != -- ]; do mkdir -p "$2"; mount --bind -o ro "$1" "$2"; shift 2; done
shift; exec "$@""#;

/// A running daemon; it is stopped when this is dropped.
#[derive(Debug)]
pub(crate) struct Dockerd {
    /// Whom registry, proxy and DNS know it by.
    pub(crate) address: Ipv4Addr,
    name: String,
    home: PathBuf,
    binaries: PathBuf,
    processes: Arc<Processes>,
}

/// How a `docker pull` ended.
#[derive(Debug)]
pub(crate) struct Pull {
    pub(crate) succeeded: bool,
    /// Both streams.
    pub(crate) said: String,
}

/// Starts a daemon with nothing in its store. `name` is that of its log and its directory: one for each proof.
pub(crate) async fn start(lab: &Lab, name: &str, dind: &Dind) -> Result<Dockerd> {
    let processes = Arc::clone(&lab.processes);
    let name = format!("dockerd-{name}");
    let home = processes.directory().make(&name)?;
    let address = join_network(&name)?;
    let mut command = Command::new("nsenter");
    command
        .arg(format!("--net=/run/netns/{name}"))
        .args(["--", "unshare", "--mount", "--propagation", "private"])
        .args(["--", "sh", "-c", BIND, "bind"])
        .args(binds(&home, dind)?)
        .arg("--")
        .arg(lab.binaries().join("dockerd"))
        .arg(format!("--data-root={}", home.join("data").display()))
        .arg(format!("--exec-root={}", home.join("exec").display()))
        .arg(format!("--pidfile={}", home.join("pid").display()))
        .arg(format!("--host=unix://{}", home.join("socket").display()))
        .args(["--bridge=none", "--iptables=false", "--ip6tables=false"])
        .envs(&dind.environment)
        // It starts the containerd that it finds there; the node's is an older one.
        .env("PATH", path(lab.binaries()));
    processes.spawn(&name, command)?;
    let daemon = Dockerd {
        address,
        binaries: lab.binaries().to_owned(),
        name,
        home,
        processes,
    };
    let answers = async || Ok(daemon.docker(&["info"]).await?.status.success());
    daemon
        .processes
        .wait(&daemon.name, Duration::from_mins(1), answers)
        .await?;
    Ok(daemon)
}

/// Makes a network namespace of that name on the bridge of the pods.
fn join_network(name: &str) -> Result<Ipv4Addr> {
    /// Before the addresses that pods get, after those of the node.
    const ADDRESSES: std::ops::Range<u8> = 3..16;
    static NEXT: AtomicU8 = AtomicU8::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    let last = ADDRESSES.start + next % u8::try_from(ADDRESSES.len())?;
    let [first, second, third, _] = NODE.octets();
    let address = Ipv4Addr::new(first, second, third, last);
    let ip = |arguments: &[&str], input: &str| batch(Command::new("ip").args(arguments), input);
    ip(
        &["-batch", "-"],
        &format!(
            "netns add {name}\n\
             link add dockerd-{last} type veth peer name eth0 netns {name}\n\
             link set dockerd-{last} master {BRIDGE} up\n"
        ),
    )?;
    ip(
        &["-netns", name, "-batch", "-"],
        &format!(
            "link set lo up\n\
             address add {address}/24 dev eth0\n\
             link set eth0 up\n\
             route add default via {NODE}\n"
        ),
    )?;
    Ok(address)
}

/// Writes the files of each mount, and pairs their directory with the mount's path.
fn binds(home: &Path, dind: &Dind) -> Result<Vec<PathBuf>> {
    let mut binds = Vec::new();
    for (index, (path, files)) in dind.mounts.iter().enumerate() {
        let directory = home.join("mounts").join(index.to_string());
        for (file, content) in files {
            crate::directory::write(&directory.join(file), content)?;
        }
        binds.extend([directory, path.clone()]);
    }
    Ok(binds)
}

#[expect(
    clippy::disallowed_methods,
    reason = "programs find each other by our PATH"
)]
fn path(binaries: &Path) -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    format!("{}:{path}", binaries.display())
}

impl Dockerd {
    /// `docker pull`, of one who never logged in anywhere.
    pub(crate) async fn pull(&self, image: &str) -> Result<Pull> {
        let output = self.docker(&["pull", image]).await?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Pull {
            succeeded: output.status.success(),
            said: format!("{}{}", text(&output.stdout), text(&output.stderr)),
        })
    }

    /// Pulls, and fails with docker's words unless that succeeded.
    pub(crate) async fn must_pull(&self, image: &str) -> Result<()> {
        let pull = self.pull(image).await?;
        ensure!(
            pull.succeeded,
            "docker pull {image} failed: {}\n{}",
            pull.said,
            self.log()
        );
        Ok(())
    }

    /// Runs the command line against this daemon.
    pub(crate) async fn docker(&self, arguments: &[&str]) -> Result<Output> {
        let socket = format!("unix://{}", self.home.join("socket").display());
        let mut command = Command::new(self.binaries.join("docker"));
        command
            .env_clear()
            .env("HOME", &self.home)
            .env("DOCKER_HOST", socket)
            .args(arguments)
            .stdin(Stdio::null());
        tokio::task::spawn_blocking(move || command.output())
            .await?
            .context("cannot run docker")
    }

    /// Everything that the daemon wrote.
    pub(crate) fn log(&self) -> String {
        self.processes.log(&self.name)
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        // One that has ended by itself is stopped already.
        self.processes.stop(&self.name).ok();
        // Its link goes with it.
        batch(Command::new("ip").args(["netns", "delete", &self.name]), "").ok();
    }
}
