//! Pods follow what they read: hashes of ConfigMaps and versions of Secrets on pod templates.

use serde_json::{Value, json};

use super::Context;
use super::edit::Editor;
use crate::object::pods::{Part, PodSpecAt, Role, SCALE_SET_GROUP, Shape, containers, pod_specs};
use crate::object::{Change, Late, LateSource, Manifest, ObjectRef, Pointer, sha256};

/// On pod templates: SHA-256 over the ConfigMaps that the pod reads.
const CONFIG_HASH: &str = "arc-setup.dev/config-hash";
/// On the controller's pod template, with the Secret's name behind it.
const SECRET_VERSION: &str = "secret-version.arc-setup.dev";
/// On AutoscalingRunnerSets: a change makes the controller remake the listener.
const VALUES_HASH: &str = "actions.github.com/values-hash";
const RULE: &str = "hashes";

pub(super) fn run(manifests: &mut [Manifest], context: &Context<'_>) -> Vec<Change> {
    let mut changes = Vec::new();
    let known: Vec<(ObjectRef, Value)> = manifests
        .iter()
        .filter(|manifest| manifest.kind() == "ConfigMap")
        .map(|manifest| (manifest.reference(), manifest.object["data"].clone()))
        .collect();
    let secrets: Vec<ObjectRef> = manifests
        .iter()
        .filter(|manifest| manifest.kind() == "Secret")
        .map(Manifest::reference)
        .collect();
    let controller =
        controller_image(manifests).or_else(|| context.config.controller.image.clone());
    for manifest in manifests {
        let mut read_by_all = Vec::new();
        for pod in pod_specs(&manifest.object) {
            let read = read_by(&manifest.object, &pod, &known, "configMap");
            if let Some(metadata) = &pod.metadata
                && !read.is_empty()
                && pod.shape != Shape::RunnerConfig
            {
                let at = metadata.child("annotations").child(CONFIG_HASH);
                let mut editor = Editor {
                    manifest,
                    changes: &mut changes,
                };
                editor.put(&at, json!(hex(&json!(read))), RULE);
            }
            read_by_all.extend(read);
            if pod.part == Part::Workload {
                watch_secrets(manifest, &pod, &secrets);
            }
        }
        scale_set(manifest, &read_by_all, controller.as_deref(), &mut changes);
    }
    changes
}

fn controller_image(manifests: &[Manifest]) -> Option<String> {
    manifests.iter().find_map(|manifest| {
        let at = containers(&manifest.object)
            .into_iter()
            .find(|at| at.role == Role::Controller)?;
        at.pointer
            .child("image")
            .get(&manifest.object)
            .and_then(Value::as_str)
            .map(str::to_owned)
    })
}

/// The contents of known ConfigMaps that a pod names, in order of their names.
fn read_by(
    object: &Value,
    pod: &PodSpecAt,
    known: &[(ObjectRef, Value)],
    kind: &str,
) -> Vec<(String, Value)> {
    let namespace = ObjectRef::from_value(object).namespace;
    let names = pod
        .pointer
        .get(object)
        .map(|spec| named(spec, kind))
        .unwrap_or_default();
    let mut found: Vec<(String, Value)> = known
        .iter()
        .filter(|(reference, _)| {
            // The listener's pod is in the controller's namespace, which holds the same under the same name.
            (reference.namespace == namespace || pod.part == Part::Listener)
                && names.contains(&reference.name)
        })
        .map(|(reference, data)| (reference.name.clone(), data.clone()))
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found.dedup();
    found
}

/// Names of the ConfigMaps or Secrets that a pod spec mentions, wherever.
fn named(spec: &Value, kind: &str) -> Vec<String> {
    let mut names = Vec::new();
    let fields: &[&str] = match kind {
        "configMap" => &["configMap", "configMapRef", "configMapKeyRef"],
        _ => &["secret", "secretRef", "secretKeyRef"],
    };
    walk(spec, &mut |key, value| {
        if fields.contains(&key) {
            let name = value.get("name").or_else(|| value.get("secretName"));
            names.extend(name.and_then(Value::as_str).map(str::to_owned));
        }
    });
    names
}

fn walk(value: &Value, see: &mut dyn FnMut(&str, &Value)) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                see(key, value);
                walk(value, see);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, see)),
        _ => {}
    }
}

fn watch_secrets(manifest: &mut Manifest, pod: &PodSpecAt, secrets: &[ObjectRef]) {
    let (Some(metadata), Some(namespace)) = (&pod.metadata, manifest.reference().namespace) else {
        return;
    };
    let spec = pod.pointer.get(&manifest.object);
    let names = spec.map(|spec| named(spec, "secret")).unwrap_or_default();
    for secret in secrets {
        if secret.namespace.as_deref() != Some(namespace.as_str()) || !names.contains(&secret.name)
        {
            continue;
        }
        let annotation = format!("{SECRET_VERSION}/{}", secret.name);
        let late = Late {
            pointer: metadata.child("annotations").child(&annotation),
            from: LateSource::ResourceVersionOf {
                namespace: namespace.clone(),
                name: secret.name.clone(),
            },
        };
        if !manifest.lates.contains(&late) {
            manifest.lates.push(late);
        }
    }
}

fn scale_set(
    manifest: &mut Manifest,
    read: &[(String, Value)],
    controller: Option<&str>,
    changes: &mut Vec<Change>,
) {
    let reference = manifest.reference();
    if reference.group() != SCALE_SET_GROUP || reference.kind != "AutoscalingRunnerSet" {
        return;
    }
    let at = Pointer::of(["metadata", "annotations", VALUES_HASH]);
    let mut inputs = manifest.object.clone();
    at.remove(&mut inputs);
    let hash = hex(&json!([
        inputs["metadata"]["labels"],
        inputs["spec"],
        read,
        controller
    ]));
    let mut editor = Editor { manifest, changes };
    editor.put(&at, json!(hash), RULE);
}

fn hex(value: &Value) -> String {
    sha256(value.to_string().as_bytes())
}
