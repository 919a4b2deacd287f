//! The locked-down lab: a real node, a real registry, a real proxy, and nothing else.
//!
//! `lab` holds it up for a person, `lab test [FILTER...]` runs the proofs on it, `lab clear` removes
//! what a killed one has left. Linux and root only; docs/lab.md says how it is used.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the lab tells whoever started it what it does"
)]

mod administrator;
mod census;
mod cgroup;
mod cluster;
mod directory;
mod evidence;
mod harness;
mod install;
mod isolation;
mod lab;
mod parts;
mod pods;
mod processes;
mod proofs;
mod standing;
mod supervision;
#[path = "../it/support/mod.rs"]
#[expect(
    dead_code,
    unused_imports,
    reason = "the lab needs a part of what the tests stand on"
)]
mod support;

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use tokio::signal::unix::{SignalKind, signal};

use directory::Directory;
use harness::Selection;
use isolation::Inside;
use lab::{Lab, Prepared};
use processes::Processes;

/// Where logs are kept when something failed.
const LOGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/lab-logs");

/// What a shell says of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<ExitCode> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => {
            isolation::ensure_possible()?;
            match isolation::enter(&Inside::Hold(Prepared::run()?))? {}
        }
        ["clear"] => match isolation::enter(&Inside::Clear)? {},
        ["test", ..] => {
            isolation::ensure_possible()?;
            supervision::test(Prepared::run()?, &arguments[1..])
        }
        [isolation::INSIDE, inside] => match serde_json::from_str(inside)? {
            Inside::Clear => {
                Directory::take()?.remove()?;
                Ok(ExitCode::SUCCESS)
            }
            inside => with_lab(&inside),
        },
        [other, ..] => bail!("{other} is not known; known: test [FILTER...], clear"),
    }
}

/// Starts the lab, uses it, and stops it, however its use ends.
fn with_lab(inside: &Inside) -> Result<ExitCode> {
    let started = Instant::now();
    let processes = Arc::new(lab::ground()?);
    // After the ground: every thread of it is in the namespace `lab`, as this one is.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let used = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            result = use_lab(&processes, inside, started) => result,
            result = tokio::signal::ctrl_c() => Ok(result.map(|()| ExitCode::from(INTERRUPTED))?),
            _ = terminate.recv() => Ok(ExitCode::from(INTERRUPTED)),
        }
    });
    if used.is_err() {
        processes.keep_logs(Path::new(LOGS))?;
        eprintln!("the logs of the lab's programs are in {LOGS}");
    }
    let stopping = Instant::now();
    runtime.shutdown_background();
    processes
        .end()
        .context("the lab could not be stopped whole")?;
    eprintln!(
        "the lab was stopped in {:.1} s",
        stopping.elapsed().as_secs_f32()
    );
    used
}

async fn use_lab(
    processes: &Arc<Processes>,
    inside: &Inside,
    started: Instant,
) -> Result<ExitCode> {
    let (Inside::Hold(prepared) | Inside::Test { prepared, .. }) = inside else {
        bail!("there is no lab to use");
    };
    let lab = Arc::new(Lab::start(Arc::clone(processes), prepared).await?);
    eprintln!(
        "the lab is ready after {:.1} s",
        started.elapsed().as_secs_f32()
    );
    let Inside::Test {
        filters, report, ..
    } = inside
    else {
        // Whoever closes our output has read enough; the lab goes on.
        writeln!(std::io::stdout(), "{}", lab.directions()).ok();
        return std::future::pending().await;
    };
    let open = if filters.is_empty() {
        &[]
    } else {
        proofs::OPEN
    };
    let topics = proofs::TOPICS.iter().chain(open);
    let result = Selection::of(topics, filters).run(&lab).await;
    directory::write(report, serde_json::to_vec(&result)?)?;
    if !result.failures.is_empty() {
        let said = lab
            .cluster
            .kubectl(&["get", "pods,events", "-A", "-o", "wide"])
            .await?;
        processes.directory().write("logs/cluster.log", said)?;
        processes.keep_logs(Path::new(LOGS))?;
        eprintln!("the logs of the lab's programs are in {LOGS}");
    }
    Ok(ExitCode::SUCCESS)
}
