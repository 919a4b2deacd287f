//! `rewrite`: the images of a user's own YAML and JSON, wherever it comes from. No cluster needed.

mod answer;
mod failed;
mod function;
mod input;
mod run;

use std::path::PathBuf;

use crate::cli::Session;
use crate::cli::config_args::PartArgs;
use crate::cli::rules_part::Rules;
use crate::cli::session::NoCluster;
use crate::cli::{config_load, pass};
use crate::config::load::{self, SecretReading};
use crate::config::problem;
use crate::failure::{Exit, Failure};
use crate::rewrite::text::{Findings, Telling};
use crate::rules::RuleSet;
use crate::ui::format::Format;
use crate::ui::output;

use answer::Answer;
use function::Function;
use input::Inputs;
use run::Run;

/// Arguments of `rewrite`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files, directories (every .yaml, .yml and .json below them), or - for standard input
    #[arg(value_name = "FILES")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    config: PartArgs<Rules>,
    /// Write each file back instead of all to stdout; nothing is written where any of them fails
    #[arg(long, short, conflicts_with = "check", help_heading = "Rewriting")]
    in_place: bool,
    /// Write nothing; list what would change, and exit 10 where something would
    #[arg(long, help_heading = "Rewriting")]
    check: bool,
    /// Take the rules from a KRM functionConfig in this file, as a legacy Kustomize plugin is given it
    #[arg(long, value_name = "FILE", help_heading = "Rewriting")]
    function_config: Option<PathBuf>,
    #[command(flatten)]
    no_cluster: NoCluster,
}

impl Args {
    /// True where files are written.
    pub(super) fn is_in_place(&self) -> bool {
        self.in_place
    }
}

pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    NoCluster::tell(session);
    let inputs = Inputs::of(input::sources(&args.files, args.in_place)?)?;
    let function = match (&args.function_config, inputs.stdin()) {
        (Some(file), _) => Some(Function::in_file(file)?),
        (None, Some(stdin)) => Function::around(stdin)?,
        (None, None) => None,
    };
    let rules = rules(args, function.as_ref(), session)?;
    // A list of changes for a person or a machine, or the rewritten text.
    let is_text = !args.check && !args.in_place && session.format == Format::Text;
    let telling = if is_text && function.is_none() {
        Telling::Number
    } else {
        Telling::Each
    };
    let count = inputs.count();
    let interrupt = session.interrupt.clone();
    let mut run = Run::new(rules, inputs.custom_kinds(), telling, interrupt);
    if args.in_place {
        run.in_place(inputs)?;
    } else {
        run.print_all(inputs, function.as_ref(), is_text)?;
    }
    answered(args, session, count, run.into_findings())
}

/// The rules of flags, environment, and a functionConfig or file.
fn rules(args: &Args, function: Option<&Function>, session: &Session) -> Result<RuleSet, Failure> {
    let mut sources = config_load::sources(&args.config.config, SecretReading::Leave, session);
    if let Some(function) = function {
        function.lay(&mut sources, args.config.config.file.is_some())?;
    }
    let partial = load::load_partial(&sources).map_err(|problems| problem::failure(&problems))?;
    config_load::warn(&partial.warnings);
    let rules = pass::compiled(&partial.registry.rules)?;
    if rules.is_empty() {
        let failure = Failure::new(
            "rules-missing",
            Exit::Usage,
            "there is no rule to rewrite images by",
        )
        .remedy("give --registry HOST, or --registry-map quay.io=HOST");
        return Err(if function.is_some() {
            failure.remedy("or write them into the functionConfig: spec: {registry: {map: [{source: quay.io, target: HOST}]}}")
        } else {
            failure
        });
    }
    Ok(rules)
}

/// Tells what became of the inputs.
fn answered(
    args: &Args,
    session: &Session,
    inputs: usize,
    findings: Vec<(String, Findings)>,
) -> Result<Exit, Failure> {
    let changes: usize = findings.iter().map(|(_, one)| one.changed).sum();
    let is_data = args.in_place || args.check || session.format != Format::Text;
    let answer = Answer::new(findings, inputs, args.in_place, !is_data);
    if is_data {
        output::answer(session.format, "Rewrite", &answer, || answer.text())?;
    } else {
        answer.notes().iter().for_each(|line| output::talk(line));
        if !session.quiet {
            output::talk(&answer.last_line());
        }
    }
    if session.format == Format::Github {
        answer.commands().iter().for_each(|line| output::talk(line));
    }
    Ok(if args.check && changes > 0 {
        Exit::ChangesPending
    } else {
        Exit::Done
    })
}
