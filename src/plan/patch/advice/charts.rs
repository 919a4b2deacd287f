//! Values of ARC's own charts that have the effect of a patch.

use serde_json::{Map, Value, json};

use crate::image_ref::ImageReference;
use crate::object::Pointer;
use crate::object::pods::{Role, containers};
use crate::plan::patch::SlotChange;

/// A chart of ARC's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chart {
    ScaleSetController,
    RunnerScaleSet,
    Legacy,
}

/// The chart that an object says it is from: `helm.sh/chart` is `name-version`.
pub(super) fn chart(object: &Value) -> Option<Chart> {
    let label = object
        .pointer("/metadata/labels/helm.sh~1chart")
        .and_then(Value::as_str)?;
    let name = label.rsplit_once('-').map_or(label, |(name, _)| name);
    match name {
        "gha-rs-controller" | "gha-runner-scale-set-controller" => Some(Chart::ScaleSetController),
        "gha-rs" | "gha-runner-scale-set" => Some(Chart::RunnerScaleSet),
        "actions-runner-controller" => Some(Chart::Legacy),
        _ => None,
    }
}

/// Values of a known chart that have the effect of the change.
pub(super) fn values(
    chart: Option<Chart>,
    after: &Value,
    pull_secret: Option<&str>,
    slots: &[SlotChange],
) -> Option<Value> {
    let mut values = Map::new();
    match chart? {
        Chart::RunnerScaleSet => {
            // Lists of values replace each other whole, so the whole template is given.
            for template in ["template", "listenerTemplate"] {
                let changed = slots.iter().any(|slot| {
                    slot.pointer
                        .as_str()
                        .starts_with(&format!("/spec/{template}/"))
                });
                let spec = Pointer::of(["spec", template, "spec"]);
                if let Some(spec) = spec.get(after).filter(|_| changed || pull_secret.is_some()) {
                    values.insert(template.to_owned(), json!({"spec": spec}));
                }
            }
        }
        chart @ (Chart::ScaleSetController | Chart::Legacy) => {
            controller_values(chart, after, slots, &mut values);
            if let Some(name) = pull_secret {
                values.insert("imagePullSecrets".to_owned(), json!([{"name": name}]));
            }
        }
    }
    (!values.is_empty()).then_some(Value::Object(values))
}

fn controller_values(
    chart: Chart,
    after: &Value,
    slots: &[SlotChange],
    values: &mut Map<String, Value>,
) {
    let mut image = Map::new();
    for slot in slots {
        let at = slot.pointer.as_str();
        if chart == Chart::Legacy {
            let key = match slot.place.rsplit(' ').next().unwrap_or_default() {
                "--docker-image" => Some("dindSidecarRepositoryAndTag"),
                "--runner-image" => Some("actionsRunnerRepositoryAndTag"),
                _ => None,
            };
            if let Some(key) = key {
                image.insert(key.to_owned(), json!(slot.after));
                continue;
            }
        }
        let container = containers(after)
            .into_iter()
            .find(|container| container.pointer.child("image").as_str() == at);
        let Some(parts) = container
            .as_ref()
            .and_then(|_| repository_and_tag(&slot.after))
        else {
            continue;
        };
        match container.map(|container| container.role) {
            Some(Role::RbacProxy) => {
                values.insert("metrics".to_owned(), json!({"proxy": {"image": parts}}));
            }
            Some(Role::Controller) => image.extend(parts),
            _ => {}
        }
    }
    if !image.is_empty() {
        values.insert("image".to_owned(), Value::Object(image));
    }
}

/// An image in the two values of which the charts write `repository:tag`.
fn repository_and_tag(image: &str) -> Option<Map<String, Value>> {
    let reference = ImageReference::parse(image).ok()?;
    let suffix = reference.suffix();
    let name = image.strip_suffix(suffix.as_str()).unwrap_or(image);
    let (repository, tag) = match (suffix.strip_prefix(':'), suffix.split_once(':')) {
        // A digest behind a tag rides on it.
        (Some(tag), _) => (name.to_owned(), tag),
        // Of a digest alone the charts write the colon: `repository@sha256:…`.
        (None, Some((algorithm, hash))) => ([name, algorithm].concat(), hash),
        // No tag at all would be the version of the chart's program.
        (None, None) => (name.to_owned(), "latest"),
    };
    let mut parts = Map::new();
    parts.insert("repository".to_owned(), json!(repository));
    parts.insert("tag".to_owned(), json!(tag));
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_make_the_image_again() {
        let hash = "0123456789abcdef".repeat(4);
        let cases = [
            ("r.corp:5000/a/b:1".to_owned(), None),
            (format!("r.corp/a/b:1@sha256:{hash}"), None),
            (format!("r.corp/a/b@sha256:{hash}"), None),
            ("r.corp:5000/a/b".to_owned(), Some("r.corp:5000/a/b:latest")),
        ];
        for (image, expected) in &cases {
            let parts = repository_and_tag(image).unwrap();
            let text = |key: &str| parts[key].as_str().unwrap();
            let made = format!("{}:{}", text("repository"), text("tag"));
            assert_eq!(made, expected.unwrap_or(image));
            assert!(!text("tag").starts_with('@'), "{parts:?}");
        }
    }
}
