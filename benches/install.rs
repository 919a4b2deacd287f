//! `init` and its re-run beside what a careful person types with kubectl: a server-side diff, then
//! namespaces and CRDs, a wait, and the rest.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::chart;
use crate::measure::{self, PAIRS};
use crate::support::company::Company;
use crate::support::control_plane::{ControlPlane, Options};

/// Without admission webhooks: kubectl could not apply what those guard before a manager runs.
const CONFIG: &str = "examples/locked-down-rancher-scale-set/arc-setup.yaml";
const INIT: &[&str] = &[
    "init",
    "--context",
    "bench",
    "--yes",
    "--wait",
    "none",
    "--config",
];

pub(crate) async fn run() -> Result<()> {
    let company = Company::start(CONFIG).await?;
    let mut program = company.program(Path::new("/dev/null"))?;
    company.allow_images(&program).await?;
    // It shows the secrets that it was given, by request.
    program.without_canaries();
    let objects = chart::objects(&program, CONFIG, &["--with-secrets"]).await?;
    let waves = chart::write_waves(&program, &objects)?;
    let (mut installs, mut reruns) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        // Each side has a server of its own whose store is empty; never both at once.
        let (first, again) = ours(&company).await?;
        let (install, diff) = theirs(program.home(), &waves).await?;
        installs.push((first, install));
        reruns.push((again, diff));
    }
    measure::report(
        "init --wait none / diff, apply, wait, apply",
        &installs,
        0.5,
    )?;
    measure::report("init again, nothing to do / diff", &reruns, 0.5)
}

/// The first `init` and the second.
async fn ours(company: &Company) -> Result<(Duration, Duration)> {
    let plane = ControlPlane::isolated(Options::default()).await?;
    let program = company.program(&plane.kubeconfig("bench")?)?;
    let mut costs = Vec::new();
    for _ in 0..2 {
        let outcome = program.run(&[INIT, &[CONFIG]].concat()).await?;
        ensure!(
            outcome.code == Some(0),
            "init ended with {:?}: {}",
            outcome.code,
            outcome.stderr
        );
        costs.push(outcome.took);
    }
    Ok((costs[0], costs[1]))
}

/// `kubectl wait` fails on a CRD that has no status yet; only the wait that succeeds counts.
fn wait_for_crds(run: &impl Fn(&[&str], &[i32]) -> Result<Duration>) -> Result<Duration> {
    let wait = [
        "wait",
        "--for=condition=Established",
        "crd",
        "--all",
        "--timeout=30s",
    ];
    (0..5)
        .find_map(|_| run(&wait, &[0]).ok())
        .map_or_else(|| run(&wait, &[0]), Ok)
}

/// Everything that kubectl does, and the diff of everything once it is there.
async fn theirs(home: &Path, [first, rest]: &[PathBuf; 2]) -> Result<(Duration, Duration)> {
    let plane = ControlPlane::isolated(Options::default()).await?;
    let kubeconfig = plane.kubeconfig("bench")?;
    let run = |arguments: &[&str], accepted: &[i32]| {
        let mut command = Command::new(plane.binaries().join("kubectl"));
        command
            .args(arguments)
            .env_clear()
            .env("KUBECONFIG", &kubeconfig)
            .env("HOME", home)
            .env("PATH", "/usr/bin:/bin");
        measure::run(&mut command, accepted)
    };
    let (first, rest) = (first.display().to_string(), rest.display().to_string());
    let diff = ["diff", "--server-side", "--concurrency=4", "-f"];
    let apply = ["apply", "--server-side", "--force-conflicts", "-f"];
    // A diff exits 1 where there are differences. What a CRD or namespace must be there for is diffed after them.
    let steps = [
        run(&[&diff[..], &[&first]].concat(), &[0, 1])?,
        run(&[&apply[..], &[&first]].concat(), &[0])?,
        wait_for_crds(&run)?,
        run(&[&diff[..], &[&rest]].concat(), &[0, 1])?,
        run(&[&apply[..], &[&rest]].concat(), &[0])?,
    ];
    let install = steps.iter().sum();
    let again = run(&[&diff[..], &[&first, "-f", &rest]].concat(), &[0, 1])?;
    Ok((install, again))
}
