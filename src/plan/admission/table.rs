//! The rules as a table of texts: what a person reads in the policy, and what its expressions go through.

use super::literal;
use super::re2;
use crate::failure::{Exit, Failure};
use crate::rules::{Does, Outline, RuleSet, Takes};

/// A rule that an admission policy cannot say exactly: nothing is written, since it would decide differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unspeakable {
    /// The rule's id.
    pub rule: String,
    /// Why not: a fragment.
    pub why: String,
}

/// The table, and what its rows make use of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    /// A CEL list of maps from text to text.
    pub(super) rows: String,
    /// A CEL list of what the names of done images begin with.
    pub(super) done: String,
}

impl Table {
    /// The table of `rules`.
    pub(super) fn of(rules: &RuleSet) -> Result<Self, Vec<Unspeakable>> {
        let rows: Vec<String> = rules.outline().map(|rule| row(&rule)).collect();
        let mut done: Vec<String> = Vec::new();
        for target in rules.targets() {
            let begins = format!("{target}/");
            if !done.contains(&begins) {
                done.push(begins);
            }
        }
        Ok(Self {
            rows: format!("[\n{}\n]", rows.join(",\n")),
            done: literal::list(done.iter().map(String::as_str)),
        })
    }
}

fn row(rule: &Outline<'_>) -> String {
    let (takes, value) = match &rule.takes {
        Takes::Reference(canonical) => ("reference", (*canonical).to_owned()),
        Takes::Name(name) => ("name", name.clone()),
        Takes::Below(place) => ("below", format!("{place}/")),
        Takes::Components(glob) => ("pattern", re2::components(*glob)),
        Takes::Everything => ("everything", String::new()),
    };
    let (does, to) = match rule.does {
        Does::Keep => ("keep", String::new()),
        Does::Deny => ("deny", String::new()),
        Does::Rewrite {
            target,
            drop_library: false,
        } => ("rewrite", format!("{target}/{{path}}")),
        Does::Rewrite {
            target,
            drop_library: true,
        } => ("rewrite", format!("{target}/{{path_nolib}}")),
    };
    let mut cells = vec![("rule", rule.id.to_owned()), ("takes", takes.to_owned())];
    cells.push(("what", value));
    cells.push(("does", does.to_owned()));
    cells.push(("to", to));
    let cells: Vec<String> = cells
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| format!("'{key}': {}", literal::text(value)))
        .collect();
    format!("  {{{}}}", cells.join(", "))
}

/// The refusal of a set that cannot be said in a policy.
pub fn unspeakable(rules: &[Unspeakable]) -> Failure {
    let failure = Failure::new(
        "admission-rule",
        Exit::Usage,
        "an admission policy cannot do what the rules say",
    );
    rules
        .iter()
        .fold(failure, |failure, one| {
            failure.why(format!("{}: {}", one.rule, one.why))
        })
        .remedy("write the rule with exact, repository, prefix, host or glob, or leave it out of the configuration that --admission reads")
}
