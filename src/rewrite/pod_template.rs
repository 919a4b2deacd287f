//! The user's `podTemplate`, merged into the controller, the listeners and the runners.

use serde_json::{Value, json};

use super::Context;
use super::edit::Editor;
use super::strategic::merge;
use crate::config::RunnerSet;
use crate::object::pods::{LEGACY_GROUP, Part, PodSpecAt, SCALE_SET_GROUP, Shape, pod_specs};
use crate::object::{Change, Manifest, Pointer};

/// Merges every `podTemplate` of the configuration.
pub(super) fn run(manifests: &mut [Manifest], context: &Context<'_>) -> Vec<Change> {
    let mut changes = Vec::new();
    for manifest in manifests {
        for pod in pod_specs(&manifest.object) {
            if pod.shape == Shape::RunnerConfig {
                continue;
            }
            let Some((template, rule)) = template_of(context, manifest, pod.part) else {
                continue;
            };
            let mut editor = Editor {
                manifest,
                changes: &mut changes,
            };
            if let (Some(metadata), Some(wanted)) = (&pod.metadata, template.get("metadata")) {
                merged(&mut editor, metadata, wanted, &rule);
            }
            if let Some(spec) = template.get("spec") {
                let at = pod.pointer.clone();
                let current = at.get(&editor.manifest.object).cloned().unwrap_or_default();
                merged(&mut editor, &at, &for_shape(spec, &pod, &current), &rule);
            }
        }
    }
    changes
}

fn merged(editor: &mut Editor<'_>, at: &Pointer, wanted: &Value, rule: &str) {
    let mut value = at
        .get(&editor.manifest.object)
        .cloned()
        .unwrap_or_else(|| json!({}));
    merge(&mut value, wanted);
    editor.put(at, value, rule);
}

fn template_of<'a>(
    context: &Context<'a>,
    manifest: &Manifest,
    part: Part,
) -> Option<(&'a Value, String)> {
    let config = context.config;
    let reference = manifest.reference();
    let named = |set: &&RunnerSet| {
        reference.name == set.name && reference.namespace.as_deref() == Some(set.namespace.as_str())
    };
    let ours = matches!(reference.group(), LEGACY_GROUP | SCALE_SET_GROUP);
    match part {
        Part::Workload if reference.kind == "Deployment" => config
            .controller
            .pod_template
            .as_ref()
            .map(|template| (template, "controller.podTemplate".to_owned())),
        Part::Listener => config
            .listener_pod_template
            .as_ref()
            .map(|template| (template, "listener.podTemplate".to_owned())),
        Part::Runner if ours => {
            let set = config.runner_sets.iter().find(named)?;
            let template = set.pod_template.as_ref()?;
            Some((template, format!("runnerSets[{}].podTemplate", set.name)))
        }
        Part::Runner | Part::Workload => None,
    }
}

/// A pod spec in the shape that stands there. The daemon goes where it is, among containers or sidecars; in
/// a runner's spec, what belongs to built containers goes into the fields that they are built from.
fn for_shape(spec: &Value, pod: &PodSpecAt, current: &Value) -> Value {
    let mut spec = spec.clone();
    let Some(Value::Array(wanted)) = spec.get("containers").cloned() else {
        return spec;
    };
    let holds = |list: &str, name: &Value| {
        let items = current.get(list).and_then(Value::as_array);
        items
            .into_iter()
            .flatten()
            .any(|item| item.get("name") == Some(name))
    };
    let (mut containers, mut sidecars) = (Vec::new(), Vec::new());
    for mut container in wanted {
        let name = container.get("name").cloned().unwrap_or_default();
        if !holds("containers", &name) && holds("initContainers", &name) {
            sidecars.push(container);
            continue;
        }
        if pod.shape == Shape::RunnerSpec {
            spread(&mut container, &mut spec, current);
            let bare = container.as_object().is_none_or(|fields| fields.len() < 2);
            if bare && (name == "runner" || name == "docker") {
                continue;
            }
        }
        containers.push(container);
    }
    if pod.shape == Shape::RunnerSpec && !containers.is_empty() {
        complete(&mut containers, current);
    }
    if let Value::Object(fields) = &mut spec {
        fields.shift_remove("containers");
        if !containers.is_empty() {
            fields.insert("containers".to_owned(), json!(containers));
        }
        if !sidecars.is_empty() {
            let init = fields.entry("initContainers").or_insert_with(|| json!([]));
            if let Value::Array(init) = init {
                init.extend(sidecars);
            }
        }
    }
    spec
}

/// Fields of a runner's spec from which the controller builds a container.
const BUILT: [(&str, &[(&str, &str)]); 2] = [
    (
        "runner",
        &[
            ("image", "image"),
            ("imagePullPolicy", "imagePullPolicy"),
            ("env", "env"),
            ("envFrom", "envFrom"),
            ("resources", "resources"),
            ("volumeMounts", "volumeMounts"),
        ],
    ),
    (
        "docker",
        &[
            ("env", "dockerEnv"),
            ("resources", "dockerdContainerResources"),
            ("volumeMounts", "dockerVolumeMounts"),
        ],
    ),
];

/// Moves what a container is built from into those fields, unless the container that stands there has its own.
fn spread(container: &mut Value, spec: &mut Value, current: &Value) {
    let Some(fields) = container.as_object_mut() else {
        return;
    };
    let name = fields
        .get("name")
        .and_then(Value::as_str)
        .map(str::to_owned);
    let Some((built, moves)) = BUILT
        .iter()
        .find(|(built, _)| Some(*built) == name.as_deref())
    else {
        return;
    };
    if *built == "docker" && !builds_docker(current) {
        return;
    }
    let listed = current.get("containers").and_then(Value::as_array);
    let listed = listed.filter(|list| !list.is_empty());
    let there = listed.and_then(|list| {
        let mut list = list.iter();
        list.find(|other| other.get("name").and_then(Value::as_str) == Some(built))
    });
    if listed.is_some() && there.is_none() {
        return;
    }
    for (from, to) in *moves {
        if there.is_some_and(|there| there.get(*from).is_some()) {
            continue;
        }
        if let (Some(value), Some(spec)) = (fields.shift_remove(*from), spec.as_object_mut()) {
            spec.insert((*to).to_owned(), value);
        }
    }
}

fn builds_docker(current: &Value) -> bool {
    let is = |key: &str, value: bool| current.get(key).and_then(Value::as_bool) == Some(value);
    !is("dockerEnabled", false)
        && !is("dockerdWithinRunnerContainer", true)
        && current.get("containerMode").is_none()
}

/// A list of containers replaces the built ones, so it must name those too.
fn complete(containers: &mut Vec<Value>, current: &Value) {
    let lists = current.get("containers").and_then(Value::as_array);
    if lists.is_some_and(|list| !list.is_empty()) {
        return;
    }
    let names = if builds_docker(current) {
        &["runner", "docker"][..]
    } else {
        &["runner"]
    };
    for (index, name) in names.iter().enumerate() {
        let listed = containers
            .iter()
            .any(|container| container.get("name").and_then(Value::as_str) == Some(name));
        if !listed {
            containers.insert(index.min(containers.len()), json!({"name": name}));
        }
    }
}
