//! The node's containerd, Debian's 1.6, and what it trusts.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::directory::Directory;
use crate::processes::Processes;

use super::cni;
use super::registry::{HOST, NODE_MIRROR, PULLER};

/// In `/run`, which is the lab's own: the sockets of its shims must be there in any case.
pub(crate) const SOCKET: &str = "/run/containerd/containerd.sock";
/// The absolute path: another containerd, dockerd's, is on the PATH of dockerd.
const PROGRAM: &str = "/usr/bin/containerd";

/// What every sandbox is made from. containerd would pull it without a login.
const PAUSE: &str = "registry.lab.internal/pause:3.10";

/// Starts it.
pub(crate) async fn start(processes: &Processes) -> Result<()> {
    let directory = processes.directory();
    let plugins = cni::configure(directory)?;
    let certificates = directory.make("certs.d")?;
    let (root, opt) = (
        directory.make("containerd/root")?,
        directory.make("containerd/opt")?,
    );
    let config = format!(
        r#"version = 2
root = "{root}"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]

[grpc]
  address = "{SOCKET}"

[plugins."io.containerd.internal.v1.opt"]
  path = "{opt}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  # Without CAP_SYS_RESOURCE no sandbox would start: "can't get final child's PID from pipe: EOF".
  restrict_oom_score_adj = true
  # The network namespaces of pods end with the lab.
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugin_programs}"
    conf_dir = "{plugins}"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{certificates}"
"#,
        root = root.display(),
        opt = opt.display(),
        plugin_programs = cni::PLUGINS,
        plugins = plugins.display(),
        certificates = certificates.display(),
    );
    let file = directory.write("containerd.toml", config)?;
    let mut command = Command::new(PROGRAM);
    command.arg(format!("--config={}", file.display()));
    processes.spawn("containerd", command)?;
    let answers = async || Ok(UnixStream::connect(SOCKET).is_ok());
    processes
        .wait("containerd", Duration::from_secs(30), answers)
        .await
}

/// Makes the internal registry a transparent mirror of Docker Hub, and of nothing else, as on the
/// nodes of the story: with a login of the nodes' own, and without the way out if it has not the image.
pub(crate) fn mirror_docker_io(directory: &Directory, authorities: &Path) -> Result<()> {
    let login = STANDARD.encode(format!("{}:{}", NODE_MIRROR.user, NODE_MIRROR.password));
    let hosts = format!(
        r#"server = "https://{HOST}"

[host."https://{HOST}"]
  capabilities = ["pull", "resolve"]
  ca = "{authorities}"
  [host."https://{HOST}".header]
    authorization = "Basic {login}"
"#,
        authorities = authorities.display(),
    );
    directory
        .write("certs.d/docker.io/hosts.toml", hosts)
        .map(drop)
}

/// Pulls the image of the sandboxes, as whoever set the node up did.
pub(crate) async fn pull_pause(directory: &Directory) -> Result<()> {
    let hosts = directory.path("certs.d").display().to_string();
    let login = format!("{}:{}", PULLER.user, PULLER.password);
    ctr(&[
        "images",
        "pull",
        "--hosts-dir",
        &hosts,
        "--user",
        &login,
        PAUSE,
    ])
    .await
    .map(drop)
}

/// Makes the node forget every image but that of the sandboxes, so that the next pods pull theirs. What
/// runs goes on.
pub(crate) async fn forget_images() -> Result<()> {
    let names = ctr(&["images", "list", "--quiet"]).await?;
    let forgotten: Vec<&str> = names.lines().filter(|name| *name != PAUSE).collect();
    if !forgotten.is_empty() {
        ctr(&[&["images", "remove"], forgotten.as_slice()].concat()).await?;
    }
    Ok(())
}

async fn ctr(arguments: &[&str]) -> Result<String> {
    let mut command = Command::new("ctr");
    command
        .args(["--address", SOCKET, "--namespace", "k8s.io"])
        .args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output())
        .await?
        .context("cannot run ctr")?;
    ensure!(
        output.status.success(),
        "ctr {} ended with {}: {}",
        arguments[..2].join(" "),
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8(output.stdout)?)
}
