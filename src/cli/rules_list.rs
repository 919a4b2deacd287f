//! `rules list`: the effective rules, in order.

use serde::Serialize;

use crate::cli::Session;
use crate::failure::Failure;
use crate::rules::{Action, RuleSpec, Scope};
use crate::ui::{output, table};

#[derive(Serialize)]
struct Answer<'a> {
    rules: Vec<Listed<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed<'a> {
    id: &'a str,
    origin: String,
    matcher: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pattern: &'a str,
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pin: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mirror: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a Scope>,
}

pub(super) fn run(rules: &[RuleSpec], session: &Session) -> Result<(), Failure> {
    let answer = Answer {
        rules: rules.iter().map(listed).collect(),
    };
    output::answer(session.format, "Rules", &answer, || text(rules))
}

fn listed(rule: &RuleSpec) -> Listed<'_> {
    let (action, target) = match &rule.action {
        Action::Rewrite { target, .. } => ("rewrite", Some(target.as_str())),
        Action::Keep => ("keep", None),
        Action::Deny => ("deny", None),
        Action::Pin => ("pin", None),
    };
    Listed {
        id: &rule.id,
        origin: rule.origin.to_string(),
        matcher: rule.matcher.word(),
        pattern: rule.matcher.text(),
        action,
        target,
        pin: rule.pin.as_deref(),
        mirror: rule.mirror.as_deref(),
        scope: (!rule.scope.is_everywhere()).then_some(&rule.scope),
    }
}

fn text(rules: &[RuleSpec]) -> String {
    if rules.is_empty() {
        return "no rules: every image keeps its name\n".to_owned();
    }
    let heading = ["RULE", "TAKES", "WHERE", "DOES", "GIVEN AT"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(rules.iter().map(|rule| {
        vec![
            rule.id.clone(),
            rule.matcher.to_string(),
            rule.scope.to_string(),
            does(rule),
            rule.origin.to_string(),
        ]
    }));
    table::columns(&rows)
}

/// What a rule does, in words.
pub(super) fn does(rule: &RuleSpec) -> String {
    let mut words = match &rule.action {
        Action::Rewrite { target, .. } => format!("rewrite to {target}"),
        Action::Keep => "keep".to_owned(),
        Action::Deny => "deny".to_owned(),
        Action::Pin => String::new(),
    };
    let more =
        |word: &str, text: &Option<String>| text.as_ref().map(|text| format!("{word} {text}"));
    for part in [more("pin", &rule.pin), more("mirror", &rule.mirror)]
        .into_iter()
        .flatten()
    {
        if !words.is_empty() {
            words.push_str(", ");
        }
        words.push_str(&part);
    }
    words
}
