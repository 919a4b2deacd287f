//! no_proxy of `@actions/http-client`, which the toolkit and so most JavaScript actions use.

use super::destination::Destination;

/// A list as the toolkit reads it: entries as written, and in upper case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct List(Vec<(String, String)>);

impl List {
    pub(super) fn parse(text: &str) -> Self {
        let entries = text.split(',').map(str::trim);
        let entries = entries.filter(|entry| !entry.is_empty());
        Self(
            entries
                .map(|entry| (entry.to_owned(), entry.to_uppercase()))
                .collect(),
        )
    }

    pub(super) fn covering(&self, to: &Destination) -> Option<&str> {
        let host = to.shortest_in_url().to_uppercase();
        let with_port = format!("{host}:{}", to.port());
        let is_covered = |entry: &String, host: &str| {
            let below = host.strip_suffix(entry.as_str());
            below.is_some_and(|rest| {
                rest.is_empty() || rest.ends_with('.') || entry.starts_with('.')
            })
        };
        let found = self.0.iter().find(|(_, entry)| {
            entry == "*" || is_covered(entry, &host) || is_covered(entry, &with_port)
        });
        found.map(|(written, _)| written.as_str())
    }
}

/// Always direct: `localhost`, `::1`, and whatever begins with `127.`.
pub(super) fn is_loopback(to: &Destination) -> bool {
    to.lower() == "localhost" || to.lower().starts_with("127.") || to.shortest_in_url() == "[::1]"
}
