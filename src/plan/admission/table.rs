//! The rules as a table of texts: what a person reads in the policy, and what its expressions go through.

use super::literal;
use super::re2;
use crate::failure::{Exit, Failure};
use crate::rules::{Does, Outline, Place, RuleSet, Scope, Takes};

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
    /// Rows have the cells `fields` or `namespaces`, regular expressions of where the rule applies.
    pub(super) scoped: bool,
}

impl Table {
    /// The table of `rules` for pods of `namespaces`.
    pub(super) fn of(rules: &RuleSet, namespaces: &[String]) -> Result<Self, Vec<Unspeakable>> {
        let mut rows = Vec::new();
        let mut scoped = false;
        for rule in rules.outline() {
            if let Some(place) = place(rule.scope, namespaces) {
                scoped |= !place.is_empty();
                rows.push(row(&rule, place));
            }
        }
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
            scoped,
        })
    }
}

type Cell = (&'static str, String);

/// Where in pods of `namespaces` a rule applies: nothing to say of one that applies to all of them; None where it does
/// to none.
fn place(scope: &Scope, namespaces: &[String]) -> Option<Vec<Cell>> {
    let anywhere = Scope {
        fields: Vec::new(),
        ..scope.clone()
    };
    let holds = |namespace: &&str| {
        anywhere.holds(Some(&Place {
            kind: "Pod",
            namespace: Some(namespace),
            field: "",
        }))
    };
    let all = namespaces.iter().map(String::as_str);
    let within: Vec<&str> = all.filter(holds).collect();
    let mut cells = Vec::new();
    if within.is_empty() {
        return None;
    }
    if within.len() < namespaces.len() {
        cells.push(("namespaces", format!("^(?:{})$", within.join("|"))));
    }
    if !scope.fields.is_empty() {
        let globs = scope
            .fields
            .iter()
            .map(|glob| re2::components(glob.split('/')));
        cells.push(("fields", globs.collect::<Vec<_>>().join("|")));
    }
    Some(cells)
}

fn row(rule: &Outline<'_>, place: Vec<Cell>) -> String {
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
    let mut cells: Vec<Cell> = vec![("rule", rule.id.to_owned()), ("takes", takes.to_owned())];
    cells.push(("what", value));
    cells.extend(place);
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
