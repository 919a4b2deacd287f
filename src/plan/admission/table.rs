//! The rules as a table of texts: what a person reads in the policy, and what its expressions go through.

use super::literal;
use super::{expression, re2};
use crate::failure::{Exit, Failure};
use crate::image_ref::{DOCKER_HUB, canonical_host};
use crate::rules::{Does, Done, Outline, Place, RuleName, RuleSet, Scope, Takes};

/// A rule that an admission policy cannot say exactly: nothing is written, since it would decide differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unspeakable {
    /// The rule, with the line where it was given.
    pub rule: RuleName,
    /// Why not: a fragment.
    pub why: String,
}

/// The table, and what its rows make use of: expressions for nothing else are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    /// A CEL list of maps from text to text.
    pub(super) rows: String,
    /// A CEL list of what the names of done images begin with.
    pub(super) done: String,
    /// A CEL list of regular expressions that done images begin with; None where no target has a field in its host.
    pub(super) done_like: Option<String>,
    /// Rows have the cells `fields` or `namespaces`, regular expressions of where the rule applies.
    pub(super) scoped: bool,
    /// Rows have templates.
    pub(super) templates: bool,
    /// Rows do nothing but pin, to their cell `pin`.
    pub(super) pins: bool,
}

impl Table {
    /// The table of `rules` for pods of `namespaces`. The errors are rules that it cannot hold.
    pub(super) fn of(rules: &RuleSet, namespaces: &[String]) -> Result<Self, Vec<Unspeakable>> {
        let (done, done_like) = done(rules);
        let mut table = Self {
            rows: String::new(),
            done: literal::list(done.iter().map(String::as_str)),
            done_like: (!done_like.is_empty())
                .then(|| literal::list(done_like.iter().map(String::as_str))),
            scoped: false,
            templates: false,
            pins: false,
        };
        let mut rows = Vec::new();
        let mut unspeakable = Vec::new();
        for rule in rules.outline() {
            let Some(place) = place(rule.scope, namespaces) else {
                continue;
            };
            table.scoped |= !place.is_empty();
            table.templates |= matches!(rule.does, Does::Template { .. });
            table.pins |= rule.does == Does::Pin;
            match row(&rule, place) {
                Ok(row) => rows.push(row),
                Err(why) => unspeakable.push(Unspeakable {
                    rule: rule.name,
                    why,
                }),
            }
        }
        table.rows = format!("[\n{}\n]", rows.join(",\n"));
        if unspeakable.is_empty() {
            Ok(table)
        } else {
            Err(unspeakable)
        }
    }
}

/// What done images begin with, as texts and as regular expressions, each once.
fn done(rules: &RuleSet) -> (Vec<String>, Vec<String>) {
    let (mut texts, mut patterns) = (Vec::new(), Vec::new());
    for done in rules.done() {
        let (list, begins) = match done {
            Done::Below(begins) => (&mut texts, begins),
            Done::Between {
                before,
                after,
                path,
            } => {
                let (before, after) = (re2::literally(before), re2::literally(after));
                let path = if path.is_empty() {
                    String::new()
                } else {
                    format!("{}/", re2::literally(path))
                };
                (&mut patterns, format!("^{before}[^/]+{after}/{path}"))
            }
        };
        if !list.contains(&begins) {
            list.push(begins);
        }
    }
    (texts, patterns)
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

fn row(rule: &Outline<'_>, place: Vec<Cell>) -> Result<String, String> {
    let (takes, what) = match &rule.takes {
        Takes::Reference(canonical) => ("reference", (*canonical).to_owned()),
        Takes::Name(name) => ("name", name.clone()),
        Takes::Below(place) => ("below", format!("{place}/")),
        Takes::Components(glob) => ("pattern", re2::components(*glob)),
        Takes::Expression(text) => ("expression", expression::translate(text)?),
        Takes::Everything => ("everything", String::new()),
    };
    let mut cells: Vec<Cell> = vec![
        ("rule", rule.name.id.clone()),
        ("takes", takes.to_owned()),
        ("what", what),
    ];
    cells.extend(place);
    cells.extend(action(rule)?);
    let cells: Vec<String> = cells
        .iter()
        .filter(|(key, value)| *key != "what" || !value.is_empty())
        .map(|(key, value)| format!("'{key}': {}", literal::text(value)))
        .collect();
    Ok(format!("  {{{}}}", cells.join(", ")))
}

/// What becomes of an image: `to` its name, and `tail` what follows it. `{:tag}` and `{@digest}` are tag and digest
/// with their signs, or nothing.
fn action(rule: &Outline<'_>) -> Result<Vec<Cell>, String> {
    let tail = |tag: bool, digest: bool| {
        let tag = if tag { "{:tag}" } else { "" };
        match rule.pin {
            Some(pin) => format!("{tag}@{pin}"),
            None if digest => format!("{tag}{{@digest}}"),
            None => tag.to_owned(),
        }
    };
    let does = |does: &str| ("does", does.to_owned());
    Ok(match rule.does {
        Does::Keep => vec![does("keep")],
        Does::Deny => vec![does("deny")],
        Does::Pin => {
            let pin = rule.pin.unwrap_or_default().to_owned();
            vec![does("pin"), ("pin", pin)]
        }
        Does::Rewrite {
            target,
            drop_library,
        } => {
            let path = if drop_library { "path_nolib" } else { "path" };
            let to = format!("{target}/{{{path}}}");
            vec![does("rewrite"), ("to", to), ("tail", tail(true, true))]
        }
        Does::Template { text, tag, digest } => {
            let host = text.split('/').next().unwrap_or_default();
            if canonical_host(host).ends_with(DOCKER_HUB) {
                return Err("a template whose target is Docker Hub is not made here, since its names are written in several ways".to_owned());
            }
            let to = text.to_owned();
            vec![does("template"), ("to", to), ("tail", tail(tag, digest))]
        }
    })
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
        .remedy("write the rule differently, or leave it out of the configuration that --admission reads")
}
