//! `config`: the schema, whether a configuration is valid, where each value comes from.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::Session;
use crate::cli::config_args::ConfigArgs;
use crate::cli::config_load;
use crate::cli::session::NoCluster;
use crate::config::load::SecretReading;
use crate::config::{Origin, Problem, schema};
use crate::failure::{Exit, Failure};
use crate::ui::format::Format;
use crate::ui::output;
use crate::yaml;

/// Arguments of `config`.
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
    /// Print the JSON schema of arc-setup.yaml
    Schema,
    /// Check the configuration; every problem at once
    Validate(ConfigArgs),
    /// Show the configuration in force as a file that arc-setup reads: defaults filled in, of secrets the source only
    Show(ShowArgs),
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// Add to each value where it came from, as a comment
    #[arg(long)]
    origin: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    NoCluster::tell(session);
    match &args.question {
        Question::Schema => match session.format {
            Format::Yaml => output::data_text(&yaml::to_string(&schema()))?,
            _ => output::data_text(&format!("{:#}\n", schema()))?,
        },
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
    config: &'a serde_json::Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    origins: Option<BTreeMap<&'a str, String>>,
}

fn show(args: &ShowArgs, session: &Session) -> Result<(), Failure> {
    let effective = config_load::load_effective(&args.config, session)?;
    let origins = &effective.origins.0;
    let shown = Shown {
        config: &effective.file,
        origins: args.origin.then(|| {
            origins
                .iter()
                .map(|(path, origin)| (path.as_str(), origin.to_string()))
                .collect()
        }),
    };
    output::answer(session.format, "Config", &shown, || {
        if args.origin {
            let remark = |path: &str| origins.get(path).map(Origin::to_string);
            yaml::to_string_with_comments(&effective.file, &remark)
        } else {
            yaml::to_string(&effective.file)
        }
    })
}
