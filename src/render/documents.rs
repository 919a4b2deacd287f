//! Expanded text → manifests.

use serde_json::Value;
use serde_yaml::Options;

use crate::failure::{Exit, Failure};
use crate::object::{Manifest, Source};

/// Splits the text of one template at its `---` lines and parses each document; empty ones are dropped.
pub(super) fn manifests(template: &str, text: &str) -> Result<Vec<Manifest>, Failure> {
    let mut found = Vec::new();
    for document in split(text) {
        let object: Value = serde_yaml::from_str_with_options(document, options())
            .map_err(|error| defect(template, &error.to_string()))?;
        if object.is_null() {
            continue;
        }
        let manifest = Manifest::new(object, Source::Template(template.to_owned()));
        if manifest.kind().is_empty() || manifest.reference().name.is_empty() {
            return Err(defect(template, "a document has no kind or no name"));
        }
        found.push(manifest);
    }
    Ok(found)
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    // Values are JSON-quoted on one line, so a line of `---` is always ours.
    text.split("\n---\n")
        .map(|document| document.trim_start_matches("---\n"))
        .filter(|document| !document.trim().is_empty())
}

fn options() -> Options {
    let mut options = Options::default();
    // Our own text: no budget to keep, and no snippet that could show a neighbouring line.
    options.budget = None;
    options.with_snippet = false;
    options
}

fn defect(template: &str, message: &str) -> Failure {
    Failure::new(
        "template-defect",
        Exit::Unexpected,
        format!("the template {template} made no valid object"),
    )
    .evidence(message)
    .remedy("report this as a bug, with the output of `arc-setup config show`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_split_and_empty_ones_dropped() {
        let found = manifests(
            "t",
            "---\nkind: A\nmetadata: {name: \"a\\n---\\nb\"}\n---\n\n---\nkind: B\nmetadata: {name: b}\n",
        )
        .unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].reference().name, "a\n---\nb");
        assert_eq!(found[1].source, Source::Template("t".to_owned()));
    }

    #[test]
    fn a_nameless_document_is_a_defect() {
        assert_eq!(
            manifests("t", "kind: A\n").unwrap_err().code(),
            "template-defect"
        );
    }
}
