//! `proxy`: which way each program goes.

use super::Session;
use super::proxy_explain;
use crate::failure::{Exit, Failure};

/// Arguments of `proxy`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    task: Task,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
enum Task {
    /// Say which programs reach a host directly and which through the proxy, by which entry of NO_PROXY, and which
    /// entries do nothing
    Explain(Box<proxy_explain::Args>),
}

pub(super) async fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    match &args.task {
        Task::Explain(args) => Box::pin(proxy_explain::run(args, session)).await,
    }
}
