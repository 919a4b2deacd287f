//! The GitHub server and the Secret with its login.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::config::{Config, GithubCredentials, Mode};
use crate::render::names::{self, Labels};

#[derive(Debug, Serialize)]
pub(super) struct Github<'a> {
    /// Name of the Secret, ours or the user's.
    secret: String,
    labels: Labels,
    /// Where our Secret is made; empty where the user brings it.
    secret_namespaces: Vec<&'a str>,
    /// What of it is no secret, base64-encoded.
    data: BTreeMap<&'static str, String>,
    /// True for the user's own Secret: which of the keys it has is not known.
    foreign: bool,
    /// Environment of the legacy manager out of the Secret.
    variables: Vec<Variable<'a>>,
    /// Key of the App's private key, where there may be one.
    private_key: Option<&'a str>,
    enterprise_url: Option<&'a str>,
    /// Base of the API where it is neither api.github.com nor below the server.
    api_url: Option<String>,
}

#[derive(Debug, Serialize)]
struct Variable<'a> {
    name: &'static str,
    key: &'a str,
}

const TOKEN: (&str, &str) = ("GITHUB_TOKEN", "github_token");
const APP: [(&str, &str); 2] = [
    ("GITHUB_APP_ID", "github_app_id"),
    ("GITHUB_APP_INSTALLATION_ID", "github_app_installation_id"),
];
const PRIVATE_KEY: &str = "github_app_private_key";

impl<'a> Github<'a> {
    pub(super) fn new(config: &'a Config) -> Self {
        let mut github = Self {
            secret: names::github_secret(config),
            labels: names::labels(
                config,
                match config.mode {
                    Mode::ScaleSet => "gha-rs",
                    Mode::Legacy => "actions-runner-controller",
                },
                "github-login",
            ),
            secret_namespaces: secret_namespaces(config),
            data: BTreeMap::new(),
            foreign: false,
            variables: Vec::new(),
            private_key: None,
            enterprise_url: config
                .github
                .is_enterprise_server()
                .then_some(config.github.url.as_str()),
            api_url: has_own_api_host(config).then(|| format!("{}/", config.github.api_base())),
        };
        match &config.github.credentials {
            GithubCredentials::Token => github.variables = variables(&[TOKEN], |key| key),
            GithubCredentials::App {
                id,
                installation_id,
            } => {
                github.data.insert(APP[0].1, STANDARD.encode(id));
                github
                    .data
                    .insert(APP[1].1, STANDARD.encode(installation_id));
                github.variables = variables(&APP, |key| key);
                github.private_key = Some(PRIVATE_KEY);
            }
            GithubCredentials::ExistingSecret(existing) => {
                github.secret.clone_from(&existing.name);
                github.foreign = true;
                github.variables = variables(&[TOKEN, APP[0], APP[1]], |key| existing.key(key));
                github.private_key = Some(existing.key(PRIVATE_KEY));
            }
        }
        github
    }
}

fn variables<'a>(
    wanted: &[(&'static str, &'static str)],
    key: impl Fn(&'static str) -> &'a str,
) -> Vec<Variable<'a>> {
    wanted
        .iter()
        .map(|(name, usual)| Variable {
            name,
            key: key(usual),
        })
        .collect()
}

fn secret_namespaces(config: &Config) -> Vec<&str> {
    if matches!(
        config.github.credentials,
        GithubCredentials::ExistingSecret(_)
    ) {
        return Vec::new();
    }
    match config.mode {
        Mode::Legacy if config.controller.existing.is_some() => Vec::new(),
        Mode::Legacy => vec![&config.namespaces.controller],
        Mode::ScaleSet => config
            .runner_namespaces()
            .into_iter()
            .filter(|namespace| {
                config
                    .runner_sets
                    .iter()
                    .any(|set| set.namespace == *namespace && set.github_secret.is_none())
            })
            .collect(),
    }
}

/// True for servers like `corp.ghe.com`, whose API is `api.corp.ghe.com`.
pub(super) fn has_own_api_host(config: &Config) -> bool {
    !config.github.is_enterprise_server() && config.github.host().ends_with(".ghe.com")
}
