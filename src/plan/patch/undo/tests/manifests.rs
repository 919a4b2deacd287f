//! Texts of ConfigMaps, as people and tools write manifests: comments, quotes, line endings, several documents.

use proptest::prelude::*;
use serde_json::json;

use super::generated::{image, pod};
use crate::yaml;

/// A text that may hold images.
pub(super) fn text() -> BoxedStrategy<String> {
    prop_oneof![
        6 => prop::collection::vec(document(), 1..3).prop_flat_map(|documents| layout(documents.join("---\n"))),
        2 => pod().prop_map(|pod| yaml::to_string(&json!({"apiVersion": "v1", "kind": "Pod", "spec": pod}))),
        1 => pod().prop_map(|pod| json!({"apiVersion": "v1", "kind": "Pod", "spec": pod}).to_string()),
        1 => image().prop_map(|image| format!("image = '{image}'\n")),
        1 => image().prop_map(|image| format!("x: y\nimage: {image}\n")),
    ]
        .boxed()
}

/// The same text with the line endings of Windows, or without its last line ending.
fn layout(text: String) -> impl Strategy<Value = String> {
    (any::<bool>(), any::<bool>()).prop_map(move |(windows, ends)| {
        let text = if windows {
            text.replace('\n', "\r\n")
        } else {
            text.clone()
        };
        if ends {
            text
        } else {
            text.trim_end().to_owned()
        }
    })
}

/// One object, or a pod template as the container hooks read it.
fn document() -> BoxedStrategy<String> {
    let lists = (
        prop::collection::vec(item(), 1..4),
        prop::collection::vec(item(), 0..3),
    );
    let head = prop_oneof![
        Just("apiVersion: v1\nkind: Pod\n"),
        Just("# ours\napiVersion: v1\nkind: Pod\nmetadata: {name: é}\n"),
        Just(""),
    ];
    (head, lists, any::<bool>())
        .prop_map(|(head, (containers, first), before)| {
            let list = |key: &str, items: &[String]| match items {
                [] => String::new(),
                _ => format!("  {key}:\n{}", items.concat()),
            };
            let containers = list("containers", &containers);
            let first = list("initContainers", &first);
            let lists = if before {
                first + &containers
            } else {
                containers + &first
            };
            format!("{head}spec:\n{lists}")
        })
        .boxed()
}

/// A container with its comments.
fn item() -> BoxedStrategy<String> {
    let quote = prop_oneof![Just(""), Just("\""), Just("'")];
    let end = prop_oneof![Just(""), Just("   # why")];
    (image(), image(), quote, end, 0..4_u8).prop_map(|(image, other, quote, end, form)| match form {
        0 => format!("  - {{name: a, image: {quote}{image}{quote}}}{end}\n"),
        1 => format!("  - name: b\n    # {image}\n    image: {quote}{image}{quote}{end}\n"),
        2 => format!(
            "  - name: runner\n    image: {quote}{image}{quote}{end}\n    args:\n    - {quote}--sidecar-image={image},{other}{quote}{end}\n"
        ),
        _ => format!(
            "  - image: >-\n      {image}\n    name: c\n    env:\n    - {{name: RELATED_IMAGE_A, value: {quote}{other}{quote}}}\n"
        ),
    })
        .boxed()
}
