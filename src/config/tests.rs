//! Whole configurations: fixtures, examples, precedence, and that no secret is ever shown.

mod anything;
mod credentials;
mod files;
mod flags;
mod precedence;
mod presets;
mod runner_sets;

use std::path::{Path, PathBuf};

use super::load::{FlagGiven, Sources};
use super::problem::Problem;

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

/// The configuration of each example of an install; others show `rewrite` beside other tools.
pub(super) fn examples() -> Vec<PathBuf> {
    let folders = files("examples").into_iter();
    folders
        .map(|folder| folder.join("arc-setup.yaml"))
        .filter(|file| file.is_file())
        .collect()
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
