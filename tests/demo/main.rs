//! `make demo`: a throw-away control plane, a company's registry, GitHub server and proxy on loopback,
//! and the real program on them. Ends with 0 only when everything came out as it should.

#![expect(
    clippy::print_stdout,
    reason = "the demo tells whoever started it what it does"
)]

mod expectations;
mod hand_made;
#[path = "../it/support/mod.rs"]
#[expect(
    dead_code,
    unused_imports,
    reason = "the demo needs a part of what the tests stand on"
)]
mod support;
mod surroundings;
mod transcript;

use std::process::ExitCode;

use anyhow::{Result, ensure};

use surroundings::Surroundings;
use transcript::Transcript;

const CONFIG: &str = "examples/locked-down-rancher/arc-setup.yaml";

#[tokio::main]
async fn main() -> ExitCode {
    let transcript = Transcript::start();
    match run(&transcript).await {
        Ok(()) => {
            transcript.say("Done. Everything that was started has been stopped again.");
            ExitCode::SUCCESS
        }
        Err(error) => {
            transcript.say(&format!("The demo failed: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(transcript: &Transcript) -> Result<()> {
    transcript.title("A locked-down cluster on this machine");
    let around = Surroundings::start(transcript).await?;

    transcript.title("The allow-list ticket: every image, before → after");
    let outcome = around
        .arc_setup(transcript, &["images", "--config", CONFIG])
        .await?;
    ensure!(
        outcome.code == Some(0),
        "images ended with {:?}",
        outcome.code
    );
    around.allow_images().await?;

    transcript.say("The nodes mirror docker.io transparently, so three images keep their names; quay.io is not mirrored.");

    transcript.title("What a failure looks like: the bundle without the issuing CA");
    let root = around.root_alone()?.display().to_string();
    let dry_run = ["init", "--config", CONFIG, "--context", "demo", "--dry-run"];
    let without = [dry_run.as_slice(), &["--ca-bundle", &root]].concat();
    let outcome = around.arc_setup(transcript, &without).await?;
    ensure!(
        outcome.code == Some(3),
        "the run without the issuing CA ended with {:?}",
        outcome.code
    );

    transcript.title("One command");
    transcript.say("Real here: the API server and its controllers, TLS, the proxy. Played: nodes and pods (kwok), ARC's own program, registry and GitHub.");
    let init = [
        "init",
        "--config",
        CONFIG,
        "--context",
        "demo",
        "--yes",
        "--wait",
        "manager",
    ];
    let outcome = around.arc_setup(transcript, &init).await?;
    ensure!(
        outcome.code == Some(0),
        "init ended with {:?}",
        outcome.code
    );
    expectations::installed(transcript, &around)?;

    transcript.title("An install that somebody made by hand, with an image from quay.io");
    let install = hand_made::apply(transcript, &around)?;

    transcript.title("Repaired by the same rules");
    let repair = [
        "patch-images",
        "--config",
        CONFIG,
        "--context",
        "demo",
        "--yes",
    ];
    let outcome = around.arc_setup(transcript, &repair).await?;
    ensure!(
        outcome.code == Some(0),
        "patch-images ended with {:?}",
        outcome.code
    );
    let generation = install.expect_repaired(transcript, &around)?;

    transcript.title("Once more: nothing is left to do");
    let outcome = around.arc_setup(transcript, &repair).await?;
    ensure!(
        outcome.code == Some(0),
        "the second patch-images ended with {:?}",
        outcome.code
    );
    let said = format!("{}{}", outcome.stdout, outcome.stderr).to_lowercase();
    ensure!(
        said.contains("nothing"),
        "the second patch-images did not say that nothing is left to do"
    );
    install.expect_generation(&around, generation)?;

    transcript.title("What was reached, and how");
    around.report(transcript)
}
