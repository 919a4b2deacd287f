//! Everything that a cluster holds, of every kind that can be listed.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::control_plane::eventually;
use crate::support::control_plane::ControlPlane;

/// Kinds that come and go by themselves.
const RESTLESS: [&str; 2] = ["Lease", "APIService"];
/// Kinds that the cluster's own components write to all the time.
const BEATING: [&str; 1] = ["Node"];

/// Identity → what is stored, without status and bookkeeping.
pub(super) type Census = BTreeMap<String, Value>;

/// Every object. Leases of the cluster's own components beat, so only others' are counted.
pub(super) async fn census(plane: &ControlPlane) -> Census {
    // Between two questions a definition may have come or gone.
    eventually("a census", async || look(plane).ok()).await
}

fn look(plane: &ControlPlane) -> Result<Census> {
    let kubectl = |arguments: &[&str]| {
        let output = plane.kubectl(arguments)?;
        ensure!(output.status.success(), "kubectl ended with {output:?}");
        Ok(String::from_utf8(output.stdout)?)
    };
    let kinds = kubectl(&[
        "api-resources",
        "--verbs=list",
        "--cached=false",
        "--output=name",
    ])?;
    let kinds: Vec<&str> = kinds
        .lines()
        .filter(|kind| !["events", "events.events.k8s.io"].contains(kind))
        .collect();
    let all = kubectl(&[
        "get",
        &kinds.join(","),
        "--all-namespaces",
        "--output=json",
        "--ignore-not-found",
    ])?;
    let all: Value = serde_json::from_str(&all)?;
    let objects = all["items"].as_array().context("a list without items")?;
    Ok(objects.iter().filter_map(entry).collect())
}

fn entry(object: &Value) -> Option<(String, Value)> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let kind = text("/kind").unwrap_or_default();
    let namespace = text("/metadata/namespace").unwrap_or_default();
    let own = kind == "Lease" && !namespace.starts_with("kube-");
    if RESTLESS.contains(&kind) && !own {
        return None;
    }
    let name = text("/metadata/name").unwrap_or_default();
    let group = text("/apiVersion").unwrap_or_default();
    let mut kept = object.clone();
    let fields = kept.as_object_mut()?;
    fields.remove("status");
    let metadata = fields.get_mut("metadata")?.as_object_mut()?;
    if BEATING.contains(&kind) {
        metadata.remove("resourceVersion");
    }
    metadata.remove("managedFields");
    Some((format!("{group} {kind} {namespace}/{name}"), kept))
}

/// What one has and the other lacks, and what differs: a line for each.
pub(super) fn difference(before: &Census, after: &Census) -> Vec<String> {
    let gone = before
        .keys()
        .filter(|key| !after.contains_key(*key))
        .map(|key| format!("gone: {key}"));
    let new = after
        .keys()
        .filter(|key| !before.contains_key(*key))
        .map(|key| format!("left: {key}"));
    let touched = before.iter().filter_map(|(key, value)| {
        let now = after.get(key)?;
        (now != value).then(|| format!("touched: {key}\n  {value}\n  {now}"))
    });
    gone.chain(new).chain(touched).collect()
}
