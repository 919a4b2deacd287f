//! `ca`: certificates of servers and authorities.

use crate::cli::{Session, ca_bundle, ca_doctor, ca_layer};
use crate::failure::{Exit, Failure};

/// Arguments of `ca`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    task: Task,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
enum Task {
    /// Say what a server sends, what is missing of its chain, which programs take it, and what to do
    Doctor(Box<ca_doctor::Args>),
    /// Collect authorities from files, this machine, the cluster or a server, and write them as programs read them
    Bundle(Box<ca_bundle::Args>),
    /// Push an image of a registry again with the authorities in it, or verify one that was; no Docker daemon needed
    Layer(Box<ca_layer::Args>),
}

pub(super) async fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    match &args.task {
        Task::Doctor(args) => Box::pin(ca_doctor::run(args, session)).await,
        Task::Bundle(args) => Box::pin(ca_bundle::run(args, session)).await,
        Task::Layer(args) => Box::pin(ca_layer::run(args, session)).await,
    }
}
