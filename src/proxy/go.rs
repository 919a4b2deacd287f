//! NO_PROXY of `golang.org/x/net/http/httpproxy`: ARC's controller and listener, dockerd, containerd, kubectl, and our
//! own client.

use std::net::IpAddr;

use super::addresses::Network;
use super::destination::Destination;

/// A list as Go reads it: each entry as written, and what it means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoProxy {
    nothing: bool,
    addresses: Vec<(String, Address)>,
    names: Vec<(String, Name)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Address {
    All,
    Network(Network),
    /// The port is compared letter by letter; none is any.
    One(IpAddr, String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    All,
    Suffix {
        /// With a dot in front.
        suffix: String,
        /// The name without that dot matches, too.
        apex: bool,
        port: String,
    },
}

impl NoProxy {
    /// Nothing is reached directly, loopback neither: for whoever asks what the proxy shows.
    pub fn nothing() -> Self {
        Self {
            nothing: true,
            ..Self::default()
        }
    }

    /// Reads a comma-separated list; entries that make no sense are passed over.
    pub fn parse(text: &str) -> Self {
        let mut list = Self::default();
        for entry in text.split(',').map(str::trim) {
            if entry == "*" {
                return Self {
                    nothing: false,
                    addresses: vec![(entry.to_owned(), Address::All)],
                    names: vec![(entry.to_owned(), Name::All)],
                };
            }
            if !entry.is_empty() {
                list.add(entry);
            }
        }
        list
    }

    fn add(&mut self, written: &str) {
        let entry = written.to_lowercase();
        let written = written.to_owned();
        if let Some(network) = Network::parse(&entry) {
            self.addresses.push((written, Address::Network(network)));
            return;
        }
        let (host, port) = split_host_port(&entry).unwrap_or((&entry, ""));
        let port = port.to_owned();
        if let Ok(address) = host.parse::<IpAddr>() {
            let one = Address::One(address.to_canonical(), port);
            self.addresses.push((written, one));
            return;
        }
        let host = match host.strip_prefix("*.") {
            Some(rest) => format!(".{rest}"),
            None => host.to_owned(),
        };
        if host.is_empty() {
            return;
        }
        let apex = !host.starts_with('.');
        let suffix = if apex { format!(".{host}") } else { host };
        let name = Name::Suffix { suffix, apex, port };
        self.names.push((written, name));
    }

    /// True where `host` (a name or an address, without brackets) at `port` is reached directly. Loopback always is.
    pub fn covers(&self, host: &str, port: u16) -> bool {
        let to = Destination::new(true, host, Some(port));
        !self.nothing && (is_loopback(&to) || self.covering(&to).is_some())
    }

    /// The entry that makes a destination direct.
    pub(super) fn covering(&self, to: &Destination) -> Option<&str> {
        let port = to.port().to_string();
        let is_port = |wanted: &str| wanted.is_empty() || wanted == port;
        if let Some(address) = to.address() {
            let address = address.to_canonical();
            let found = self.addresses.iter().find(|(_, entry)| match entry {
                Address::All => true,
                Address::Network(network) => network.contains(address),
                Address::One(one, wanted) => *one == address && is_port(wanted),
            });
            return found.map(|(entry, _)| entry.as_str());
        }
        let host = to.lower();
        let found = self.names.iter().find(|(_, entry)| match entry {
            Name::All => true,
            Name::Suffix { suffix, apex, port } => {
                let is_host = host.ends_with(suffix.as_str())
                    || *apex && suffix.strip_prefix('.') == Some(host);
                is_host && is_port(port)
            }
        });
        found.map(|(entry, _)| entry.as_str())
    }
}

/// Always direct, whatever the list says. Go compares the letters of `localhost` as they are.
pub(super) fn is_loopback(to: &Destination) -> bool {
    let address = to.address().map(|address| address.to_canonical());
    to.host() == "localhost" || address.is_some_and(|address| address.is_loopback())
}

/// Go's `net.SplitHostPort`; None where it is an error.
fn split_host_port(text: &str) -> Option<(&str, &str)> {
    let colon = text.rfind(':')?;
    let port = text.get(colon + 1..)?;
    let host = if let Some(rest) = text.strip_prefix('[') {
        let (host, behind) = rest.split_once(']')?;
        if behind.len() != port.len() + 1 || host.contains('[') {
            return None;
        }
        host
    } else {
        let host = text.get(..colon)?;
        if host.contains([':', '[', ']']) {
            return None;
        }
        host
    };
    (!port.contains(['[', ']'])).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_match_as_in_go() {
        let table: &[(&str, &str, u16, bool)] = &[
            ("corp", "corp", 443, true),
            ("corp", "api.corp", 443, true),
            ("corp", "xcorp", 443, false),
            (".corp", "corp", 443, false),
            (".corp", "api.corp", 443, true),
            ("*.corp", "api.corp", 443, true),
            ("*.corp", "corp", 443, false),
            ("API.Corp", "api.corp", 443, true),
            ("api.corp:6443", "api.corp", 6443, true),
            ("api.corp:6443", "api.corp", 443, false),
            ("10.0.0.0/8", "10.1.2.3", 443, true),
            ("10.0.0.0/8", "11.1.2.3", 443, false),
            ("0.0.0.0/0", "11.1.2.3", 443, true),
            ("10.1.2.3", "10.1.2.3", 443, true),
            ("10.1.2.3:80", "10.1.2.3", 443, false),
            ("fd00::/8", "fd00::1", 443, true),
            ("fd00::1", "[fd00::1]", 443, true),
            ("[fd00::1]:6443", "fd00::1", 6443, true),
            ("*", "anything", 443, true),
            ("a,,corp,", "api.corp", 443, true),
            (" corp , ", "api.corp", 443, true),
            (",", "api.corp", 443, false),
            ("10.0.0.0/99", "10.1.2.3", 443, false),
            ("", "127.0.0.1", 443, true),
            ("", "127.8.0.1", 443, true),
            ("", "::1", 443, true),
            ("", "localhost", 443, true),
            ("proxy.corp:3128", "api.corp", 443, false),
        ];
        for (list, host, port, expected) in table {
            assert_eq!(
                NoProxy::parse(list).covers(host, *port),
                *expected,
                "{list:?} {host}:{port}"
            );
        }
    }
}
