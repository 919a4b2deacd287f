//! The pods in which container hooks run jobs: pull secret, authorities and proxy, by the template that the hooks merge.
//!
//! The hooks (actions/runner-container-hooks 0.5 and later) read a file with a pod in `spec` that the variable
//! ACTIONS_RUNNER_CONTAINER_HOOK_TEMPLATE names. Lists of volumes, variables and mounts are appended to their own; every
//! other field of the pod replaces theirs, so nothing stands here that they set: an `initContainers` would take theirs
//! away. A job's container is `$job` there. Services have names that only a workflow knows: they are not reached.

use serde_json::{Value, json};

use super::Context;
use super::additions::{config_map, insert};
use super::edit::Editor;
use crate::config::{Config, ContainerMode};
use crate::object::pods::{Role, sites};
use crate::object::{Change, Manifest, ObjectRef, Source};
use crate::yaml;

const RULE: &str = "job pods";
const VARIABLE: &str = "ACTIONS_RUNNER_CONTAINER_HOOK_TEMPLATE";
const FOLDER: &str = "/etc/arc-setup/job-pods";
const FILE: &str = "pod.yaml";

/// Adds a PodTemplate for each namespace in which hooks make pods. The passes between this and [`finish`] treat it as any
/// other pod.
pub(super) fn begin(manifests: &mut Vec<Manifest>, context: &Context<'_>) {
    for namespace in namespaces(context.config) {
        let object = json!({
            "apiVersion": "v1",
            "kind": "PodTemplate",
            "metadata": {"name": name(context.config), "namespace": namespace},
            "spec": untouched(),
        });
        manifests.push(Manifest::new(object, Source::Pass(RULE.to_owned())));
    }
}

/// Makes a ConfigMap of each, which the runners mount and name; where no pass had anything for job pods, nothing is left
/// of it.
pub(super) fn finish(
    manifests: &mut Vec<Manifest>,
    context: &Context<'_>,
    changes: &mut Vec<Change>,
) {
    let config = context.config;
    for namespace in namespaces(config) {
        let template = ObjectRef::new("v1", "PodTemplate", Some(namespace), &name(config));
        // What was changed in it on the way is told as the ConfigMap that it becomes.
        changes.retain(|change| change.object != template);
        let at = manifests
            .iter()
            .position(|manifest| manifest.reference() == template);
        let Some(spec) = at.map(|at| manifests.remove(at).object["spec"].take()) else {
            continue;
        };
        if spec == untouched() {
            continue;
        }
        let pod = json!({"apiVersion": "v1", "kind": "PodTemplate", "spec": spec});
        let data = [(FILE.to_owned(), yaml::to_string(&pod))];
        let addition = config_map(config, RULE, namespace, &name(config), &data);
        insert(manifests, addition, changes, RULE);
        for manifest in manifests.iter_mut() {
            if is_hooked(config, &manifest.reference(), namespace) {
                named(&mut Editor { manifest, changes }, config);
            }
        }
    }
}

/// The runner's container reads the file; one that names another is left with it.
fn named(editor: &mut Editor<'_>, config: &Config) {
    let all = sites(&editor.manifest.object);
    let volume = json!({"name": "arc-setup-job-pods", "configMap": {"name": name(config)}});
    for site in all.iter().filter(|site| site.role == Role::Runner) {
        let file = format!("{FOLDER}/{FILE}");
        editor.variable(site, VARIABLE, &file, RULE);
        if editor.value_of(site, VARIABLE) == Some(&json!(file)) {
            editor.mount(site, &volume, FOLDER, RULE);
        }
    }
}

fn name(config: &Config) -> String {
    format!("{}-job-pods", config.name)
}

fn untouched() -> Value {
    json!({"containers": [{"name": "$job"}]})
}

fn uses_hooks(mode: ContainerMode) -> bool {
    matches!(
        mode,
        ContainerMode::Kubernetes | ContainerMode::KubernetesNovolume
    )
}

/// Where hooks make pods, each once.
fn namespaces(config: &Config) -> Vec<&str> {
    let mut namespaces: Vec<&str> = Vec::new();
    for set in &config.runner_sets {
        if uses_hooks(set.container_mode) && !namespaces.contains(&set.namespace.as_str()) {
            namespaces.push(&set.namespace);
        }
    }
    namespaces
}

fn is_hooked(config: &Config, object: &ObjectRef, namespace: &str) -> bool {
    object.namespace.as_deref() == Some(namespace)
        && config.runner_sets.iter().any(|set| {
            uses_hooks(set.container_mode)
                && set.namespace == namespace
                && set.name == object.name
                && set.kind.object_kind() == object.kind
        })
}
