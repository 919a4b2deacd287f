//! The one control group of the lab: by it every process that ever came out of the lab is found.
//!
//! With version 1 it is a directory of the same name in every hierarchy; our processes are in one of
//! them (`tracking`), where whatever they start follows them, pods included.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// Its name below every root. Kubelet makes `kubepods` in it.
pub(crate) const NAME: &str = "arc-setup-lab";

/// How long the kernel may take to end what was killed.
const PATIENCE: Duration = Duration::from_secs(20);

/// One mounted hierarchy.
#[derive(Debug)]
struct Hierarchy {
    root: PathBuf,
    version: u8,
    controllers: String,
}

/// Makes it and moves this process into it.
pub(crate) fn join() -> Result<()> {
    for hierarchy in hierarchies()? {
        let ours = hierarchy.root.join(NAME);
        fs::create_dir_all(&ours).with_context(|| format!("cannot make {}", ours.display()))?;
        // A cpuset without processors takes no process.
        if hierarchy.controllers.split(',').any(|one| one == "cpuset") && hierarchy.version == 1 {
            for file in ["cpuset.cpus", "cpuset.mems"] {
                let all = fs::read_to_string(hierarchy.root.join(file))?;
                put(&ours.join(file), all.trim())?;
            }
        }
    }
    // Version 2 allows no process in a group that has groups of pods below it.
    let programs = tracking()?.join(NAME).join("programs");
    fs::create_dir_all(&programs)?;
    put(&programs.join("cgroup.procs"), "0")
}

/// Kills everything in it but this process, and removes it.
pub(crate) fn remove() -> Result<()> {
    let tracking = tracking()?;
    end_processes(&tracking.join(NAME))?;
    put(&tracking.join("cgroup.procs"), "0")?;
    for hierarchy in hierarchies()? {
        remove_tree(&hierarchy.root.join(NAME))?;
    }
    Ok(())
}

/// Kills, by number, what is in the group or below it; again, until nothing is left that could have started more.
fn end_processes(group: &Path) -> Result<()> {
    let own = std::process::id();
    let started = Instant::now();
    loop {
        let mut processes = processes_below(group)?;
        processes.retain(|process| *process != own);
        if processes.is_empty() {
            return Ok(());
        }
        if started.elapsed() > PATIENCE {
            bail!("processes {processes:?} of the lab do not end");
        }
        for process in processes {
            if let Some(process) = i32::try_from(process).ok().and_then(Pid::from_raw) {
                // It may have ended by itself meanwhile.
                kill_process(process, Signal::KILL).ok();
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn processes_below(group: &Path) -> Result<Vec<u32>> {
    if !group.exists() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(group.join("cgroup.procs"))?;
    let mut processes: Vec<u32> = text.lines().filter_map(|line| line.parse().ok()).collect();
    // 0 is a process that this PID namespace does not see.
    processes.retain(|process| *process != 0);
    for below in groups_in(group)? {
        processes.extend(processes_below(&below)?);
    }
    Ok(processes)
}

fn remove_tree(group: &Path) -> Result<()> {
    if !group.exists() {
        return Ok(());
    }
    for below in groups_in(group)? {
        remove_tree(&below)?;
    }
    let started = Instant::now();
    // Busy until the last process of it is reaped.
    while let Err(error) = fs::remove_dir(group) {
        if started.elapsed() > PATIENCE {
            return Err(error).with_context(|| format!("cannot remove {}", group.display()));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn groups_in(group: &Path) -> Result<Vec<PathBuf>> {
    let mut groups = Vec::new();
    for entry in fs::read_dir(group)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            groups.push(entry.path());
        }
    }
    Ok(groups)
}

fn tracking() -> Result<PathBuf> {
    let all = hierarchies()?;
    let chosen = all
        .iter()
        .find(|one| one.version == 2)
        .or_else(|| all.iter().find(|one| one.controllers.contains("pids")))
        .context("no control groups are mounted at /sys/fs/cgroup")?;
    Ok(chosen.root.clone())
}

fn hierarchies() -> Result<Vec<Hierarchy>> {
    let table = fs::read_to_string("/proc/self/mountinfo")?;
    let mut all: Vec<Hierarchy> = Vec::new();
    for line in table.lines() {
        let (Some(root), Some((_, after))) = (line.split(' ').nth(4), line.split_once(" - "))
        else {
            continue;
        };
        let mut after = after.split(' ');
        let version = match after.next() {
            Some("cgroup") => 1,
            Some("cgroup2") => 2,
            _ => continue,
        };
        if root.starts_with("/sys/fs/cgroup") && all.iter().all(|one| one.root != Path::new(root)) {
            all.push(Hierarchy {
                root: root.into(),
                version,
                controllers: after.nth(1).unwrap_or_default().to_owned(),
            });
        }
    }
    Ok(all)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a file of the kernel cannot be renamed into place"
)]
fn put(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).with_context(|| format!("cannot write {text} to {}", file.display()))
}
