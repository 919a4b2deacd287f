//! `init` and its re-run beside what a careful person types with kubectl: a server-side diff, then
//! namespaces and CRDs, a wait, and the rest.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Service;
use kube::Api;

use crate::chart;
use crate::measure::{self, PAIRS};
use crate::support::arc_setup::{ArcSetup, program};
use crate::support::company::Company;
use crate::support::control_plane::{Component, ControlPlane, Options};

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
    let mut given = company.program(Path::new("/dev/null"))?;
    company.allow_images(&given).await?;
    // It shows the secrets that it was given, by request.
    given.without_canaries();
    let objects = chart::objects(&given, CONFIG, &["--with-secrets"]).await?;
    let waves = chart::write_waves(&given, &objects)?;
    let kubectl = Kubectl {
        waves,
        home: given.home().to_owned(),
    };
    // One that warms the caches and tells the memory.
    let peaks = (our_peak(&company).await?, kubectl.peak().await?);
    let (mut installs, mut reruns) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        // Each side has a server of its own whose store is empty; never both at once.
        let (first, again) = ours(&company).await?;
        let (install, diff) = kubectl.install(&fresh().await?)?;
        installs.push((first, install));
        reruns.push((again, diff));
    }
    println!("{} objects", objects.len());
    measure::report(
        "init --wait none / diff, apply, wait, apply",
        &installs,
        0.5,
    )?;
    measure::report_memory("  peak memory (kubectl: diff)", peaks.0, peaks.1);
    measure::report("init again, nothing to do / diff", &reruns, 0.5)
}

fn init(company: &Company, plane: &ControlPlane) -> Result<(ArcSetup, Vec<&'static str>)> {
    let program = company.program(&plane.kubeconfig("bench")?)?;
    Ok((program, [INIT, &[CONFIG]].concat()))
}

/// A server whose store is empty, as settled as any cluster is: it has a controller-manager, and its own Service.
async fn fresh() -> Result<ControlPlane> {
    let plane = ControlPlane::isolated(Options {
        components: vec![Component::ControllerManager],
        ..Options::default()
    })
    .await?;
    let services = Api::<Service>::namespaced(plane.client()?, "default");
    while services.get_opt("kubernetes").await?.is_none() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(plane)
}

/// The first `init` and the second, on a fresh store.
async fn ours(company: &Company) -> Result<(Duration, Duration)> {
    let plane = fresh().await?;
    let (arc_setup, arguments) = init(company, &plane)?;
    // Timed as kubectl is; the stand-ins answer on the runtime's other threads.
    let run = || {
        let mut command = Command::new(program()?);
        arc_setup.prepare(&mut command);
        measure::run_told(command.args(&arguments), &[0])
    };
    let (first, _) = run()?;
    let (again, said) = run()?;
    let idle = said.contains("nothing to do");
    ensure!(idle, "the second init found something to do: {said}");
    Ok((first, again))
}

async fn our_peak(company: &Company) -> Result<u64> {
    let plane = fresh().await?;
    let (arc_setup, arguments) = init(company, &plane)?;
    let mut command = Command::new(program()?);
    arc_setup.prepare(&mut command);
    measure::peak_kib(command.args(&arguments), &[0])
}

/// What is typed without arc-setup, and its files: namespaces and CRDs, and the rest.
#[derive(Debug)]
struct Kubectl {
    waves: [PathBuf; 2],
    home: PathBuf,
}

impl Kubectl {
    fn command(&self, plane: &ControlPlane, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(plane.binaries().join("kubectl"));
        command
            .args(arguments)
            .env_clear()
            .env("KUBECONFIG", plane.kubeconfig("bench")?)
            .env("HOME", &self.home)
            .env("PATH", "/usr/bin:/bin");
        Ok(command)
    }

    fn diff(&self) -> Vec<String> {
        let mut diff: Vec<String> = ["diff", "--server-side", "--concurrency=4"]
            .map(str::to_owned)
            .into();
        for wave in &self.waves {
            diff.extend(["-f".to_owned(), wave.display().to_string()]);
        }
        diff
    }

    /// Everything that kubectl does on an empty store, and the diff of everything on what it made. The former's
    /// diff is the latter: before its namespaces and kinds are there, a diff ends at the first object.
    fn install(&self, plane: &ControlPlane) -> Result<(Duration, Duration)> {
        let run = |arguments: &[&str], accepted: &[i32]| {
            measure::run(&mut self.command(plane, arguments)?, accepted)
        };
        let apply = |wave: &Path| {
            let file = wave.display().to_string();
            run(
                &["apply", "--server-side", "--force-conflicts", "-f", &file],
                &[0],
            )
        };
        let [first, rest] = &self.waves;
        let first = apply(first)?;
        let wait = wait_for_crds(&run)?;
        let rest = apply(rest)?;
        let diff = self.diff();
        let diff: Vec<&str> = diff.iter().map(String::as_str).collect();
        let diff = run(&diff, &[0, 1])?;
        Ok((diff + first + wait + rest, diff))
    }

    /// Of the diff, once everything is there.
    async fn peak(&self) -> Result<u64> {
        let plane = fresh().await?;
        self.install(&plane)?;
        let diff = self.diff();
        let diff: Vec<&str> = diff.iter().map(String::as_str).collect();
        measure::peak_kib(&mut self.command(&plane, &diff)?, &[0, 1])
    }
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
