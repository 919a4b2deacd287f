//! `patch-images` over a cluster full of Deployments, beside kubectl and beside the least that any client could send.
//!
//! Every run moves the images on to the registry of its round, so that nothing has to be put back in between.

mod fleet;
mod floor;
mod kubectl;

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::measure::{self, PAIRS};
use crate::support::arc_setup::{ArcSetup, program};
use fleet::Fleet;

/// Namespaces that the pairs are measured on.
const NAMESPACES: usize = 10;
/// Pairs of what takes seconds.
const LONG_PAIRS: usize = 5;
/// Most memory, in KiB.
const MOST_MEMORY: u64 = 64 * 1024;

/// `each`: Deployments of each namespace; docs/benchmarks.md has the figures of 1,000.
pub(crate) async fn run(each: usize) -> Result<()> {
    let mut fleet = Fleet::start(each).await?;
    fleet.fill(NAMESPACES).await?;
    let ours = Ours::new(&fleet)?;
    every_object_to_change(&mut fleet, &ours).await?;
    nothing_to_change(&fleet, &ours).await?;
    curve(&mut fleet, &ours).await
}

/// Our program, with a home of its own.
struct Ours(ArcSetup);

impl Ours {
    fn new(fleet: &Fleet) -> Result<Self> {
        let mut program = ArcSetup::new()?;
        program.env("KUBECONFIG", fleet.kubeconfig()?);
        Ok(Self(program))
    }

    /// `patch-images` of the registry of a round to the one of the next.
    fn command(&self, round: usize, place: &[&str], more: &[&str]) -> Result<Command> {
        let rule = format!("{}={}", fleet::registry(round), fleet::registry(round + 1));
        let mut command = Command::new(program()?);
        command
            .args(["patch-images", "--context", "bench", "--all-workloads"])
            .args(["--no-wait", "--no-verify", "--quiet", "--registry-map"])
            .arg(rule)
            .args(place)
            .args(more);
        self.0.prepare(&mut command);
        Ok(command)
    }
}

/// Time and the server's CPU time of one side of a pair.
type Sample = (Duration, Duration);

/// Rows of pairs of wall and CPU time.
fn report(name: &str, pairs: &[(Sample, Sample)], bound: f64) -> Result<()> {
    let wall = pairs.iter().map(|(ours, theirs)| (ours.0, theirs.0));
    let wall: Vec<_> = wall.collect();
    measure::report(name, &wall, bound)?;
    let cpu: Vec<_> = pairs
        .iter()
        .map(|(ours, theirs)| (ours.1, theirs.1))
        .collect();
    measure::report_beside("  CPU time of API server and etcd", &cpu)
}

async fn every_object_to_change(fleet: &mut Fleet, ours: &Ours) -> Result<()> {
    let count = NAMESPACES * fleet.each();
    let concurrency = floor::best_concurrency(fleet).await?;
    println!("the bare client is fastest with {concurrency} patches at the same time");
    let (mut sets, mut singles, mut floors) = (Vec::new(), Vec::new(), Vec::new());
    // One of each that nobody counts: the field managers of all of them stand in the objects then.
    for pair in 0..=LONG_PAIRS {
        let patched = fleet.timed(|round| {
            let mut command = ours.command(round, &["-A"], &["--yes"])?;
            measure::run(&mut command, &[0])
        })?;
        fleet.is_at_round().await?;
        let set = fleet.timed_round(kubectl::set_all)?;
        let bodies = floor::bodies(fleet, 0..NAMESPACES).await?;
        let bare = floor::run(fleet, &bodies, concurrency).await?;
        fleet.next_round();
        let single = kubectl::set_one_by_one(fleet)?;
        if pair > 0 {
            sets.push((patched, set));
            floors.push((patched, bare));
            let each = u32::try_from(count)?;
            singles.push(((patched.0 / each, patched.1 / each), single));
        }
    }
    println!("{count} Deployments in {NAMESPACES} namespaces, every one to change");
    report("patch-images / set image --all, by namespace", &sets, 0.5)?;
    report("  per object / set image of one", &singles, 0.05)?;
    report("  / the same requests, bare", &floors, 1.5)?;
    let mut command = ours.command(fleet.round(), &["-A"], &["--yes", "-o", "json"])?;
    let peak = measure::peak_kib(&mut command, &[0])?;
    fleet.next_round();
    measure::report_bytes("  peak memory", peak, MOST_MEMORY);
    Ok(())
}

async fn nothing_to_change(fleet: &Fleet, ours: &Ours) -> Result<()> {
    let (mut lists, mut gets) = (Vec::new(), Vec::new());
    for pair in 0..=PAIRS {
        // The rule of a round that is over.
        let mut command = ours.command(fleet.round() - 1, &["-A"], &["--yes"])?;
        let idle = fleet.sample(|| measure::run(&mut command, &[0]))?;
        let list = floor::list(fleet).await?;
        let get = fleet.sample(|| kubectl::get(fleet))?;
        if pair > 0 {
            lists.push((idle, list));
            gets.push((idle, get));
        }
    }
    println!("nothing to change");
    report("patch-images / paged LIST, bare", &lists, 3.0)?;
    report("  / kubectl get -o json", &gets, 0.25)
}

/// Time per object as there are more of them.
async fn curve(fleet: &mut Fleet, ours: &Ours) -> Result<()> {
    fleet.fill_small().await?;
    println!(
        "{:>8} {:>28} {:>28}",
        "objects", "nothing to change", "--dry-run"
    );
    let one = Fleet::namespace(0);
    let few = Fleet::small();
    let mut steps = vec![
        (fleet::FEW, vec!["-n".to_owned(), few]),
        (fleet.each(), vec!["-n".to_owned(), one]),
    ];
    let ten = (0..NAMESPACES).flat_map(|number| ["-n".to_owned(), Fleet::namespace(number)]);
    steps.push((fleet.each() * NAMESPACES, ten.collect()));
    for (count, place) in steps {
        step(fleet, ours, count, &place)?;
    }
    fleet.fill(10 * NAMESPACES).await?;
    let all = 10 * NAMESPACES * fleet.each();
    step(fleet, ours, all, &["-A".to_owned()])
}

fn step(fleet: &Fleet, ours: &Ours, count: usize, place: &[String]) -> Result<()> {
    let place: Vec<&str> = place.iter().map(String::as_str).collect();
    let each =
        |time: Duration| time.as_secs_f64() * 1e6 / f64::from(u32::try_from(count).unwrap_or(1));
    let is_largest = count > fleet.each() * NAMESPACES;
    let runs = if is_largest { 1 } else { 3 };
    let mut cells = Vec::new();
    for (round, more) in [(fleet.round() - 1, "--yes"), (fleet.round(), "--dry-run")] {
        let mut best = Duration::MAX;
        for _ in 0..runs {
            let mut command = ours.command(round, &place, &[more])?;
            best = best.min(measure::run(&mut command, &[0])?);
        }
        cells.push(format!(
            "{:>8.0} ms {:>10.0} µs each",
            best.as_secs_f64() * 1e3,
            each(best)
        ));
    }
    println!("{count:>8} {:>28} {:>28}", cells[0], cells[1]);
    if is_largest {
        for (name, round, more) in [
            (
                "  peak memory, nothing to change",
                fleet.round() - 1,
                "--yes",
            ),
            ("  peak memory, --dry-run", fleet.round(), "--dry-run"),
        ] {
            let mut command = ours.command(round, &place, &[more, "-o", "json"])?;
            let peak = measure::peak_kib(&mut command, &[0])?;
            ensure!(peak > 0, "no memory was seen");
            measure::report_bytes(name, peak, MOST_MEMORY);
        }
    }
    Ok(())
}
