//! `arc-setup render` beside `helm template` of a chart of the same objects.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

use crate::support::arc_setup::{ArcSetup, program};
use crate::support::company::Company;
use crate::{chart, measure};

/// The story.
const CONFIG: &str = "examples/locked-down-rancher/arc-setup.yaml";

pub(crate) async fn run() -> Result<()> {
    let company = Company::start(CONFIG).await?;
    let arc_setup = company.program(Path::new("/dev/null"))?;
    let objects = chart::objects(&arc_setup, CONFIG, &[]).await?;
    let directory = chart::write(&arc_setup, &objects)?;
    let helm = built("helm")?;
    let ours = || ours(&arc_setup);
    let theirs = || {
        let mut command = Command::new(&helm);
        command
            .args(["template", "same-objects"])
            .arg(&directory)
            .env_clear()
            .env("HOME", arc_setup.home());
        command
    };
    let pairs = measure::in_turn(
        || measure::run(&mut ours()?, &[0]),
        || measure::run(&mut theirs(), &[0]),
    )?;
    measure::report("render of the story / helm template", &pairs, 0.25)?;
    // A few runs: the last look at one that takes milliseconds may come too early.
    let peak = |command: &dyn Fn() -> Result<Command>| {
        (0..5).try_fold(0, |peak, _| {
            Ok::<_, anyhow::Error>(measure::peak_kib(&mut command()?, &[0])?.max(peak))
        })
    };
    measure::report_memory("  peak memory", peak(&ours)?, peak(&|| Ok(theirs()))?);
    Ok(())
}

fn ours(arc_setup: &ArcSetup) -> Result<Command> {
    let mut command = Command::new(program()?);
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join(CONFIG);
    command.arg("render").arg("--config").arg(config);
    arc_setup.prepare(&mut command);
    Ok(command)
}

/// A program that `tests/binaries/build bench` makes.
pub(crate) fn built(name: &str) -> Result<PathBuf> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/binaries/build");
    let output = Command::new(script)
        .arg("bench")
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(
        output.status.success(),
        "{script} ended with {}",
        output.status
    );
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim_end()).join(name))
}
