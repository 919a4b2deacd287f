//! Everything that an API server stores, for comparison.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Request;
use kube::Client;
use serde_json::Value;

/// Each object by `RESOURCE.GROUP NAMESPACE/NAME`.
pub(crate) type World = BTreeMap<String, Value>;

/// What control planes move on their own: their leases, events, the node that beats, and what they publish.
fn moves_alone(path: &str, object: &Value) -> bool {
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
    path.contains("/events")
        || path.ends_with("/nodes")
        || path.contains("flowcontrol.apiserver")
        || path.contains("apiregistration")
        || namespace.starts_with("kube-")
}

/// Reads every object of every kind that is served.
pub(crate) async fn read(client: &Client) -> World {
    let mut world = World::new();
    for path in listable(client).await {
        let list = get(client, &path).await;
        for object in list["items"].as_array().into_iter().flatten() {
            if moves_alone(&path, object) {
                continue;
            }
            let metadata = &object["metadata"];
            let text = |key: &str| metadata[key].as_str().unwrap_or_default();
            let kind = path
                .trim_start_matches("/apis/")
                .trim_start_matches("/api/");
            world.insert(
                format!("{kind} {}/{}", text("namespace"), text("name")),
                object.clone(),
            );
        }
    }
    world
}

/// Name and resourceVersion of everything.
pub(crate) fn versions(world: &World) -> BTreeMap<&str, &str> {
    world
        .iter()
        .map(|(name, object)| {
            let version = object["metadata"]["resourceVersion"].as_str();
            (name.as_str(), version.unwrap_or_default())
        })
        .collect()
}

/// What is left when all that differs between two installs by nature is taken away: identities, times, random
/// names, keys and what is derived from them.
pub(crate) fn essence(world: &World) -> BTreeMap<String, Value> {
    let mut essence = BTreeMap::new();
    for (name, object) in world {
        let kind = object["kind"].as_str().unwrap_or_default();
        // A random suffix names them; their template stands in the Deployment.
        if name.contains("/pods ")
            || name.contains("/replicasets ")
            || name.contains("/endpointslices ")
            || name.contains("/endpoints ")
        {
            continue;
        }
        if name.contains("/services default/")
            || name.contains("/controllerrevisions ")
            || name.contains("/ipaddresses ")
            || kind == "ClusterRole" && object["aggregationRule"].is_object()
        {
            continue;
        }
        let mut object = object.clone();
        strip(&mut object);
        essence.insert(name.clone(), object);
    }
    essence
}

fn strip(object: &mut Value) {
    let Some(fields) = object.as_object_mut() else {
        return;
    };
    fields.remove("status");
    let is_secret = object["metadata"]["name"]
        .as_str()
        .is_some_and(|name| name.starts_with("arc-setup-"));
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for key in [
            "uid",
            "resourceVersion",
            "creationTimestamp",
            "managedFields",
            "generation",
        ] {
            metadata.remove(key);
        }
        if let Some(annotations) = metadata
            .get_mut("annotations")
            .and_then(Value::as_object_mut)
        {
            annotations.remove("deployment.kubernetes.io/revision");
        }
    }
    if is_secret {
        object["data"] = inventory(object).map_or(Value::Null, |mut receipt| {
            for entry in receipt["entries"].as_array_mut().into_iter().flatten() {
                entry["uid"] = Value::Null;
            }
            receipt
        });
    }
    walk(object, &mut |key, value| {
        // Addresses, certificates and what a Secret's version is mixed into.
        let by_nature = [
            "clusterIP",
            "clusterIPs",
            "caBundle",
            "tls.crt",
            "tls.key",
            "ca.crt",
            "nodePort",
            "healthCheckNodePort",
        ];
        if by_nature.contains(&key) || key.starts_with("secret-version.arc-setup.dev/") {
            *value = Value::Null;
        }
    });
}

/// The receipt in a Secret.
fn inventory(secret: &Value) -> Option<Value> {
    let text = secret["data"]["receipt.json"].as_str()?;
    serde_json::from_slice(&STANDARD.decode(text).ok()?).ok()
}

/// What is wrong with the receipts: each is complete and names every object of its install by the uid that it has.
pub(crate) fn inventory_faults(world: &World) -> Vec<String> {
    let receipts = world.iter().filter(|(name, _)| name.contains("/secrets "));
    let receipts: Vec<Value> = receipts
        .filter_map(|(_, object)| inventory(object))
        .collect();
    if receipts.is_empty() {
        return vec!["no receipt".to_owned()];
    }
    let mut faults = Vec::new();
    let uids: BTreeSet<&str> = world
        .values()
        .filter_map(|object| object["metadata"]["uid"].as_str())
        .collect();
    for receipt in receipts {
        if receipt["complete"] != true {
            faults.push("a receipt is not complete".to_owned());
        }
        for entry in receipt["entries"].as_array().into_iter().flatten() {
            let uid = entry["uid"].as_str();
            if uid.is_none_or(|uid| !uids.contains(uid)) {
                faults.push(format!("of no object: {entry}"));
            }
        }
    }
    faults
}

fn walk(value: &mut Value, change: &mut impl FnMut(&str, &mut Value)) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields.iter_mut() {
                change(key, value);
                walk(value, change);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, change)),
        _ => {}
    }
}

/// The paths of all kinds that can be listed, each in one version.
async fn listable(client: &Client) -> Vec<String> {
    let mut roots = vec!["/api/v1".to_owned()];
    let groups = get(client, "/apis").await;
    for group in groups["groups"].as_array().into_iter().flatten() {
        let version = group["preferredVersion"]["groupVersion"].as_str();
        roots.extend(version.map(|version| format!("/apis/{version}")));
    }
    let mut paths = Vec::new();
    for root in roots {
        let resources = get(client, &root).await;
        for resource in resources["resources"].as_array().into_iter().flatten() {
            let can_list = resource["verbs"]
                .as_array()
                .is_some_and(|verbs| verbs.iter().any(|verb| verb == "list"));
            if let Some(name) = resource["name"].as_str().filter(|_| can_list) {
                paths.push(format!("{root}/{name}"));
            }
        }
    }
    paths
}

async fn get(client: &Client, path: &str) -> Value {
    let Ok(request) = Request::get(path).body(Vec::new()) else {
        return Value::Null;
    };
    // A kind may vanish between discovery and list.
    client.request(request).await.unwrap_or(Value::Null)
}

/// What differs, place by place, so that a failure can be read.
pub(crate) fn differing(
    before: &BTreeMap<String, Value>,
    after: &BTreeMap<String, Value>,
) -> Vec<String> {
    let mut found = Vec::new();
    for name in before.keys().chain(after.keys()) {
        let of = |world: &BTreeMap<String, Value>| world.get(name).cloned().unwrap_or_default();
        places(name, &of(before), &of(after), &mut found);
    }
    found.sort();
    found.dedup();
    found
}

fn places(at: &str, before: &Value, after: &Value, found: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            for key in old.keys().chain(new.keys()) {
                places(&format!("{at} {key}"), &before[key], &after[key], found);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                places(&format!("{at} {index}"), old, new, found);
            }
        }
        _ if before != after => found.push(format!("{at}: {before} → {after}")),
        _ => {}
    }
}
