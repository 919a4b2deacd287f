//! `rewrite`: the images of a user's own YAML and JSON, wherever it comes from. No cluster needed.

mod answer;
mod failed;
mod function;
mod input;

use std::path::PathBuf;

use crate::cli::Session;
use crate::cli::config_args::PartArgs;
use crate::cli::rules_part::Rules;
use crate::cli::session::NoCluster;
use crate::cli::{config_load, pass};
use crate::config::load::{self, SecretReading};
use crate::config::problem;
use crate::failure::{Exit, Failure};
use crate::object::pods::CustomKinds;
use crate::plan::counted;
use crate::rewrite::text::{self, Findings, Reading, Rewriter, Rewritten, Telling};
use crate::rules::{Meeting, RuleSet};
use crate::ui::files::{self, Prepared};
use crate::ui::format::Format;
use crate::ui::output;

use answer::Answer;
use failed::Failed;
use function::Function;
use input::{Input, Inputs, Source};

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

/// One text with what became of it.
struct Done {
    input: Input,
    rewritten: Rewritten,
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
    let mut run = Run {
        rules,
        kinds: inputs.custom_kinds(),
        telling,
        meeting: Meeting::default(),
        failed: Failed::default(),
        refused: Vec::new(),
        changed: Vec::new(),
    };
    if args.in_place {
        run.in_place(inputs)?;
    } else {
        run.print_all(inputs, function.as_ref(), is_text)?;
    }
    run.answered(args, count, session)
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

/// One run over all inputs.
struct Run {
    rules: RuleSet,
    /// Custom kinds that any of the inputs defines.
    kinds: CustomKinds,
    telling: Telling,
    meeting: Meeting,
    /// The inputs that cannot be read, told before anything else.
    failed: Failed,
    /// Every refused image, told at the end, all at once.
    refused: Vec<(String, text::Refused)>,
    /// What is told of each input, by its name.
    changed: Vec<(String, Findings)>,
}

impl Run {
    /// None where the input cannot be read: the others are read all the same, to tell of each.
    fn done(&mut self, input: Result<Input, Failure>) -> Option<Done> {
        match input.and_then(|input| self.rewrite(input)) {
            Ok(done) => Some(done),
            Err(failure) => {
                self.failed.note(failure);
                None
            }
        }
    }

    fn rewrite(&mut self, input: Input) -> Result<Done, Failure> {
        let rewriter = Rewriter {
            rules: &self.rules,
            kinds: &self.kinds,
            reading: Reading::ByWords,
            telling: self.telling,
        };
        let mut rewritten = rewriter
            .rewrite(&input.text, &input.name, &mut self.meeting)
            .map_err(|failure| input.explained(failure))?;
        let findings = std::mem::take(&mut rewritten.findings);
        let refused = findings.refused.iter().cloned();
        self.refused
            .extend(refused.map(|one| (input.name.clone(), one)));
        self.changed.push((input.name.clone(), findings));
        Ok(Done { input, rewritten })
    }

    /// Where an input cannot be read, a rule refuses an image, or two would be one, nothing is written at all.
    fn permitted(&mut self) -> Result<(), Failure> {
        std::mem::take(&mut self.failed).check()?;
        let Some((_, first)) = self.refused.first() else {
            return std::mem::take(&mut self.meeting).check();
        };
        let what = match first.code.as_str() {
            "image-name-too-long" => "a rewritten image name is too long".to_owned(),
            "image-rule-unusable" => "a rule makes no image reference".to_owned(),
            _ => format!("the rules refuse {}", counted(self.refused.len(), "image")),
        };
        let failure = Failure::new(&first.code, Exit::Usage, what).why("nothing was written");
        Err(self
            .refused
            .iter()
            .fold(failure, |failure, (name, refused)| {
                failure.evidence(answer::refusal(name, refused))
            })
            .remedy("name another image, or change the rule"))
    }

    /// Each file is written beside its old self; once all are there, each takes the old one's place.
    fn in_place(&mut self, inputs: Inputs) -> Result<(), Failure> {
        let mut prepared: Vec<Prepared> = Vec::new();
        for one in inputs.each() {
            let (Source::File(path), input) = one else {
                continue;
            };
            let Some(done) = self.done(input) else {
                continue;
            };
            if self.failed.is_none() && !done.rewritten.edits.is_empty() {
                let pieces = done.rewritten.pieces(&done.input.text);
                prepared.push(files::prepare(&path, pieces)?);
            }
        }
        self.permitted()?;
        files::commit(prepared)
    }

    fn print_all(
        &mut self,
        inputs: Inputs,
        function: Option<&Function>,
        is_text: bool,
    ) -> Result<(), Failure> {
        let mut all = Vec::new();
        for (_, input) in inputs.each() {
            let done = self.done(input);
            // What is not printed need not stay in memory.
            if is_text && self.failed.is_none() {
                all.extend(done);
            }
        }
        self.permitted()?;
        if let (Some(function), [(_, findings)], [done]) =
            (function, self.changed.as_slice(), all.as_mut_slice())
            && let Some(results) = function.results(findings)
        {
            done.rewritten.add(results);
        }
        if is_text {
            let texts = all.iter().map(|done| done.input.text.as_str());
            let joints = input::joints(texts);
            let pieces = all.iter().zip(&joints).enumerate();
            let pieces = pieces.flat_map(|(number, (done, joint))| {
                let mut pieces = done.rewritten.pieces(&done.input.text);
                let begin = pieces.next().unwrap_or_default();
                let begin = match number {
                    0 => begin,
                    _ => input::unmarked(begin),
                };
                [joint.as_str(), begin].into_iter().chain(pieces)
            });
            output::data_pieces(pieces)?;
        }
        Ok(())
    }

    fn answered(self, args: &Args, inputs: usize, session: &Session) -> Result<Exit, Failure> {
        let changes: usize = self
            .changed
            .iter()
            .map(|(_, findings)| findings.changed)
            .sum();
        let is_data = args.in_place || args.check || session.format != Format::Text;
        let answer = Answer::new(self.changed, inputs, args.in_place, !is_data);
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
}
