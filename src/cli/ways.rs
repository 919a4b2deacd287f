//! `via: auto`: looks from here whether a server answers directly.

use futures::future::join_all;

use super::server::server;
use crate::clients::transport::Timeouts;
use crate::config::{Config, Credentials};
use crate::facts::{self, ChainOutcome};
use crate::failure::Failure;

/// What is said where nobody looks.
pub(super) const UNSEEN: &str =
    "via: auto is decided by init, which looks; here it is taken for the proxy";

/// Asks each server of which the way is open for its certificate, directly; who shows one is reached so from now on.
/// Returns what was chosen, one line for each.
pub(super) async fn settle(config: &mut Config, now: i64) -> Result<Vec<String>, Failure> {
    let Some(proxy) = config.proxy.as_mut().filter(|proxy| !proxy.open.is_empty()) else {
        return Ok(Vec::new());
    };
    let bundle = match &config.ca_bundle {
        Some(path) => facts::host::read_authorities(path, now)?,
        None => facts::host::Authorities::default(),
    };
    let trust = facts::Trust {
        bundle: &bundle.pems,
        pins: &config.pins,
    };
    // Without the proxy, and its account.
    let mut route = facts::route_by(None, &Credentials::default(), &trust, now);
    route.timeouts = Timeouts {
        connect: route.timeouts.connect / 2,
        ..route.timeouts
    };
    let open = std::mem::take(&mut proxy.open);
    let looking = open.iter().map(async |host| {
        let server = server(host).ok()?;
        let seen = Box::pin(facts::read_chain(&route, &server.host, server.port)).await;
        Some(seen.outcome)
    });
    let mut told = Vec::new();
    for (host, outcome) in open.iter().zip(join_all(looking).await) {
        told.push(match outcome {
            Some(ChainOutcome::Chain {
                refusal: Some(why), ..
            }) => {
                // A firewall that answers for it, or an authority that is not in caBundle.
                format!("{host} answers from here without the proxy, and its certificate is not trusted ({why}): reached through the proxy (via: auto)")
            }
            Some(ChainOutcome::Chain { .. }) => {
                proxy.no_proxy.push(host.clone());
                format!("{host} answers from here without the proxy: reached directly (via: auto)")
            }
            Some(ChainOutcome::Unreachable { why, .. }) => {
                format!("{host} does not answer from here without the proxy ({why}): reached through it (via: auto)")
            }
            _ => format!("{host}: reached through the proxy (via: auto)"),
        });
    }
    Ok(told)
}
