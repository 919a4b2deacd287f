//! Time and memory of one process, and what is printed about a row of pairs.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

/// How often each pair is measured, after one that warms the caches.
pub(crate) const PAIRS: usize = 7;
/// Between two looks at a running process.
const LOOK: Duration = Duration::from_micros(100);

/// Ours and what stands beside it.
pub(crate) type Pair = (Duration, Duration);

/// Measures both sides in turn, each after one run that warms the caches.
pub(crate) fn in_turn(
    mut ours: impl FnMut() -> Result<Duration>,
    mut theirs: impl FnMut() -> Result<Duration>,
) -> Result<Vec<Pair>> {
    ours()?;
    theirs()?;
    (0..PAIRS).map(|_| Ok((ours()?, theirs()?))).collect()
}

/// Runs a command to its end, its output thrown away.
pub(crate) fn run(command: &mut Command, accepted: &[i32]) -> Result<Duration> {
    run_told(command, accepted).map(|(time, _)| time)
}

/// The same, with what it said on stderr.
pub(crate) fn run_told(command: &mut Command, accepted: &[i32]) -> Result<(Duration, String)> {
    let started = Instant::now();
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let output = child.wait_with_output()?;
    let time = started.elapsed();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        output
            .status
            .code()
            .is_some_and(|code| accepted.contains(&code)),
        "{} ended with {}: {said}",
        command.get_program().display(),
        output.status,
    );
    Ok((time, said))
}

/// The most memory that a run of the command holds, in KiB: the kernel's own high-water mark (`VmHWM`), as last
/// seen before the end.
pub(crate) fn peak_kib(command: &mut Command, accepted: &[i32]) -> Result<u64> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let ended = loop {
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.trim().split(' ').next()?.parse().ok());
        peak = peak.max(now.unwrap_or(0));
        std::thread::sleep(LOOK);
    };
    ensure!(
        ended.code().is_some_and(|code| accepted.contains(&code)),
        "{} ended with {ended}",
        command.get_program().display()
    );
    Ok(peak)
}

/// The machine, so that figures can be told apart: cores and kernel.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cores} cores, Linux {}", kernel.trim())
}

/// Prints the columns of [`report`].
pub(crate) fn head() {
    println!(
        "{:<40} {:>13} {:>13} {:>7} {:>6}",
        "median of pairs in turn", "arc-setup", "beside it", "ratio", "bound"
    );
}

/// As [`report`], where our own time has a bound, in milliseconds.
pub(crate) fn report_time(name: &str, pairs: &[Pair], bound: f64) -> Result<()> {
    let Medians {
        ours,
        theirs,
        ratio,
    } = medians(pairs)?;
    let verdict = if ours <= bound { "met" } else { "MISSED" };
    println!("{name:<40} {ours:>10.1} ms {theirs:>10.1} ms {ratio:>7.3} {bound:>3} ms {verdict}");
    Ok(())
}

/// Prints one row: medians of both sides and of their ratio, and whether that is within its bound.
pub(crate) fn report(name: &str, pairs: &[Pair], bound: f64) -> Result<()> {
    ensure!(pairs.len() >= 5, "fewer than five pairs");
    let Medians {
        ours,
        theirs,
        ratio,
    } = medians(pairs)?;
    let verdict = if ratio <= bound { "met" } else { "MISSED" };
    println!("{name:<40} {ours:>10.1} ms {theirs:>10.1} ms {ratio:>7.3} {bound:>6} {verdict}");
    Ok(())
}

/// Prints a row that has no bound of its own.
pub(crate) fn report_beside(name: &str, pairs: &[Pair]) -> Result<()> {
    let Medians {
        ours,
        theirs,
        ratio,
    } = medians(pairs)?;
    println!("{name:<40} {ours:>10.1} ms {theirs:>10.1} ms {ratio:>7.3}");
    Ok(())
}

/// In milliseconds.
struct Medians {
    ours: f64,
    theirs: f64,
    ratio: f64,
}

fn medians(pairs: &[Pair]) -> Result<Medians> {
    let milliseconds = |time: &Duration| time.as_secs_f64() * 1000.0;
    let ratio = |(ours, theirs): &Pair| milliseconds(ours) / milliseconds(theirs).max(0.1);
    Ok(Medians {
        ours: median(pairs.iter().map(|(ours, _)| milliseconds(ours)))?,
        theirs: median(pairs.iter().map(|(_, theirs)| milliseconds(theirs)))?,
        ratio: median(pairs.iter().map(ratio))?,
    })
}

/// Prints the peak memory of one side, in KiB, and whether that is within its bound.
pub(crate) fn report_bytes(name: &str, ours: u64, bound: u64) {
    let verdict = if ours <= bound { "met" } else { "MISSED" };
    let (ours, bound) = (ours.div_ceil(1024), bound / 1024);
    println!("{name:<40} {ours:>9} MiB {bound:>28} {verdict}");
}

/// Prints the peak memory of both sides.
pub(crate) fn report_memory(name: &str, ours: u64, theirs: u64) {
    let (ours, theirs) = (ours.div_ceil(1024), theirs.div_ceil(1024));
    println!("{name:<40} {ours:>9} MiB {theirs:>9} MiB");
}

fn median(values: impl Iterator<Item = f64>) -> Result<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
        .get(values.len() / 2)
        .copied()
        .context("nothing was measured")
}
