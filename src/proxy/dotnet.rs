//! no_proxy of GitHub's runner, which is a .NET program with a reader of its own (`RunnerWebProxy`); by its source and
//! its documented rules, since no runner runs in the tests.

use std::net::IpAddr;

use super::destination::Destination;

/// A list as the runner reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct List(Vec<Entry>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    text: String,
    /// Lower case.
    host: String,
    port: Option<String>,
}

impl List {
    pub(super) fn parse(text: &str) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        for text in text.split(',').map(str::trim) {
            let Some((host, port)) = split(text) else {
                continue;
            };
            // Addresses of IPv4 are thrown away. A range or an address of IPv6 stays, and matches no host.
            if is_address(host) || entries.iter().any(|known| known.text == text) {
                continue;
            }
            entries.push(Entry {
                text: text.to_owned(),
                host: host.to_lowercase(),
                port: port.map(str::to_owned),
            });
        }
        Self(entries)
    }

    pub(super) fn covering(&self, to: &Destination) -> Option<&str> {
        let (host, port) = (to.shortest_in_url(), to.port().to_string());
        let found = self.0.iter().find(|entry| {
            let is_port = entry.port.as_ref().is_none_or(|wanted| *wanted == port);
            let below = host.strip_suffix(entry.host.as_str());
            let is_host = if entry.host.starts_with('.') {
                below.is_some()
            } else {
                entry.text == "*"
                    || below.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            };
            is_host && is_port
        });
        found.map(|entry| entry.text.as_str())
    }
}

/// Always direct: .NET's `Uri.IsLoopback`.
pub(super) fn is_loopback(to: &Destination) -> bool {
    match to.address() {
        Some(IpAddr::V4(address)) => address.is_loopback(),
        Some(IpAddr::V6(address)) => address.is_loopback(),
        None => matches!(to.lower(), "localhost" | "loopback"),
    }
}

/// At the first colon into at most two parts, empty ones left out (.NET's `Split`).
fn split(text: &str) -> Option<(&str, Option<&str>)> {
    let text = text.trim_start_matches(':');
    match text.split_once(':') {
        None if text.is_empty() => None,
        None => Some((text, None)),
        Some((host, rest)) => {
            let port = rest.trim_start_matches(':');
            Some((host, Some(port).filter(|port| !port.is_empty())))
        }
    }
}

fn is_address(host: &str) -> bool {
    matches!(host.parse(), Ok(IpAddr::V4(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Documented in docs/adrs/0263-proxy-support.md of actions/runner, pull request 2395 (the star), and its source.
    #[test]
    fn entries_match_as_in_the_runner() {
        let table: &[(&str, &str, bool)] = &[
            ("", "https://github.corp", false),
            ("github.corp", "https://github.corp", true),
            ("corp", "https://github.corp", true),
            ("hub.corp", "https://github.corp", false),
            (".corp", "https://github.corp", true),
            (".github.corp", "https://github.corp", false),
            ("GitHub.Corp", "https://github.corp", true),
            ("github.corp:8443", "https://github.corp", false),
            ("github.corp:443", "https://github.corp", true),
            ("github.corp:443", "http://github.corp", false),
            ("github.corp:443", "http://github.corp:443", true),
            (" github.corp , b", "https://github.corp", true),
            ("a b,github.corp", "https://github.corp", true),
            ("a github.corp", "https://github.corp", false),
            ("10.0.0.1", "https://10.0.0.1", false),
            ("10.0.0.1:443", "https://10.0.0.1", false),
            ("10.0.0.0/8", "https://10.0.0.1", false),
            // What is no address to it is a name, and the end of an address matches as the end of a name does.
            ("0.1", "https://10.0.0.1", true),
            ("fd00::1", "https://[fd00::1]", false),
            // Nothing stands before its colons, so its host is `1`.
            ("::1", "https://10.43.0.1", true),
            ("::1", "https://10.43.0.10", false),
            ("[fd00::1]", "https://[fd00::1]", false),
            ("*", "https://github.corp", true),
            ("a,*", "https://github.corp", true),
            ("*.corp", "https://github.corp", false),
            (
                "kubernetes.default.svc",
                "https://kubernetes.default.svc",
                true,
            ),
            (".svc", "https://kubernetes.default.svc", true),
            (".", "https://github.corp", false),
            (":", "https://github.corp", false),
        ];
        for (list, url, expected) in table {
            let (scheme, host) = url.split_once("://").unwrap();
            let (host, port) = match host.rsplit_once(':') {
                Some((name, port)) if !host.ends_with(']') => (name, port.parse().ok()),
                _ => (host, None),
            };
            let to = Destination::new(scheme == "https", host, port);
            let covering = List::parse(list).covering(&to).is_some();
            assert_eq!(covering, *expected, "{list:?} {url}");
        }
    }

    #[test]
    fn loopback_is_always_direct() {
        for (host, expected) in [
            ("localhost", true),
            ("LOCALHOST", true),
            ("loopback", true),
            ("127.8.0.1", true),
            ("[::1]", true),
            ("localhost.corp", false),
            ("128.0.0.1", false),
        ] {
            let to = Destination::new(true, host, None);
            assert_eq!(is_loopback(&to), expected, "{host}");
        }
    }
}
