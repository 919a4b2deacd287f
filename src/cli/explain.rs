//! `explain CODE`: what a code means and what to do, without a network.

use crate::checks::catalogue::{self, Entry};
use crate::cli::Session;
use crate::cli::session::NoCluster;
use crate::failure::{Exit, Failure};
use crate::secret::looks_like_a_secret;
use crate::ui::{output, table};

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The code, as a failure or finding shows it; without one, all codes are listed.
    #[arg(value_name = "CODE")]
    code: Option<String>,
    #[command(flatten)]
    no_cluster: NoCluster,
}

pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    NoCluster::tell(session);
    match &args.code {
        Some(code) => one(code, session)?,
        None => output::answer(
            session.format,
            "Codes",
            &Codes {
                codes: catalogue::entries(),
            },
            list,
        )?,
    }
    Ok(Exit::Done)
}

#[derive(serde::Serialize)]
struct Codes {
    codes: &'static [Entry],
}

fn one(code: &str, session: &Session) -> Result<(), Failure> {
    let entry = catalogue::entry(code).ok_or_else(|| {
        let what = if looks_like_a_secret(code) {
            "there is no such code; what was given may be a secret, so it is not shown".to_owned()
        } else {
            format!("there is no code '{code}'")
        };
        let failure = Failure::new("unknown-code", Exit::Usage, what);
        match catalogue::nearest(code) {
            Some(nearest) => failure.remedy(format!("arc-setup explain {nearest}")),
            None => failure.remedy("arc-setup explain lists all codes"),
        }
    })?;
    output::answer(session.format, "Code", entry, || {
        format!(
            "{}: {}\n\n{}\n\nWhat to do:\n{}\n",
            entry.id, entry.title, entry.cause, entry.remedy
        )
    })
}

fn list() -> String {
    let rows: Vec<Vec<String>> = catalogue::entries()
        .iter()
        .map(|entry| vec![entry.id.to_owned(), entry.title.to_owned()])
        .collect();
    table::columns(&rows)
}
