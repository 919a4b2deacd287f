//! `/etc/docker/certs.d` of dind: the authorities for each registry host, and mirrors of whole registries.
//!
//! dockerd reads `HOST[:PORT]/ca.crt` in every release, `HOST/hosts.toml` from 29 on. It never sees the mirrors
//! of the nodes' runtime, and `--registry-mirror` knows Docker Hub alone.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{BUNDLE, BUNDLE_PATH, name};
use crate::config::{Config, MirrorCredentials};
use crate::object::pods::{Site, sites};
use crate::object::{Change, Credential, LateForm, LateSource, Manifest};
use crate::rewrite::Context;
use crate::rewrite::additions::{config_map, insert, secret};
use crate::rewrite::edit::{Editor, image_beside};
use crate::rules::{Mirror, RuleSet};

const RULE: &str = "trust: dind certs.d";
const FOLDER: &str = "/etc/docker/certs.d";
/// Where the parts wait for the account that an init container puts into them.
const PARTS: &str = "/etc/arc-setup/docker";

pub(super) fn run(
    manifests: &mut Vec<Manifest>,
    context: &Context<'_>,
    rules: &RuleSet,
    has_authorities: bool,
    changes: &mut Vec<Change>,
) {
    let config = context.config;
    let mirrors = rules.mirrors();
    let volume = volume(config, rules, &mirrors, has_authorities);
    let Some(volume) = volume else {
        return;
    };
    let mut namespaces = Vec::new();
    for manifest in manifests.iter_mut() {
        let all = sites(&manifest.object);
        for site in all.iter().filter(|site| site.runs_docker) {
            let mut editor = Editor { manifest, changes };
            match existing_account(config) {
                Some(_) if !mirrors.is_empty() => {
                    with_account(&mut editor, config, site, &all, &volume);
                }
                _ => editor.mount(site, &volume, FOLDER, RULE),
            }
            if let Some(namespace) = manifest.reference().namespace
                && !namespaces.contains(&namespace)
            {
                namespaces.push(namespace);
            }
        }
    }
    if mirrors.is_empty() {
        return;
    }
    for namespace in namespaces {
        let addition = hosts_object(config, &namespace, &mirrors, has_authorities);
        insert(manifests, addition, changes, RULE);
    }
}

fn existing_account(config: &Config) -> Option<&crate::config::ExistingSecret> {
    match &config.registry.mirror_credentials {
        Some(MirrorCredentials::ExistingSecret(existing)) => Some(existing),
        _ => None,
    }
}

fn given_account(config: &Config) -> bool {
    config.registry.mirror_credentials == Some(MirrorCredentials::Given)
}

fn hosts_name(config: &Config) -> String {
    format!("{}-dind-registries", config.name)
}

/// The key of a host's hosts.toml; keys of a ConfigMap hold no colon.
fn key(host: &str) -> String {
    let valid = |letter: char| letter.is_ascii_alphanumeric() || letter == '.' || letter == '-';
    let host: String = host
        .chars()
        .map(|letter| if valid(letter) { letter } else { '_' })
        .collect();
    format!("{host}.toml")
}

/// A projected volume: items make folders with colons, which mount paths cannot have.
fn volume(
    config: &Config,
    rules: &RuleSet,
    mirrors: &[(String, Mirror)],
    has_authorities: bool,
) -> Option<Value> {
    let mut sources = Vec::new();
    if has_authorities {
        let mut hosts: Vec<&str> = rules.target_hosts();
        for (_, mirror) in mirrors {
            if !hosts.contains(&mirror.place.host.as_str()) {
                hosts.push(&mirror.place.host);
            }
        }
        let items: Vec<Value> = hosts
            .iter()
            .map(|host| json!({"key": BUNDLE, "path": format!("{host}/ca.crt")}))
            .collect();
        if !items.is_empty() {
            sources.push(json!({"configMap": {"name": name(config), "items": items}}));
        }
    }
    if !mirrors.is_empty() {
        let items: Vec<Value> = mirrors
            .iter()
            .map(|(host, _)| json!({"key": key(host), "path": format!("{host}/hosts.toml")}))
            .collect();
        let kind = if given_account(config) {
            "secret"
        } else {
            "configMap"
        };
        sources.push(json!({kind: {"name": hosts_name(config), "items": items}}));
    }
    (!sources.is_empty())
        .then(|| json!({"name": "arc-setup-docker", "projected": {"sources": sources}}))
}

fn hosts_object(
    config: &Config,
    namespace: &str,
    mirrors: &[(String, Mirror)],
    has_authorities: bool,
) -> Manifest {
    let account = config.registry.mirror_credentials.is_some();
    let files = mirrors
        .iter()
        .map(|(host, mirror)| (key(host), hosts_toml(mirror, has_authorities, account)));
    if given_account(config) {
        let values = files.map(|(key, text)| {
            let form = LateForm::BasicAuthorization {
                username: Credential::MirrorUsername,
                password: Credential::MirrorPassword,
                text,
            };
            (key, LateSource::Credential(form))
        });
        let values = values.collect();
        return secret(
            config,
            "trust",
            namespace,
            &hosts_name(config),
            "Opaque",
            values,
        );
    }
    let files: Vec<(String, String)> = files.collect();
    config_map(config, "trust", namespace, &hosts_name(config), &files)
}

/// The mirror first; the registry itself stays what is asked last and pushed to.
fn hosts_toml(mirror: &Mirror, has_authorities: bool, account: bool) -> String {
    let place = &mirror.place;
    let url = if place.path.is_empty() {
        format!("https://{}", place.host)
    } else {
        format!("https://{}/v2/{}", place.host, place.path)
    };
    let mut text = format!("[host.\"{url}\"]\n  capabilities = [\"pull\", \"resolve\"]\n");
    if !place.path.is_empty() {
        text.push_str("  override_path = true\n");
    }
    if has_authorities {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  ca = \"{BUNDLE_PATH}\"");
    }
    if account {
        let _ = write!(
            text,
            "  [host.\"{url}\".header]\n    Authorization = [\"Basic {{basic}}\"]\n"
        );
    }
    text
}

/// The account stands in a Secret whose values are never read here: an init container puts it into the files.
fn with_account(
    editor: &mut Editor<'_>,
    config: &Config,
    site: &Site,
    all: &[Site],
    parts: &Value,
) {
    let Some(existing) = existing_account(config) else {
        return;
    };
    let folder = json!({"name": "arc-setup-docker", "emptyDir": {}});
    let mut parts = parts.clone();
    parts["name"] = json!("arc-setup-docker-parts");
    editor.mount(site, &folder, FOLDER, RULE);
    let mounted = site
        .volumes()
        .get(&editor.manifest.object)
        .and_then(Value::as_array);
    if !mounted.is_some_and(|volumes| volumes.contains(&folder)) {
        return;
    }
    editor.append_keyed(&site.volumes(), "name", parts, RULE);
    let image = image_beside(&editor.manifest.object, site, all).unwrap_or_default();
    let variable = |name: &str, usual: &str| json!({"name": name, "valueFrom": {"secretKeyRef": {"name": existing.name, "key": existing.key(usual)}}});
    let script = format!(
        "set -e; basic=$(printf '%s:%s' \"$MIRROR_USERNAME\" \"$MIRROR_PASSWORD\" | base64 | tr -d '\\n'); \
         for folder in {PARTS}/*/; do host=$(basename \"$folder\"); mkdir -p \"{FOLDER}/$host\"; \
         for file in \"$folder\"*; do sed \"s|{{basic}}|$basic|\" \"$file\" > \"{FOLDER}/$host/$(basename \"$file\")\"; done; done"
    );
    let container = json!({
        "name": "arc-setup-docker",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sh", "-c"],
        "args": [script],
        "env": [variable("MIRROR_USERNAME", "username"), variable("MIRROR_PASSWORD", "password")],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "100m", "memory": "64Mi"}},
        "volumeMounts": [
            {"name": "arc-setup-docker-parts", "mountPath": PARTS, "readOnly": true},
            {"name": "arc-setup-docker", "mountPath": FOLDER},
        ],
    });
    prepend_init(editor, site, container);
}

/// Before every other: a native sidecar starts in the order of the list.
fn prepend_init(editor: &mut Editor<'_>, site: &Site, container: Value) {
    let at = site.pod.pointer.child("initContainers");
    let mut list = match at.get(&editor.manifest.object) {
        Some(Value::Array(list)) => list.clone(),
        _ => Vec::new(),
    };
    if list
        .iter()
        .any(|other| other.get("name") == container.get("name"))
    {
        return;
    }
    list.insert(0, container);
    editor.put(&at, Value::Array(list), RULE);
}
