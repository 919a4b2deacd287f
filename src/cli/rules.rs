//! `rules`: which rule decides about an image and why, and which rules are in force. No cluster needed.

use crate::cli::Session;
use crate::cli::config_args::PartArgs;
use crate::cli::rules_part::{Rules, config};
use crate::cli::session::NoCluster;
use crate::cli::{rules_list, rules_test};
use crate::failure::{Exit, Failure};

/// Arguments of `rules`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    question: Question,
    #[command(flatten)]
    no_cluster: NoCluster,
}

/// What to look at.
#[derive(Debug, clap::Subcommand)]
enum Question {
    /// Say what becomes of images, by which rule, and why no rule before it decides
    Test(rules_test::Args),
    /// List the rules in the order in which they are asked, with where each was given
    List(ListArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    config: PartArgs<Rules>,
}

pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    NoCluster::tell(session);
    match &args.question {
        Question::Test(args) => rules_test::run(args, session)?,
        Question::List(args) => {
            rules_list::run(&config(&args.config, session)?.registry.rules, session)?;
        }
    }
    Ok(Exit::Done)
}
