//! The one way out for everything but the cluster: own roots, an explicit proxy, bounded waits and retries.
//!
//! Reads no environment variable: `run()` fills in the [`Route`].

mod stream;

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use reqwest::Url;
use tokio::time::sleep;

use super::busy::Busy;
use super::cause::{self, Cause};
use super::reached::Reached;
use super::roots::{Roots, client_config};
use crate::failure::{Exit, Failure};
use crate::proxy::NoProxy;
use crate::secret::Secret;

pub use stream::Opened;

/// Redirects of one request.
const MOST_REDIRECTS: usize = 5;
/// Greatest answer that is read, in bytes; manifests end at 4 MiB.
const LARGEST_BODY: usize = 8 * 1024 * 1024;
/// How many times as long as for an answer is waited for one to something that was sent.
const WRITES: u32 = 4;

/// How to reach registries and GitHub.
#[derive(Debug, Clone)]
pub struct Route {
    /// Whom to trust.
    pub roots: Roots,
    /// The company's proxy.
    pub proxy: Option<ProxyRoute>,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// How often a read is tried again after a break or 502, 503, 504; silence is not asked again.
    pub retries: u32,
    /// Seconds since 1970, to tell an expired certificate.
    pub now: i64,
}

/// A proxy, with what it does not serve.
#[derive(Debug, Clone)]
pub struct ProxyRoute {
    /// URL for http:// destinations, without user information.
    pub http: Option<String>,
    /// URL for https:// destinations, without user information.
    pub https: Option<String>,
    /// What is reached directly.
    pub no_proxy: NoProxy,
    /// The account.
    pub account: Option<Account>,
}

/// A user name and a password.
#[derive(Debug, Clone)]
pub struct Account {
    /// The name.
    pub username: Secret<String>,
    /// The password.
    pub password: Secret<String>,
}

/// How long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// For a whole answer.
    pub answer: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(15),
        }
    }
}

/// Follows a redirect on the same host alone, and none out of TLS: nothing is called that nobody pointed at.
fn same_host() -> reqwest::redirect::Policy {
    reqwest::redirect::Policy::custom(|attempt| {
        let from = attempt.previous().last();
        let stays = from.is_some_and(|from| stays(from, attempt.url()));
        if attempt.previous().len() < MOST_REDIRECTS && stays {
            attempt.follow()
        } else {
            attempt.stop()
        }
    })
}

fn stays(from: &Url, to: &Url) -> bool {
    from.host_str() == to.host_str() && (from.scheme() == "http" || to.scheme() == "https")
}

impl Route {
    /// The proxy's URL for a destination; None is direct.
    pub fn proxy_for(&self, secure: bool, host: &str, port: u16) -> Option<&str> {
        let proxy = self.proxy.as_ref()?;
        if proxy.no_proxy.covers(host, port) {
            return None;
        }
        if secure {
            proxy.https.as_deref()
        } else {
            proxy.http.as_deref()
        }
    }

    /// A client that goes this way and no other.
    pub fn client(&self) -> Result<Http, Failure> {
        let tls = client_config(Arc::new(self.roots.verifier()));
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place where clients are made"
        )]
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .tls_backend_preconfigured(tls)
            .connect_timeout(self.timeouts.connect)
            .timeout(self.timeouts.answer)
            .redirect(same_host())
            .retry(reqwest::retry::never())
            .user_agent(concat!("arc-setup/", env!("CARGO_PKG_VERSION")));
        if let Some(proxy) = &self.proxy {
            let (http, https) = (
                proxy.url(proxy.http.as_deref())?,
                proxy.url(proxy.https.as_deref())?,
            );
            let no_proxy = proxy.no_proxy.clone();
            builder = builder.proxy(reqwest::Proxy::custom(move |url| {
                let port = url.port_or_known_default().unwrap_or_default();
                if no_proxy.covers(url.host_str().unwrap_or_default(), port) {
                    return None;
                }
                if url.scheme() == "https" {
                    https.clone()
                } else {
                    http.clone()
                }
            }));
        }
        let client = builder.build().map_err(|error| {
            Failure::new("transport", Exit::Unexpected, "no HTTP client can be made")
                .why(cause::of(&error).to_string())
        })?;
        Ok(Http {
            client,
            route: self.clone(),
            reached: Reached::default(),
            busy: Busy::default(),
        })
    }
}

impl ProxyRoute {
    fn url(&self, url: Option<&str>) -> Result<Option<Url>, Failure> {
        let Some(text) = url.filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let wrong = || {
            Failure::new("proxy-url", Exit::Usage, "the proxy's URL cannot be used")
                .remedy("write it as http://proxy.corp:3128, the account apart from it")
        };
        let mut url = Url::parse(text).map_err(|_| wrong())?;
        if !url.has_host() {
            return Err(wrong());
        }
        if let Some(account) = &self.account {
            url.set_username(account.username.expose())
                .map_err(|()| wrong())?;
            url.set_password(Some(account.password.expose()))
                .map_err(|()| wrong())?;
        }
        Ok(Some(url))
    }
}

/// An HTTP client over one [`Route`]. Clones share connections, and what is known of servers.
#[derive(Debug, Clone)]
pub struct Http {
    client: reqwest::Client,
    route: Route,
    reached: Reached,
    busy: Busy,
}

/// A request. Its Debug shows no header and no body.
#[derive(Clone)]
pub struct Exchange {
    /// The method.
    pub method: Method,
    /// The URL.
    pub url: String,
    /// Headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// What is sent.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}", self.method, self.url)
    }
}

impl Exchange {
    /// A request without headers.
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Self {
            method,
            url: url.into(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Adds what is sent, of a media type; one that no header may have is left out.
    #[must_use]
    pub fn body(mut self, media_type: &str, body: Vec<u8>) -> Self {
        if let Ok(value) = HeaderValue::from_str(media_type) {
            self.headers.push((http::header::CONTENT_TYPE, value));
        }
        self.body = body;
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    /// Adds a login; None where it holds what no header may have.
    pub fn authorization(mut self, value: &Secret<String>) -> Option<Self> {
        let mut value = HeaderValue::from_str(value.expose()).ok()?;
        value.set_sensitive(true);
        self.headers.push((http::header::AUTHORIZATION, value));
        Some(self)
    }
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, at most 8 MiB of it.
    pub body: Vec<u8>,
}

impl Reply {
    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

fn fail(error: reqwest::Error) -> Cause {
    if error.is_timeout() {
        Cause::TimedOut
    } else {
        cause::of(&error.without_url())
    }
}

impl Http {
    /// The way that this client goes.
    pub fn route(&self) -> &Route {
        &self.route
    }

    /// True once a request to `host:port` was answered over TLS; false where one was not, or none ended within
    /// `patience`.
    pub async fn answered(&self, host: &str, port: u16, patience: Duration) -> bool {
        self.reached.answered(host, port, patience).await
    }

    /// Sends a request; only reads are tried again. A server that is busy (429) may take a minute and a half: whoever
    /// can be interrupted meanwhile drops this.
    pub async fn send(&self, exchange: &Exchange) -> Result<Reply, Cause> {
        let reply = self.repeated(exchange, || self.send_once(exchange)).await;
        if reply.is_err()
            && let Ok(url) = Url::parse(&exchange.url)
        {
            self.reached.note(&url, false);
        }
        reply
    }

    /// What `ask` answers in the end: it is called again where that may help and does no harm.
    pub(super) async fn repeated<F>(
        &self,
        exchange: &Exchange,
        ask: impl Fn() -> F,
    ) -> Result<Reply, Cause>
    where
        F: Future<Output = Result<Reply, Cause>>,
    {
        let is_repeatable = exchange.method == Method::GET || exchange.method == Method::HEAD;
        let (mut breaks, mut waits) = (0, 0);
        loop {
            let reply = ask().await;
            let wait = match &reply {
                _ if !is_repeatable => None,
                Ok(reply) if reply.status == 429 => {
                    waits += 1;
                    self.busy.wait(&exchange.url, &reply.headers, waits - 1)
                }
                Ok(Reply {
                    status: 502..=504, ..
                })
                | Err(Cause::Closed) => {
                    breaks += 1;
                    (breaks <= self.route.retries)
                        .then(|| Duration::from_millis(100 << breaks.min(6)))
                }
                _ => None,
            };
            let Some(wait) = wait else {
                return reply;
            };
            tracing::debug!(method = %exchange.method, url = %exchange.url, ?wait, "again");
            sleep(wait).await;
        }
    }

    /// The request, without a body.
    fn request(&self, exchange: &Exchange) -> reqwest::RequestBuilder {
        let request = self.client.request(exchange.method.clone(), &exchange.url);
        let headers = exchange.headers.iter();
        headers.fold(request, |request, (name, value)| {
            request.header(name, value)
        })
    }

    async fn send_once(&self, exchange: &Exchange) -> Result<Reply, Cause> {
        let mut request = self.request(exchange);
        if !exchange.body.is_empty() {
            // A registry that has taken something makes sure of it before it answers.
            let patience = self.route.timeouts.answer * WRITES;
            request = request.timeout(patience).body(exchange.body.clone());
        }
        let mut response = request.send().await.map_err(fail)?;
        self.reached.note(response.url(), true);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(fail)? {
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST_BODY {
                return Err(Cause::Other("the answer is too large".to_owned()));
            }
        }
        // Bodies and headers stay out of the log: both can hold secrets.
        tracing::debug!(method = %exchange.method, url = %exchange.url, status = response.status().as_u16(), "outside");
        Ok(Reply {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_stays_on_its_host_and_in_tls() {
        for (from, to, is_followed) in [
            ("https://a.corp/x", "https://a.corp/y", true),
            ("http://a.corp/x", "https://a.corp/x", true),
            ("http://a.corp/x", "http://a.corp/y", true),
            ("https://a.corp/x", "http://a.corp/x", false),
            ("https://a.corp/x", "https://b.corp/x", false),
        ] {
            let url = |text: &str| Url::parse(text).unwrap();
            assert_eq!(stays(&url(from), &url(to)), is_followed, "{from} {to}");
        }
    }
}
