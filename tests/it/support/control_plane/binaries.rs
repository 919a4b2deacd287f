//! Where the programs of the control plane and the registry are; `tests/binaries/build` makes them when absent.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use tokio::sync::OnceCell;

/// The directory with etcd, the Kubernetes programs, kwok and the registry, built once per machine and asked
/// for once per process. The build's progress goes to our stderr: the first takes minutes.
pub(in crate::support) async fn directory() -> Result<PathBuf> {
    static DIRECTORY: OnceCell<PathBuf> = OnceCell::const_new();
    DIRECTORY
        .get_or_try_init(|| async { tokio::task::spawn_blocking(build).await? })
        .await
        .cloned()
}

fn build() -> Result<PathBuf> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/binaries/build");
    let output = Command::new(script)
        .arg("all")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {script}"))?;
    if !output.status.success() {
        bail!(
            "{script} ended with {}; its reason stands above",
            output.status
        );
    }
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim_end()))
}
