//! The GitHub server of the validated configuration: where it is, where runners register, how one logs in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The GitHub server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Github {
    /// The server's root without a trailing slash: `https://github.com`, `https://ghes.corp`.
    pub url: String,
    /// The scope for runner sets that name none. None only under `controller.existing`-like setups where each set names its own.
    pub scope: Option<Scope>,
    /// How controllers log in.
    pub credentials: GithubCredentials,
}

impl Github {
    /// True for a GitHub Enterprise Server: every host but github.com, www.github.com, github.localhost
    /// and *.ghe.com (actions/scaleset, `config.go`).
    pub fn is_enterprise_server(&self) -> bool {
        let host = self.host();
        let host = host.split(':').next().unwrap_or_default();
        !(matches!(host, "github.com" | "www.github.com" | "github.localhost")
            || host.ends_with(".ghe.com"))
    }

    /// `host[:port]` of the server.
    pub fn host(&self) -> &str {
        let rest = self
            .url
            .split_once("://")
            .map_or(self.url.as_str(), |(_, rest)| rest);
        rest.split('/').next().unwrap_or_default()
    }

    /// Hosts that controllers, runners and jobs reach of it: the server itself, its API, and on github.com what GitHub
    /// documents for self-hosted runners.
    pub fn hosts(&self) -> Vec<String> {
        let mut hosts = vec![self.host().to_owned()];
        if !self.is_enterprise_server() {
            hosts.push(format!("api.{}", self.host().trim_start_matches("www.")));
        }
        if matches!(self.host(), "github.com" | "www.github.com") {
            let others = [
                "codeload.github.com",
                "uploads.github.com",
                "objects.githubusercontent.com",
                "pipelines.actions.githubusercontent.com",
                "results-receiver.actions.githubusercontent.com",
                "ghcr.io",
            ];
            hosts.extend(others.map(str::to_owned));
        }
        hosts
    }

    /// Base of the REST API, without a trailing slash: `https://host/api/v3`, or `https://api.<host>`.
    pub fn api_base(&self) -> String {
        let (scheme, _) = self.url.split_once("://").unwrap_or(("https", ""));
        if self.is_enterprise_server() {
            format!("{scheme}://{}/api/v3", self.host())
        } else {
            format!("{scheme}://api.{}", self.host().trim_start_matches("www."))
        }
    }
}

/// Where runners register.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// An organization.
    Organization(String),
    /// A repository: `owner/name`.
    Repository(String),
    /// An enterprise.
    Enterprise(String),
}

impl Scope {
    /// The path of `githubConfigUrl` under the server's root.
    pub fn path(&self) -> String {
        match self {
            Self::Organization(name) | Self::Repository(name) => name.clone(),
            Self::Enterprise(name) => format!("enterprises/{name}"),
        }
    }

    /// The path of the REST API for this scope: `/orgs/x`, `/repos/o/r`, `/enterprises/e`.
    pub fn api_path(&self) -> String {
        match self {
            Self::Organization(name) => format!("/orgs/{name}"),
            Self::Repository(name) => format!("/repos/{name}"),
            Self::Enterprise(name) => format!("/enterprises/{name}"),
        }
    }
}

/// How controllers log in to GitHub.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GithubCredentials {
    /// A personal access token ([`GithubToken`](crate::object::Credential::GithubToken)).
    Token,
    /// A GitHub App; the key is [`GithubAppPrivateKey`](crate::object::Credential::GithubAppPrivateKey).
    #[serde(rename_all = "camelCase")]
    App {
        /// App id, or client id (scale sets 0.12 or newer).
        id: String,
        /// Installation id, a number.
        installation_id: String,
    },
    /// A Secret that is there already, in the namespace that needs it (controller: legacy; each runner namespace: scale sets).
    ExistingSecret(ExistingSecret),
}

/// A Secret that somebody else made; its values are never read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExistingSecret {
    /// Its name.
    pub name: String,
    /// Key names where they differ from the usual ones: usual name → name in that Secret.
    #[serde(default)]
    pub keys: BTreeMap<String, String>,
}

impl ExistingSecret {
    /// The key in that Secret for a usual key.
    pub fn key<'a>(&'a self, usual: &'a str) -> &'a str {
        self.keys.get(usual).map_or(usual, String::as_str)
    }
}
