//! What a workflow can read: whatever its runner's pod holds, and in kubernetes mode what its service account may.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::object::Manifest;
use crate::object::pods::{Role, SCALE_SET_GROUP, Site, sites, starts_job_pods};

/// One line for each runner set whose workflows can read Secrets: which, and by what.
pub fn readable_by_workflows(manifests: &[Manifest]) -> Vec<String> {
    let mut lines = Vec::new();
    for manifest in manifests {
        let object = &manifest.object;
        let all = sites(object);
        // The listener's pod is none of a workflow's.
        let is_beside = |site: &Site| {
            let mut runners = all.iter().filter(|site| site.role == Role::Runner);
            runners.any(|runner| runner.pod.pointer == site.pod.pointer)
        };
        let beside: Vec<&Site> = all.iter().filter(|site| is_beside(site)).collect();
        if beside.is_empty() {
            continue;
        }
        let reference = manifest.reference();
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut add = |secret: &str, by: &str| {
            let ways = found.entry(secret.to_owned()).or_default();
            if !ways.iter().any(|known| known == by) {
                ways.push(by.to_owned());
            }
        };
        for site in beside {
            held(object, site, &mut add);
        }
        if reference.group() == SCALE_SET_GROUP {
            // Its controller writes them into the runner's environment.
            for scheme in ["http", "https"] {
                let pointer = format!("/spec/proxy/{scheme}/credentialSecretRef");
                if let Some(secret) = object.pointer(&pointer).and_then(Value::as_str) {
                    add(secret, &format!("{scheme}_proxy"));
                }
            }
        }
        let namespace = reference.namespace.as_deref().unwrap_or_default();
        let secrets: Vec<String> = found
            .into_iter()
            .map(|(secret, ways)| format!("Secret {secret} ({})", ways.join(", ")))
            .collect();
        if !secrets.is_empty() {
            lines.push(format!(
                "any workflow on {} {namespace}/{} can read {}",
                reference.kind,
                reference.name,
                secrets.join("; ")
            ));
        }
        if starts_job_pods(object) {
            lines.push(format!(
                "any workflow on {} {namespace}/{} can read every Secret of namespace {namespace}: in kubernetes mode its service account may",
                reference.kind, reference.name
            ));
        }
    }
    lines
}

/// Secrets in variables and volumes of a container.
fn held(object: &Value, site: &Site, add: &mut impl FnMut(&str, &str)) {
    let items = |pointer: &str| object.pointer(pointer).and_then(Value::as_array);
    for variable in items(site.env.as_str()).into_iter().flatten() {
        let secret = variable.pointer("/valueFrom/secretKeyRef/name");
        if let (Some(secret), Some(name)) = (text(secret), text(variable.get("name"))) {
            add(secret, name);
        }
    }
    let whole = site.env.parent().map(|holder| holder.child("envFrom"));
    let whole = whole.as_ref().and_then(|at| at.get(object));
    for source in whole.and_then(Value::as_array).into_iter().flatten() {
        if let Some(secret) = text(source.pointer("/secretRef/name")) {
            add(secret, "each of its keys");
        }
    }
    let mounted: Vec<&str> = items(site.mounts.as_str())
        .into_iter()
        .flatten()
        .filter_map(|mount| text(mount.get("name")))
        .collect();
    for volume in items(site.volumes().as_str()).into_iter().flatten() {
        if !text(volume.get("name")).is_some_and(|name| mounted.contains(&name)) {
            continue;
        }
        let projected = volume
            .pointer("/projected/sources")
            .and_then(Value::as_array);
        let projected = projected.into_iter().flatten();
        let names = projected
            .filter_map(|source| text(source.pointer("/secret/name")))
            .chain(text(volume.pointer("/secret/secretName")));
        for name in names {
            add(name, "a file");
        }
    }
}

fn text(value: Option<&Value>) -> Option<&str> {
    value.and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Source;
    use serde_json::json;

    fn set(spec: &Value) -> Manifest {
        let object = json!({
            "apiVersion": "actions.github.com/v1alpha1", "kind": "AutoscalingRunnerSet",
            "metadata": {"name": "linux", "namespace": "arc-runners"},
            "spec": spec,
        });
        Manifest::new(object, Source::Pass("test".to_owned()))
    }

    #[test]
    fn what_runner_pods_hold_is_told_and_what_others_hold_is_not() {
        let runners = set(&json!({
            "githubConfigSecret": "login",
            "proxy": {"https": {"url": "http://p:1", "credentialSecretRef": "arc-proxy"}},
            "listenerTemplate": {"spec": {"containers": [{"name": "listener", "env": [
                {"name": "L", "valueFrom": {"secretKeyRef": {"name": "listens", "key": "k"}}},
            ]}]}},
            "template": {"spec": {
                "containers": [{"name": "runner", "image": "r", "env": [
                    {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "account", "key": "p"}}},
                    {"name": "ACTIONS_RUNNER_CONTAINER_HOOKS", "value": "/hooks.js"},
                ], "volumeMounts": [{"name": "mirror", "mountPath": "/m"}]}],
                "volumes": [
                    {"name": "mirror", "secret": {"secretName": "arc-mirror"}},
                    {"name": "other", "secret": {"secretName": "not-mounted"}},
                ],
            }},
        }));
        assert_eq!(
            readable_by_workflows(&[runners]),
            [
                "any workflow on AutoscalingRunnerSet arc-runners/linux can read Secret account (PASSWORD); Secret arc-mirror (a file); Secret arc-proxy (https_proxy)",
                "any workflow on AutoscalingRunnerSet arc-runners/linux can read every Secret of namespace arc-runners: in kubernetes mode its service account may",
            ]
        );
    }
}
