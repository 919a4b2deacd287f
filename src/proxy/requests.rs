//! no_proxy of Python's requests, which pip has built in: its own look at the list, then urllib's.

use std::net::{IpAddr, Ipv4Addr};

use super::addresses::{inet_aton, is_same};
use super::destination::Destination;
use super::urllib;

/// A list as requests reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct List {
    /// Without spaces.
    entries: Vec<String>,
    urllib: urllib::List,
    /// Any end of a name matches, within a label too: before 2.34.
    any_end: bool,
}

impl List {
    /// `own` is what requests reads, `urllib` what urllib does: they differ where `no_proxy` is set and empty.
    pub(super) fn parse(own: &str, urllib: &str, any_end: bool) -> Self {
        let own = own.replace(' ', "");
        let entries = own.split(',').filter(|entry| !entry.is_empty());
        Self {
            entries: entries.map(str::to_owned).collect(),
            urllib: urllib::List::parse(urllib),
            any_end,
        }
    }

    pub(super) fn covering(&self, to: &Destination) -> Option<&str> {
        let host = to.lower();
        let found = if let Some(IpAddr::V4(address)) = to.address() {
            let mut entries = self.entries.iter();
            entries.find(|entry| match range(entry) {
                Some((network, bits)) => is_same(network.to_bits(), address.to_bits(), bits),
                None => *entry == host,
            })
        } else {
            // Port 0 is none to it.
            let port = to.named_port().filter(|port| *port > 0);
            let with_port = port.map(|port| format!("{host}:{port}"));
            let mut hosts = vec![host];
            hosts.extend(with_port.as_deref());
            self.entries
                .iter()
                .find(|entry| hosts.iter().any(|host| self.is_end(entry, host)))
        };
        // The host alone, without its port.
        found
            .map(String::as_str)
            .or_else(|| self.urllib.covering_host(host))
    }

    fn is_end(&self, entry: &str, host: &str) -> bool {
        if self.any_end {
            return host.ends_with(entry);
        }
        let below = host.strip_suffix(entry.trim_start_matches('.'));
        below.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

/// `address/bits` with 1 to 32 bits, the address as C reads it.
fn range(entry: &str) -> Option<(Ipv4Addr, u32)> {
    let (address, bits) = entry.split_once('/')?;
    if bits.contains('/') {
        return None;
    }
    let bits = integer(bits).filter(|bits| (1..=32).contains(bits))?;
    Some((inet_aton(address)?, bits))
}

/// Python's `int`, as far as it is a small positive number: white space around it, a plus sign, single underscores
/// between digits.
fn integer(text: &str) -> Option<u32> {
    let text = text.trim();
    let digits = text.strip_prefix('+').unwrap_or(text);
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|one| one.is_ascii_digit());
    if !digits.split('_').all(is_digits) {
        return None;
    }
    digits.replace('_', "").parse().ok()
}
