//! no_proxy of Python's `urllib.request`.

use super::destination::Destination;

/// White space to Python's `strip`, as far as it is ASCII.
const SPACE: [char; 10] = [
    ' ', '\t', '\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{1f}',
];

/// A list as urllib reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct List {
    /// The star, which counts alone.
    everything: bool,
    /// As written; and in lower case, without dots in front.
    names: Vec<(String, String)>,
}

impl List {
    pub(super) fn parse(text: &str) -> Self {
        let entries = text.split(',').map(|entry| entry.trim_matches(SPACE));
        Self {
            everything: text == "*",
            names: entries
                .filter(|entry| !entry.is_empty())
                .map(|entry| {
                    let name = entry.trim_start_matches('.').to_lowercase();
                    (entry.to_owned(), name)
                })
                .collect(),
        }
    }

    pub(super) fn covering(&self, to: &Destination) -> Option<&str> {
        let host = to.in_url();
        match to.named_port() {
            Some(port) => self.covering_host(&format!("{host}:{port}")),
            None => self.covering_host(&host),
        }
    }

    /// What covers `host`, or `host:port`, in lower case. What stands behind its last colon is a port where it is a
    /// number, in an address of IPv6 without brackets too.
    pub(super) fn covering_host(&self, host: &str) -> Option<&str> {
        if self.everything {
            return Some("*");
        }
        let only = match host.rsplit_once(':') {
            Some((only, port))
                if !port.is_empty() && port.bytes().all(|one| one.is_ascii_digit()) =>
            {
                only
            }
            _ => host,
        };
        let found = self.names.iter().find(|(_, name)| {
            [host, only].iter().any(|host| {
                let below = host.strip_suffix(name.as_str());
                below.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            })
        });
        found.map(|(written, _)| written.as_str())
    }
}
