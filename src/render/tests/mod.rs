//! Tests of the whole stage: golden renders, properties that hold for every configuration, and upstream's contract.

mod contract;
mod golden;
mod legacy;
mod properties;
mod scale_set;
mod schema;

use serde_json::Value;

use crate::config::Config;
use crate::object::Manifest;

use super::{fixtures, render};

fn rendered(config: &Config) -> Vec<Manifest> {
    render(config, &fixtures::facts()).unwrap()
}

fn only<'a>(manifests: &'a [Manifest], kind: &str, name: &str) -> &'a Manifest {
    let found: Vec<_> = manifests
        .iter()
        .filter(|manifest| manifest.kind() == kind && manifest.reference().name == name)
        .collect();
    assert_eq!(found.len(), 1, "{kind} {name}");
    found[0]
}

fn has(manifests: &[Manifest], kind: &str) -> bool {
    manifests.iter().any(|manifest| manifest.kind() == kind)
}

/// Every map of the document that looks like a container: it has a name and an image, or stands in a list of containers.
fn containers(value: &Value) -> Vec<&Value> {
    let mut found = Vec::new();
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                if matches!(
                    key.as_str(),
                    "containers" | "initContainers" | "sidecarContainers"
                ) {
                    found.extend(field.as_array().into_iter().flatten());
                } else {
                    found.extend(containers(field));
                }
            }
        }
        Value::Array(items) => found.extend(items.iter().flat_map(containers)),
        _ => {}
    }
    found
}

fn names<'a>(items: &'a Value, key: &str) -> Vec<&'a str> {
    items
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item[key].as_str())
        .collect()
}
