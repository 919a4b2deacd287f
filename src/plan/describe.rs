//! The plan for a reader: summary, objects by wave with `+ ~ = - .` marks, then the fields that differ.
//!
//! Plain lines; colours and paging belong to the terminal.

use serde_json::Value;

use crate::observe::KeyChange;

use super::step::PART_OF_THE_INSTALL;
use super::summary::summary;
use super::{Difference, Plan, Step, Wave};

/// Longest value that is shown in full, in characters.
const LONGEST: usize = 120;

/// The lines, without line ends.
pub fn describe(plan: &Plan) -> Vec<String> {
    let mut lines = summary(&plan.changes);
    lines.push(counts(plan));
    for (index, wave) in plan.waves.iter().enumerate() {
        lines.push(String::new());
        lines.push(format!("{}. {}", index + 1, wave.title));
        lines.extend(steps(wave));
    }
    lines.extend(plan.steps().flat_map(changed));
    lines
}

/// How many objects each kind of step touches.
fn counts(plan: &Plan) -> String {
    let count = |test: fn(&Step) -> bool| plan.steps().filter(|step| test(step)).count();
    let counts = [
        (
            count(|step| matches!(step, Step::Create { .. })),
            "to create",
        ),
        (
            count(|step| matches!(step, Step::Update { .. })),
            "to change",
        ),
        (
            count(|step| matches!(step, Step::Unchanged { .. })),
            "unchanged",
        ),
        (count(|step| matches!(step, Step::Keep { .. })), "kept"),
        (
            count(|step| matches!(step, Step::Delete { .. })),
            "to delete",
        ),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    counts.join(", ")
}

/// The steps of one wave: those without a change are only counted.
fn steps(wave: &Wave) -> Vec<String> {
    let (unchanged, told): (Vec<&Step>, Vec<&Step>) = wave
        .steps
        .iter()
        .partition(|step| matches!(step, Step::Unchanged { .. }));
    let mut lines: Vec<String> = told
        .into_iter()
        .map(|step| format!("   {}", line(step)))
        .collect();
    if !unchanged.is_empty() {
        lines.push(format!("   = {} unchanged", unchanged.len()));
    }
    lines
}

/// What differs in an object that is changed.
fn changed(step: &Step) -> Vec<String> {
    let Step::Update {
        object,
        differences,
        keys,
        ..
    } = step
    else {
        return Vec::new();
    };
    if differences.is_empty() && keys.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), format!("~ {object}")];
    let secret = object.kind == "Secret";
    let shown = differences
        .iter()
        .filter(|difference| !(secret && difference.path.starts_with("/data")));
    lines.extend(shown.flat_map(fields));
    for key in keys {
        let mark = match key.change {
            KeyChange::Added => "+",
            KeyChange::Changed => "~",
            KeyChange::Removed => "-",
        };
        lines.push(format!("    {mark} key {} (value not shown)", key.key));
    }
    lines
}

fn line(step: &Step) -> String {
    match step {
        Step::Create { object, .. } => format!("+ {object}"),
        Step::Update { object, .. } | Step::TrustBoth { object } => format!("~ {object}"),
        Step::Unchanged { object } => format!("= {object}"),
        Step::Keep { object, why } => format!(". {object} is kept: {why}"),
        Step::WaitEstablished { definitions } => format!("  wait for {}", definitions.join(", ")),
        Step::WaitAvailable { object, why } => format!("  wait for {object}: {why}"),
        Step::Delete { object, why, .. } if why == PART_OF_THE_INSTALL => format!("- {object}"),
        Step::Delete { object, why, .. } => format!("- {object}: {why}"),
        Step::WaitGone { objects, why } => {
            format!("  wait until {} gone: {why}", all_of(objects.len()))
        }
    }
}

fn all_of(count: usize) -> String {
    match count {
        1 => "it is".to_owned(),
        count => format!("all {count} are"),
    }
}

fn fields(difference: &Difference) -> Vec<String> {
    let value = |value: &Value| {
        let text = match value {
            Value::String(text) if !text.contains('\n') => text.clone(),
            other => other.to_string(),
        };
        match text.char_indices().nth(LONGEST) {
            Some((cut, _)) => format!("{}… ({} characters)", &text[..cut], text.chars().count()),
            None => text,
        }
    };
    let path = &difference.path;
    match (&difference.before, &difference.after) {
        (None, Some(after)) => vec![format!("    + {path}: {}", value(after))],
        (Some(before), None) => vec![format!("    - {path}: {}", value(before))],
        (Some(before), Some(after)) => vec![
            format!("    - {path}: {}", value(before)),
            format!("    + {path}: {}", value(after)),
        ],
        (None, None) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::ObjectRef;
    use crate::observe::KeyDifference;

    #[test]
    fn marks_then_fields_and_never_a_secret_value() {
        let object = |kind: &str| ObjectRef::new("v1", kind, Some("ns"), "a");
        let plan = Plan {
            install: "one".to_owned(),
            namespace: "ns".to_owned(),
            controller_namespace: None,
            forgotten: Vec::new(),
            inputs: String::new(),
            waves: vec![Wave {
                title: "configuration and secrets".to_owned(),
                steps: vec![
                    Step::Create {
                        object: object("ConfigMap"),
                        unknown: None,
                    },
                    Step::Update {
                        object: object("Secret"),
                        differences: vec![Difference {
                            path: "/data/token".to_owned(),
                            before: Some(json!("***")),
                            after: Some(json!("*** (changed)")),
                        }],
                        keys: vec![KeyDifference {
                            key: "token".to_owned(),
                            change: KeyChange::Changed,
                        }],
                        unknown: None,
                        adopted: false,
                    },
                    Step::Unchanged {
                        object: object("Service"),
                    },
                ],
            }],
            changes: Vec::new(),
            objects: Vec::new(),
            receipt: None,
        };
        assert_eq!(
            describe(&plan),
            [
                "1 to create, 1 to change, 1 unchanged",
                "",
                "1. configuration and secrets",
                "   + ConfigMap ns/a",
                "   ~ Secret ns/a",
                "   = 1 unchanged",
                "",
                "~ Secret ns/a",
                "    ~ key token (value not shown)",
            ]
        );
    }

    #[test]
    fn long_values_are_cut() {
        let lines = fields(&Difference {
            path: "/a".to_owned(),
            before: None,
            after: Some(json!("ä".repeat(200))),
        });
        assert!(lines[0].ends_with("ä… (200 characters)"));
    }
}
