//! The programs of the lab while it runs, and what they wrote.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::directory::Directory;

const POLL: Duration = Duration::from_millis(25);
/// How long a program may take to end by itself before it is killed.
const FAREWELL: Duration = Duration::from_secs(5);

/// Started programs by name. Whatever is alive at the end of the lab ends by its control group.
#[derive(Debug)]
pub(crate) struct Processes {
    directory: Directory,
    children: Mutex<BTreeMap<String, Child>>,
}

impl Processes {
    pub(crate) fn new(directory: Directory) -> Self {
        Self {
            directory,
            children: Mutex::default(),
        }
    }

    /// Where everything is written.
    pub(crate) fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Starts a program with nothing of our environment but the PATH; both its streams go to
    /// `logs/NAME.log`, which is continued when the same name is started again.
    #[expect(
        clippy::disallowed_methods,
        reason = "programs find each other by our PATH"
    )]
    pub(crate) fn spawn(&self, name: &str, mut command: Command) -> Result<()> {
        let path = self.log_file(name);
        fs::create_dir_all(self.directory.path("logs"))?;
        let log = File::options().create(true).append(true).open(&path)?;
        let given: Vec<_> = command
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect();
        let child = command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.directory.path(""))
            .envs(given)
            .current_dir(self.directory.path(""))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Ctrl-C is ours to handle, not theirs.
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        self.children().insert(name.to_owned(), child);
        Ok(())
    }

    /// Ends a program, and returns when it has ended: TERM, then KILL.
    pub(crate) fn stop(&self, name: &str) -> Result<()> {
        let Some(mut child) = self.children().remove(name) else {
            bail!("{name} was not started, or has ended");
        };
        if let Some(process) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            kill_process(process, Signal::TERM)?;
        }
        let asked = Instant::now();
        while child.try_wait()?.is_none() {
            if asked.elapsed() > FAREWELL {
                child.kill()?;
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// Everything that a program wrote so far.
    pub(crate) fn log(&self, name: &str) -> String {
        let log = fs::read(self.log_file(name)).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    pub(crate) fn log_file(&self, name: &str) -> PathBuf {
        self.directory.path("logs").join(format!("{name}.log"))
    }

    /// Copies every log, in place of what was kept before.
    pub(crate) fn keep_logs(&self, to: &Path) -> Result<()> {
        if to.exists() {
            fs::remove_dir_all(to)?;
        }
        fs::create_dir_all(to)?;
        for log in fs::read_dir(self.directory.path("logs"))? {
            let log = log?;
            fs::copy(log.path(), to.join(log.file_name()))?;
        }
        Ok(())
    }

    /// Fails with the end of its log when the program has ended by itself.
    pub(crate) fn ensure_running(&self, name: &str) -> Result<()> {
        let mut children = self.children();
        let child = children
            .get_mut(name)
            .with_context(|| format!("{name} was not started"))?;
        if let Some(status) = child.try_wait()? {
            children.remove(name);
            bail!("{name} ended with {status}:\n{}", self.log_end(name));
        }
        Ok(())
    }

    /// Waits until `ready` says yes; fails when the program ends before, or with its log after `patience`.
    pub(crate) async fn wait(
        &self,
        name: &str,
        patience: Duration,
        mut ready: impl AsyncFnMut() -> Result<bool>,
    ) -> Result<()> {
        let started = Instant::now();
        loop {
            self.ensure_running(name)?;
            let said = match ready().await {
                Ok(true) => return Ok(()),
                Ok(false) => "not ready".to_owned(),
                Err(error) => format!("{error:#}"),
            };
            if started.elapsed() > patience {
                bail!(
                    "{name} is not ready after {patience:?} ({said}):\n{}",
                    self.log_end(name)
                );
            }
            tokio::time::sleep(POLL).await;
        }
    }

    fn log_end(&self, name: &str) -> String {
        let log = self.log(name);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    fn children(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Child>> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends everything that the lab has started, pods included, and removes its directory.
    pub(crate) fn end(&self) -> Result<()> {
        self.directory.remove()?;
        for child in self.children().values_mut() {
            child.wait()?;
        }
        Ok(())
    }
}
