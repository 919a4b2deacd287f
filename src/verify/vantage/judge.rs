//! From what curl measured to the hop that fails.

use serde::Serialize;

use super::said::{Measured, Numbers};
use crate::plan::vantage::Asked;

/// The hops of a request, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hop {
    /// The name.
    Dns,
    /// The connection.
    Tcp,
    /// The proxy: its name, the connection to it, its answer to CONNECT.
    Proxy,
    /// The certificate, or TLS at all.
    Tls,
    /// The server's answer.
    Http,
}

/// Why a target is not reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Blocked {
    /// Where it fails.
    pub hop: Hop,
    /// In two words: `tls: expired`, `proxy: 407`.
    pub brief: String,
    /// Code of the catalogue.
    pub code: &'static str,
    /// The program's own words.
    pub why: String,
}

impl Blocked {
    /// Fails at `hop`; `code` is one of the catalogue.
    pub fn new(hop: Hop, brief: &str, code: &'static str, why: impl Into<String>) -> Self {
        Self {
            hop,
            brief: brief.to_owned(),
            code,
            why: why.into(),
        }
    }
}

/// Whether a request reached what it asked for. `is_proxied` where it was to go through the proxy: an error's words do not
/// always say whose connection failed.
pub(super) fn judge(
    asked: Asked,
    measured: &Measured,
    is_proxied: bool,
) -> Result<String, Blocked> {
    let Measured {
        exit,
        numbers,
        words,
    } = measured;
    if let Some(login) = proxy_login(numbers, words) {
        return Err(login);
    }
    if asked == Asked::Proxy {
        return proxy(measured);
    }
    if numbers.connect >= 300 {
        let brief = format!("proxy: {}", numbers.connect);
        return Err(Blocked::new(
            Hop::Proxy,
            &brief,
            "vantage-proxy-refused",
            words,
        ));
    }
    if *exit == 0 {
        return status(asked, numbers.http);
    }
    Err(failed(measured, is_proxied))
}

/// 407 to CONNECT, or to a plain request.
fn proxy_login(numbers: &Numbers, words: &str) -> Option<Blocked> {
    (numbers.connect == 407 || numbers.http == 407)
        .then(|| Blocked::new(Hop::Proxy, "proxy: 407", "vantage-proxy-login", words))
}

/// A proxy is reached when it answers, also where it does not let this request through.
fn proxy(measured: &Measured) -> Result<String, Blocked> {
    let Numbers { connect, http, .. } = measured.numbers;
    match (connect, http) {
        (0, 0) => Err(failed(measured, true)),
        (0 | 200..=299, _) => Ok("it answers".to_owned()),
        (status, _) => Ok(format!("it answers, {status} for this destination")),
    }
}

fn failed(measured: &Measured, is_proxied: bool) -> Blocked {
    let Measured {
        exit,
        numbers,
        words,
    } = measured;
    let blocked = |hop, brief: &str, code| Blocked::new(hop, brief, code, words);
    let of_proxy = is_proxied && numbers.connect == 0;
    match exit {
        5 => blocked(Hop::Proxy, "proxy: dns", "vantage-proxy-unreachable"),
        97 => blocked(Hop::Proxy, "proxy: no tunnel", "vantage-proxy-unreachable"),
        6 => blocked(Hop::Dns, "dns", "vantage-dns"),
        7 | 28 if of_proxy && !numbers.is_secured => {
            let brief = match (exit, numbers.is_looked_up, numbers.is_connected) {
                (28, false, _) => "proxy: dns timeout",
                (28, true, false) => "proxy: tcp timeout",
                (28, true, true) => "proxy: no answer",
                _ => "proxy: tcp refused",
            };
            blocked(Hop::Proxy, brief, "vantage-proxy-unreachable")
        }
        7 if words.contains("imed out") || words.contains("imeout") => {
            blocked(Hop::Tcp, "tcp: timeout", "vantage-timeout")
        }
        7 => blocked(Hop::Tcp, "tcp: refused", "vantage-refused"),
        28 if !numbers.is_looked_up => blocked(Hop::Dns, "dns: timeout", "vantage-dns"),
        28 if !numbers.is_connected => blocked(Hop::Tcp, "tcp: timeout", "vantage-timeout"),
        28 if !numbers.is_secured => blocked(Hop::Tls, "tls: no answer", "vantage-timeout"),
        28 => blocked(Hop::Http, "http: no answer", "vantage-timeout"),
        35 if is_not_tls(words) => blocked(Hop::Tls, "tls: not tls", "vantage-not-tls"),
        35 => blocked(Hop::Tls, "tls: closed", "vantage-closed"),
        51 => blocked(Hop::Tls, "tls: name", "vantage-name"),
        58 | 60 | 77 | 83 => certificate(numbers.verify, words),
        52 | 55 | 56 | 92 => blocked(Hop::Http, "http: closed", "vantage-closed"),
        other => blocked(Hop::Http, &format!("curl: {other}"), "vantage-unclear"),
    }
}

/// What OpenSSL and GnuTLS say of an answer that is no TLS.
fn is_not_tls(words: &str) -> bool {
    let lower = words.to_ascii_lowercase();
    [
        "wrong version number",
        "packet length",
        "record layer failure",
        "unexpected message",
        "unexpected tls packet",
        "http request",
    ]
    .iter()
    .any(|said| lower.contains(said))
}

/// `X509_V_ERR_CERT_NOT_YET_VALID`, `…_HAS_EXPIRED`, `…_HOSTNAME_MISMATCH` of OpenSSL; a name is mostly compared by curl
/// itself, which then says so in words.
pub(super) fn certificate(verify: u32, words: &str) -> Blocked {
    let lower = words.to_ascii_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
    let (brief, code) = match verify {
        9 => ("tls: not yet valid", "vantage-expired"),
        10 => ("tls: expired", "vantage-expired"),
        62 => ("tls: name", "vantage-name"),
        _ if says(&["has expired", "not yet valid"]) => ("tls: expired", "vantage-expired"),
        _ if says(&[
            "subject name",
            "host name",
            "hostname",
            "is valid for",
            "is not valid for",
        ]) =>
        {
            ("tls: name", "vantage-name")
        }
        _ => ("tls: untrusted", "vantage-untrusted"),
    };
    Blocked::new(Hop::Tls, brief, code, words)
}

/// Whether a status says that the server was reached. Nobody logs in, so a 401 is a good answer; 403 is one of the
/// Kubernetes API, and of GitHub's API where its limit for the address is used up.
pub fn status(asked: Asked, status: u16) -> Result<String, Blocked> {
    use Asked::{GithubApi, Kubernetes, Registry};
    let is_reached = match (asked, status) {
        (_, 200..=399 | 401) | (Kubernetes | GithubApi, 403) => true,
        // The roots of these hosts have no page.
        (GithubApi | Kubernetes | Registry, 404) => false,
        (_, 400..=499) => !matches!(status, 403 | 407 | 429),
        _ => false,
    };
    if is_reached {
        return Ok(format!("http {status}"));
    }
    let why = match status {
        403 => {
            "403: mostly a page of a proxy or firewall that opens TLS, or an address that is not allowed"
        }
        404 => "404: what answers there is not what was asked for",
        429 => "429: too many requests from this address",
        _ => "the server, or a proxy before it, is in trouble",
    };
    Err(Blocked::new(
        Hop::Http,
        &format!("http {status}"),
        "vantage-http",
        why,
    ))
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
