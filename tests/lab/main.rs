//! The locked-down lab: a real node, a real registry, a real proxy, and nothing else.
//!
//! `lab` holds it up for a person, `lab test [FILTER...]` runs the proofs on it, `lab clear` removes
//! what a killed one has left. Linux and root only; docs/lab.md says how it is used.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the lab tells whoever started it what it does"
)]

mod cgroup;
mod cluster;
mod directory;
mod isolation;
mod lab;
mod parts;
mod processes;
#[path = "../it/support/mod.rs"]
#[expect(
    dead_code,
    unused_imports,
    reason = "the lab needs a part of what the tests stand on"
)]
mod support;

use std::process::ExitCode;

use anyhow::{Result, bail};

use lab::Lab;

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
    let Some((isolation::INSIDE, arguments)) = arguments
        .split_first()
        .map(|(first, rest)| (first.as_str(), rest))
    else {
        match isolation::enter(arguments)? {}
    };
    match arguments.first().map(String::as_str) {
        None => hold(),
        Some("clear") => {
            directory::Directory::take()?.remove()?;
            Ok(ExitCode::SUCCESS)
        }
        Some(other) => bail!("{other} is not known; known: test [FILTER...], clear"),
    }
}

/// Every thread of the runtime is in the namespace `lab`, as this one is.
fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?)
}

fn hold() -> Result<ExitCode> {
    let processes = lab::ground()?;
    let runtime = runtime()?;
    let lab = runtime.block_on(Lab::start(processes))?;
    println!("the lab is up; Ctrl-C stops it");
    runtime.block_on(tokio::signal::ctrl_c())?;
    lab.stop()?;
    Ok(ExitCode::SUCCESS)
}
