//! A registry client: is this manifest there? Every dialect of "no" is told apart.
//!
//! Bearer and Basic logins, own scopes, HEAD then GET; no credential helpers. [`Repository`] reads and writes manifests and
//! blobs.

mod answer;
mod challenge;
mod docker_config;
mod index;
mod push;
mod repository;
mod trouble;

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::challenge::{Challenge, challenges};
pub use self::docker_config::{DockerConfig, RegistryAccount};
pub use self::index::{Platform, PlatformManifest, is_index};
pub use self::push::Carried;
pub use self::repository::{Document, Repository};
pub use self::trouble::Trouble;
use super::cause::Cause;
use super::handshake::{Handshake, handshake};
use super::transport::{Exchange, Http, Reply};
use crate::oci::ACCEPT;
use crate::pki::chain::Verdict;
use crate::secret::Secret;

/// What a registry says about one manifest, or about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "outcome",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum Presence {
    /// It is there.
    Present {
        /// Its digest; None where the registry does not tell.
        digest: Option<String>,
        /// Its media type.
        media_type: String,
    },
    /// It is not there, or is hidden from this account.
    Absent {
        /// The registry's words.
        message: String,
    },
    /// It wants a login: none was given, or it was not accepted.
    AuthRequired {
        /// The registry's words.
        message: String,
    },
    /// The account has no right, or a policy (scan, curation) blocks the image.
    Denied {
        /// The registry's words.
        message: String,
    },
    /// No answer that says yes or no.
    Unknown {
        /// Why.
        message: String,
    },
    /// Its certificate is not trusted.
    Untrusted {
        /// Names the missing issuer.
        verdict: Verdict,
        /// As rustls says it.
        cause: Cause,
    },
    /// The proxy did not let us through.
    ProxyRefused {
        /// 407, 403 …; None where the proxy's answer is not known.
        status: Option<u16>,
    },
    /// Too many requests (429); Docker Hub counts pulls by address.
    RateLimited {
        /// The registry's words.
        message: String,
    },
    /// No connection.
    Unreachable {
        /// Why.
        cause: Cause,
    },
}

/// One registry host.
#[derive(Debug, Clone)]
pub struct Registry {
    http: Http,
    host: String,
    account: Option<RegistryAccount>,
}

impl Registry {
    /// A registry at `host[:port]`, over https.
    pub fn new(http: Http, host: &str, account: Option<RegistryAccount>) -> Self {
        // What `docker pull` resolves the name to.
        let host = if matches!(host, "docker.io" | "index.docker.io") {
            "registry-1.docker.io"
        } else {
            host
        };
        Self {
            http,
            host: host.to_owned(),
            account,
        }
    }

    /// Asks `/v2/`: is this a registry, and does it take our login? `Present` has no digest.
    pub async fn ping(&self) -> Presence {
        let exchange = Exchange::new(Method::GET, format!("https://{}/v2/", self.host));
        match self.exchange(exchange, None).await {
            Ok(reply) if reply.status == 200 => Presence::Present {
                digest: None,
                media_type: String::new(),
            },
            Ok(reply) if reply.status == 404 => Presence::Unknown {
                message: "there is no registry API under /v2/".to_owned(),
            },
            Ok(reply) => answer::decode(&reply, self.account.is_some()),
            Err(presence) => presence,
        }
    }

    /// Asks for a manifest by tag or digest. `repository` has no host: `library/docker`, `key/brancz/kube-rbac-proxy`.
    pub async fn manifest(&self, repository: &str, reference: &str) -> Presence {
        let url = format!(
            "https://{}/v2/{repository}/manifests/{reference}",
            self.host
        );
        let ask = |method| Exchange::new(method, url.as_str()).header(header::ACCEPT, ACCEPT);
        let head = match self.exchange(ask(Method::HEAD), Some(repository)).await {
            Ok(reply) => reply,
            Err(presence) => return presence,
        };
        if head.status == 200 {
            return answer::decode(&head, self.account.is_some());
        }
        // A HEAD has no body to read the reason from, and some remotes answer 404 to it alone.
        match self.exchange(ask(Method::GET), Some(repository)).await {
            Ok(reply) => answer::decode(&reply, self.account.is_some()),
            Err(presence) => presence,
        }
    }

    /// Sends a request, logging in as the registry asks.
    async fn exchange(
        &self,
        exchange: Exchange,
        repository: Option<&str>,
    ) -> Result<Reply, Presence> {
        let first = self.send(&exchange).await?;
        if first.status != 401 {
            return Ok(first);
        }
        // Our own scope: a HEAD's challenge may come without one (RTFACT-20170).
        let scopes: Vec<String> = repository.map(to_pull).into_iter().collect();
        let mut last = first;
        for login in self.logins(&last.headers, &scopes).await? {
            let Some(again) = exchange.clone().authorization(&login) else {
                continue;
            };
            last = self.send(&again).await?;
            if last.status != 401 {
                break;
            }
        }
        Ok(last)
    }

    /// What to log in with where a registry wants a login, in the order in which it is tried: values of an Authorization
    /// header.
    async fn logins(
        &self,
        refusal: &HeaderMap,
        scopes: &[String],
    ) -> Result<Vec<Secret<String>>, Presence> {
        let offered: Vec<Challenge> = challenges(refusal);
        let mut logins = Vec::new();
        for challenge in &offered {
            logins.extend(self.login(challenge, scopes).await?);
        }
        // A token that its own realm handed out and the registry rejects: Basic is what is left.
        let is_bearer = |challenge: &Challenge| matches!(challenge, Challenge::Bearer { .. });
        if offered.iter().any(is_bearer) && !offered.contains(&Challenge::Basic) {
            logins.extend(self.account.as_ref().map(RegistryAccount::basic));
        }
        Ok(logins)
    }

    /// The value of an Authorization header for a challenge; None where we have nothing for it.
    async fn login(
        &self,
        challenge: &Challenge,
        scopes: &[String],
    ) -> Result<Option<Secret<String>>, Presence> {
        let (realm, service) = match challenge {
            Challenge::Basic => return Ok(self.account.as_ref().map(RegistryAccount::basic)),
            Challenge::Bearer { realm, service } => (realm, service),
        };
        let Ok(mut url) = reqwest::Url::parse(realm) else {
            return Ok(None);
        };
        // A password goes to no host that does not speak TLS.
        if url.scheme() != "https" {
            return Ok(None);
        }
        if let Some(service) = service {
            url.query_pairs_mut().append_pair("service", service);
        }
        for scope in scopes {
            url.query_pairs_mut().append_pair("scope", scope);
        }
        let mut exchange = Exchange::new(Method::GET, url.as_str());
        if let Some(account) = &self.account {
            let Some(with_login) = exchange.authorization(&account.basic()) else {
                return Ok(None);
            };
            exchange = with_login;
        }
        let reply = self.send(&exchange).await?;
        if reply.status != 200 {
            return match reply.status {
                401 | 403 => Err(answer::login_refused(&reply, self.account.is_some())),
                429 => Err(answer::decode(&reply, self.account.is_some())),
                _ => Ok(None),
            };
        }
        let answer: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let token = ["token", "access_token"]
            .iter()
            .find_map(|key| answer.get(key).and_then(Value::as_str));
        Ok(token.map(|token| Secret::new(format!("Bearer {token}"))))
    }

    async fn send(&self, exchange: &Exchange) -> Result<Reply, Presence> {
        let reply = match self.http.send(exchange).await {
            Ok(reply) => reply,
            Err(cause) => return Err(self.explain(exchange, cause).await),
        };
        if reply.status == 407 {
            return Err(Presence::ProxyRefused { status: Some(407) });
        }
        Ok(reply)
    }

    /// A handshake of its own shows the chain that the client refused.
    async fn explain(&self, exchange: &Exchange, cause: Cause) -> Presence {
        match cause {
            Cause::Untrusted | Cause::WrongName(_) | Cause::Expired | Cause::AuthorityAsServer => {
                let url = reqwest::Url::parse(&exchange.url).ok();
                let host = url
                    .as_ref()
                    .and_then(reqwest::Url::host_str)
                    .unwrap_or(&self.host)
                    .to_owned();
                let port = url
                    .as_ref()
                    .and_then(reqwest::Url::port_or_known_default)
                    .unwrap_or(443);
                match handshake(self.http.route(), &host, port).await {
                    Handshake::Untrusted { verdict, cause, .. } => {
                        Presence::Untrusted { verdict, cause }
                    }
                    _ => Presence::Untrusted {
                        verdict: Verdict::Unreadable,
                        cause,
                    },
                }
            }
            Cause::ProxyLogin => Presence::ProxyRefused { status: Some(407) },
            Cause::ProxyRefused => Presence::ProxyRefused { status: None },
            cause => Presence::Unreachable { cause },
        }
    }
}

/// The scope of a token that may read.
fn to_pull(repository: &str) -> String {
    format!("repository:{repository}:pull")
}

/// The header that every registry should send with a manifest.
const DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

fn text(value: &HeaderValue) -> Option<String> {
    value.to_str().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests;
