//! The node's containerd, Debian's 1.6, and what it trusts.

use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::processes::Processes;

use super::cni;

/// In `/run`, which is the lab's own: the sockets of its shims must be there in any case.
pub(crate) const SOCKET: &str = "/run/containerd/containerd.sock";
/// The absolute path: another containerd, dockerd's, is on the PATH of dockerd.
const PROGRAM: &str = "/usr/bin/containerd";

/// Starts it. `pause` is what every pod's sandbox is made from; it is never pulled by itself here.
pub(crate) async fn start(processes: &Processes, pause: &str) -> Result<()> {
    let directory = processes.directory();
    let plugins = cni::configure(directory)?;
    let certificates = directory.make("certs.d")?;
    let (root, opt) = (directory.make("containerd/root")?, directory.make("containerd/opt")?);
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
  sandbox_image = "{pause}"
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
