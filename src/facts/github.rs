//! What GitHub says: its version, and whether each scope really hands out a registration token.

use futures::future::join_all;
use serde::{Deserialize, Serialize};

use super::GithubFacts;
use crate::clients::github::{Github, GithubError, Login, Session};
use crate::clients::transport::Http;
use crate::config::{Config, Credentials, GithubCredentials};
use crate::object::Credential;
use crate::secret::Secret;

/// What was learnt, without any token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GithubReport {
    /// The server; None where it could not be asked.
    pub facts: Option<GithubFacts>,
    /// Why not.
    pub problem: Option<String>,
    /// One entry per distinct scope; none where the login is in an existing Secret.
    pub registrations: Vec<Registration>,
}

/// A registration token was asked for, and thrown away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Registration {
    /// API path of the scope: `/orgs/corp`.
    pub scope: String,
    /// What came of it.
    pub outcome: RegistrationOutcome,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "outcome",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum RegistrationOutcome {
    /// A token was handed out.
    Granted {
        /// When it expires, RFC 3339.
        expires_at: String,
    },
    /// GitHub said no, or the key cannot be used: runners will not register either.
    Refused {
        /// `private-key`, `unauthorized`, `forbidden` or `not-found`.
        reason: String,
        /// The cause, translated, with GitHub's words.
        why: String,
    },
    /// No answer from here; the cluster may have another way.
    Unknown {
        /// Why.
        why: String,
    },
}

/// Asks the configured server alone, one question after the other: they share a connection, and where none comes about
/// nobody waits for it twice.
pub async fn read_github(config: &Config, credentials: &Credentials, http: &Http) -> GithubReport {
    let github = Github::new(http.clone(), &config.github.api_base());
    let version = if config.github.is_enterprise_server() {
        github.enterprise_version().await
    } else {
        Ok(None)
    };
    let broken = version.as_ref().err().filter(|error| is_broken(error));
    let registrations = match login(config, credentials) {
        None => Vec::new(),
        Some(login) => {
            let session = match broken {
                Some(error) => Err(error.clone()),
                None => github.login(&login, http.route().now).await,
            };
            let scopes = scopes(config).into_iter();
            join_all(scopes.map(|scope| register(&session, scope))).await
        }
    };
    let (facts, problem) = match version {
        Ok(enterprise_version) => (Some(GithubFacts { enterprise_version }), None),
        Err(error) => (None, Some(error.to_string())),
    };
    GithubReport {
        facts,
        problem,
        registrations,
    }
}

/// True where the server was not reached: it is so for every question.
fn is_broken(error: &GithubError) -> bool {
    matches!(
        error,
        GithubError::ProxyRefused { .. }
            | GithubError::Untrusted { .. }
            | GithubError::Unreachable { .. }
    )
}

/// The distinct scopes that this login registers runners for.
fn scopes(config: &Config) -> Vec<String> {
    let sets = config.runner_sets.iter();
    let mut scopes: Vec<String> = Vec::new();
    for set in sets.filter(|set| set.github_secret.is_none()) {
        let scope = set.scope.api_path();
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    scopes
}

async fn register(session: &Result<Session<'_>, GithubError>, scope: String) -> Registration {
    let answer = match session {
        Ok(session) => session.registration_token(&scope).await,
        Err(error) => Err(error.clone()),
    };
    let refused = |reason: &str, why: String| RegistrationOutcome::Refused {
        reason: reason.to_owned(),
        why,
    };
    let outcome = match answer {
        Ok(expires_at) => RegistrationOutcome::Granted { expires_at },
        Err(error) => match &error {
            GithubError::PrivateKey { .. } => refused("private-key", error.to_string()),
            GithubError::Unauthorized { .. } => refused("unauthorized", error.to_string()),
            GithubError::Forbidden { .. } => refused("forbidden", error.to_string()),
            GithubError::NotFound { .. } => refused("not-found", error.to_string()),
            _ => RegistrationOutcome::Unknown {
                why: error.to_string(),
            },
        },
    };
    Registration { scope, outcome }
}

/// None where the login is in a Secret that is never read.
fn login(config: &Config, credentials: &Credentials) -> Option<Login> {
    match &config.github.credentials {
        GithubCredentials::Token => {
            let token = credentials.get(Credential::GithubToken)?;
            Some(Login::Token(Secret::new(
                String::from_utf8_lossy(token.expose()).into_owned(),
            )))
        }
        GithubCredentials::App {
            id,
            installation_id,
        } => Some(Login::App {
            id: id.clone(),
            installation_id: installation_id.clone(),
            private_key: credentials.get(Credential::GithubAppPrivateKey)?.clone(),
        }),
        GithubCredentials::ExistingSecret(_) => None,
    }
}
