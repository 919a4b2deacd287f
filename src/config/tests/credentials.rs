//! Secrets: read, checked, and never shown.

use super::{lines, root, sources, variables};
use crate::config::load::{SecretReading, Variables, load};
use crate::config::problem;

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
