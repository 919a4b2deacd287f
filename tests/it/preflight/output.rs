//! The same run in every format: one exit code, and what each kind of reader needs.

use std::collections::BTreeSet;

use serde_json::Value;

use super::place::Place;
use crate::support::registry::Answer;

/// The shape of a document: every path with the type of what stands there, list items as `[]`.
fn shape(value: &Value, at: &str, into: &mut BTreeSet<String>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(items) => {
            for item in items {
                shape(item, &format!("{at}[]"), into);
            }
            "list"
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                shape(value, &format!("{at}.{key}"), into);
            }
            "object"
        }
    };
    into.insert(format!("{at}: {kind}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_format_changes_no_exit_code_and_carries_every_finding() {
    let place = Place::start("formats").await;
    let runner = "ghcr-remote/actions/actions-runner";
    place.company.registry.answer_with(runner, Answer::Missing);
    let outcome = place.look(&["-o", "json"]).await.expect_code(3);
    let document: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(document["kind"], "Failure");
    assert_eq!(document["apiVersion"], "arc-setup/v1");
    assert_eq!(document["code"], "image-absent");
    let mut paths = BTreeSet::new();
    shape(&document, "", &mut paths);
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/snapshots/preflight"
    ));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let paths: Vec<String> = paths.into_iter().collect();
    settings.bind(|| insta::assert_snapshot!("failure", paths.join("\n")));

    let yaml = place.look(&["-o", "yaml"]).await.expect_code(3);
    let yaml: Value = serde_yaml::from_str(&yaml.stdout).unwrap();
    assert_eq!(yaml["findings"], document["findings"]);

    let text = place.look(&[]).await.expect_code(3);
    assert_eq!(text.stdout, "");
    assert!(text.stderr.contains("[image-absent]") && text.stderr.contains("(exit code 3)"));

    let github = place.look(&["-o", "github"]).await.expect_code(3);
    let commands: Vec<&str> = github
        .stderr
        .lines()
        .filter(|line| line.starts_with("::"))
        .collect();
    assert_eq!(commands.len(), 1, "{commands:?}");
    assert!(
        commands[0].starts_with("::error title=arc-setup image-absent::")
            && commands[0].contains("%0A")
            && commands[0].contains("arc-setup images"),
        "{commands:?}"
    );
}
