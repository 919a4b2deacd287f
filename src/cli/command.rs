//! The commands, and the one match over them.

use clap::{Parser, Subcommand};

use super::{
    GlobalArgs, Session, adopt, ca, check, config, explain, images, init, patch_images, proxy,
    render, rewrite, rules, uninstall,
};
use crate::failure::{Exit, Failure};

/// From a bare, locked-down Kubernetes cluster to a green GitHub Actions job.
///
/// Renders actions-runner-controller and its runners, sends every image to your registry, gives every
/// container your proxy and CA, applies it all, proves that it works, and repairs what already runs.
#[derive(Debug, Parser)]
#[command(
    name = "arc-setup",
    version,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Install ARC and its runners: read, render, rewrite, check, show, ask, apply, wait.
    Init(Box<init::Args>),
    /// Check all that init checks, and with --from-cluster what each place of the cluster reaches.
    Check(Box<check::Args>),
    /// Write the same objects with no cluster: to stdout, or one file for each object.
    Render(render::Args),
    /// List every image, before → after, with the rule and why it is needed: the allow-list ticket.
    Images(images::Args),
    /// Look at the registry rules: which one decides about an image and why, and all that are in force.
    Rules(rules::Args),
    /// Rewrite the images of an ARC that already runs, whoever installed it.
    PatchImages(Box<patch_images::Args>),
    /// Make rules of the images that people put right by hand in a cluster.
    Adopt(Box<adopt::Args>),
    /// Rewrite the images of YAML and JSON files: only the bytes of the references change.
    Rewrite(Box<rewrite::Args>),
    /// Look at a server's certificates and at who takes them; collect a company's authorities.
    Ca(Box<ca::Args>),
    /// Look at which programs go through the proxy to a host, and which entry of NO_PROXY decides.
    Proxy(Box<proxy::Args>),
    /// Remove an install: runner sets first, the controller last, finalizers respected.
    Uninstall(Box<uninstall::Args>),
    /// Explain a code of a failure or finding; needs no network.
    Explain(explain::Args),
    /// Look at the configuration: its schema, where each value comes from, whether it is valid.
    Config(config::Args),
}

impl Command {
    /// True for what only reads and prints: a signal ends it at once, even while it waits for standard input.
    pub(crate) fn writes_nothing(&self) -> bool {
        match self {
            Self::Rules(_) | Self::Explain(_) => true,
            Self::Rewrite(args) => !args.is_in_place(),
            _ => false,
        }
    }

    /// True for a run over many objects that asks no question.
    pub(crate) fn asks_nothing(&self) -> bool {
        matches!(self, Self::PatchImages(args) if args.asks_nothing())
    }

    /// Runs the command to its exit code.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        match self {
            Self::Init(args) => init::run(args, session).await,
            Self::Check(args) => Box::pin(check::run(args, session)).await,
            Self::PatchImages(args) => patch_images::run(args, session).await,
            Self::Adopt(args) => adopt::run(args, session).await,
            Self::Ca(args) => Box::pin(ca::run(args, session)).await,
            Self::Proxy(args) => Box::pin(proxy::run(args, session)).await,
            Self::Uninstall(args) => uninstall::run(args, session).await,
            Self::Render(args) => render::run(args, session),
            Self::Images(args) => images::run(args, session),
            Self::Rules(args) => rules::run(args, session),
            Self::Rewrite(args) => rewrite::run(args, session),
            Self::Explain(args) => explain::run(args, session),
            Self::Config(args) => config::run(args, session),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
