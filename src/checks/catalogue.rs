//! Every code that a failure or finding can carry: the one source of preflight and `explain`.
//!
//! Ids are never used again for something else.

mod entries;

use std::sync::LazyLock;

use serde::Serialize;

use crate::spelling;

/// One code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Stable, kebab-case.
    pub id: &'static str,
    /// What is the matter, in a few words.
    pub title: &'static str,
    /// What is behind it.
    pub cause: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

/// All codes, in alphabetical order.
pub fn entries() -> &'static [Entry] {
    static ALL: LazyLock<Vec<Entry>> = LazyLock::new(|| {
        let mut all = entries::FAMILIES.concat();
        all.sort_unstable_by_key(|entry| entry.id);
        all
    });
    &ALL
}

/// The code `id`.
pub fn entry(id: &str) -> Option<&'static Entry> {
    entries()
        .binary_search_by(|entry| entry.id.cmp(id))
        .ok()
        .and_then(|index| entries().get(index))
}

/// The code that is most like a mistyped one.
pub fn nearest(code: &str) -> Option<&'static str> {
    let known: Vec<&'static str> = entries().iter().map(|entry| entry.id).collect();
    spelling::nearest(code, &known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_sorted_unique_and_every_entry_says_what_to_do() {
        for family in entries::FAMILIES.iter().copied().chain([entries()]) {
            for pair in family.windows(2) {
                assert!(
                    pair[0].id < pair[1].id,
                    "{} must stand before {}",
                    pair[1].id,
                    pair[0].id
                );
            }
        }
        for entry in entries() {
            assert!(
                entry
                    .id
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            );
            assert!(
                !entry.cause.is_empty() && !entry.remedy.is_empty(),
                "{}",
                entry.id
            );
        }
    }

    #[test]
    fn a_mistyped_code_finds_its_neighbour() {
        assert_eq!(nearest("controller-overlp"), Some("controller-overlap"));
        assert_eq!(nearest("zzz"), None);
    }
}
