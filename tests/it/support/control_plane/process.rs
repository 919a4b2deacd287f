//! A directory and the child processes that live in it. Neither outlives this process, however
//! it ends: a watchdog reads from a pipe that only we hold, and its end of file is our end.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use anyhow::{Context, Result, anyhow, bail};

const PREFIX: &str = "arc-setup-control-plane-";

/// Reads `watch PID` and `forget PID`; at the end of its input kills what it watches, by pid and
/// with KILL (kube-apiserver takes a minute on TERM), and removes the directory.
const WATCHDOG: &str = r#"
trap '' INT TERM HUP
watched=
while read -r word pid; do
    case $word in
        watch) watched="$watched $pid" ;;
        forget) kept=; for one in $watched; do [ "$one" = "$pid" ] || kept="$kept $one"; done; watched=$kept ;;
    esac
done
[ -z "$watched" ] || kill -KILL $watched 2>/dev/null
for attempt in 1 2 3 4 5; do rm -rf -- "$1" 2>/dev/null && break; sleep 1; done
"#;

/// A temporary directory with its processes. Dropping it stops them and removes it.
#[derive(Debug)]
pub(in crate::support) struct Home {
    directory: PathBuf,
    state: Mutex<State>,
    /// Held for as long as the owner lives: a later start knows by it which directory is dead.
    _owner: File,
}

#[derive(Debug)]
struct State {
    watchdog: Child,
    children: BTreeMap<String, Child>,
}

impl Home {
    /// A new directory, readable by us only, after clearing what dead owners have left.
    pub(in crate::support) fn create() -> Result<Self> {
        clear_dead_owners();
        let directory = tempfile::Builder::new().prefix(PREFIX).tempdir()?.keep();
        // Locked before it has its final name, so that nobody takes it for a dead one.
        let (fresh, name) = (directory.join("owner.new"), directory.join("owner"));
        let owner = File::create(&fresh)?;
        owner.lock()?;
        fs::rename(fresh, name)?;
        let watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "watchdog"])
            .arg(&directory)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Away from the terminal's group: Ctrl-C must not end it before us.
            .process_group(0)
            .spawn()
            .context("cannot start sh")?;
        Ok(Self {
            directory,
            state: Mutex::new(State {
                watchdog,
                children: BTreeMap::new(),
            }),
            _owner: owner,
        })
    }

    pub(in crate::support) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Starts a program whose output goes to `NAME.log` here, with nothing of our environment but the PATH.
    #[expect(
        clippy::disallowed_methods,
        reason = "programs find each other by our PATH"
    )]
    pub(in crate::support) fn spawn(&self, name: &str, mut command: Command) -> Result<()> {
        let log = File::create(self.path(&format!("{name}.log")))?;
        let child = command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.directory)
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let pid = child.id();
        let mut pids = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path("pids"))?;
        writeln!(pids, "{pid}")?;
        let mut state = self
            .state
            .lock()
            .map_err(|_| anyhow!("a start has panicked"))?;
        state.tell(&format!("watch {pid}\n"));
        state.children.insert(name.to_owned(), child);
        Ok(())
    }

    /// Fails with the end of its log when the program has ended by itself.
    pub(in crate::support) fn ensure_running(&self, name: &str) -> Result<()> {
        let mut state = self
            .state
            .lock()
            .map_err(|_| anyhow!("a start has panicked"))?;
        let Some(child) = state.children.get_mut(name) else {
            bail!("{name} was never started");
        };
        let Some(status) = child.try_wait()? else {
            return Ok(());
        };
        let pid = child.id();
        // Reaped: the number may soon be somebody else's.
        state.children.remove(name);
        state.tell(&format!("forget {pid}\n"));
        bail!("{name} ended with {status}:\n{}", self.log_end(name));
    }

    /// The last lines that a program wrote.
    pub(in crate::support) fn log_end(&self, name: &str) -> String {
        let log = fs::read(self.path(&format!("{name}.log"))).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// The process id of a program that was started here.
    pub(super) fn pid(&self, name: &str) -> Option<u32> {
        let state = self.state.lock().ok()?;
        state.children.get(name).map(Child::id)
    }

    /// Writes a file that only we can read; who reads it meanwhile sees the old or the new one whole.
    pub(in crate::support) fn write(&self, name: &str, content: &str) -> Result<PathBuf> {
        let path = self.path(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut file = tempfile::NamedTempFile::new_in(&self.directory)?;
        file.write_all(content.as_bytes())?;
        file.persist(&path)?;
        Ok(path)
    }
}

impl State {
    /// A watchdog that is gone cannot be told; the next start clears what it would have.
    fn tell(&mut self, line: &str) {
        if let Some(pipe) = &mut self.watchdog.stdin {
            pipe.write_all(line.as_bytes()).ok();
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let Ok(state) = self.state.get_mut() else {
            return;
        };
        // One way to stop for every end of the owner: the watchdog's.
        drop(state.watchdog.stdin.take());
        state.watchdog.wait().ok();
        for child in state.children.values_mut() {
            child.kill().ok();
            child.wait().ok();
        }
        fs::remove_dir_all(&self.directory).ok();
    }
}

/// Ends the processes and removes the directories of owners that died together with their watchdog.
fn clear_dead_owners() {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else {
        return;
    };
    for directory in entries.flatten().map(|entry| entry.path()) {
        let named = directory
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
        let Some(owner) = named
            .then(|| File::open(directory.join("owner")).ok())
            .flatten()
        else {
            continue;
        };
        if owner.try_lock().is_err() {
            continue;
        }
        let pids = fs::read_to_string(directory.join("pids")).unwrap_or_default();
        for pid in pids.lines().filter(|pid| still_lives_in(pid, &directory)) {
            Command::new("kill").args(["-KILL", pid]).status().ok();
        }
        fs::remove_dir_all(&directory).ok();
    }
}

/// Whether the process is still the one that was started, and not a later one with its number:
/// all that we start name their directory on their command line.
fn still_lives_in(pid: &str, directory: &Path) -> bool {
    pid.parse::<u32>().is_ok()
        && fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| {
            String::from_utf8_lossy(&line).contains(&*directory.to_string_lossy())
        })
}
