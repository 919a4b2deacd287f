//! GitHub's REST API, as far as an installer needs it: who may register runners, and which server it is.
//!
//! Asks only the server that was configured.

mod app;

use http::{Method, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cause::Cause;
use super::handshake::{Handshake, handshake};
use super::transport::{Exchange, Http, Reply};
use crate::pki::chain::Verdict;
use crate::secret::Secret;

/// How to log in.
#[derive(Debug, Clone)]
pub enum Login {
    /// A personal access token; white space around it is dropped.
    Token(Secret<String>),
    /// A GitHub App.
    App {
        /// App id, or client id.
        id: String,
        /// Installation id.
        installation_id: String,
        /// The private key, PEM: PKCS#1 as GitHub hands it out, or PKCS#8.
        private_key: Secret<Vec<u8>>,
    },
}

/// What GitHub, or what stands before it, refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(
    tag = "error",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum GithubError {
    /// The App's private key cannot be used.
    #[error("the private key of the GitHub App cannot be used: {why}")]
    PrivateKey {
        /// Why; nothing of the key.
        why: String,
    },
    /// 401: the token is wrong, expired or revoked; for an App: id and key do not belong together, or the clock is wrong.
    #[error("GitHub does not accept the login: {message}")]
    Unauthorized {
        /// GitHub's words.
        message: String,
    },
    /// 403: the login is right and may not do this.
    #[error("the login may not do this: {why}")]
    Forbidden {
        /// What is missing, translated; GitHub's words within.
        why: String,
    },
    /// 404: the scope or the App's installation is not there, or this login does not see it.
    #[error("GitHub does not find {what}: {message}")]
    NotFound {
        /// What was asked for.
        what: String,
        /// GitHub's words.
        message: String,
    },
    /// Too many requests.
    #[error("GitHub limits the rate of requests: {message}")]
    RateLimited {
        /// GitHub's words.
        message: String,
    },
    /// The proxy did not let us through.
    #[error("the proxy did not let the request through")]
    ProxyRefused {
        /// 407, 403 …; None where the proxy's answer is not known.
        status: Option<u16>,
    },
    /// Its certificate is not trusted.
    #[error("{cause}")]
    Untrusted {
        /// Names the missing issuer.
        verdict: Verdict,
        /// As rustls says it.
        cause: Cause,
    },
    /// No connection.
    #[error("{cause}")]
    Unreachable {
        /// Why.
        cause: Cause,
    },
    /// An answer that GitHub does not give.
    #[error("answer {status}: {message}")]
    Unexpected {
        /// HTTP status.
        status: u16,
        /// The words of what answered.
        message: String,
    },
}

/// A GitHub server.
#[derive(Debug, Clone)]
pub struct Github {
    http: Http,
    base: String,
}

/// A login that works: a token, or an App's installation token.
#[derive(Debug)]
pub struct Session<'a> {
    github: &'a Github,
    authorization: Secret<String>,
    app: bool,
}

impl Github {
    /// `base` is the REST API without a trailing slash: `https://ghes.corp/api/v3`.
    pub fn new(http: Http, base: &str) -> Self {
        Self {
            http,
            base: base.trim_end_matches('/').to_owned(),
        }
    }

    /// `installed_version` of GET /meta; None on github.com.
    pub async fn enterprise_version(&self) -> Result<Option<String>, GithubError> {
        let reply = self.send(Method::GET, "/meta", None).await?;
        if reply.status != 200 {
            // A server in private mode answers 401 here and still tells its version in a header.
            return match reply.header("x-github-enterprise-version") {
                Some(version) => Ok(Some(version.to_owned())),
                None => Err(refused(&reply, "its API under this URL", false)),
            };
        }
        let answer: Value =
            serde_json::from_slice(&reply.body).map_err(|_| GithubError::Unexpected {
                status: reply.status,
                message: "not JSON: is this URL a GitHub server?".to_owned(),
            })?;
        Ok(answer
            .get("installed_version")
            .and_then(Value::as_str)
            .map(str::to_owned))
    }

    /// Logs in. For an App this asks for an installation token at the time `now` (seconds since 1970).
    pub async fn login(&self, login: &Login, now: i64) -> Result<Session<'_>, GithubError> {
        let (token, app) = match login {
            Login::Token(token) => (Secret::new(token.expose().trim().to_owned()), false),
            Login::App {
                id,
                installation_id,
                private_key,
            } => (
                self.installation_token(id, installation_id, private_key, now)
                    .await?,
                true,
            ),
        };
        let authorization = Secret::new(format!("Bearer {}", token.expose()));
        Ok(Session {
            github: self,
            authorization,
            app,
        })
    }

    async fn installation_token(
        &self,
        id: &str,
        installation: &str,
        key: &Secret<Vec<u8>>,
        now: i64,
    ) -> Result<Secret<String>, GithubError> {
        let jwt = app::jwt(id, key, now).map_err(|why| GithubError::PrivateKey { why })?;
        let authorization = Secret::new(format!("Bearer {}", jwt.expose()));
        let path = format!("/app/installations/{}/access_tokens", installation.trim());
        let reply = self.send(Method::POST, &path, Some(&authorization)).await?;
        if reply.status != 201 {
            return Err(refused(
                &reply,
                &format!("installation {} of the App {id}", installation.trim()),
                true,
            ));
        }
        token(&reply).map(|(token, _)| token)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        authorization: Option<&Secret<String>>,
    ) -> Result<Reply, GithubError> {
        let mut exchange = Exchange::new(method, format!("{}{path}", self.base))
            .header(header::ACCEPT, "application/vnd.github+json");
        if let Some(authorization) = authorization {
            exchange =
                exchange
                    .authorization(authorization)
                    .ok_or_else(|| GithubError::Unauthorized {
                        message: "the token holds characters that no HTTP header may have"
                            .to_owned(),
                    })?;
        }
        let reply = match self.http.send(&exchange).await {
            Ok(reply) => reply,
            Err(cause) => return Err(self.explain(cause).await),
        };
        if reply.status == 407 {
            return Err(GithubError::ProxyRefused { status: Some(407) });
        }
        Ok(reply)
    }

    async fn explain(&self, cause: Cause) -> GithubError {
        match cause {
            Cause::Untrusted | Cause::WrongName(_) | Cause::Expired | Cause::AuthorityAsServer => {
                let url = reqwest::Url::parse(&self.base).ok();
                let host = url
                    .as_ref()
                    .and_then(reqwest::Url::host_str)
                    .unwrap_or_default();
                let port = url
                    .as_ref()
                    .and_then(reqwest::Url::port_or_known_default)
                    .unwrap_or(443);
                match handshake(self.http.route(), host, port).await {
                    Handshake::Untrusted { verdict, cause, .. } => {
                        GithubError::Untrusted { verdict, cause }
                    }
                    _ => GithubError::Untrusted {
                        verdict: Verdict::Unreadable,
                        cause,
                    },
                }
            }
            Cause::ProxyLogin => GithubError::ProxyRefused { status: Some(407) },
            Cause::ProxyRefused => GithubError::ProxyRefused { status: None },
            cause => GithubError::Unreachable { cause },
        }
    }
}

impl Session<'_> {
    /// Really asks for a registration token, as a controller does; the token is thrown away.
    /// `scope` is the API path `/orgs/x`, `/repos/o/r`, `/enterprises/e`. Returns when it would expire (RFC 3339).
    pub async fn registration_token(&self, scope: &str) -> Result<String, GithubError> {
        let path = format!("{scope}/actions/runners/registration-token");
        let reply = self
            .github
            .send(Method::POST, &path, Some(&self.authorization))
            .await?;
        // Controllers take 201 alone for success.
        if reply.status == 201 {
            token(&reply).map(|(_, expires)| expires)
        } else {
            Err(refused(&reply, scope, self.app))
        }
    }
}

fn token(reply: &Reply) -> Result<(Secret<String>, String), GithubError> {
    let answer: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let text = |key: &str| {
        answer
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let token = Secret::new(text("token"));
    if token.expose().is_empty() {
        let message = "the answer holds no token: is this URL a GitHub server?".to_owned();
        return Err(GithubError::Unexpected {
            status: reply.status,
            message,
        });
    }
    Ok((token, text("expires_at")))
}

fn refused(reply: &Reply, what: &str, app: bool) -> GithubError {
    let answer: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let message = answer.get("message").and_then(Value::as_str);
    let message: String = message
        .unwrap_or("no words of GitHub's")
        .chars()
        .take(300)
        .collect();
    let limited =
        reply.header("x-ratelimit-remaining") == Some("0") || reply.header("retry-after").is_some();
    match reply.status {
        401 => GithubError::Unauthorized { message },
        403 | 429 if limited => GithubError::RateLimited { message },
        429 => GithubError::RateLimited { message },
        403 => GithubError::Forbidden {
            why: forbidden(reply, &message, app),
        },
        404 => GithubError::NotFound {
            what: what.to_owned(),
            message,
        },
        status => GithubError::Unexpected { status, message },
    }
}

fn forbidden(reply: &Reply, message: &str, app: bool) -> String {
    if reply.headers.contains_key("x-github-sso") {
        return format!(
            "the token is not authorized for the organization's single sign-on ({message})"
        );
    }
    if message.contains("IP allow list") {
        return format!("the organization's IP allow list does not know this address ({message})");
    }
    let missing = if app {
        "the App needs the permission 'Self-hosted runners: read and write' (organization) or 'Administration: read and write' (repository)"
    } else {
        "the token needs the scope 'repo' (repository), 'admin:org' (organization) or 'manage_runners:enterprise' (enterprise)"
    };
    format!("{missing} ({message})")
}

#[cfg(test)]
mod tests;
