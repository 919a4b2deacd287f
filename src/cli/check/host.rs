//! What this machine reaches: the first column, for comparison.

use futures::stream::{self, StreamExt as _};
use http::Method;

use crate::clients::cause::Cause;
use crate::clients::handshake::{Handshake, handshake};
use crate::clients::transport::{Exchange, ProxyRoute, Route};
use crate::config::load::Loaded;
use crate::failure::Failure;
use crate::observe::{self, ImagePresence};
use crate::plan::vantage::{Asked, Need, Place, Spot, Target, need};
use crate::proxy::NoProxy;
use crate::verify::vantage::{Blocked, Column, Hop, State, status};

/// Targets at the same time.
const AT_ONCE: usize = 8;

/// The column of this machine, by the configuration's proxy, bundle and pull secret.
pub(super) async fn column(
    targets: &[Target],
    route: &Route,
    loaded: &Loaded,
    is_scale_set: bool,
) -> Result<Column, Failure> {
    let place = Place::of(Spot::Host);
    let http = route.client()?;
    let accounts = observe::accounts(&loaded.credentials)?;
    let states = stream::iter(targets)
        .map(async |target| {
            if need(&place, target, is_scale_set) == Need::Never {
                return State::Never;
            }
            let result = match target.asked {
                // Whoever got here has asked it a dozen times.
                Asked::Kubernetes => Ok("connected".to_owned()),
                Asked::Registry => {
                    let image = target.image.clone().into_iter().collect::<Vec<_>>();
                    let reports = observe::read_images(&image, &http, &accounts).await;
                    let presence = reports.into_iter().next().map(|report| report.presence);
                    registry(presence)
                }
                Asked::Proxy => proxy(route, target).await,
                _ => match http.send(&Exchange::new(Method::GET, &target.url)).await {
                    Ok(reply) => status(target.asked, reply.status),
                    Err(cause) => Err(blocked(&cause, is_proxied(route, target))),
                },
            };
            match result {
                Ok(how) => State::Ok { how },
                Err(blocked) => State::Blocked(blocked),
            }
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    Ok(Column {
        place,
        states,
        remarks: Vec::new(),
        failure: None,
    })
}

/// Whether a request for a target goes through the proxy of this way.
pub(super) fn is_proxied(route: &Route, target: &Target) -> bool {
    if target.asked == Asked::Proxy {
        return true;
    }
    let (host, port) = host_and_port(target);
    let is_secure = target.url.starts_with("https:");
    route.proxy_for(is_secure, &host, port).is_some()
}

fn host_and_port(target: &Target) -> (String, u16) {
    let url = reqwest::Url::parse(&target.url).ok();
    let host = url.as_ref().and_then(|url| url.host_str());
    let port = url.as_ref().and_then(reqwest::Url::port_or_known_default);
    (host.unwrap_or_default().to_owned(), port.unwrap_or(443))
}

fn registry(presence: Option<ImagePresence>) -> Result<String, Blocked> {
    match presence {
        Some(ImagePresence::Present { .. }) => Ok("the image's manifest".to_owned()),
        Some(ImagePresence::Absent { why }) => {
            Err(Blocked::new(Hop::Http, "http 404", "image-absent", why))
        }
        Some(ImagePresence::Unknown { reason, why }) => {
            let (hop, brief, code) = match reason.as_str() {
                "auth-required" => (Hop::Http, "http 401", "image-unauthorized"),
                "denied" => (Hop::Http, "http 403", "image-denied"),
                "untrusted" => (Hop::Tls, "tls: untrusted", "vantage-untrusted"),
                "proxy-login" => (Hop::Proxy, "proxy: 407", "vantage-proxy-login"),
                "proxy-refused" => (Hop::Proxy, "proxy: refused", "vantage-proxy-refused"),
                "unreachable" => (Hop::Tcp, "no connection", "vantage-refused"),
                _ => (Hop::Http, "unclear", "vantage-unclear"),
            };
            Err(Blocked::new(hop, brief, code, why))
        }
        None => Err(Blocked::new(Hop::Http, "unclear", "vantage-unclear", "")),
    }
}

/// A tunnel to what is behind the proxy, whatever `noProxy` says.
async fn proxy(route: &Route, target: &Target) -> Result<String, Blocked> {
    let (host, port) = host_and_port(target);
    let proxied = Route {
        proxy: route.proxy.clone().map(|proxy| ProxyRoute {
            no_proxy: NoProxy::nothing(),
            ..proxy
        }),
        ..route.clone()
    };
    match handshake(&proxied, &host, port).await {
        Handshake::ProxyLogin { schemes } => Err(Blocked::new(
            Hop::Proxy,
            "proxy: 407",
            "vantage-proxy-login",
            format!("it offers {}", schemes.join(", ")),
        )),
        Handshake::Unreachable { proxy: true, cause } => Err(blocked(&cause, true)),
        Handshake::ProxyRefused { status } => {
            Ok(format!("it answers, {status} for this destination"))
        }
        Handshake::Trusted { .. } | Handshake::Untrusted { .. } | Handshake::Unreachable { .. } => {
            Ok("it answers".to_owned())
        }
    }
}

/// The hop of a cause; `is_proxied` where the first connection is that to the proxy.
fn blocked(cause: &Cause, is_proxied: bool) -> Blocked {
    let words = cause.to_string();
    let (hop, brief, code) = match cause {
        Cause::NameNotFound if is_proxied => {
            (Hop::Proxy, "proxy: dns", "vantage-proxy-unreachable")
        }
        Cause::Refused if is_proxied => (
            Hop::Proxy,
            "proxy: tcp refused",
            "vantage-proxy-unreachable",
        ),
        Cause::NameNotFound => (Hop::Dns, "dns", "vantage-dns"),
        Cause::Refused => (Hop::Tcp, "tcp: refused", "vantage-refused"),
        Cause::TimedOut => (Hop::Tcp, "tcp: timeout", "vantage-timeout"),
        Cause::Untrusted | Cause::AuthorityAsServer => {
            (Hop::Tls, "tls: untrusted", "vantage-untrusted")
        }
        Cause::WrongName(_) => (Hop::Tls, "tls: name", "vantage-name"),
        Cause::Expired => (Hop::Tls, "tls: expired", "vantage-expired"),
        Cause::NotTls => (Hop::Tls, "tls: not tls", "vantage-not-tls"),
        Cause::ProxyLogin => (Hop::Proxy, "proxy: 407", "vantage-proxy-login"),
        Cause::ProxyRefused => (Hop::Proxy, "proxy: refused", "vantage-proxy-refused"),
        Cause::Closed => (Hop::Http, "http: closed", "vantage-closed"),
        Cause::ClientCertificate(_) | Cause::Login(_) | Cause::Other(_) => {
            (Hop::Http, "unclear", "vantage-unclear")
        }
    };
    Blocked::new(hop, brief, code, words)
}
