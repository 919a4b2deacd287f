//! TLS with GitHub and registries, as data for checks: which issuer is missing.

use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use serde::{Deserialize, Serialize};

use crate::clients::handshake::{Handshake, handshake};
use crate::clients::transport::Http;
use crate::pki::chain::{Verdict, expiring};

/// Handshakes at the same time.
const AT_ONCE: usize = 8;
/// A server that has answered nothing by then gets its handshake, so that what is silent is not waited for twice.
const PATIENCE: Duration = Duration::from_secs(1);

/// One handshake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TlsReport {
    /// `host:port` of the server.
    pub server: String,
    /// The proxy that it went through, without account.
    pub proxy: Option<String>,
    /// What it showed.
    pub outcome: TlsOutcome,
}

/// What a handshake showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "outcome",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum TlsOutcome {
    /// The chain ends in the bundle or the machine's roots, and the name is right.
    Trusted {
        /// What of the chain expires within 30 days; None also where the chain was not looked at.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expiring: Option<String>,
    },
    /// TLS answered, and the certificate is refused.
    Untrusted {
        /// Names the missing issuer; `Complete` where the chain is not the trouble.
        verdict: Verdict,
        /// Why, in words.
        why: String,
    },
    /// The proxy did not let us through; the status where it is known (407 wants a login).
    ProxyRefused {
        /// HTTP status.
        status: Option<u16>,
        /// The schemes of logins that it offers.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        schemes: Vec<String>,
    },
    /// No connection from here.
    Unreachable {
        /// True where the proxy is what cannot be reached.
        proxy: bool,
        /// Why, in words.
        why: String,
    },
}

impl TlsOutcome {
    /// What a handshake shows at this time, in seconds since 1970.
    fn of(handshake: Handshake, now: i64) -> Self {
        match handshake {
            Handshake::Trusted { chain, .. } => Self::Trusted {
                expiring: expiring(&chain, now),
            },
            Handshake::Untrusted { verdict, cause, .. } => Self::Untrusted {
                verdict,
                why: cause.to_string(),
            },
            Handshake::ProxyLogin { schemes } => Self::ProxyRefused {
                status: Some(407),
                schemes,
            },
            Handshake::ProxyRefused { status } => Self::ProxyRefused {
                status: Some(status),
                schemes: Vec::new(),
            },
            Handshake::Unreachable { proxy, cause } => Self::Unreachable {
                proxy,
                why: cause.to_string(),
            },
        }
    }
}

/// What TLS with each `host[:port]` (443 where none is said) shows, in order and without repetition. Of a server that
/// `http` asks something meanwhile, its answer is proof enough; every other one is seen by a handshake of its own, which
/// tells what is wrong.
pub async fn read_tls(http: &Http, servers: &[String], asked: &[String]) -> Vec<TlsReport> {
    let mut distinct: Vec<&String> = Vec::new();
    for server in servers {
        if !distinct.contains(&server) {
            distinct.push(server);
        }
    }
    stream::iter(distinct)
        .map(|server| report(http, server, asked.contains(server)))
        .buffered(AT_ONCE)
        .collect()
        .await
}

async fn report(http: &Http, server: &str, is_asked: bool) -> TlsReport {
    let (host, port) = match server
        .rsplit_once(':')
        .map(|(host, port)| (host, port.parse()))
    {
        Some((host, Ok(port))) => (host, port),
        _ => (server, 443),
    };
    // What `docker pull` resolves the name to.
    let host = if host == "docker.io" {
        "registry-1.docker.io"
    } else {
        host
    };
    let route = http.route();
    let outcome = if is_asked && http.answered(host, port, PATIENCE).await {
        TlsOutcome::Trusted { expiring: None }
    } else {
        TlsOutcome::of(handshake(route, host, port).await, route.now)
    };
    TlsReport {
        server: format!("{host}:{port}"),
        proxy: route.proxy_for(true, host, port).map(str::to_owned),
        outcome,
    }
}
