//! What to commit where a deployment tool owns an object: chart values, or a change of what the tool deploys.

mod charts;
mod helm;
mod kustomize;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::edit::Edit;
use super::{Owner, SlotChange};
use crate::object::{ObjectRef, Pointer};
use crate::yaml;
use charts::{Chart, chart, values};
use kustomize::Kustomization;

/// The annotation of a chart's hooks.
const HOOK: &str = "helm.sh/hook";

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
    /// What to add to the tool's own object or file: an Application, a Kustomization, a Subscription …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Value>,
    /// What to run in the directory of the file that holds it, one command a line; empty where nothing is to be run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
    /// The same as JSON patch operations of the object itself; none where no tool would take them.
    pub patch: Vec<Value>,
    /// Every image that would change.
    pub slots: Vec<SlotChange>,
}

impl Advice {
    /// What a person commits: what the tool itself takes, else chart values, else the bare patch.
    pub fn to_commit(&self) -> Value {
        let source = self.source.as_ref().or(self.values.as_ref());
        source.map_or_else(|| Value::Array(self.patch.clone()), Value::clone)
    }
}

/// The advice for an object that `owner` owns.
pub(super) fn advice(
    object: &Value,
    owner: Owner,
    edit: &Edit<'_>,
    slots: Vec<SlotChange>,
    pull_secret: Option<&str>,
    is_injected: bool,
) -> Advice {
    let chart = chart(object);
    let patch = edit.operations();
    let hook = Pointer::of(["metadata", "annotations", HOOK]);
    let change = Change {
        object: ObjectRef::from_value(object),
        kustomization: Kustomization::of(&slots, &patch),
        // No chart has values for variables and mounts of every container.
        values: values(chart, edit.object(), pull_secret, &slots)
            .or_else(|| system_registry(&owner, &slots))
            .filter(|_| !is_injected),
        environment: environment(edit.object(), &slots),
        is_hook: hook.get(object).is_some(),
    };
    let (mut how, source) = advised(&owner, &change);
    if chart == Some(Chart::RunnerScaleSet) {
        how.push_str("; containerMode must then be empty, since the template is complete");
    }
    let commands = match &owner {
        Owner::Helm {
            release, namespace, ..
        } => helm::commands(release, namespace, &change),
        _ => Vec::new(),
    };
    let is_for_nobody = matches!(owner, Owner::Helm { .. }) && change.is_bare_hook();
    Advice {
        owner,
        how,
        values: change.values,
        source,
        commands,
        patch: if is_for_nobody { Vec::new() } else { patch },
        slots,
    }
}

/// The change in every form that a tool may take.
struct Change {
    object: ObjectRef,
    kustomization: Kustomization,
    values: Option<Value>,
    environment: Vec<Value>,
    /// True for a hook of a chart.
    is_hook: bool,
}

impl Change {
    /// True for a hook that no values are known for: Helm 3 keeps hooks from a post-renderer.
    fn is_bare_hook(&self) -> bool {
        self.is_hook && self.values.is_none()
    }
}

/// What to do, and what to add to the tool's own object.
fn advised(owner: &Owner, change: &Change) -> (String, Option<Value>) {
    let values = change.values.as_ref();
    match owner {
        Owner::Helm { .. } => helm::advised(change),
        Owner::ArgoCd { .. } => {
            let source = values.map_or_else(
                || json!({"kustomize": change.kustomization.argo_cd(&change.object)}),
                |values| json!({"helm": {"valuesObject": values}}),
            );
            (
                format!("add this to what {owner} deploys (one of spec.sources, where it has several)"),
                Some(json!({"spec": {"source": source}})),
            )
        }
        Owner::Flux { kind, .. } => {
            let fields = change.kustomization.fields(&change.object);
            let spec = match (kind.as_str(), values) {
                ("HelmRelease", Some(values)) => json!({"values": values}),
                ("HelmRelease", None) => json!({"postRenderers": [{"kustomize": fields}]}),
                _ => Value::Object(fields),
            };
            (format!("add this to {owner} in Git"), Some(json!({"spec": spec})))
        }
        Owner::Fleet { .. } => match values {
            Some(values) => (
                format!("add this to the fleet.yaml of {owner}"),
                Some(json!({"helm": {"values": values}})),
            ),
            None => (
                format!("add this to a kustomization of {owner}, which its fleet.yaml names (kustomize.dir)"),
                Some(Value::Object(change.kustomization.fields(&change.object))),
            ),
        },
        Owner::Rancher { kind, name } => rancher(owner, kind, name, change),
        Owner::Olm { .. } if change.environment.is_empty() => (
            "OLM writes it from the ClusterServiceVersion: mirror with an ImageDigestMirrorSet (or ImageTagMirrorSet), or change the images in the catalog".to_owned(),
            None,
        ),
        Owner::Olm { .. } => (
            "add this to the operator's Subscription; the operator's own image is the ClusterServiceVersion's: mirror that with an ImageDigestMirrorSet, or change it in the catalog".to_owned(),
            Some(json!({"spec": {"config": {"env": change.environment}}})),
        ),
    }
}

fn rancher(owner: &Owner, kind: &str, name: &str, change: &Change) -> (String, Option<Value>) {
    let (namespace, name) = name.split_once('/').unwrap_or(("kube-system", name));
    match (&change.values, kind) {
        (Some(values), "HelmChart" | "HelmChartConfig") => (
            format!("create this beside {owner}: it stays when the chart is updated"),
            Some(json!({
                "apiVersion": "helm.cattle.io/v1", "kind": "HelmChartConfig",
                "metadata": {"name": name, "namespace": namespace},
                "spec": {"valuesContent": yaml::to_string(values)}})),
        ),
        (_, "Addon") => (
            format!(
                "{owner} is a file under server/manifests of each server node: change the images there; for what the cluster itself ships, start its servers with system-default-registry"
            ),
            Some(Value::Object(change.kustomization.fields(&change.object))),
        ),
        _ => (
            format!(
                "{owner} writes it: for Rancher's own images set system-default-registry in Rancher's settings; else change what it deploys from"
            ),
            Some(Value::Object(change.kustomization.fields(&change.object))),
        ),
    }
}

/// Charts of Rancher's put one registry in front of all their images, and take no other host away: right only where
/// every image is one of theirs and keeps its path.
fn system_registry(owner: &Owner, slots: &[SlotChange]) -> Option<Value> {
    let chart = match owner {
        Owner::Helm { chart, .. } => chart.as_str(),
        _ => return None,
    };
    let registry = |slot: &SlotChange| {
        let before = slot.before.as_deref()?;
        let path = before.strip_prefix("docker.io/").unwrap_or(before);
        let front = slot.after.strip_suffix(path)?.strip_suffix('/')?;
        path.starts_with("rancher/").then(|| front.to_owned())
    };
    let registries: Option<Vec<String>> = slots.iter().map(registry).collect();
    let registries =
        registries.filter(|_| chart.starts_with("rancher-") || chart.starts_with("rancher"))?;
    let first = registries.first()?;
    registries
        .iter()
        .all(|other| other == first)
        .then(|| json!({"global": {"cattle": {"systemDefaultRegistry": first}}}))
}

/// The variables that change, as a Subscription names them.
fn environment(after: &Value, slots: &[SlotChange]) -> Vec<Value> {
    let mut variables = Vec::new();
    for slot in slots {
        let variable = slot
            .pointer
            .parent()
            .and_then(|holder| holder.get(after).cloned())
            .filter(|holder| holder.get("name").is_some() && holder.get("value").is_some());
        if let Some(Value::Object(fields)) = variable {
            let mut variable = Map::new();
            for key in ["name", "value"] {
                variable.insert(key.to_owned(), fields.get(key).cloned().unwrap_or_default());
            }
            let variable = Value::Object(variable);
            if !variables.contains(&variable) {
                variables.push(variable);
            }
        }
    }
    variables
}

#[cfg(test)]
#[path = "advice/advice_tests.rs"]
mod tests;
