//! The pull secret: made before the first pod, named by everything that pulls, replacing nothing.

use serde_json::{Value, json};

use super::reference;
use crate::config::{Config, Mode, PullSecret};
use crate::image_ref::ImageReference;
use crate::object::pods::{Part, Role, Shape, containers, image_slots, pod_specs};
use crate::object::{Change, Credential, LateForm, LateSource, Manifest};
use crate::render::versions::has_flag;
use crate::rewrite::Context;
use crate::rewrite::additions::{insert, namespaces, secret};
use crate::rewrite::edit::Editor;
use crate::rules::RuleSet;

const RULE: &str = "images: pull secret";

/// The name of the pull secret of an install; None where none is wanted.
pub fn pull_secret_name(config: &Config) -> Option<String> {
    match config.registry.pull_secret.as_ref()? {
        PullSecret::DockerConfig => Some(format!("{}-pull", config.name)),
        PullSecret::ExistingSecret(existing) => Some(existing.name.clone()),
    }
}

pub(super) fn run(
    manifests: &mut Vec<Manifest>,
    context: &Context<'_>,
    rules: &RuleSet,
) -> Vec<Change> {
    let mut changes = Vec::new();
    let config = context.config;
    let Some(name) = pull_secret_name(config) else {
        return changes;
    };
    for manifest in manifests.iter_mut() {
        let mut editor = Editor {
            manifest,
            changes: &mut changes,
        };
        name_in_pods(&mut editor, &name);
        name_in_arguments(&mut editor, config, &name);
    }
    if config.registry.pull_secret == Some(PullSecret::DockerConfig) {
        let hosts = hosts(manifests, rules);
        for namespace in namespaces(config) {
            let from = LateSource::Credential(LateForm::DockerConfig {
                credential: Credential::PullSecret,
                hosts: hosts.clone(),
            });
            let values = vec![(".dockerconfigjson".to_owned(), from)];
            let kind = "kubernetes.io/dockerconfigjson";
            let addition = secret(config, "images", namespace, &name, kind, values);
            insert(manifests, addition, &mut changes, RULE);
        }
    }
    changes
}

/// The hosts of every target; without rules, of every image.
fn hosts(manifests: &[Manifest], rules: &RuleSet) -> Vec<String> {
    let mut hosts: Vec<String> = rules
        .target_hosts()
        .into_iter()
        .map(str::to_owned)
        .collect();
    let every_image = rules.has_no_targets();
    // A template with a field in the host has one for each source.
    for slot in manifests
        .iter()
        .flat_map(|manifest| image_slots(&manifest.object))
    {
        if let Ok(image) = ImageReference::parse(&slot.text)
            && (every_image || rules.is_target(&image))
            && !hosts.iter().any(|host| host == image.host())
        {
            hosts.push(image.host().to_owned());
        }
    }
    hosts
}

fn name_in_pods(editor: &mut Editor<'_>, name: &str) {
    for pod in pod_specs(&editor.manifest.object) {
        if matches!(pod.shape, Shape::RunnerConfig | Shape::Containers) {
            continue;
        }
        let list = pod.pointer.child("imagePullSecrets");
        editor.append_keyed(&list, "name", reference(name), RULE);
    }
}

fn name_in_arguments(editor: &mut Editor<'_>, config: &Config, name: &str) {
    let flag = match config.mode {
        Mode::ScaleSet => "--auto-scaler-image-pull-secrets",
        Mode::Legacy => "--runner-image-pull-secret",
    };
    if !has_flag(config.mode, config.version, flag) {
        return;
    }
    let argument = json!(format!("{flag}={name}"));
    for at in containers(&editor.manifest.object) {
        if at.role != Role::Controller || at.pod.part != Part::Workload {
            continue;
        }
        let list = at.pointer.child("args");
        let items = list.get(&editor.manifest.object).and_then(Value::as_array);
        if !items.is_some_and(|items| items.contains(&argument)) {
            editor.append(&list, argument.clone(), RULE);
        }
    }
}
