//! Which texts may name an image at all, by the words that every place of the catalogue needs.
//!
//! A document that holds none of them has no slot, no suspect and no absent slot, and need not be parsed. A new kind
//! of place is found in such a document by the property test of `rewrite::text`, or adds its word here.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::suspected::REGISTRIES;
use super::{LEGACY_GROUP, SCALE_SET_GROUP};

/// Words in any case, as they stand in keys, flags and names of variables.
///
/// `image`: fields, image volumes, flags, variables and annotations, `images`, `imageName`; and the known flag whose name
/// does not say so. `containers`: the lists of a pod, whose arguments and variables are looked at whatever they are
/// called. `repository`: images of several parts, and the charts' `RepositoryAndTag`. `package`: as Crossplane calls
/// one. ARC's groups: its kinds need none of these.
const WORDS: [&str; 7] = [
    "image",
    "prometheus-config-reloader",
    "containers",
    "repository",
    "package",
    LEGACY_GROUP,
    SCALE_SET_GROUP,
];
/// How a double-quoted text can write a letter without that letter, or break a word over two lines.
const ESCAPES: [&str; 6] = ["\\x", "\\u", "\\U", "\\\n", "\\\r", "\\\\"];

/// Every document is searched to its end, or nearly; the table of so few words is small.
const FASTEST: Option<AhoCorasickKind> = Some(AhoCorasickKind::DFA);

static MATCHER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .kind(FASTEST)
        // Hosts that are suspected wherever they stand.
        .build(WORDS.iter().chain(&ESCAPES).chain(&REGISTRIES))
        .ok()
});

/// Words of what runs with a compiled-in image where none is written: ARC's runners and programs, the flags and
/// variables by which they are known.
const WORDS_OF_ARC: [&str; 8] = [
    "runner",
    "docker-image",
    "docker-registry-mirror",
    "CONTROLLER_MANAGER_CONTAINER_IMAGE",
    "GITHUB_APP_INSTALLATION_ID",
    "github-webhook-server",
    "actions-metrics-server",
    "ghalistener",
];

static OF_ARC: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .kind(FASTEST)
        .build(WORDS_OF_ARC.iter().chain(&ESCAPES))
        .ok()
});

/// False where no object of a YAML or JSON text can lack an image that is compiled in.
pub fn may_lack_images(text: &str) -> bool {
    OF_ARC.as_ref().is_none_or(|matcher| matcher.is_match(text))
}

/// False where nothing in a YAML or JSON text can be an image of the catalogue.
pub fn may_name_images(text: &str) -> bool {
    // A matcher of a few fixed words always builds; without one, every text is read.
    MATCHER
        .as_ref()
        .is_none_or(|matcher| matcher.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::pods::catalogue::KNOWN;
    use crate::object::pods::containers::LISTS;

    #[test]
    fn every_list_of_containers_and_every_known_flag_stands_beside_a_word() {
        for list in LISTS {
            assert!(may_name_images(list), "{list}");
        }
        // In custom kinds they are looked at outside of containers, too.
        for flag in KNOWN {
            assert!(may_name_images(&format!("args: [--{flag}=a/b]")), "{flag}");
        }
    }

    #[test]
    fn words_are_found_in_any_case_and_through_escapes() {
        for text in [
            "IMAGE",
            "relatedImages",
            "\"im\\x61ge\"",
            "\"im\\\n  age\"",
            "apiVersion: actions.github.com/v1alpha1",
            "actionsRunnerRepositoryAndTag: a/b:1",
            "note: see quay.io/a/b",
        ] {
            assert!(may_name_images(text), "{text}");
        }
        assert!(!may_name_images("apiVersion: v1\nkind: Service\n"));
    }
}
