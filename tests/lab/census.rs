//! What there is on the machine, so that a lab can be shown to leave nothing behind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::{cgroup, directory};

const PROCESSES: &str = "processes of a lab";

/// Where the programs of the lab would write if nothing kept them from it.
const PLACES: &[&str] = &[
    "/etc",
    "/opt",
    "/run",
    "/srv",
    "/var/cache",
    "/var/lib",
    "/var/log",
    "/var/spool",
];

/// What belongs to the whole kernel and could have been changed.
const SETTINGS: &[&str] = &[
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "kernel/panic",
    "kernel/panic_on_oops",
    "net/bridge/bridge-nf-call-iptables",
    "net/ipv4/ip_forward",
    "net/netfilter/nf_conntrack_max",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
];

/// Kind of thing → what there is of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Census(BTreeMap<&'static str, BTreeSet<String>>);

impl Census {
    /// Counts from outside of the lab's namespaces.
    pub(crate) fn take() -> Result<Self> {
        let mut kinds = BTreeMap::new();
        kinds.insert("mounts", mounts()?);
        kinds.insert(
            "control groups",
            control_groups(Path::new("/sys/fs/cgroup"), 1)?,
        );
        kinds.insert(PROCESSES, processes()?);
        kinds.insert("links", lines_of("ip", &["-o", "link"]));
        kinds.insert("routes", lines_of("ip", &["route", "show", "table", "all"]));
        kinds.insert("network namespaces", entries(Path::new("/run/netns"), 1));
        kinds.insert("packet rules", lines_of("nft", &["list", "ruleset"]));
        kinds.insert("old packet rules", lines_of("iptables-legacy-save", &[]));
        kinds.insert("settings of the kernel", settings());
        let files = PLACES.iter().flat_map(|place| entries(Path::new(place), 2));
        kinds.insert("files", files.collect());
        let ours = entries(Path::new("/tmp"), 1);
        let ours = ours
            .into_iter()
            .filter(|path| path.starts_with(directory::PATH));
        kinds.insert("directories of a lab", ours.collect());
        Ok(Self(kinds))
    }

    /// Whether something of a lab is alive.
    pub(crate) fn has_processes(&self) -> bool {
        !self.0[PROCESSES].is_empty()
    }

    /// Fails when something is there that was not there before, or the other way about.
    pub(crate) fn ensure_same(&self, before: &Self) -> Result<()> {
        let mut differences = Vec::new();
        for (kind, now) in &self.0 {
            let then = &before.0[kind];
            differences.extend(
                now.difference(then)
                    .map(|one| format!("{kind}, new: {one}")),
            );
            differences.extend(
                then.difference(now)
                    .map(|one| format!("{kind}, gone: {one}")),
            );
        }
        ensure!(differences.is_empty(), "{}", differences.join("\n"));
        Ok(())
    }
}

fn mounts() -> Result<BTreeSet<String>> {
    let table = fs::read_to_string("/proc/self/mountinfo")?;
    let points = table.lines().filter_map(|line| line.split(' ').nth(4));
    Ok(points.map(str::to_owned).collect())
}

/// The groups at the top of every hierarchy, where whoever asks for no place gets his, and ours wherever
/// they are. Those further down belong to whoever runs there, and come and go with them.
fn control_groups(group: &Path, depth: usize) -> Result<BTreeSet<String>> {
    let mut groups = BTreeSet::new();
    for entry in fs::read_dir(group)?.flatten() {
        let path = entry.path().display().to_string();
        if !entry.file_type()?.is_dir() {
            continue;
        }
        if depth <= 2 || path.contains(cgroup::NAME) {
            groups.insert(path);
        }
        // Gone between our two looks.
        groups.extend(control_groups(&entry.path(), depth + 1).unwrap_or_default());
    }
    Ok(groups)
}

fn processes() -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let read = |file: &str| {
            let content = fs::read(entry.path().join(file)).unwrap_or_default();
            String::from_utf8_lossy(&content).replace('\0', " ")
        };
        // Ended, and whoever is to ask how has not asked yet.
        let is_zombie = read("stat").contains(") Z ");
        let line = read("cmdline");
        let is_ours = read("cgroup").contains(&format!("/{}", cgroup::NAME));
        if !is_zombie && (is_ours || line.contains(directory::PATH)) {
            found.insert(format!("{} {line}", entry.file_name().display()));
        }
    }
    Ok(found)
}

fn settings() -> BTreeSet<String> {
    let read = |setting: &&str| fs::read_to_string(format!("/proc/sys/{setting}"));
    let settings = SETTINGS
        .iter()
        .filter_map(|one| Some((one, read(one).ok()?)));
    settings
        .map(|(setting, value)| format!("{setting} = {}", value.trim()))
        .collect()
}

/// What is in a directory, and in those in it, `depth` deep.
fn entries(directory: &Path, depth: usize) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        found.insert(entry.path().display().to_string());
        if depth > 1 && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(entries(&entry.path(), depth - 1));
        }
    }
    found
}

/// What a program writes; nothing where it is not installed.
fn lines_of(program: &str, arguments: &[&str]) -> BTreeSet<String> {
    let Ok(output) = Command::new(program).args(arguments).output() else {
        return BTreeSet::new();
    };
    let text = String::from_utf8_lossy(&output.stdout);
    // Comments of iptables-save tell the time, and counters go on.
    let lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.starts_with(':'));
    lines.map(str::to_owned).collect()
}
