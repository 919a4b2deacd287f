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

use support::arc_setup::Outcome;
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
    let images = ["images", "--config", CONFIG];
    ended(transcript, &around, "images", &images, 0).await?;
    around.allow_images().await?;
    transcript.say("The nodes mirror docker.io transparently, so three images keep their names; quay.io is not mirrored.");

    install(transcript, &around).await?;
    repair(transcript, &around).await?;

    transcript.title("What was reached, and how");
    around.report(transcript)
}

/// A run that must end with `code`.
async fn ended(
    transcript: &Transcript,
    around: &Surroundings,
    what: &str,
    arguments: &[&str],
    code: i32,
) -> Result<Outcome> {
    let outcome = around.arc_setup(transcript, arguments).await?;
    ensure!(
        outcome.code == Some(code),
        "{what} ended with {:?}",
        outcome.code
    );
    Ok(outcome)
}

async fn install(transcript: &Transcript, around: &Surroundings) -> Result<()> {
    transcript.title("What a failure looks like: the bundle without the issuing CA");
    let root = around.root_alone()?.display().to_string();
    let dry_run = ["init", "--config", CONFIG, "--context", "demo", "--dry-run"];
    let without = [dry_run.as_slice(), &["--ca-bundle", &root]].concat();
    let what = "the run without the issuing CA";
    ended(transcript, around, what, &without, 3).await?;

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
    ended(transcript, around, "init", &init, 0).await?;
    expectations::installed(transcript, around)
}

async fn repair(transcript: &Transcript, around: &Surroundings) -> Result<()> {
    transcript.title("An install that somebody made by hand, with an image from quay.io");
    let install = hand_made::apply(transcript, around)?;

    transcript.title("Repaired by the same rules");
    let repair = [
        "patch-images",
        "--config",
        CONFIG,
        "--context",
        "demo",
        "--yes",
    ];
    ended(transcript, around, "patch-images", &repair, 0).await?;
    let generation = install.expect_repaired(transcript, around)?;

    transcript.title("Once more: nothing is left to do");
    let what = "the second patch-images";
    let outcome = ended(transcript, around, what, &repair, 0).await?;
    let said = format!("{}{}", outcome.stdout, outcome.stderr).to_lowercase();
    ensure!(
        said.contains("nothing"),
        "{what} did not say that nothing is left to do"
    );
    install.expect_generation(around, generation)
}
