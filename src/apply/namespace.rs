//! What a namespace, or a kind, still holds: it is removed only when nobody else has anything there.

use std::collections::BTreeSet;

use futures::StreamExt;
use serde_json::Value;

use crate::clients::kube::{Cluster, ClusterError};
use crate::object::{ObjectRef, items_at, text_at};
use crate::observe::RECEIPT_TYPE;
use crate::plan::counted;

/// Lists in flight at once.
const CONCURRENCY: usize = 8;

/// Kinds that say nothing about who has something in a namespace: what the cluster writes by itself beside other
/// objects, locks of programs that are counted themselves, and what is computed when it is asked for.
const PASSING: [&str; 5] = ["Event", "Endpoints", "EndpointSlice", "Lease", "PodMetrics"];

/// Why a namespace stays: something in it is neither `going` nor the server's own, or nobody can tell. None where
/// everything in it goes. What hangs on an object that goes, or that is counted itself, is not counted.
pub(super) async fn kept(
    cluster: &Cluster,
    namespace: &str,
    going: &[ObjectRef],
) -> Result<Option<String>, ClusterError> {
    let served = cluster.namespaced_kinds().await?;
    let unknown = |what: &str, why: &str| {
        Ok(Some(format!(
            "nobody can tell whether it is empty: {what}: {why}"
        )))
    };
    // Measurements are no objects: they hold nothing in a namespace.
    let silent = served.silent.iter();
    if let Some(group) = silent.filter(|group| !is_metrics(group)).min() {
        return unknown(group, "its API does not answer");
    }
    let kinds = served.kinds.iter().filter(|(api_version, kind)| {
        !PASSING.contains(&kind.as_str()) && !is_metrics(api_version)
    });
    let lists: Vec<_> = futures::stream::iter(kinds)
        .map(async |(api_version, kind)| {
            let list = cluster.list(api_version, kind, Some(namespace), None);
            (kind, list.await)
        })
        .buffered(CONCURRENCY)
        .collect()
        .await;
    let mut objects = Vec::new();
    for (kind, list) in lists {
        match list {
            Ok(found) => objects.extend(found),
            // Its definition went since it was discovered, or it cannot be listed after all.
            Err(
                ClusterError::NotFound { .. }
                | ClusterError::Other {
                    status: Some(405), ..
                },
            ) => {}
            Err(
                error @ (ClusterError::Unreachable { .. }
                | ClusterError::Unauthorized { .. }
                | ClusterError::TooManyRequests { .. }),
            ) => return Err(error),
            Err(error) => return unknown(&format!("objects of kind {kind}"), error.message()),
        }
    }
    let others = others(&objects, namespace, going);
    Ok(others.first().map(|first| {
        let count = others.len();
        let verb = if count == 1 { "is" } else { "are" };
        format!(
            "{} of others {verb} in it, such as {first}",
            counted(count, "object")
        )
    }))
}

fn is_metrics(group: &str) -> bool {
    let group = group.split('/').next().unwrap_or_default();
    group == "metrics.k8s.io" || group.ends_with(".metrics.k8s.io")
}

/// What someone else has among the objects of a namespace.
fn others(objects: &[Value], namespace: &str, going: &[ObjectRef]) -> Vec<ObjectRef> {
    let uid = |object: &Value| text_at(object, "/metadata/uid").map(str::to_owned);
    // The same object may be served by two groups.
    let gone: BTreeSet<String> = objects
        .iter()
        .filter(|object| going.contains(&ObjectRef::from_value(object)))
        .filter_map(uid)
        .collect();
    let here: BTreeSet<String> = objects.iter().filter_map(uid).collect();
    let mut seen = BTreeSet::new();
    objects
        .iter()
        // What is computed and not stored has no uid.
        .filter(|object| uid(object).is_some_and(|uid| !gone.contains(&uid) && seen.insert(uid)))
        .filter(|object| object.pointer("/metadata/deletionTimestamp").is_none())
        .filter(|object| !is_servers_own(object) && !hangs_on(object, &here, namespace))
        .filter(|object| !listens_for(object, going) && !is_made_for(object, going))
        .map(ObjectRef::from_value)
        .collect()
}

/// True where an owner is here too, or is the namespace itself. An owner elsewhere (a Node, a cluster-wide object of an
/// operator) is somebody who has something here.
fn hangs_on(object: &Value, here: &BTreeSet<String>, namespace: &str) -> bool {
    items_at(object, "/metadata/ownerReferences")
        .iter()
        .any(|owner| {
            let text = |pointer| text_at(owner, pointer).unwrap_or_default();
            here.contains(text("/uid"))
                || (text("/kind") == "Namespace" && text("/name") == namespace)
        })
}

/// The Role and the RoleBinding that the controller makes for the listener of a runner set: they have no owner, since
/// the listener stands in another namespace, and go with it.
fn is_made_for(object: &Value, going: &[ObjectRef]) -> bool {
    let label = |name: &str| {
        let labels = object.pointer("/metadata/labels")?;
        labels.get(name)?.as_str()
    };
    let (name, namespace) = (
        label("actions.github.com/scale-set-name"),
        label("actions.github.com/scale-set-namespace"),
    );
    going.iter().any(|set| {
        set.kind == "AutoscalingRunnerSet"
            && Some(set.name.as_str()) == name
            && set.namespace.as_deref() == namespace
    })
}

fn is_servers_own(object: &Value) -> bool {
    let text = |pointer: &str| text_at(object, pointer).unwrap_or_default();
    let name = text("/metadata/name");
    match text("/kind") {
        "ConfigMap" => {
            [
                "kube-root-ca.crt",
                "openshift-service-ca.crt",
                "istio-ca-root-cert",
            ]
            .contains(&name)
                // The lock of a program of before Leases.
                || object
                    .pointer("/metadata/annotations")
                    .is_some_and(|annotations| {
                        annotations
                            .get("control-plane.alpha.kubernetes.io/leader")
                            .is_some()
                    })
        }
        "ServiceAccount" => ["default", "builder", "deployer", "pipeline"].contains(&name),
        "Secret" => ["kubernetes.io/service-account-token", RECEIPT_TYPE].contains(&text("/type")),
        "RoleBinding" => name.starts_with("system:"),
        _ => false,
    }
}

/// How many objects of a definition's kind there are in the whole cluster, besides `going`.
pub(super) async fn others_of(
    cluster: &Cluster,
    definition: &Value,
    going: &[ObjectRef],
) -> Result<usize, ClusterError> {
    let text = |pointer: &str| text_at(definition, pointer).unwrap_or_default();
    let versions = definition
        .pointer("/spec/versions")
        .and_then(Value::as_array);
    let version = versions
        .into_iter()
        .flatten()
        .find(|version| version.get("served").and_then(Value::as_bool) == Some(true))
        .and_then(|version| version.get("name"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    let api_version = format!("{}/{version}", text("/spec/group"));
    match cluster
        .list(&api_version, text("/spec/names/kind"), None, None)
        .await
    {
        Ok(objects) => Ok(objects
            .iter()
            .filter(|object| object.pointer("/metadata/deletionTimestamp").is_none())
            // What hangs on one of ours goes with it.
            .filter(|object| object.pointer("/metadata/ownerReferences").is_none())
            .filter(|object| !going.contains(&ObjectRef::from_value(object)))
            .filter(|object| !listens_for(object, going))
            .count()),
        Err(ClusterError::NotFound { .. }) => Ok(0),
        Err(error) => Err(error),
    }
}

/// Whether it is the listener of one of these runner sets: it has no owner, since it stands in another namespace,
/// and the controller removes it with the set.
pub(super) fn listens_for(object: &Value, sets: &[ObjectRef]) -> bool {
    let text = |pointer: &str| text_at(object, pointer);
    text("/kind") == Some("AutoscalingListener")
        && sets.iter().any(|set| {
            set.kind == "AutoscalingRunnerSet"
                && set.namespace.as_deref() == text("/spec/autoscalingRunnerSetNamespace")
                && Some(set.name.as_str()) == text("/spec/autoscalingRunnerSetName")
        })
}

#[cfg(test)]
#[path = "namespace_tests.rs"]
mod tests;
