//! From the words of a Docker daemon to the hop that fails.

use super::judge::{Blocked, Hop, certificate};
use super::said::Measured;
use crate::verify::classify::{PullProblem, pull_problem};

/// Whether an image was pulled through the daemon.
pub(super) fn pulled(measured: &Measured) -> Result<String, Blocked> {
    if measured.exit == 0 {
        return Ok("docker pull".to_owned());
    }
    let words = measured.words.as_str();
    let blocked = |hop, brief: &str, code| Err(Blocked::new(hop, brief, code, words));
    if ["Pulling from", "Pulling fs layer", "Waiting", "Downloading"]
        .iter()
        .any(|said| words.contains(said))
    {
        return blocked(Hop::Http, "layers: timeout", "vantage-timeout");
    }
    let lower = words.to_ascii_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
    // Go says so of whatever goes wrong on the way to the proxy itself.
    if lower.contains("proxyconnect") && !lower.contains("407") {
        return blocked(Hop::Proxy, "proxy: tcp", "vantage-proxy-unreachable");
    }
    match pull_problem("", words) {
        PullProblem::Absent | PullProblem::Platform => {
            blocked(Hop::Http, "http 404", "image-absent")
        }
        PullProblem::Denied => blocked(Hop::Http, "http 403", "image-denied"),
        PullProblem::Unauthorized => blocked(Hop::Http, "http 401", "image-unauthorized"),
        PullProblem::ProxyRefused => blocked(Hop::Proxy, "proxy: 407", "vantage-proxy-login"),
        PullProblem::Untrusted => Err(certificate(0, words)),
        _ if says(&["no such host", "server misbehaving"]) => {
            blocked(Hop::Dns, "dns", "vantage-dns")
        }
        _ if says(&[
            "connection refused",
            "no route to host",
            "network is unreachable",
        ]) =>
        {
            blocked(Hop::Tcp, "tcp: refused", "vantage-refused")
        }
        _ if says(&[
            "gave http response",
            "first record does not look like a tls",
        ]) =>
        {
            blocked(Hop::Tls, "tls: not tls", "vantage-not-tls")
        }
        _ if says(&["timeout", "deadline exceeded", "timed out"]) => {
            blocked(Hop::Tcp, "tcp: timeout", "vantage-timeout")
        }
        PullProblem::Transient => blocked(Hop::Http, "http: trouble", "vantage-http"),
        _ => blocked(Hop::Http, "unclear", "vantage-unclear"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daemons_words_are_a_hop() {
        let cases = [
            (
                "Error response from daemon: unauthorized: authentication required",
                "http 401",
            ),
            ("Error response from daemon: manifest unknown", "http 404"),
            (
                "Get \"https://r/v2/\": dial tcp: lookup r on 10.0.0.10:53: no such host",
                "dns",
            ),
            (
                "Get \"https://r/v2/\": dial tcp 10.0.0.1:443: connect: connection refused",
                "tcp: refused",
            ),
            (
                "Get \"https://r/v2/\": proxyconnect tcp: dial tcp 10.0.0.1:3128: i/o timeout",
                "proxy: tcp",
            ),
            (
                "Get \"https://r/v2/\": Proxy Authentication Required",
                "proxy: 407",
            ),
            (
                "tls: failed to verify certificate: x509: certificate signed by unknown authority",
                "tls: untrusted",
            ),
            (
                "x509: certificate has expired or is not yet valid",
                "tls: expired",
            ),
            ("x509: certificate is valid for a, not b", "tls: name"),
            (
                "http: server gave HTTP response to HTTPS client",
                "tls: not tls",
            ),
            ("0123abcd: Pulling fs layer", "layers: timeout"),
            ("", "unclear"),
        ];
        for (words, brief) in cases {
            let measured = Measured {
                exit: 1,
                words: words.to_owned(),
                ..Measured::default()
            };
            assert_eq!(pulled(&measured).unwrap_err().brief, brief, "{words}");
        }
        assert!(pulled(&Measured::default()).is_ok());
    }
}
