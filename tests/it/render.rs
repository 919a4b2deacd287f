//! `render`: what the program writes for every example, in every generation and release.

mod compact;
mod output_directory;

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use self::compact::{difference, heads, lines};
use crate::support::arc_setup::{Outcome, ensure_hidden};
use crate::support::examples::{Example, arc_setup, examples, secrets};

/// The releases that every example is rendered for.
const RELEASES: [(&str, &str); 16] = [
    ("legacy", "0.18.2"),
    ("legacy", "0.20.4"),
    ("legacy", "0.21.1"),
    ("legacy", "0.22.3"),
    ("legacy", "0.23.0"),
    ("legacy", "0.24.1"),
    ("legacy", "0.25.2"),
    ("legacy", "0.26.0"),
    ("legacy", "0.27.6"),
    ("scale-set", "0.9.3"),
    ("scale-set", "0.10.1"),
    ("scale-set", "0.11.0"),
    ("scale-set", "0.12.1"),
    ("scale-set", "0.13.1"),
    ("scale-set", "0.14.0"),
    ("scale-set", "0.14.2"),
];

async fn render(example: &Example, more: &[&str]) -> Result<Outcome> {
    arc_setup()?.run(&example.arguments("render", more)).await
}

fn snapshots() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/render");
    settings.set_snapshot_path(folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter(
        r"(?s)-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----",
        "[a certificate]",
    );
    let folder = regex_quoted(concat!(env!("CARGO_MANIFEST_DIR"), "/"));
    settings.add_filter(&folder, "");
    settings
}

fn regex_quoted(text: &str) -> String {
    text.chars()
        .flat_map(|letter| {
            ['\\', letter]
                .into_iter()
                .skip(usize::from(letter.is_alphanumeric() || letter == '/'))
        })
        .collect()
}

/// Definitions have snapshots of their own beside the templates; here one line stands for each.
fn without_definitions(stream: &str) -> String {
    let documents = stream
        .split("---\n")
        .filter(|document| !document.is_empty());
    documents.fold(String::new(), |text, document| {
        let line = |start: &str| document.lines().find(|line| line.starts_with(start));
        match line("kind: CustomResourceDefinition").and(line("  name: ")) {
            Some(name) => {
                text + "---\n# CustomResourceDefinition" + &name.replace("  name:", "") + "\n"
            }
            None => text + "---\n" + document,
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_at_its_own_release() -> Result<()> {
    for example in examples()? {
        let first = render(&example, &[]).await?.expect_code(0);
        let second = render(&example, &[]).await?.expect_code(0);
        assert_eq!(
            first.stdout, second.stdout,
            "{}: two runs differ",
            example.name
        );
        assert_eq!(
            first.stderr, second.stderr,
            "{}: two runs differ",
            example.name
        );
        let text = format!(
            "{}------- stderr -------\n{}",
            without_definitions(&first.stdout),
            first.stderr
        );
        snapshots().bind(|| insta::assert_snapshot!(example.name.as_str(), text));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_in_every_release_by_what_differs_from_the_one_before() -> Result<()> {
    for example in examples()? {
        let mut text = String::new();
        let mut before: Option<(&str, BTreeSet<String>)> = None;
        for (mode, version) in RELEASES {
            text = text + "==== " + mode + " " + version + "\n";
            let more = ["--mode", mode, "--arc-version", version, "-o", "json"];
            let outcome = render(&example, &more).await?;
            if outcome.code != Some(0) {
                // What a release lacks is refused with its name, never left out in silence.
                text += &outcome.expect_code(2).stderr;
                continue;
            }
            let now = lines(&serde_json::from_str(&outcome.stdout)?);
            text += &match &before {
                Some((same, lines)) if *same == mode => difference(lines, &now),
                _ => heads(&now),
            };
            before = Some((mode, now));
        }
        let name = format!("{}-releases", example.name);
        snapshots().bind(|| insta::assert_snapshot!(name.as_str(), text));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_one_list_of_the_same_objects() -> Result<()> {
    for example in examples()? {
        let list: Value = serde_json::from_str(
            &render(&example, &["-o", "json"])
                .await?
                .expect_code(0)
                .stdout,
        )?;
        assert_eq!(
            (&list["apiVersion"], &list["kind"]),
            (&"v1".into(), &"List".into())
        );
        let stream = render(&example, &[]).await?.expect_code(0).stdout;
        let documents = arc_setup::yaml::parse_documents(&stream, "stdout")?;
        assert_eq!(list["items"], Value::Array(documents), "{}", example.name);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn secret_values_come_out_only_where_they_are_asked_for() -> Result<()> {
    let mut found = Vec::new();
    for example in examples()? {
        // The harness fails this run where a canary comes out of it.
        let outcome = render(&example, &[]).await?.expect_code(0);
        assert!(
            !outcome.stdout.contains("kind: Secret\n"),
            "{}",
            example.name
        );
        let mut program = arc_setup()?;
        program.without_canaries();
        let shown = program
            .run(&example.arguments("render", &["--with-secrets"]))
            .await?
            .expect_code(0);
        let values = decoded(&shown.stdout)?;
        for (name, value) in secrets()? {
            ensure_hidden(name, &value, "stderr", &shown.stderr)?;
            if values.contains(&value) || shown.stdout.contains(&value) {
                found.push(name);
            }
        }
        if example.name == "existing-secrets" {
            assert!(
                !shown.stdout.contains("kind: Secret\n"),
                "nobody gave it a value"
            );
        }
    }
    found.sort_unstable();
    found.dedup();
    assert_eq!(
        found,
        [
            "DOCKER_CONFIG_JSON",
            "GITHUB_APP_PRIVATE_KEY",
            "GITHUB_TOKEN",
            "PROXY_ACCOUNT",
            "github-token.example",
            "mirror-account.example"
        ]
    );
    Ok(())
}

/// The values of every Secret, and what is base64 in them, in one text.
fn decoded(stream: &str) -> Result<String> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    let mut text = String::new();
    for object in arc_setup::yaml::parse_documents(stream, "stdout")? {
        if object["kind"] != "Secret" {
            continue;
        }
        for value in object["data"]
            .as_object()
            .context("a Secret without data")?
            .values()
        {
            let bytes = STANDARD.decode(value.as_str().unwrap_or_default())?;
            let value = String::from_utf8(bytes)?;
            for word in value.split(['"', ' ']) {
                if let Ok(inner) = STANDARD.decode(word) {
                    text += &String::from_utf8_lossy(&inner);
                    text.push('\n');
                }
            }
            text += &value;
        }
    }
    Ok(text)
}
