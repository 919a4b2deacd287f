//! A layer over both platforms of an image in a registry on this machine, beside crane, which adds one to one platform at
//! a time and makes no index of them.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::measure;
use crate::render::built;
use crate::support::arc_setup::{self, ArcSetup};
use crate::support::authority::Authority;
use crate::support::distribution::{Distribution, Door};
use crate::support::images::{Entry, Family, Shelf, tar};

const NAME: &str = "library/docker";
const PLATFORMS: [&str; 2] = ["amd64", "arm64"];
/// Requests for each platform beside those for manifests.
const MOST_REQUESTS: usize = 4;

pub(crate) async fn run() -> Result<()> {
    let authority = Authority::new()?;
    let registry = Distribution::start(&authority, Door::Open).await?;
    let shelf = Shelf::new(&authority, &registry, Family::Oci);
    let mut images = Vec::new();
    for platform in PLATFORMS {
        let layers = [0, 1, 2, 3].map(|number| {
            let content = format!("{platform} {number} ").repeat(100_000);
            tar(&[Entry::File("usr/bin/x", &content)])
        });
        images.push((platform, shelf.image(NAME, None, platform, &layers).await?));
    }
    let pairs: Vec<_> = images
        .iter()
        .map(|(platform, image)| (*platform, image))
        .collect();
    shelf.index(NAME, "1", &pairs).await?;

    let program = ArcSetup::new()?;
    let bundle = program.file("ca.pem", authority.bundle_pem())?;
    let base = format!("{}/{NAME}:1", registry.host());
    // What crane appends: a tar of the same size.
    let layer = program.file(
        "layer.tar",
        tar(&[Entry::File("etc/ca.crt", &authority.bundle_pem())]),
    )?;
    let crane = built("crane")?;
    let tagged = |side: &str, number: usize| format!("{}/{NAME}:{side}-{number}", registry.host());
    let (mut our_runs, mut their_runs) = (0, 0);
    let ours = || -> Result<Duration> {
        our_runs += 1;
        let mut command = Command::new(arc_setup::program()?);
        program.prepare(&mut command);
        command
            .args(["ca", "layer", &base, "--quiet", "--ca-bundle"])
            .arg(&bundle);
        command.args(["--push", &tagged("ours", our_runs)]);
        measure::run(&mut command, &[0])
    };
    let theirs = || -> Result<Duration> {
        their_runs += 1;
        let mut time = Duration::ZERO;
        for platform in PLATFORMS {
            let mut command = Command::new(&crane);
            program.prepare(&mut command);
            command.env("SSL_CERT_FILE", &bundle);
            command.args([
                "append",
                "--platform",
                &format!("linux/{platform}"),
                "--base",
                &base,
                "--new_layer",
            ]);
            command
                .arg(&layer)
                .args(["--new_tag", &tagged(platform, their_runs)]);
            time += measure::run(&mut command, &[0])?;
        }
        Ok(time)
    };
    let pairs = measure::in_turn(ours, theirs)?;
    measure::report("ca layer, 2 platforms / crane append twice", &pairs, 1.0)?;
    requests(&registry, &program, &base).await
}

/// Counts the requests of one more run.
async fn requests(registry: &Distribution, program: &ArcSetup, base: &str) -> Result<()> {
    let before = registry.requests(|_| true).await?.len();
    let place = format!("{}/{NAME}:counted", registry.host());
    let arguments = [
        "ca",
        "layer",
        base,
        "--ca-bundle",
        "ca.pem",
        "--push",
        &place,
    ];
    let outcome = program.run(&arguments).await?;
    ensure!(outcome.code == Some(0), "{}", outcome.stderr);
    let is_last = |one: &_| is_tagging(one);
    let asked = registry.requests(is_last).await?;
    let asked = asked.get(before..).context("fewer requests than before")?;
    let beside = asked
        .iter()
        .filter(|one| !one.target.contains("/manifests/"));
    let (beside, bound) = (beside.count(), MOST_REQUESTS * PLATFORMS.len());
    let verdict = if beside <= bound { "met" } else { "MISSED" };
    println!(
        "{:<40} {beside:>4} requests beside {} for manifests; bound {bound} {verdict}",
        "ca layer, 2 platforms",
        asked.len() - beside
    );
    Ok(())
}

fn is_tagging(one: &crate::support::distribution::Request) -> bool {
    one.method == "PUT" && one.target.ends_with("/manifests/counted")
}
