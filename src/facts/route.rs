//! The way to GitHub and registries: the configuration's proxy, its account, the CA bundle beside the machine's roots.

use crate::clients::roots::Roots;
use crate::clients::transport::{Account, ProxyRoute, Route, Timeouts};
use crate::config::{Config, Credentials, Proxy};
use crate::object::Credential;
use crate::pki::chain;
use crate::proxy::NoProxy;
use crate::secret::Secret;

use super::Facts;

/// Reads are tried again this often.
const RETRIES: u32 = 2;

/// Makes the route of a run. A proxy account in an existing Secret is not known here: such a proxy may answer 407.
pub fn route(config: &Config, credentials: &Credentials, facts: &Facts) -> Route {
    let trust = Trust {
        bundle: &facts.ca,
        pins: &config.pins,
    };
    route_by(config.proxy.as_ref(), credentials, &trust, facts.now)
}

/// Whom a route trusts beside the machine's roots.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trust<'a> {
    /// The bundle's certificates, PEM.
    pub bundle: &'a [String],
    /// SHA-256 of servers' own certificates.
    pub pins: &'a [String],
}

/// The same of what it is made from: the proxy, its account, whom it trusts, seconds since 1970.
pub fn route_by(
    proxy: Option<&Proxy>,
    credentials: &Credentials,
    trust: &Trust<'_>,
    now: i64,
) -> Route {
    let pems = trust.bundle.iter().map(|pem| ("caBundle", pem.as_bytes()));
    let text = |credential| -> Option<Secret<String>> {
        let bytes = credentials.get(credential)?;
        Some(Secret::new(
            String::from_utf8_lossy(bytes.expose())
                .trim_end_matches(['\r', '\n'])
                .to_owned(),
        ))
    };
    let account = match (
        text(Credential::ProxyUsername),
        text(Credential::ProxyPassword),
    ) {
        (Some(username), Some(password)) => Some(Account { username, password }),
        _ => None,
    };
    Route {
        roots: Roots {
            system: true,
            bundle: chain::bundle(pems, now).ders(),
            pins: trust.pins.to_vec(),
        },
        proxy: proxy.map(|proxy| ProxyRoute {
            http: proxy.http.clone(),
            https: proxy.https.clone(),
            no_proxy: NoProxy::parse(&proxy.no_proxy.join(",")),
            account,
        }),
        timeouts: Timeouts::default(),
        retries: RETRIES,
        now,
    }
}
