//! Whole configurations: fixtures, examples, precedence, and that no secret is ever shown.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::load::{FlagGiven, SecretReading, Sources, Stdin, Variables, load, load_partial};
use super::problem::Problem;
use super::*;
use crate::object::Credential;
use crate::rules::{Action, Matcher};
use crate::secret::Secret;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub(super) fn files(under: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(root().join(under))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

/// Every variable that fixtures and examples name, with well-formed values.
fn variables() -> Vec<(&'static str, &'static str)> {
    const KEY: &str = "-----BEGIN RSA PRIVATE KEY-----\ncanary\n-----END RSA PRIVATE KEY-----\n";
    vec![
        ("T", "ghp_canary"),
        ("U", "canary"),
        ("K", KEY),
        (
            "C",
            "-----BEGIN CERTIFICATE-----\ncanary\n-----END CERTIFICATE-----\n",
        ),
        ("GITHUB_TOKEN", "ghp_canary"),
        ("GITHUB_APP_PRIVATE_KEY", KEY),
        ("PROXY_ACCOUNT", "user:canary"),
        (
            "DOCKER_CONFIG_JSON",
            r#"{"auths":{"registry.example.com:5000":{"username":"u","password":"canary"}}}"#,
        ),
    ]
}

pub(super) fn sources(file: &Path) -> Sources {
    Sources {
        file: Some(file.to_path_buf()),
        environment: variables().into_iter().collect(),
        ..Sources::default()
    }
}

fn without_file() -> Sources {
    Sources {
        directory: "/nonexistent".into(),
        ..Sources::default()
    }
}

fn flag(path: &str, flag: &str, value: &str) -> FlagGiven {
    FlagGiven {
        path: path.into(),
        flag: flag.into(),
        value: value.into(),
    }
}

pub(super) fn write(path: PathBuf, text: &str) {
    std::io::Write::write_all(&mut std::fs::File::create(path).unwrap(), text.as_bytes()).unwrap();
}

fn lines(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(Problem::line).collect()
}

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
    for directory in files("examples") {
        let file = directory.join("arc-setup.yaml");
        let loaded = load(&sources(&file))
            .unwrap_or_else(|problems| panic!("{}: {:#?}", file.display(), lines(&problems)));
        assert!(
            !format!("{loaded:?}").contains("canary"),
            "{}",
            file.display()
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
fn the_registry_alone_names_every_missing_flag() {
    let mut sources = without_file();
    sources.flags = vec![flag("registry.host", "registry", "registry.corp")];
    let problems = load(&sources).unwrap_err();
    assert!(problems.iter().all(Problem::is_missing));
    let failure = problem::failure(&problems);
    let text = failure.details().why.join("\n");
    for flag in [
        "--github-url",
        "--github-org",
        "--github-repo",
        "--github-token-file",
        "--github-app-id",
        "--github-existing-secret",
        "--max",
    ] {
        assert!(text.contains(flag), "{flag}: {text}");
    }
}

#[test]
fn flags_alone_make_a_configuration() {
    let mut sources = without_file();
    sources.flags = vec![
        flag("registry.host", "registry", "registry.corp"),
        flag(
            "registry.map",
            "registry-map",
            "quay.io=registry.corp/quay-remote",
        ),
        flag("registry.map", "registry-map", "docker.io=keep"),
        flag("github.url", "github-url", "https://github.com"),
        flag("github.repository", "github-repo", "acme/shop"),
        flag("github.token", "github-token-file", "-"),
        flag("runnerSets[].max", "max", "4"),
        flag("proxy.url", "proxy", "http://proxy.corp:3128"),
        flag("proxy.noProxy", "no-proxy", ".corp,10.0.0.0/8"),
        flag("proxy.noProxy", "no-proxy", "localhost"),
    ];
    sources.stdin = Stdin::Given(Secret::new(b"ghp_canary\n".to_vec()));
    let loaded = load(&sources).unwrap();
    let config = loaded.config;
    assert_eq!(config.runner_sets[0].name, "arc-runners");
    assert_eq!(config.runner_sets[0].max, 4);
    assert_eq!(config.version, arc_versions::DEFAULT_SCALE_SET);
    let ids: Vec<&str> = config
        .registry
        .rules
        .iter()
        .map(|rule| rule.id.as_str())
        .collect();
    assert_eq!(
        ids,
        [
            "--registry-map quay.io=registry.corp/quay-remote",
            "--registry-map docker.io=keep",
            "--registry"
        ]
    );
    assert_eq!(config.registry.rules[2].matcher, Matcher::Any);
    assert_eq!(config.registry.rules[1].action, Action::Keep);
    assert_eq!(
        config.proxy.unwrap().no_proxy,
        [".corp", "10.0.0.0/8", "localhost"]
    );
    assert_eq!(
        loaded
            .credentials
            .get(Credential::GithubToken)
            .unwrap()
            .expose(),
        b"ghp_canary\n"
    );
    assert_eq!(
        config.origins.of("runnerSets[0].max"),
        Origin::Flag("--max".into())
    );
}

#[test]
fn flag_beats_environment_beats_file_beats_default() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("arc-setup.yaml");
    write(
        file,
        "name: from-file\nmode: scale-set\ncaBundle: anchors\ngithub: {url: https://a.corp, organization: o, token: {file: token}}\nrunnerSets: [{name: a, max: 1}]\nnamespaces: {runners: from-file}\n",
    );
    write(directory.path().join("token"), "ghp_file");
    // Found by its usual name in the working directory.
    let mut sources = Sources {
        directory: directory.path().into(),
        ..Sources::default()
    };
    let loaded = load(&sources).unwrap();
    assert_eq!(
        loaded.config.ca_bundle,
        Some(directory.path().join("anchors"))
    );
    assert_eq!(
        loaded
            .credentials
            .get(Credential::GithubToken)
            .unwrap()
            .expose(),
        b"ghp_file"
    );
    assert_eq!(
        loaded.config.origins.of("runnerSets[0].max"),
        Origin::File {
            path: "arc-setup.yaml".into(),
            line: 5,
            column: 29
        }
    );
    assert_eq!(
        loaded.config.origins.of("controller.watch"),
        Origin::Default
    );

    sources.environment = [
        ("ARC_SETUP_NAME", "from-environment"),
        ("ARC_SETUP_RUNNER_NAMESPACE", "from-environment"),
        ("ARC_SETUP_GITHUB_TOKEN", "ghp_environment"),
        ("ARC_SETUP_GITHUB_REPO", "o/r"),
        ("ARC_SETUP_REGISTRY_MAPS", "x=y"),
    ]
    .into_iter()
    .collect();
    sources.flags = vec![
        flag("name", "name", "from-flag"),
        flag("runnerSets[].max", "max", "9"),
    ];
    let loaded = load(&sources).unwrap();
    assert_eq!(loaded.config.name, "from-flag");
    assert_eq!(loaded.config.runner_sets[0].namespace, "from-environment");
    assert_eq!(loaded.config.runner_sets[0].max, 9);
    assert_eq!(
        loaded.config.github.scope,
        Some(Scope::Repository("o/r".into()))
    );
    assert_eq!(
        loaded
            .credentials
            .get(Credential::GithubToken)
            .unwrap()
            .expose(),
        b"ghp_environment"
    );
    assert_eq!(
        lines(&loaded.warnings),
        [
            "$ARC_SETUP_REGISTRY_MAPS: this variable sets nothing; did you mean ARC_SETUP_REGISTRY_MAP?"
        ]
    );

    // Another way to log in, from a stronger source, replaces the token.
    sources.flags.push(flag(
        "github.existingSecret",
        "github-existing-secret",
        "vault",
    ));
    let loaded = load(&sources).unwrap();
    assert!(matches!(
        loaded.config.github.credentials,
        GithubCredentials::ExistingSecret(_)
    ));
    assert!(loaded.credentials.get(Credential::GithubToken).is_none());
}

#[test]
fn one_of_several_runner_sets_is_chosen_by_name() {
    let file = root().join("examples/existing-secrets/arc-setup.yaml");
    let mut sources = sources(&file);
    sources.flags = vec![flag("runnerSets[].max", "max", "9")];
    let problems = load(&sources).unwrap_err();
    assert!(lines(&problems)[0].contains("--runner-set"), "{problems:?}");
    sources
        .flags
        .push(flag("runnerSets[].name", "runner-set", "docker"));
    assert_eq!(load(&sources).unwrap().config.runner_sets[1].max, 9);
    sources.flags[1].value = "dcker".into();
    assert!(lines(&load(&sources).unwrap_err())[0].contains("did you mean 'docker'?"));
}

#[test]
fn credentials_are_checked_and_never_shown() {
    let file = root().join("tests/fixtures/config/valid/smallest.yaml");
    for (name, value) in [
        ("ARC_SETUP_GITHUB_TOKEN", "ghp canary"),
        ("ARC_SETUP_GITHUB_TOKEN_FILE", "/nonexistent/token"),
        ("ARC_SETUP_PULL_SECRET", "canary"),
        ("ARC_SETUP_PROXY_CREDENTIALS", "canary"),
        ("ARC_SETUP_MAX", "canary"),
        ("ARC_SETUP_MODE", "canary"),
        ("ARC_SETUP_PROXY", "http://user:canary@proxy"),
    ] {
        let mut sources = sources(&file);
        let mut pairs = variables();
        pairs.push((name, value));
        sources.environment = pairs.into_iter().collect();
        let problems = load(&sources).expect_err(name);
        let text = format!(
            "{problems:?} {:?} {sources:?}",
            problem::failure(&problems).details()
        );
        assert!(!text.contains("canary"), "{text}");
        assert!(text.contains(name), "{text}");
    }
}

#[test]
fn an_unset_variable_is_named() {
    let mut sources = sources(&root().join("examples/aks-defaults/arc-setup.yaml"));
    sources.environment = Variables::default();
    let problems = load(&sources).unwrap_err();
    assert!(lines(&problems)[0].contains("the variable GITHUB_TOKEN is not set"));
    sources.secrets = SecretReading::Leave;
    assert!(load(&sources).is_ok());
}

#[test]
fn a_partial_configuration_needs_no_answers() {
    let mut sources = without_file();
    sources.flags = vec![
        flag("registry.host", "registry", "registry.corp"),
        flag("registry.library", "registry-library", "drop"),
    ];
    let partial = load_partial(&sources).unwrap();
    assert_eq!(partial.registry.host.as_deref(), Some("registry.corp"));
    assert_eq!(
        partial.registry.rules[0].action,
        Action::Rewrite {
            target: "registry.corp".into(),
            drop_library: true
        }
    );
    sources.flags[0].value = "https://registry.corp".into();
    assert!(load_partial(&sources).is_err());
}

#[test]
fn working_days_become_five_weekly_overrides() {
    let loaded = load(&sources(
        &root().join("examples/legacy-scaling/arc-setup.yaml"),
    ))
    .unwrap();
    let schedules = &loaded.config.runner_sets[0].scaling.schedules;
    assert_eq!(schedules.len(), 5);
    assert_eq!(schedules[4].start, "2024-01-05T07:00:00+01:00");
    assert_eq!(schedules[4].end, "2024-01-05T19:00:00+01:00");
    assert_eq!(
        (schedules[0].min, schedules[0].frequency.as_deref()),
        (30, Some("Weekly"))
    );
    let friday: jiff::civil::Date = "2024-01-05".parse().unwrap();
    assert_eq!(friday.weekday(), jiff::civil::Weekday::Friday);
}

#[test]
fn legacy_sets_that_no_job_would_start_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("arc-setup.yaml");
    let warnings = |scope: &str, set: &str| {
        write(
            file.clone(),
            &format!(
                "mode: legacy\ngithub: {{url: https://github.com, {scope}: o/r, token: {{file: token}}}}\nrunnerSets: [{{name: a, {set}}}]\n"
            )
            .replace("organization: o/r", "organization: o"),
        );
        lines(&load(&sources(&file)).unwrap().warnings).join(" ")
    };
    write(directory.path().join("token"), "ghp_file");
    assert!(warnings("organization", "max: 2").contains("neither queue nor busy"));
    let busy = "max: 2, scaling: {busy: {upThreshold: 0.5}}";
    assert!(warnings("organization", busy).contains("none is started"));
    assert!(warnings("repository", busy).contains("none is started"));
    for silent in [
        "min: 2, max: 2",
        "max: 2, scaling: {queue: [shop]}",
        "min: 1, max: 2, scaling: {busy: {upThreshold: 0.5}}",
        "max: 2, scaling: {queue: [shop], busy: {upThreshold: 0.5}}",
        "max: 2, scaling: {workdays: {from: \"07:00\", to: \"19:00\", min: 1}}",
        "kind: Runner",
    ] {
        assert_eq!(warnings("organization", silent), "", "{silent}");
    }
    assert_eq!(warnings("repository", "max: 2"), "");
}

#[test]
fn an_image_whose_docker_group_cannot_be_read_from_its_name_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("arc-setup.yaml");
    write(directory.path().join("token"), "ghp_file");
    let warnings = |version: &str, set: &str| {
        write(
            file.clone(),
            &format!(
                "mode: legacy\nversion: {version}\ngithub: {{url: https://github.com, repository: o/r, token: {{file: token}}}}\nrunnerSets: [{{name: a, max: 2, {set}}}]\n"
            ),
        );
        lines(&load(&sources(&file)).unwrap().warnings).join(" ")
    };
    let unnamed = "containerMode: dind, image: 'registry.corp/runner:7'";
    assert!(warnings("0.27.6", unnamed).contains("DOCKER_GROUP_GID"));
    let given = "podTemplate: {spec: {containers: [{name: docker, env: [{name: DOCKER_GROUP_GID, value: '121'}]}]}}";
    for (version, silent) in [
        ("0.27.6", "containerMode: dind".to_owned()),
        (
            "0.27.6",
            "containerMode: dind, image: 'registry.corp/runner:7-22.04'".to_owned(),
        ),
        ("0.27.6", "image: 'registry.corp/runner:7'".to_owned()),
        ("0.27.2", unnamed.to_owned()),
        ("0.27.6", format!("{unnamed}, {given}")),
    ] {
        assert_eq!(warnings(version, &silent), "", "{version} {silent}");
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
    }
}

#[test]
fn the_environment_is_read_as_kubectl_reads_it() {
    let variables: Variables = [
        ("HTTPS_PROXY", "http://user:canary@upper:1"),
        ("https_proxy", "http://lower:1"),
        ("no_proxy", ".corp"),
        ("CI", "false"),
        ("NO_COLOR", ""),
        ("KUBECONFIG", "/a:/b"),
    ]
    .into_iter()
    .collect();
    let environment = load::Environment::new(&variables);
    assert!(
        environment
            .https_proxy
            .as_ref()
            .unwrap()
            .expose()
            .ends_with("upper:1")
    );
    assert_eq!(environment.no_proxy.as_deref(), Some(".corp"));
    assert!(!environment.ci && !environment.no_color);
    assert_eq!(
        environment.kubeconfig,
        [PathBuf::from("/a"), PathBuf::from("/b")]
    );
    assert!(!format!("{environment:?} {variables:?}").contains("canary"));
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 64, failure_persistence: None, ..Default::default() })]

    /// Any text at any place ends in a configuration or in problems.
    #[test]
    fn nothing_panics(text in "[ -~\\n]{0,200}", value in "\\PC{0,40}", pick in 0usize..1000) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("arc-setup.yaml");
        write(file.clone(), &text);
        let flags = table::flags();
        let spec = &flags[pick % flags.len()];
        let mut sources = sources(&file);
        sources.flags = vec![flag(spec.path, spec.name, &value)];
        sources.stdin = Stdin::Given(Secret::new(value.clone().into_bytes()));
        let _ = load(&sources);
        sources.file = Some(root().join("examples/legacy-scaling/arc-setup.yaml"));
        let _ = load(&sources);
        let _ = crate::yaml::parse_documents(&value, "x");
    }
}
