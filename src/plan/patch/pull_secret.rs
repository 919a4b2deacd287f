//! Appends a pull secret where ARC's programs and pods look for one; never replaces one.

use serde_json::{Value, json};

use super::Wanted;
use super::edit::Edit;
use super::fixed::may_change;
use crate::image_ref::ImageReference;
use crate::object::Pointer;
use crate::object::pods::{
    CustomKinds, LEGACY_GROUP, PodSpecAt, Role, Shape, containers, pod_specs_with,
};
use crate::object::text_at;

/// Given to the listeners that the manager makes; repeated for each secret.
const LISTENER_FLAG: &str = "--auto-scaler-image-pull-secrets";
/// Given to legacy runner pods; an older manager ends at a flag that it does not know.
const RUNNER_FLAG: &str = "--runner-image-pull-secret";
const RUNNER_FLAG_SINCE: (u64, u64) = (0, 21);

/// A ServiceAccount of the object's namespace and its pull secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountPullSecrets {
    /// Its name.
    pub account: String,
    /// The names of its pull secrets.
    pub pull_secrets: Vec<String>,
}

/// The ServiceAccount of a pod: the one that it names, else the one beside the template of a RunnerSet, else `default`,
/// to which the controllers of ARC and of Kubernetes alike fall back.
pub fn service_account<'a>(object: &'a Value, pod: &PodSpecAt) -> &'a str {
    let named = |at: Option<&'a Value>| at.and_then(Value::as_str).filter(|name| !name.is_empty());
    let group = text_at(object, "/apiVersion").and_then(|version| version.split('/').next());
    let is_runner_set =
        group == Some(LEGACY_GROUP) && text_at(object, "/kind") == Some("RunnerSet");
    named(pod.pointer.child("serviceAccountName").get(object))
        .or_else(|| named(object.pointer("/spec/serviceAccountName")).filter(|_| is_runner_set))
        .unwrap_or("default")
}

/// Every pod of an object that has a ServiceAccount.
pub fn accounted_pods(object: &Value, kinds: Option<&CustomKinds>) -> Vec<PodSpecAt> {
    let none = CustomKinds::default();
    let mut pods = pod_specs_with(object, kinds.unwrap_or(&none));
    // Its pod stands in its template.
    pods.retain(|pod| pod.shape != Shape::RunnerConfig);
    pods
}

/// Appends `name` to every pod of the object and to the manager's flags; returns where.
pub(super) fn append(
    edit: &mut Edit<'_>,
    name: &str,
    wanted: &Wanted<'_>,
    notes: &mut Vec<String>,
) -> Vec<Pointer> {
    let mut appended = Vec::new();
    for pod in accounted_pods(edit.object(), wanted.custom_kinds) {
        let list = pod.pointer.child("imagePullSecrets");
        if pod.shape == Shape::Containers {
            notes.push(format!(
                "{}: {name} is not appended: whether this kind takes imagePullSecrets there is not known; give it to the ServiceAccount of its pods",
                pod.pointer
            ));
            continue;
        }
        if !may_change(edit.object(), &list) {
            continue;
        }
        let present: Vec<&str> = names(edit.object(), &list);
        if present.contains(&name) {
            continue;
        }
        // A pod that names none gets its ServiceAccount's; one that names some gets only those.
        let account = service_account(edit.object(), &pod);
        let inherited: Vec<&String> = wanted
            .service_account_pull_secrets
            .iter()
            .filter(|one| present.is_empty() && one.account == account)
            .flat_map(|one| &one.pull_secrets)
            .collect();
        for other in inherited.into_iter().filter(|other| *other != name) {
            edit.append(&list, json!({"name": other}));
        }
        appended.push(edit.append(&list, json!({"name": name})));
    }
    for container in containers(edit.object()) {
        if container.role != Role::Controller || !may_change(edit.object(), &container.pointer) {
            continue;
        }
        let Some(value) = container.pointer.get(edit.object()) else {
            continue;
        };
        let Some(flag) = flag(value, &container.name, notes) else {
            continue;
        };
        let item = format!("{flag}={name}");
        if !has(value, flag, name) {
            let list = container.pointer.child("args");
            appended.push(edit.append(&list, json!(item)));
        }
    }
    appended
}

fn names<'a>(object: &'a Value, list: &Pointer) -> Vec<&'a str> {
    let items = list.get(object).and_then(Value::as_array);
    items
        .into_iter()
        .flatten()
        .filter_map(|item| item.get("name").and_then(Value::as_str))
        .collect()
}

fn words(container: &Value) -> Vec<&str> {
    ["command", "args"]
        .into_iter()
        .filter_map(|list| container.get(list).and_then(Value::as_array))
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// True where the flag already has this value, in either form.
fn has(container: &Value, flag: &str, name: &str) -> bool {
    let words = words(container);
    words.contains(&format!("{flag}={name}").as_str())
        || words
            .windows(2)
            .any(|pair| pair[0] == flag && pair[1] == name)
}

fn flag(container: &Value, name: &str, notes: &mut Vec<String>) -> Option<&'static str> {
    let words = words(container);
    let program = words.first().copied().unwrap_or_default();
    if program.contains("webhook-server") || program.contains("metrics-server") {
        return None;
    }
    let image = container
        .get("image")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if words.contains(&"--auto-scaling-runner-set-only")
        || image.contains("gha-runner-scale-set-controller")
    {
        return Some(LISTENER_FLAG);
    }
    let known = words.iter().any(|word| word.starts_with(RUNNER_FLAG));
    if known || version(image).is_some_and(|version| version >= RUNNER_FLAG_SINCE) {
        return Some(RUNNER_FLAG);
    }
    notes.push(format!(
        "container {name}: its version is not known to have {RUNNER_FLAG}; runner templates name the pull secret themselves"
    ));
    None
}

/// Major and minor of an image's tag.
fn version(image: &str) -> Option<(u64, u64)> {
    let reference = ImageReference::parse(image).ok()?;
    let mut parts = reference.tag()?.trim_start_matches('v').split('.');
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next()?.parse().ok()?;
    Some((major, minor))
}
