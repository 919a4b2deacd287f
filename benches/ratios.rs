//! `make bench`: what arc-setup costs beside the tools that one would use without it. Pairs in turn,
//! the median of the ratios; nothing here passes or fails by a clock.

#![expect(clippy::print_stdout, reason = "the figures are the bench's result")]

mod certificates;
mod chart;
mod install;
mod layers;
mod measure;
mod patch;
mod proxy;
mod render;
mod rewrite;
#[path = "../tests/it/support/mod.rs"]
#[expect(
    dead_code,
    unused_imports,
    reason = "the bench needs a part of what the tests stand on"
)]
mod support;

use std::process::ExitCode;

use anyhow::{Context as _, Result};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("the bench failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    // cargo adds --bench by itself.
    let filters: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let wanted = |row: &str| filters.is_empty() || filters.iter().any(|one| one == row);
    println!("{}", measure::machine());
    measure::head();
    if wanted("render") {
        render::run().await.context("render")?;
    }
    if wanted("init") {
        install::run().await.context("init")?;
    }
    if wanted("certificates") {
        certificates::run().context("certificates")?;
    }
    if wanted("proxy") {
        proxy::run().context("proxy")?;
    }
    if wanted("layers") {
        layers::run().await.context("layers")?;
    }
    if wanted("patch") {
        // For a quick look: --each=100.
        let each = std::env::args().find_map(|one| one.strip_prefix("--each=")?.parse().ok());
        patch::run(each.unwrap_or(1_000))
            .await
            .context("patch-images")?;
    }
    if wanted("rewrite") {
        rewrite::run().context("rewrite")?;
    }
    Ok(())
}
