//! Flag beats environment beats file beats default.

use std::path::{Path, PathBuf};

use super::{flag, lines, write};
use crate::config::load::{Environment, Sources, Variables, load};
use crate::config::{Config, Credentials, GithubCredentials, Origin, Scope};
use crate::object::Credential;

/// A directory with a configuration under its usual name, and what it refers to.
fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    write(
        directory.path().join("arc-setup.yaml"),
        "name: from-file\nmode: scale-set\ncaBundle: anchors\ngithub: {url: https://a.corp, organization: o, token: {file: token}}\nrunnerSets: [{name: a, max: 1}]\nnamespaces: {runners: from-file}\n",
    );
    write(directory.path().join("token"), "ghp_file");
    directory
}

/// No file is named: the one of the usual name in that directory is found.
fn sources(directory: &Path) -> Sources {
    Sources {
        directory: directory.into(),
        ..Sources::default()
    }
}

/// The same with a stronger source for most of it.
fn overlaid(directory: &Path) -> Sources {
    let environment = [
        ("ARC_SETUP_NAME", "from-environment"),
        ("ARC_SETUP_RUNNER_NAMESPACE", "from-environment"),
        ("ARC_SETUP_GITHUB_TOKEN", "ghp_environment"),
        ("ARC_SETUP_GITHUB_REPO", "o/r"),
        ("ARC_SETUP_REGISTRY_MAPS", "x=y"),
    ];
    Sources {
        environment: environment.into_iter().collect(),
        flags: vec![
            flag("name", "name", "from-flag"),
            flag("runnerSets[].max", "max", "9"),
        ],
        ..sources(directory)
    }
}

fn token(credentials: &Credentials) -> Option<&[u8]> {
    let token = credentials.get(Credential::GithubToken)?;
    Some(token.expose())
}

fn origin(config: &Config, path: &str) -> Origin {
    config.origins.of(path)
}

#[test]
fn a_file_is_found_and_what_it_names_lies_beside_it() {
    let directory = directory();
    let loaded = load(&sources(directory.path())).unwrap();
    let anchors = directory.path().join("anchors");
    assert_eq!(loaded.config.ca_bundle, Some(anchors));
    assert_eq!(token(&loaded.credentials), Some(&b"ghp_file"[..]));
    assert_eq!(
        origin(&loaded.config, "runnerSets[0].max"),
        Origin::File {
            path: "arc-setup.yaml".into(),
            line: 5,
            column: 29
        }
    );
    assert_eq!(origin(&loaded.config, "controller.watch"), Origin::Default);
}

#[test]
fn flag_beats_environment_beats_file() {
    let directory = directory();
    let loaded = load(&overlaid(directory.path())).unwrap();
    let set = &loaded.config.runner_sets[0];
    assert_eq!(loaded.config.name, "from-flag");
    assert_eq!(set.namespace, "from-environment");
    assert_eq!(set.max, 9);
    let scope = Scope::Repository("o/r".into());
    assert_eq!(loaded.config.github.scope, Some(scope));
    assert_eq!(token(&loaded.credentials), Some(&b"ghp_environment"[..]));
    assert_eq!(
        lines(&loaded.warnings),
        [
            "$ARC_SETUP_REGISTRY_MAPS: this variable sets nothing; did you mean ARC_SETUP_REGISTRY_MAP?"
        ]
    );
}

#[test]
fn another_way_to_log_in_from_a_stronger_source_replaces_the_token() {
    let directory = directory();
    let mut sources = overlaid(directory.path());
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
    assert_eq!(token(&loaded.credentials), None);
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
    let environment = Environment::new(&variables);
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

#[test]
fn of_two_entries_for_one_registry_the_flags_decides() {
    let directory = directory();
    let mut sources = overlaid(directory.path());
    sources.environment = [
        ("ARC_SETUP_REGISTRY_MAP", "quay.io=a.example.com"),
        ("ARC_SETUP_GITHUB_TOKEN", "ghp_environment"),
    ]
    .into_iter()
    .collect();
    let flags = ["ghcr.io=keep", "quay.io=b.example.com"];
    let flags = flags.map(|entry| flag("registry.map", "registry-map", entry));
    sources.flags.extend(flags);
    let rules = load(&sources).unwrap().config.registry.rules;
    let targets: Vec<bool> = rules
        .iter()
        .map(|rule| format!("{rule:?}"))
        .filter(|rule| rule.contains("quay.io"))
        .map(|rule| rule.contains("b.example.com"))
        .collect();
    assert_eq!(targets, [true, false], "{rules:?}");
}
