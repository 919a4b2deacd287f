//! Puts the lab into a mount and a network namespace of its own, so that the machine stays as it is
//! and nothing is left of it when its last process has ended.
//!
//! Inside, `/run` is empty and `/etc`, `/opt` and `/var` are overlays: kubelet, containerd and dockerd write to
//! paths that cannot all be chosen, and arc-setup must read the company's `resolv.conf`, not ours.

use std::convert::Infallible;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::lab::Prepared;

/// The first argument of a lab that is already in its namespaces.
pub(crate) const INSIDE: &str = "inside";

/// What it does there.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Inside {
    /// Removes what a dead lab has left.
    Clear,
    /// Keeps the lab up until a signal.
    Hold(Prepared),
    /// Runs the proofs whose names contain one of the filters.
    Test {
        prepared: Prepared,
        filters: Vec<String>,
        /// Where the result is written.
        report: PathBuf,
    },
}

/// Settings of the whole kernel that kubelet writes, and what it would find on a fresh machine.
/// It writes to files of ours instead.
const KERNEL_SETTINGS: &[(&str, &str)] = &[
    ("vm/overcommit_memory", "0"),
    ("vm/panic_on_oom", "0"),
    ("kernel/panic", "0"),
    ("kernel/panic_on_oops", "0"),
    ("kernel/keys/root_maxkeys", "1000000"),
    ("kernel/keys/root_maxbytes", "25000000"),
];

/// Fails where no lab can be, with the reason.
pub(crate) fn ensure_possible() -> Result<()> {
    ensure!(cfg!(target_os = "linux"), "the lab needs Linux");
    ensure!(
        rustix::process::geteuid().is_root(),
        "the lab needs root: it makes network namespaces and runs containers"
    );
    Ok(())
}

/// Becomes the same program in new namespaces; returns only when that fails.
pub(crate) fn enter(inside: &Inside) -> Result<Infallible> {
    ensure_possible()?;
    // exec: the process keeps its number, and signals reach the lab itself.
    let error = command(inside)?.exec();
    Err(error).context("cannot run unshare")
}

/// The same program in new namespaces; its process is the lab's own.
pub(crate) fn command(inside: &Inside) -> Result<Command> {
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--net", "--propagation", "slave", "--"])
        .arg(std::env::current_exe()?)
        .arg(INSIDE)
        .arg(serde_json::to_string(inside)?);
    Ok(command)
}

/// Makes the mounts; `directory` keeps what is written.
pub(crate) fn arrange(directory: &Path) -> Result<()> {
    let filesystem = output(Command::new("stat").args(["-f", "-c", "%T"]).arg(directory))?;
    if filesystem.trim() == "overlayfs" {
        bail!(
            "{} lies on an overlay, on which containers cannot be unpacked; mount another file system there",
            directory.display()
        );
    }
    // Kubelet and its pods propagate mounts among themselves; nothing gets out to the machine.
    mount(&["--make-rshared", "/"])?;
    mount(&["-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"])?;
    for top in ["etc", "opt", "var"] {
        if !Path::new("/").join(top).is_dir() {
            continue;
        }
        let [upper, work] =
            ["upper", "work"].map(|part| directory.join("overlay").join(top).join(part));
        fs::create_dir_all(&upper)?;
        fs::create_dir_all(&work)?;
        let options = format!(
            "lowerdir=/{top},upperdir={},workdir={}",
            upper.display(),
            work.display()
        );
        mount(&[
            "-t",
            "overlay",
            "-o",
            &options,
            "overlay",
            &format!("/{top}"),
        ])?;
    }
    for (setting, value) in KERNEL_SETTINGS {
        let file = directory.join("kernel-settings").join(setting);
        fs::create_dir_all(file.parent().context("a setting without a directory")?)?;
        crate::directory::write(&file, value)?;
        mount(&[
            "--bind",
            &file.display().to_string(),
            &format!("/proc/sys/{setting}"),
        ])?;
    }
    Ok(())
}

/// Takes away every mount below `directory`: containers, volumes, and what pods have left.
pub(crate) fn unmount_below(directory: &Path) -> Result<()> {
    let mut points = mounts_below(directory)?;
    // The later ones first: they may stand on earlier ones.
    points.reverse();
    if !points.is_empty() {
        output(Command::new("umount").args(["--lazy", "--"]).args(&points))?;
    }
    let left = mounts_below(directory)?;
    ensure!(left.is_empty(), "still mounted: {}", left.join(", "));
    Ok(())
}

fn mounts_below(directory: &Path) -> Result<Vec<String>> {
    let table = fs::read_to_string("/proc/self/mountinfo")?;
    let points = table.lines().filter_map(|line| line.split(' ').nth(4));
    Ok(points
        .filter(|point| Path::new(point) != directory && Path::new(point).starts_with(directory))
        .map(str::to_owned)
        .collect())
}

fn mount(arguments: &[&str]) -> Result<()> {
    output(Command::new("mount").args(arguments)).map(drop)
}

fn output(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    ensure!(
        output.status.success(),
        "{command:?} ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8(output.stdout)?)
}
