//! Secrets: read, checked, and never shown.

use super::{flag, lines, root, sources, variables};
use crate::config::load::{SecretReading, Sources, Variables, load, load_partial, load_unanswered};
use crate::config::{Problem, ProxyRunners, problem, table};

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

/// The smallest configuration with a proxy and these flags.
fn proxied(flags: &[(&str, &str)]) -> Sources {
    let mut sources = sources(&root().join("tests/fixtures/config/valid/smallest.yaml"));
    sources.flags = [("proxy", "http://proxy.corp:3128")]
        .iter()
        .chain(flags)
        .map(|(name, value)| {
            let spec = table::flags().iter().find(|spec| spec.name == *name);
            flag(spec.unwrap().path, name, value)
        })
        .collect();
    sources
}

#[test]
fn an_account_of_the_proxy_wants_a_word_about_runners() {
    let account = ("proxy-existing-secret", "vault");
    let unsaid = proxied(&[account]);
    let problems = load(&unsaid).unwrap_err();
    assert!(problems.iter().all(Problem::is_missing), "{problems:?}");
    let told = lines(&problems).join("\n");
    for part in [
        "any workflow can read",
        "--proxy-runners none",
        "--proxy-runners same",
        "--proxy-runners-existing-secret",
        "proxy.runners ",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    // What starts no runner does not ask.
    assert!(load_partial(&unsaid).is_ok() && load_unanswered(&unsaid).is_ok());
    let runners = |flags: &[(&str, &str)]| {
        let loaded = load(&proxied(&[&[account], flags].concat())).unwrap();
        assert_eq!(loaded.warnings, []);
        loaded.config.proxy.unwrap().runners
    };
    assert_eq!(runners(&[("proxy-runners", "none")]), ProxyRunners::None);
    assert_eq!(runners(&[("proxy-runners", "same")]), ProxyRunners::Same);
    let ProxyRunners::ExistingSecret(own) = runners(&[("proxy-runners-existing-secret", "own")])
    else {
        panic!("no Secret of their own");
    };
    assert_eq!(own.name, "own");
}

#[test]
fn without_an_account_a_word_about_runners_has_no_effect_and_is_told() {
    assert_eq!(load(&proxied(&[])).unwrap().warnings, []);
    for given in [
        ("proxy-runners", "same"),
        ("proxy-runners-existing-secret", "own"),
    ] {
        let warnings = load(&proxied(&[given])).unwrap().warnings;
        let codes: Vec<&str> = warnings.iter().map(|one| one.code).collect();
        assert_eq!(codes, ["config-unused"], "{given:?}");
    }
}

#[test]
fn a_controller_that_is_there_already_is_told_to_bring_its_proxy() {
    let codes = |runners| {
        let there = ("existing-controller", "theirs/controller");
        let flags = [
            ("proxy-existing-secret", "vault"),
            there,
            ("proxy-runners", runners),
        ];
        let warnings = load(&proxied(&flags)).unwrap().warnings;
        warnings.iter().map(|one| one.code).collect::<Vec<_>>()
    };
    assert_eq!(codes("none"), ["config-proxy-controller"]);
    assert!(codes("same").is_empty());
}
