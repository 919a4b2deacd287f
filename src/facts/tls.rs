//! TLS handshakes with GitHub and registries, as data for checks: which issuer is missing.

use futures::StreamExt;
use futures::stream;
use serde::{Deserialize, Serialize};

use crate::clients::handshake::{Handshake, handshake};
use crate::clients::transport::Route;
use crate::pki::chain::Verdict;

/// Handshakes at the same time.
const AT_ONCE: usize = 8;

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
    Trusted,
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
    },
    /// No connection from here.
    Unreachable {
        /// True where the proxy is what cannot be reached.
        proxy: bool,
        /// Why, in words.
        why: String,
    },
}

impl From<Handshake> for TlsOutcome {
    fn from(handshake: Handshake) -> Self {
        match handshake {
            Handshake::Trusted => Self::Trusted,
            Handshake::Untrusted { verdict, cause, .. } => Self::Untrusted {
                verdict,
                why: cause.to_string(),
            },
            Handshake::ProxyLogin => Self::ProxyRefused { status: Some(407) },
            Handshake::ProxyRefused { status } => Self::ProxyRefused {
                status: Some(status),
            },
            Handshake::Unreachable { proxy, cause } => Self::Unreachable {
                proxy,
                why: cause.to_string(),
            },
        }
    }
}

/// Makes a handshake with each `host[:port]` (443 where none is said), in order and without repetition.
pub async fn read_tls(route: &Route, servers: &[String]) -> Vec<TlsReport> {
    let mut distinct: Vec<&String> = Vec::new();
    for server in servers {
        if !distinct.contains(&server) {
            distinct.push(server);
        }
    }
    stream::iter(distinct)
        .map(|server| report(route, server))
        .buffered(AT_ONCE)
        .collect()
        .await
}

async fn report(route: &Route, server: &str) -> TlsReport {
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
    TlsReport {
        server: format!("{host}:{port}"),
        proxy: route.proxy_for(true, host, port).map(str::to_owned),
        outcome: handshake(route, host, port).await.into(),
    }
}
