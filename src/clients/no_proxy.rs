//! NO_PROXY as Go reads it (golang.org/x/net/http/httpproxy), which kubectl, dockerd and ARC's controllers use.

use std::net::IpAddr;

/// The parsed list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoProxy {
    everything: bool,
    nothing: bool,
    networks: Vec<(IpAddr, u8)>,
    addresses: Vec<(IpAddr, Option<u16>)>,
    /// Suffix with a leading dot, whether the name without the dot matches too, and the port.
    names: Vec<(String, bool, Option<u16>)>,
}

impl NoProxy {
    /// Nothing is reached directly, loopback neither: for whoever asks what the proxy shows.
    pub fn nothing() -> Self {
        Self {
            nothing: true,
            ..Self::default()
        }
    }

    /// Reads a comma-separated list; entries that make no sense are passed over, as Go does.
    pub fn parse(text: &str) -> Self {
        let mut list = Self::default();
        for entry in text.split(',').map(|entry| entry.trim().to_lowercase()) {
            if entry.is_empty() {
                continue;
            }
            if entry == "*" {
                list.everything = true;
            } else if let Some(network) = network(&entry) {
                list.networks.push(network);
            } else {
                list.add_host(&entry);
            }
        }
        list
    }

    fn add_host(&mut self, entry: &str) {
        let (host, port) = split_port(entry);
        if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            self.addresses.push((address.to_canonical(), port));
        } else if let Some(rest) = host.strip_prefix("*.") {
            self.names.push((format!(".{rest}"), false, port));
        } else if host.starts_with('.') {
            self.names.push((host.to_owned(), false, port));
        } else if !host.is_empty() {
            self.names.push((format!(".{host}"), true, port));
        }
    }

    /// True where `host` (a name or an address, without brackets) at `port` is reached directly. Loopback always is.
    pub fn covers(&self, host: &str, port: u16) -> bool {
        if self.nothing {
            return false;
        }
        let host = host
            .trim_matches(['[', ']'])
            .trim_end_matches('.')
            .to_lowercase();
        let address = host
            .parse::<IpAddr>()
            .ok()
            .map(|address| address.to_canonical());
        if self.everything
            || host == "localhost"
            || address.is_some_and(|address| address.is_loopback())
        {
            return true;
        }
        let same_port = |wanted: Option<u16>| wanted.is_none_or(|wanted| wanted == port);
        match address {
            Some(address) => {
                self.networks
                    .iter()
                    .any(|network| contains(*network, address))
                    || self
                        .addresses
                        .iter()
                        .any(|(entry, wanted)| *entry == address && same_port(*wanted))
            }
            None => self.names.iter().any(|(suffix, apex, wanted)| {
                same_port(*wanted)
                    && (host.ends_with(suffix.as_str()) || *apex && host == suffix[1..])
            }),
        }
    }
}

/// `host:port`, `[v6]:port`, `host`; a bare IPv6 address has colons and no port.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    if entry.parse::<IpAddr>().is_ok() {
        return (entry, None);
    }
    match entry.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (entry, None),
        },
        _ => (entry, None),
    }
}

fn network(entry: &str) -> Option<(IpAddr, u8)> {
    let (address, length) = entry.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let length: u8 = length.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    (length <= most).then_some((address, length))
}

fn contains((network, length): (IpAddr, u8), address: IpAddr) -> bool {
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
            network.to_bits() & mask == address.to_bits() & mask
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
            network.to_bits() & mask == address.to_bits() & mask
        }
        _ => false,
    }
}

/// Decodes %XX of a URL's user information; what is no escape stays as it is.
pub(super) fn unescape(text: &str) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escaped = (*byte == b'%').then(|| (digit(bytes.get(at + 1)), digit(bytes.get(at + 2))));
        if let Some((Some(high), Some(low))) = escaped {
            decoded.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
            at += 3;
        } else {
            decoded.push(*byte);
            at += 1;
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_information_is_decoded() {
        assert_eq!(unescape("corp%5Cbob:p%40ss%"), b"corp\\bob:p@ss%");
    }

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
