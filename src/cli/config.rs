//! `config`: the schema, whether a configuration is valid, where each value comes from.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::Session;
use crate::cli::config_args::ConfigArgs;
use crate::cli::config_load;
use crate::config::load::SecretReading;
use crate::config::{Config, Problem, schema};
use crate::failure::{Exit, Failure};
use crate::ui::{output, table};

/// Arguments of `config`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    question: Question,
}

/// What to look at.
#[derive(Debug, clap::Subcommand)]
enum Question {
    /// Print the JSON schema of arc-setup.yaml
    Schema,
    /// Check the configuration; every problem at once
    Validate(ConfigArgs),
    /// Show the configuration with its defaults; secrets never
    Show(ShowArgs),
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// Show where each value came from
    #[arg(long)]
    origin: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    match &args.question {
        Question::Schema => output::data_text(&format!("{:#}\n", schema()))?,
        Question::Validate(args) => {
            let loaded = config_load::load(args, SecretReading::Read, session)?;
            let answer = Valid {
                valid: true,
                warnings: &loaded.warnings,
            };
            let text = || "the configuration is valid\n".to_owned();
            output::answer(session.format, "Validation", &answer, text)?;
        }
        Question::Show(args) => show(args, session)?,
    }
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct Valid<'a> {
    valid: bool,
    warnings: &'a [Problem],
}

#[derive(Serialize)]
struct Shown<'a> {
    config: &'a Config,
}

#[derive(Serialize)]
struct Origins {
    origins: BTreeMap<String, String>,
}

fn show(args: &ShowArgs, session: &Session) -> Result<(), Failure> {
    let config = config_load::load(&args.config, SecretReading::Leave, session)?.config;
    if args.origin {
        let origins: BTreeMap<String, String> = config
            .origins
            .0
            .iter()
            .map(|(path, origin)| (path.clone(), origin.to_string()))
            .collect();
        return output::answer(
            session.format,
            "Origins",
            &Origins {
                origins: origins.clone(),
            },
            || {
                let rows: Vec<Vec<String>> = origins
                    .into_iter()
                    .map(|(path, origin)| vec![path, origin])
                    .collect();
                table::columns(&rows)
            },
        );
    }
    let text = || crate::yaml::to_string(&serde_json::to_value(&config).unwrap_or_default());
    output::answer(session.format, "Config", &Shown { config: &config }, text)
}
