//! Files: fixtures that load and that do not, examples, and what is no configuration at all.

use std::path::Path;

use serde_json::Value as Json;

use super::{examples, files, lines, root, sources};
use crate::config::load::{Stdin, load};
use crate::config::{ArcVersion, Config, problem, schema};
use crate::rules::{Action, Matcher};
use crate::secret::Secret;

#[test]
fn valid_fixtures_load() {
    for file in files("tests/fixtures/config/valid") {
        if let Err(problems) = load(&sources(&file)) {
            panic!("{}: {:#?}", file.display(), lines(&problems));
        }
    }
}

/// One snapshot: what each defect is told, with its line.
#[test]
fn invalid_fixtures_are_refused_and_show_no_secret() {
    let mut told = String::new();
    for file in files("tests/fixtures/config/invalid") {
        let mut sources = sources(&file);
        sources.stdin = Stdin::Given(Secret::new(b"ghp_canary".to_vec()));
        let problems = load(&sources).expect_err(&file.display().to_string());
        let failure = problem::failure(&problems);
        assert_eq!(failure.exit(), crate::failure::Exit::Usage);
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        told.push_str(&["== ", &name, " (", failure.code(), ")\n"].concat());
        for why in &failure.details().why {
            let why = why.replace(&file.display().to_string(), "FILE");
            told.push_str(&[&why, "\n"].concat());
        }
        assert!(
            !format!("{problems:?} {sources:?}").contains("canary"),
            "{name}"
        );
    }
    assert!(!told.contains("canary"));
    insta::with_settings!({ snapshot_path => root().join("tests/snapshots/config"), prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("invalid", told);
    });
}

#[test]
fn every_example_loads_and_its_keys_are_in_the_schema() {
    for file in examples() {
        let loaded = load(&sources(&file))
            .unwrap_or_else(|problems| panic!("{}: {:#?}", file.display(), lines(&problems)));
        assert!(
            !format!("{loaded:?}").contains("canary"),
            "{}",
            file.display()
        );
        // The examples' own rules are wise: of rules nothing is told.
        let told = lines(&loaded.warnings);
        let of_rules = |code: &str| code.starts_with("config-registry");
        assert!(
            !loaded.warnings.iter().any(|warning| of_rules(warning.code)),
            "{told:?}"
        );
        let stored = serde_json::to_value(&loaded.config).unwrap();
        assert_eq!(
            serde_json::from_value::<Config>(stored).unwrap(),
            loaded.config
        );
        let text = std::fs::read_to_string(&file).unwrap();
        for document in crate::yaml::parse_documents(&text, "x").unwrap() {
            conforms(&document, &schema(), "");
        }
    }
}

/// Enough of JSON Schema for what `schema()` writes.
fn conforms(value: &Json, schema: &Json, at: &str) {
    if let Some(words) = schema["enum"].as_array() {
        assert!(words.contains(value), "{at}");
    }
    let kind = match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(number) if number.is_u64() => "integer",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    };
    if let Some(kinds) = schema["type"].as_array() {
        let fits = kinds
            .iter()
            .any(|known| known == kind || (known == "number" && kind == "integer"));
        assert!(fits, "{at}: {kind}");
    }
    for item in value.as_array().into_iter().flatten() {
        conforms(item, &schema["items"], at);
    }
    for (key, value) in value.as_object().into_iter().flatten() {
        let at = format!("{at}.{key}");
        match schema["properties"].get(key) {
            Some(property) => conforms(value, property, &at),
            None => assert_ne!(schema["additionalProperties"], Json::Bool(false), "{at}"),
        }
    }
}

#[test]
fn the_story_keeps_docker_hub_and_relabels_quay() {
    let loaded = load(&sources(
        &root().join("examples/locked-down-rancher/arc-setup.yaml"),
    ))
    .unwrap();
    let rules = &loaded.config.registry.rules;
    assert_eq!(rules[0].matcher, Matcher::Host("docker.io".into()));
    assert_eq!(rules[0].action, Action::Keep);
    assert_eq!(
        rules[0].mirror.as_deref(),
        Some("registry.artifactory.mydomain.com")
    );
    assert_eq!(rules[1].id, "registry.map[1]");
    assert_eq!(rules.last().unwrap().id, "registry.host");
    assert_eq!(loaded.config.version, ArcVersion::new(0, 18, 2));
    assert_eq!(lines(&loaded.warnings).len(), 1, "{:?}", loaded.warnings);
}

#[test]
fn a_missing_or_unreadable_file_is_a_problem() {
    for file in ["/nonexistent/arc-setup.yaml", "/", "/dev/zero"] {
        let problems = load(&sources(Path::new(file))).unwrap_err();
        assert_eq!(problems[0].code, "config-file", "{problems:?}");
        let line = problems[0].line();
        assert!(line.starts_with("the configuration file /"), "{line}");
    }
}
