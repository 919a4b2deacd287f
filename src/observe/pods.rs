//! One dry-run Pod per pod template: pod security, quota, LimitRange and policies judge pods, not what makes them.

use futures::{StreamExt, TryStreamExt};
use serde_json::{Value, json};

use crate::clients::kube::{Cluster, ClusterError};
use crate::failure::{Exit, Failure};
use crate::object::Manifest;
use crate::object::pods::{Part, PodSpecAt, pod_specs};

use super::model::{DryRun, Observed, ObservedPod};
use super::objects::{CONCURRENCY, Options};
use super::refusal::classify;
use super::runner_pod::{LegacyManager, pod_of};
use super::surroundings::Surroundings;

/// Every pod template of `manifests`, asked of the server. `observed` tells which ServiceAccounts exist.
pub async fn pods(
    cluster: &Cluster,
    manifests: &[Manifest],
    observed: &Observed,
    options: &Options<'_>,
) -> Result<Vec<ObservedPod>, Failure> {
    let surroundings = Surroundings::of(
        manifests,
        options.facts,
        options.install,
        options.manage_namespaces,
    );
    let templates = manifests.iter().flat_map(|manifest| {
        pod_specs(&manifest.object)
            .into_iter()
            .map(move |at| (manifest, at))
    });
    futures::stream::iter(templates)
        .map(|(manifest, at)| {
            one(
                cluster,
                manifest,
                at,
                observed,
                options.namespace,
                &surroundings,
            )
        })
        .buffered(CONCURRENCY)
        .try_filter_map(async |pod| Ok(pod))
        .try_collect()
        .await
}

async fn one(
    cluster: &Cluster,
    manifest: &Manifest,
    at: PodSpecAt,
    observed: &Observed,
    controller_namespace: &str,
    surroundings: &Surroundings,
) -> Result<Option<ObservedPod>, Failure> {
    let object = manifest.reference();
    let namespace = match at.part {
        Part::Listener => controller_namespace,
        _ => object.namespace.as_deref().unwrap_or_default(),
    }
    .to_owned();
    let namespace = namespace.as_str();
    // What the manager is told changes no verdict.
    let manager = LegacyManager::default();
    let Some(mut pod) = pod_of(&manifest.object, &at, namespace, &manager) else {
        return Ok(None);
    };
    let mut found = ObservedPod {
        pointer: at.pointer.to_string(),
        namespace: namespace.to_owned(),
        dry_run: DryRun::Accepted {
            changed: false,
            result: Value::Null,
        },
        warnings: Vec::new(),
        object,
    };
    if let Some(unknown) = surroundings.namespace(namespace) {
        found.dry_run = unknown;
        return Ok(Some(found));
    }
    borrow_account(&mut pod, namespace, observed);
    match cluster.create(&pod, true).await {
        Ok(answer) => found.warnings = answer.warnings,
        Err(ClusterError::Forbidden { message })
            if message.contains("looking up service account") =>
        {
            found.dry_run = DryRun::Unknown { why: message };
        }
        Err(error) => {
            found.dry_run = classify(error).map_err(|error| {
                let what = format!("cannot ask the cluster about the pods of {}", found.object);
                error.failure(what, Exit::Preflight)
            })?;
        }
    }
    Ok(Some(found))
}

/// A ServiceAccount that this run makes would hide every other verdict: until it is there, `default` stands in.
fn borrow_account(pod: &mut Value, namespace: &str, observed: &Observed) {
    let Some(name) = pod
        .pointer("/spec/serviceAccountName")
        .and_then(Value::as_str)
    else {
        return;
    };
    let made_by_us = observed.objects.iter().any(|entry| {
        entry.object.kind == "ServiceAccount"
            && entry.object.name == name
            && entry.object.namespace.as_deref() == Some(namespace)
            && entry.live.is_none()
    });
    if made_by_us {
        pod["spec"]["serviceAccountName"] = json!("default");
    }
}
