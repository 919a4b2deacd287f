//! `rules test`: what becomes of references, by which rule, and why.

use std::io::Read;

use serde::Serialize;

use crate::cli::config_args::PartArgs;
use crate::cli::rules_part::{Rules, config};
use crate::cli::{Session, pass, place_names, rules_list};
use crate::failure::{Exit, Failure};
use crate::image_ref::ImageReference;
use crate::object::kind_meant;
use crate::rules::{Asked, Meeting, Outcome, Place, RuleSet, RuleSpec};
use crate::ui::{foreign, output};

/// The most that is read from standard input, in bytes.
const INPUT_LIMIT: u64 = 64 << 20;

/// Arguments of `rules test`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Images to ask about; - reads one a line from standard input
    #[arg(value_name = "REF", required = true)]
    references: Vec<String>,
    /// The kind of object that they stand in: Deployment
    #[arg(long, value_name = "KIND", value_parser = place_names::kind, help_heading = "Place")]
    kind: Option<String>,
    /// Its namespace
    #[arg(long, short, value_name = "NAME", value_parser = place_names::namespace, help_heading = "Place")]
    namespace: Option<String>,
    /// The field that holds them, as a JSON pointer: /spec/template/spec/containers/0/image
    #[arg(long, value_name = "POINTER", value_parser = place_names::field, help_heading = "Place")]
    field: Option<String>,
    #[command(flatten)]
    config: PartArgs<Rules>,
}

impl Args {
    /// Where the references stand, if anything is said about it.
    fn place(&self) -> Option<Place<'_>> {
        let said = self.kind.is_some() || self.namespace.is_some() || self.field.is_some();
        said.then(|| Place {
            kind: self.kind.as_deref().unwrap_or_default(),
            namespace: self.namespace.as_deref(),
            field: self.field.as_deref().unwrap_or_default(),
        })
    }

    /// The kind that is called almost as another, with that one.
    fn doubtful_kind(&self) -> Option<(&str, &'static str)> {
        let kind = self.kind.as_deref()?;
        Some((kind, kind_meant(kind)?))
    }
}

#[derive(Serialize)]
struct Answer {
    references: Vec<Tested>,
}

/// What is said about one reference.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tested {
    reference: String,
    /// Where it stands in standard input.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    canonical: Option<String>,
    outcome: &'static str,
    /// As it is pulled; absent where nothing can be.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<RuleAsked>,
    /// Why the rule makes nothing of it, or why it is no reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// The rules that were asked before it.
    before: Vec<RuleAsked>,
}

#[derive(Serialize)]
struct RuleAsked {
    id: String,
    origin: String,
    why: String,
    #[serde(skip)]
    name: String,
}

impl From<Asked> for RuleAsked {
    fn from(asked: Asked) -> Self {
        Self {
            name: asked.rule.to_string(),
            origin: asked.rule.origin.to_string(),
            id: asked.rule.id,
            why: asked.why,
        }
    }
}

pub(super) fn run(args: &Args, session: &Session) -> Result<(), Failure> {
    let config = config(&args.config, session)?;
    let rules = pass::rules(&config)?;
    if let Some((kind, meant)) = args.doubtful_kind() {
        output::talk(&format!(
            "note: no kind {kind} is known: did you mean {meant}?"
        ));
    }
    let references = references(&args.references)?;
    let mut meeting = Meeting::default();
    let answer = Answer {
        references: references
            .into_iter()
            .map(|asked| {
                let told = tested(asked.text, &rules, args.place().as_ref(), &mut meeting);
                Tested {
                    line: asked.line,
                    ..told
                }
            })
            .collect(),
    };
    output::answer(session.format, "RulesTest", &answer, || {
        let specs = &config.registry.rules;
        let texts = answer.references.iter().map(|tested| text(tested, specs));
        texts.collect::<Vec<_>>().join("\n")
    })?;
    malformed(&answer.references)?;
    meeting.check()
}

/// A text to ask about, and its line in standard input.
struct Reference {
    text: String,
    line: Option<usize>,
}

/// What was named, and what standard input holds where `-` stands.
fn references(named: &[String]) -> Result<Vec<Reference>, Failure> {
    let mut all = Vec::new();
    for name in named {
        if name == "-" {
            all.extend(from_standard_input()?);
        } else {
            all.push(Reference {
                text: name.clone(),
                line: None,
            });
        }
    }
    Ok(all)
}

fn from_standard_input() -> Result<Vec<Reference>, Failure> {
    let failed = |why: String| {
        Failure::new("standard-input", Exit::Usage, "cannot read standard input").why(why)
    };
    let mut bytes = Vec::new();
    std::io::stdin()
        .take(INPUT_LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(error.to_string()))?;
    if bytes.len() as u64 > INPUT_LIMIT {
        return Err(failed(format!("it has more than {INPUT_LIMIT} bytes")));
    }
    let text = String::from_utf8_lossy(&bytes);
    // PowerShell writes a mark before what it pipes.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let lines = text.lines().map(str::trim).zip(1..);
    Ok(lines
        .filter(|(line, _)| !line.is_empty())
        .map(|(line, number)| Reference {
            text: line.to_owned(),
            line: Some(number),
        })
        .collect())
}

fn tested(
    text: String,
    rules: &RuleSet,
    place: Option<&Place<'_>>,
    meeting: &mut Meeting,
) -> Tested {
    let reference = match ImageReference::parse(&text) {
        Ok(reference) => reference,
        Err(error) => {
            return Tested {
                reference: text,
                line: None,
                canonical: None,
                outcome: "malformed",
                result: None,
                rule: None,
                problem: Some(error.reason.to_string()),
                before: Vec::new(),
            };
        }
    };
    let explained = rules.explain(&reference, place);
    meeting.note(&reference, &explained.decision);
    let (outcome, result, problem) = match explained.decision.outcome {
        Outcome::Rewritten(result) => ("rewritten", Some(result), None),
        Outcome::Kept => ("kept", Some(text.clone()), None),
        Outcome::AlreadyThere => ("already-there", Some(text.clone()), None),
        Outcome::NoRule => ("no-rule", Some(text.clone()), None),
        Outcome::Denied => ("denied", None, None),
        Outcome::TooLong(name) => {
            let problem = format!("{} bytes, and 255 is the limit: {name}", name.len());
            ("too-long", None, Some(problem))
        }
        Outcome::Unusable { result, why } if result.is_empty() => ("unusable", None, Some(why)),
        Outcome::Unusable { result, why } => ("unusable", None, Some(format!("{result}: {why}"))),
    };
    Tested {
        canonical: Some(reference.canonical()),
        reference: text,
        line: None,
        outcome,
        result,
        rule: explained.by.map(RuleAsked::from),
        problem,
        before: explained.before.into_iter().map(RuleAsked::from).collect(),
    }
}

fn malformed(tested: &[Tested]) -> Result<(), Failure> {
    let wrong: Vec<&Tested> = tested
        .iter()
        .filter(|tested| tested.canonical.is_none())
        .collect();
    let what = match wrong.as_slice() {
        [] => return Ok(()),
        [_] => "1 text is no image reference".to_owned(),
        wrong => format!("{} texts are no image references", wrong.len()),
    };
    let mut failure = Failure::new("image-invalid", Exit::Usage, what)
        .remedy("write [HOST/]PATH:TAG or [HOST/]PATH@sha256:DIGEST; repositories are lower case");
    for tested in wrong.iter().take(10) {
        let problem = tested.problem.as_deref().unwrap_or_default();
        let place = tested.line.map_or(String::new(), |line| {
            format!("line {line} of standard input: ")
        });
        let text = foreign::value(&tested.reference);
        failure = failure.why(format!("{place}'{text}': {problem}"));
    }
    if wrong.len() > 10 {
        failure = failure.why(format!("and {} more", wrong.len() - 10));
    }
    Err(failure)
}

fn text(tested: &Tested, specs: &[RuleSpec]) -> String {
    let mut lines = vec![foreign::value(&tested.reference)];
    let mut line = |word: &str, text: &str| lines.push(format!("  {word:<11}{text}"));
    if let Some(canonical) = &tested.canonical {
        line("canonical", &foreign::value(canonical));
    }
    let result = match (tested.outcome, &tested.result) {
        ("rewritten", Some(result)) => result.clone(),
        ("kept", _) => "kept as it is written".to_owned(),
        ("already-there", _) => "stays: it is done already".to_owned(),
        ("no-rule", _) if specs.is_empty() => "stays: there are no rules".to_owned(),
        ("no-rule", _) => "stays: no rule takes it (init and render refuse it)".to_owned(),
        ("denied", _) => "refused".to_owned(),
        ("malformed", _) => "no image reference".to_owned(),
        _ => "nothing that can be written".to_owned(),
    };
    line("becomes", &foreign::value(&result));
    if let Some(problem) = &tested.problem {
        line("problem", &foreign::value(problem));
    }
    if let Some(rule) = &tested.rule {
        let does = specs.iter().find(|spec| spec.id == rule.id);
        let does = does.map(rules_list::does).unwrap_or_default();
        line("by", &format!("{}: {does}", rule.name));
        line("because", &rule.why);
    }
    for (index, asked) in tested.before.iter().enumerate() {
        let word = if index == 0 { "before it" } else { "" };
        line(word, &format!("{}: {}", asked.name, asked.why));
    }
    lines.push(String::new());
    lines.join("\n")
}
