//! The side of `lab test` that stays outside of the lab's namespaces: it sees what a lab leaves
//! behind, when it was stopped and when it was killed, and says the last word.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::census::Census;
use crate::directory;
use crate::harness::{Report, matches};
use crate::isolation::{self, Inside};
use crate::lab::Prepared;

const KILLED: &str = "machine::a_killed_lab_is_cleared_by_the_next_start";
const CLEAN: &str = "machine::a_stopped_lab_leaves_nothing_behind";

/// Runs the proofs on a lab, and those about the lab as a whole.
pub(crate) fn test(prepared: Prepared, filters: &[String]) -> Result<ExitCode> {
    let started = Instant::now();
    // Before there is a handler of ours, so that Ctrl-C ends the waiting.
    directory::wait_until_free()?;
    let children = Children::new()?;
    children.run(&Inside::Clear)?;
    let before = Census::take()?;

    let killing = Instant::now();
    let killed = matches(KILLED, filters).then(|| children.kill_one(&prepared));
    let killing = killing.elapsed();

    // On what the killed one has left.
    let report = children.run_proofs(prepared, filters.to_vec());
    if children.interrupted() {
        return Ok(ExitCode::from(crate::INTERRUPTED));
    }
    let mut report = report?;
    match killed {
        Some(result) => report.add(KILLED, killing, result),
        None => report.filtered_out += 1,
    }
    if matches(CLEAN, filters) {
        let counting = Instant::now();
        let result = Census::take().and_then(|after| after.ensure_same(&before));
        report.add(CLEAN, counting.elapsed(), result);
    } else {
        report.filtered_out += 1;
    }
    Ok(if report.close(started.elapsed()) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Our own process once more, in the lab's namespaces; signals that we get are passed on to it.
struct Children {
    _signals: Runtime,
    interrupted: Arc<AtomicBool>,
    current: Arc<Mutex<Option<Pid>>>,
}

impl Children {
    fn new() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let interrupted = Arc::new(AtomicBool::new(false));
        let current = Arc::new(Mutex::new(None));
        let (mut interrupt, mut terminate) = {
            let _inside = runtime.enter();
            (
                signal(SignalKind::interrupt())?,
                signal(SignalKind::terminate())?,
            )
        };
        let (flag, child) = (Arc::clone(&interrupted), Arc::clone(&current));
        runtime.spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                flag.store(true, Ordering::SeqCst);
                let child = *child.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(child) = child {
                    kill_process(child, Signal::TERM).ok();
                }
            }
        });
        Ok(Self {
            _signals: runtime,
            interrupted,
            current,
        })
    }

    fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }

    fn start(&self, inside: &Inside, stdout: Stdio) -> Result<Child> {
        ensure!(!self.interrupted(), "interrupted");
        let child = isolation::command(inside)?.stdout(stdout).spawn()?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = pid;
        Ok(child)
    }

    /// Waits for its end; it has said itself why it failed.
    fn run(&self, inside: &Inside) -> Result<()> {
        let status = self.start(inside, Stdio::inherit())?.wait()?;
        ensure!(status.success(), "the lab ended with {status}");
        Ok(())
    }

    /// Starts a lab and kills it when it is ready, so that nothing of it can clean up.
    fn kill_one(&self, prepared: &Prepared) -> Result<()> {
        let mut child = self.start(&Inside::Hold(prepared.clone()), Stdio::piped())?;
        let stdout = child.stdout.take().context("no stdout")?;
        let ready = BufReader::new(stdout).lines().next().is_some();
        child.kill()?;
        child.wait()?;
        ensure!(ready, "the lab that was to be killed did not become ready");
        ensure!(
            Census::take()?.has_processes(),
            "the killed lab left no process, so that the next start shows nothing"
        );
        Ok(())
    }

    /// Runs the proofs inside.
    fn run_proofs(&self, prepared: Prepared, filters: Vec<String>) -> Result<Report> {
        let directory = tempfile::tempdir()?;
        let report = directory.path().join("report.json");
        self.run(&Inside::Test {
            prepared,
            filters,
            report: report.clone(),
        })?;
        Ok(serde_json::from_slice(&std::fs::read(report)?)?)
    }
}
