//! YAML with pinned options, read as JSON values or as a tree that remembers where each part stands.
//!
//! Reads as kubectl does (`yes` is a boolean, `0644` is octal); duplicate keys are errors; size, depth and
//! aliases are bounded. Errors name file, line and column and never repeat the text, which may hold a secret.

mod comments;
mod lines;
mod located;
mod stream;
mod tree;

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_yaml::{DuplicateKeyPolicy, Error, Options};

use crate::failure::{Exit, Failure};

pub use comments::to_string_with_comments;
pub use lines::Lines;
pub use located::{Contents, Document, Place, Scalar, Style, is_plain_text, located_documents};
pub use stream::{Part, Parts, parts};
pub use tree::{Entry, Node, NodeValue, parse_tree};

/// Greatest size of a configuration file in bytes.
pub const CONFIGURATION_LIMIT: usize = 1024 * 1024;
/// Greatest size of a stream of manifests in bytes: ARC's own CRDs are about 1.5 MB.
pub const DOCUMENTS_LIMIT: usize = 64 * 1024 * 1024;
/// Deeper than any pod specification inside a CRD's schema (about 40).
const DEPTH_LIMIT: usize = 64;
/// What a thread of 2 MiB reads safely: one level takes up to 32 KiB of stack in an unoptimized build.
const SHALLOW: usize = 24;
/// Stack for deeper documents.
const DEEP_STACK: usize = 16 * 1024 * 1024;

/// Reads every document of `text`; empty documents are left out. `origin` is what errors call the text.
pub fn parse_documents(text: &str, origin: &str) -> Result<Vec<Value>, Failure> {
    limit_size(text, origin, DOCUMENTS_LIMIT)?;
    let documents: Vec<Value> =
        read(text, 1_000_000, 4096).map_err(|error| failure(&error, origin, 0))?;
    Ok(documents
        .into_iter()
        .filter(|document| !document.is_null())
        .collect())
}

/// Writes one document, ending in a line break. Strings that another reader would take for something
/// else (`yes`, `on`, `1_000`, `1:20`) are quoted.
pub fn to_string(value: &Value) -> String {
    let options = serde_yaml::ser_options! { compact_list_indent: true };
    // JSON values have string keys and finite numbers, and a String takes every write: JSON, which is
    // YAML as well, stands in only for a defect of the writer.
    serde_yaml::to_string_with_options(value, options).unwrap_or_else(|_| format!("{value}\n"))
}

fn limit_size(text: &str, origin: &str, limit: usize) -> Result<(), Failure> {
    if text.len() <= limit {
        return Ok(());
    }
    Err(Failure::new(
        "yaml-too-large",
        Exit::Usage,
        format!("{origin} is too large"),
    )
    .why(format!(
        "{} bytes, where at most {limit} are read",
        text.len()
    )))
}

/// Reads on this thread's stack where it is safe, else on one of its own.
fn read<T: DeserializeOwned + Send>(
    text: &str,
    max_nodes: usize,
    max_documents: usize,
) -> Result<Vec<T>, Error> {
    read_shallow(text, max_nodes, max_documents).or_else(|shallow| {
        let deep = || {
            let options = options(DEPTH_LIMIT, max_nodes, max_documents);
            serde_yaml::from_multiple_with_options(text, options)
        };
        std::thread::scope(|scope| {
            std::thread::Builder::new()
                .stack_size(DEEP_STACK)
                .spawn_scoped(scope, deep)
                .ok()
                .and_then(|thread| thread.join().ok())
                .unwrap_or(Err(shallow))
        })
    })
}

/// Reads on this thread's stack, and nothing deeper than it bears.
fn read_shallow<T: DeserializeOwned>(
    text: &str,
    max_nodes: usize,
    max_documents: usize,
) -> Result<Vec<T>, Error> {
    let options = options(SHALLOW, max_nodes, max_documents);
    serde_yaml::from_multiple_with_options(text, options)
}

fn options(depth: usize, max_nodes: usize, max_documents: usize) -> Options {
    serde_yaml::options! {
        legacy_octal_numbers: true,
        with_snippet: false,
        emit_comments: false,
        duplicate_keys: DuplicateKeyPolicy::Error,
        alias_limits: serde_yaml::alias_limits! {
            max_total_replayed_events: 50_000,
            max_replay_stack_depth: 16,
        },
        budget: serde_yaml::budget! {
            max_reader_input_bytes: Some(DOCUMENTS_LIMIT),
            max_depth: depth,
            flow_nesting_limit: depth,
            max_documents: max_documents,
            max_nodes: max_nodes,
            max_events: max_nodes.saturating_mul(4),
        },
    }
}

/// The position and a text that is made here, of the error's kind only. `lines_before` stand before what was read.
fn failure(error: &Error, origin: &str, lines_before: usize) -> Failure {
    let error = error.without_snippet();
    let place = match error.location() {
        Some(location) if location.line() > 0 => {
            let line = u64::try_from(lines_before)
                .unwrap_or(0)
                .saturating_add(location.line());
            format!("{origin}:{line}:{}", location.column())
        }
        _ => origin.to_owned(),
    };
    Failure::new(
        "yaml-invalid",
        Exit::Usage,
        format!("{place}: not valid YAML"),
    )
    .why(reason(error))
    .remedy("correct the file at that line; indentation is by spaces")
}

fn reason(error: &Error) -> String {
    match error {
        Error::DuplicateMappingKey { .. } => "a key stands twice in one mapping".to_owned(),
        Error::Eof { .. } => "the text ends too early".to_owned(),
        Error::MultipleDocuments { .. } => "more than one document, where one is read".to_owned(),
        Error::UnknownAnchor { .. } => "an alias names an anchor that does not exist".to_owned(),
        Error::Budget { .. }
        | Error::AliasReplayCounterOverflow { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => {
            "too many nodes, too deeply nested, or aliases that multiply".to_owned()
        }
        Error::MergeValueNotMapOrSeqOfMaps { .. } => {
            "`<<` takes a mapping or a list of mappings".to_owned()
        }
        Error::NonFiniteFloat { .. } => "a number is infinite or not a number".to_owned(),
        Error::AliasError { error, .. } => reason(error),
        _ => "the structure cannot be read (indentation, quotes, brackets or a tab)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Value {
        parse_documents(text, "x.yaml").unwrap().remove(0)
    }

    #[test]
    fn scalars_read_as_kubectl_reads_them() {
        for (text, expected) in [
            ("yes", json!(true)),
            ("on", json!(true)),
            ("y", json!(true)),
            ("0644", json!(420)),
            ("1_000", json!(1000)),
            ("'on'", json!("on")),
            ("\"0644\"", json!("0644")),
            ("07:00", json!("07:00")),
            ("~", json!(null)),
        ] {
            assert_eq!(
                read(&format!("a: {text}")),
                json!({ "a": expected }),
                "{text}"
            );
        }
    }

    #[test]
    fn merges_are_expanded_and_duplicates_refused() {
        assert_eq!(
            read("base: &a {x: 1}\nuse:\n  <<: *a\n  y: 2\n")["use"],
            json!({"x": 1, "y": 2})
        );
        let failure = parse_documents("a: 1\nb: 2\na: 3\n", "x.yaml").unwrap_err();
        assert!(
            failure.details().what.starts_with("x.yaml:3:1"),
            "{failure}"
        );
        assert_eq!(failure.details().why, ["a key stands twice in one mapping"]);
    }

    #[test]
    fn what_other_readers_would_mistake_is_quoted() {
        for text in [
            "yes",
            "on",
            "y",
            "1_000",
            "1:20",
            "2024-01-01",
            "0644",
            "null",
            "1e3",
            "~",
            "",
        ] {
            let written = to_string(&json!({ "a": text }));
            assert!(written.contains(['\'', '"']), "{written}");
            assert_eq!(read(&written), json!({ "a": text }));
        }
    }

    #[test]
    fn texts_survive_the_round_trip() {
        let pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
        let long = "word ".repeat(60);
        for text in [
            pem,
            "a\r\nb",
            "next\u{85}line",
            "no\u{a0}break",
            &long,
            "tail\n\n",
            " lead",
        ] {
            assert_eq!(
                read(&to_string(&json!({ "a": [text] })))["a"][0],
                json!(text)
            );
        }
    }

    /// A mapping in a mapping in a mapping.
    fn nested(depth: usize) -> String {
        (0..depth)
            .flat_map(|depth| [" ".repeat(depth), "a:\n".to_owned()])
            .collect()
    }

    #[test]
    fn bombs_and_depth_end_in_a_failure() {
        let mut bomb = String::from("a: &a [x, x, x, x, x, x, x, x, x]\n");
        for (name, of) in ["b", "c", "d", "e", "f", "g", "h"]
            .iter()
            .zip(["a", "b", "c", "d", "e", "f", "g"])
        {
            bomb.push_str(
                &[
                    name,
                    ": &",
                    name,
                    " [",
                    &vec![format!("*{of}"); 9].join(", "),
                    "]\n",
                ]
                .concat(),
            );
        }
        let deep = "[".repeat(5000);
        let blocks = nested(500);
        for text in [bomb.as_str(), &deep, &blocks] {
            let failure = parse_documents(text, "x.yaml").unwrap_err();
            assert_eq!(failure.exit(), Exit::Usage);
            assert!(parse_tree(text, "x.yaml").is_err());
        }
    }

    #[test]
    fn depth_up_to_the_limit_is_read_on_a_small_stack() {
        let flow = ["[".repeat(DEPTH_LIMIT), "]".repeat(DEPTH_LIMIT)].concat();
        let block = nested(DEPTH_LIMIT);
        for text in [flow, block] {
            assert!(parse_documents(&text, "x").is_ok());
            assert!(parse_tree(&text, "x").is_ok());
        }
    }

    #[test]
    fn errors_never_repeat_the_text() {
        for text in [
            "a: \"canary\n",
            "a: [canary",
            "canary: 1\n\tcanary: 2",
            "a: *canary",
            "canary: 1\ncanary: 2",
            "a: canary: b",
        ] {
            let failure = parse_documents(text, "x.yaml").unwrap_err();
            assert!(
                !format!("{:?}", failure.details()).contains("canary"),
                "{:?}",
                failure.details()
            );
            assert!(failure.details().what.starts_with("x.yaml:"), "{failure}");
        }
    }
}
