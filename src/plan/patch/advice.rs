//! What to commit where a deployment tool owns an object: chart values, or a patch for its source.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::edit::Edit;
use super::{Owner, SlotChange};
use crate::image_ref::ImageReference;
use crate::object::pods::{Role, containers};
use crate::object::{ObjectRef, Pointer};

/// Why an object is not patched, and what to do instead.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Advice {
    /// Who would write it back.
    pub owner: Owner,
    /// What to do, in one sentence.
    pub how: String,
    /// Chart values that have the effect, where the chart is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Value>,
    /// The same as JSON patch operations (kustomize `patches`, Argo CD, Flux postRenderers).
    pub patch: Vec<Value>,
    /// Every image that would change.
    pub slots: Vec<SlotChange>,
}

/// The advice for an object that `owner` owns.
pub(super) fn advice(
    object: &Value,
    owner: Owner,
    edit: &Edit<'_>,
    slots: Vec<SlotChange>,
    pull_secret: Option<&str>,
) -> Advice {
    let chart = chart(object);
    let values = values(chart, edit.object(), pull_secret, &slots);
    let reference = ObjectRef::from_value(object);
    let mut how = match (&owner, &values) {
        (Owner::Helm { release, namespace, .. }, Some(_)) => {
            let release = if release.is_empty() { "RELEASE" } else { release };
            format!("commit these values and run helm upgrade {release} -n {namespace} --reuse-values -f FILE")
        }
        (Owner::Helm { .. }, None) => {
            "this chart's values are not known: find the ones that set these images, or patch its output with a post-renderer".to_owned()
        }
        (Owner::ArgoCd { .. } | Owner::Flux { .. } | Owner::Fleet { .. }, Some(_)) => {
            format!("commit these values to what {owner} deploys")
        }
        (Owner::ArgoCd { .. } | Owner::Flux { .. } | Owner::Fleet { .. }, None) => {
            format!("commit this patch of {reference} to what {owner} deploys")
        }
        (Owner::Olm { .. }, _) => {
            "OLM writes it from the ClusterServiceVersion: mirror with an ImageDigestMirrorSet, or change the images in the catalog".to_owned()
        }
    };
    if chart == Some(Chart::RunnerScaleSet) {
        how.push_str("; containerMode must then be empty, since the template is complete");
    }
    Advice {
        owner,
        how,
        values,
        patch: edit.operations(),
        slots,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chart {
    ScaleSetController,
    RunnerScaleSet,
    Legacy,
}

/// `helm.sh/chart` is `name-version`.
fn chart(object: &Value) -> Option<Chart> {
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

fn values(
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

fn repository_and_tag(image: &str) -> Option<Map<String, Value>> {
    let reference = ImageReference::parse(image).ok()?;
    let mut parts = Map::new();
    let suffix = reference.suffix();
    let repository = image.strip_suffix(suffix.as_str()).unwrap_or(image);
    parts.insert("repository".to_owned(), json!(repository));
    // Charts write `repository:tag`; a digest rides on the tag.
    let tag = suffix.strip_prefix(':').unwrap_or(&suffix);
    parts.insert("tag".to_owned(), json!(tag));
    Some(parts)
}
