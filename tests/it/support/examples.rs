//! The examples as the tests run them: each with its own directory's files, and a value for every variable that
//! one of them names. The values are canaries: none may come out unless it is asked for.

use std::path::PathBuf;

use anyhow::Result;

use super::arc_setup::ArcSetup;

/// One directory of examples/.
#[derive(Debug, Clone)]
pub(crate) struct Example {
    pub(crate) name: String,
    pub(crate) file: PathBuf,
}

pub(crate) const TOKEN: &str = "ghp_canaryOfTheToken0123456789abcdefghijkl";
pub(crate) const PULL_PASSWORD: &str = "canary-of-the-pull-account";
pub(crate) const PROXY_PASSWORD: &str = "canary-of-the-proxy-account";

/// Every example, by name.
pub(crate) fn examples() -> Result<Vec<Example>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut examples = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let file = entry?.path().join("arc-setup.yaml");
        let name = file.parent().and_then(|parent| parent.file_name());
        if let (Some(name), true) = (name, file.exists()) {
            let name = name.to_string_lossy().into_owned();
            examples.push(Example { name, file });
        }
    }
    examples.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(examples)
}

/// A private key of a test's own App.
pub(crate) fn private_key() -> Result<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    Ok(std::fs::read_to_string(
        folder.join("tests/fixtures/github/app-private-key.pem"),
    )?)
}

/// Every secret value that an example holds or is given here.
pub(crate) fn secrets() -> Result<Vec<(&'static str, String)>> {
    let samples = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("examples/locked-down-rancher-scale-set/credentials");
    let read = |name| std::fs::read_to_string(samples.join(name));
    let key = private_key()?;
    Ok(vec![
        ("GITHUB_TOKEN", TOKEN.to_owned()),
        (
            "GITHUB_APP_PRIVATE_KEY",
            key.lines().nth(3).unwrap_or_default().to_owned(),
        ),
        ("DOCKER_CONFIG_JSON", PULL_PASSWORD.to_owned()),
        ("PROXY_ACCOUNT", PROXY_PASSWORD.to_owned()),
        (
            "github-token.example",
            read("github-token.example")?.trim().to_owned(),
        ),
        (
            "mirror-account.example",
            read("mirror-account.example")?.trim().to_owned(),
        ),
    ])
}

/// The program with a value for every variable of the examples, each watched.
pub(crate) fn arc_setup() -> Result<ArcSetup> {
    let mut program = ArcSetup::new()?;
    for (name, value) in secrets()? {
        program.canary(name, &value);
    }
    let account = format!("{{\"username\":\"u\",\"password\":\"{PULL_PASSWORD}\"}}");
    program
        .env("GITHUB_TOKEN", TOKEN)
        .env("GITHUB_APP_PRIVATE_KEY", private_key()?)
        .env(
            "DOCKER_CONFIG_JSON",
            format!("{{\"auths\":{{\"registry.example.com:5000\":{account}}}}}"),
        )
        .env("PROXY_ACCOUNT", format!("user:{PROXY_PASSWORD}"));
    Ok(program)
}

impl Example {
    /// `COMMAND --config FILE`, and more.
    pub(crate) fn arguments(&self, command: &str, more: &[&str]) -> Vec<String> {
        let file = self.file.display().to_string();
        let mut arguments = vec![command.to_owned(), "--config".to_owned(), file];
        arguments.extend(more.iter().map(|&one| one.to_owned()));
        arguments
    }
}
