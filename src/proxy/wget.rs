//! no_proxy of GNU wget: the end of the host, letter by letter.

use super::destination::Destination;

/// A list as wget reads it: entries as written, and in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct List(Vec<(String, String)>);

impl List {
    /// At commas; only the blanks behind a comma are passed over. Entries may be empty.
    pub(super) fn parse(text: &str) -> Self {
        if text.is_empty() {
            return Self(Vec::new());
        }
        let mut entries = Vec::new();
        let mut rest = text;
        while let Some((entry, behind)) = rest.split_once(',') {
            entries.push((entry.to_owned(), entry.to_ascii_lowercase()));
            rest = behind.trim_start_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
        }
        // A comma at the end has an empty entry behind it.
        entries.push((rest.to_owned(), rest.to_ascii_lowercase()));
        Self(entries)
    }

    pub(super) fn covering(&self, to: &Destination) -> Option<&str> {
        let host = to.lower();
        let found = self.0.iter().find(|(_, entry)| {
            host.strip_suffix(entry.as_str()).is_some_and(|rest| {
                rest.is_empty() || rest.ends_with('.') || entry.starts_with('.')
            })
        });
        found.map(|(written, _)| written.as_str())
    }
}
