//! The chain that a server shows, directly and through the proxy: one connection for each way.

use crate::clients::handshake::{Handshake, handshake};
use crate::clients::transport::{ProxyRoute, Route};
use crate::proxy::NoProxy;

/// What was seen on one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenChain {
    /// The proxy, without account; None for the direct way.
    pub proxy: Option<String>,
    /// What was seen.
    pub outcome: ChainOutcome,
}

/// What one way shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainOutcome {
    /// The server answered.
    Chain {
        /// What it sent, DER, its own certificate first.
        sent: Vec<Vec<u8>>,
        /// Why our own client does not take it; None where it does.
        refusal: Option<String>,
        /// The server asks for a client certificate.
        wants_client_certificate: bool,
    },
    /// The proxy did not let us through; its status where it is known.
    ProxyRefused {
        /// HTTP status; 407 wants a login.
        status: u16,
        /// The schemes of logins that it offers.
        schemes: Vec<String>,
    },
    /// Nothing answered, or nothing that speaks TLS.
    Unreachable {
        /// True where the proxy is what cannot be reached.
        proxy: bool,
        /// Why, in words.
        why: String,
    },
}

/// Looks at `host:port` on the way that a run goes.
pub async fn read_chain(route: &Route, host: &str, port: u16) -> SeenChain {
    SeenChain {
        proxy: route.proxy_for(true, host, port).map(str::to_owned),
        outcome: handshake(route, host, port).await.into(),
    }
}

/// Looks at `host:port` directly, then through the proxy of `route` where it has one, whatever its `noProxy` says.
pub async fn read_chains(route: &Route, host: &str, port: u16) -> Vec<SeenChain> {
    let direct = Route {
        proxy: None,
        ..route.clone()
    };
    let proxied = route.proxy.clone().map(|proxy| Route {
        proxy: Some(ProxyRoute {
            no_proxy: NoProxy::nothing(),
            ..proxy
        }),
        ..route.clone()
    });
    let through = async {
        let route = proxied?;
        let proxy = route.proxy_for(true, host, port)?.to_owned();
        let outcome = handshake(&route, host, port).await.into();
        Some(SeenChain {
            proxy: Some(proxy),
            outcome,
        })
    };
    let (directly, through) = futures::join!(handshake(&direct, host, port), through);
    let directly = SeenChain {
        proxy: None,
        outcome: directly.into(),
    };
    std::iter::once(directly).chain(through).collect()
}

impl From<Handshake> for ChainOutcome {
    fn from(handshake: Handshake) -> Self {
        match handshake {
            Handshake::Trusted {
                chain,
                wants_client_certificate,
            } => Self::Chain {
                sent: chain,
                refusal: None,
                wants_client_certificate,
            },
            Handshake::Untrusted {
                chain,
                cause,
                wants_client_certificate,
                ..
            } => Self::Chain {
                sent: chain,
                refusal: Some(cause.to_string()),
                wants_client_certificate,
            },
            Handshake::ProxyLogin { schemes } => Self::ProxyRefused {
                status: 407,
                schemes,
            },
            Handshake::ProxyRefused { status } => Self::ProxyRefused {
                status,
                schemes: Vec::new(),
            },
            Handshake::Unreachable { proxy, cause } => Self::Unreachable {
                proxy,
                why: cause.to_string(),
            },
        }
    }
}
