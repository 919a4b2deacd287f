//! Time and memory of one process, and what is printed about a row of pairs.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

/// How often each pair is measured, after one that warms the caches.
pub(crate) const PAIRS: usize = 7;

/// Runs a command to its end, its output thrown away.
pub(crate) fn run(command: &mut Command, accepted: &[i32]) -> Result<Duration> {
    let started = Instant::now();
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let output = child.wait_with_output()?;
    let time = started.elapsed();
    ensure!(
        output
            .status
            .code()
            .is_some_and(|code| accepted.contains(&code)),
        "{} ended with {}: {}",
        command.get_program().display(),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(time)
}

/// The most memory that a run of the command holds, in KiB. The last look is a moment before its end.
pub(crate) fn peak_kib(command: &mut Command) -> Result<u64> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait()?.is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.trim().split(' ').next()?.parse().ok());
        peak = peak.max(now.unwrap_or(0));
    }
    Ok(peak)
}

/// Prints one row: medians of both sides and of their ratio.
pub(crate) fn report(name: &str, pairs: &[(Duration, Duration)], goal: f64) -> Result<()> {
    ensure!(pairs.len() >= 5, "fewer than five pairs");
    let milliseconds = |time: &Duration| time.as_secs_f64() * 1000.0;
    let ours = median(pairs.iter().map(|(ours, _)| milliseconds(ours)))?;
    let theirs = median(pairs.iter().map(|(_, theirs)| milliseconds(theirs)))?;
    let ratio = median(
        pairs
            .iter()
            .map(|(ours, theirs)| milliseconds(ours) / milliseconds(theirs)),
    )?;
    println!("{name:<48} {ours:>9.1} ms {theirs:>9.1} ms {ratio:>7.3} {goal:>6}");
    Ok(())
}

/// Prints the memory of both sides.
pub(crate) fn report_memory(name: &str, ours: u64, theirs: u64) {
    let (ours, theirs) = (ours.div_ceil(1024), theirs.div_ceil(1024));
    println!("{name:<48} {ours:>8} MiB {theirs:>8} MiB");
}

fn median(values: impl Iterator<Item = f64>) -> Result<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
        .get(values.len() / 2)
        .copied()
        .context("nothing was measured")
}
