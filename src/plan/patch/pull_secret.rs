//! Appends a pull secret where ARC's programs and pods look for one; never replaces one.

use serde_json::{Value, json};

use super::Wanted;
use super::edit::Edit;
use super::fixed::may_change;
use crate::image_ref::ImageReference;
use crate::object::Pointer;
use crate::object::pods::{Role, Shape, containers, pod_specs};

/// Given to the listeners that the manager makes; repeated for each secret.
const LISTENER_FLAG: &str = "--auto-scaler-image-pull-secrets";
/// Given to legacy runner pods; an older manager ends at a flag that it does not know.
const RUNNER_FLAG: &str = "--runner-image-pull-secret";
const RUNNER_FLAG_SINCE: (u64, u64) = (0, 21);

/// Appends `name` to every pod of the object and to the manager's flags; returns where.
pub(super) fn append(
    edit: &mut Edit<'_>,
    name: &str,
    wanted: &Wanted<'_>,
    notes: &mut Vec<String>,
) -> Vec<Pointer> {
    let mut appended = Vec::new();
    for pod in pod_specs(edit.object()) {
        let list = pod.pointer.child("imagePullSecrets");
        let has_none = matches!(pod.shape, Shape::RunnerConfig | Shape::Containers);
        if has_none || !may_change(edit.object(), &list) {
            continue;
        }
        let present: Vec<&str> = names(edit.object(), &list);
        if present.contains(&name) {
            continue;
        }
        // A pod that names none gets its ServiceAccount's; one that names some gets only those.
        let inherited = if present.is_empty() {
            wanted.service_account_pull_secrets
        } else {
            &[]
        };
        for other in inherited.iter().filter(|other| *other != name) {
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
