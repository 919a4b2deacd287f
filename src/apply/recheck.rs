//! Asks again about what could not be asked before its namespace or kind was there, before more is written.

use std::collections::BTreeMap;

use crate::clients::kube::Cluster;
use crate::facts::Facts;
use crate::failure::{Exit, Failure};
use crate::object::{Manifest, ObjectRef};
use crate::observe::{
    self, DryRun, FieldOwner, Observed, ObservedObject, ObservedPod, Refusal, Resolver,
};
use crate::plan::{Plan, Step, conflict_failure};

/// Which objects are as wanted already. Fails on everything that the server now refuses, all of it at once.
pub(super) async fn objects(
    cluster: &Cluster,
    plan: &Plan,
    resolver: &Resolver<'_>,
    force_conflicts: bool,
) -> Result<BTreeMap<ObjectRef, ObservedObject>, Failure> {
    let unknown: Vec<&Manifest> = plan
        .steps()
        .filter(|step| {
            matches!(
                step,
                Step::Create {
                    unknown: Some(_),
                    ..
                } | Step::Update {
                    unknown: Some(_),
                    ..
                }
            )
        })
        .filter_map(|step| plan.manifest(step.object()?))
        .collect();
    if unknown.is_empty() {
        return Ok(BTreeMap::new());
    }
    let seen = observe::observe_again(cluster, &unknown, resolver, force_conflicts).await?;
    judge(&seen)?;
    Ok(seen
        .into_iter()
        .map(|entry| (entry.object.clone(), entry))
        .collect())
}

fn judge(seen: &[ObservedObject]) -> Result<(), Failure> {
    let conflicts: Vec<(&ObjectRef, &[FieldOwner])> = seen
        .iter()
        .filter_map(|entry| match &entry.dry_run {
            DryRun::Conflict { owners } => Some((&entry.object, owners.as_slice())),
            _ => None,
        })
        .collect();
    if !conflicts.is_empty() {
        return Err(conflict_failure(&conflicts));
    }
    let refused = seen.iter().filter_map(|entry| match &entry.dry_run {
        DryRun::Refused { why, .. } => Some(format!("{}: {why}", entry.object)),
        _ => None,
    });
    fail(
        "object-refused",
        "objects would be refused",
        refused.collect(),
    )
}

/// The pods that could not be asked about before; ServiceAccounts are there by now.
pub(super) async fn pods(
    cluster: &Cluster,
    plan: &Plan,
    observed: &Observed,
    facts: &Facts,
) -> Result<(), Failure> {
    let unknown: Vec<&ObservedPod> = observed
        .pods
        .iter()
        .filter(|pod| matches!(pod.dry_run, DryRun::Unknown { .. }))
        .collect();
    let manifests: Vec<Manifest> = plan
        .objects
        .iter()
        .filter(|manifest| {
            let object = manifest.reference();
            unknown.iter().any(|pod| pod.object == object)
        })
        .cloned()
        .collect();
    if manifests.is_empty() {
        return Ok(());
    }
    let options = observe::Options {
        install: &plan.install,
        namespace: &plan.namespace,
        controller_namespace: plan.controller_namespace(),
        facts,
        force_conflicts: false,
        manage_namespaces: false,
    };
    // Without namespaces among the manifests nothing is taken for absent, without accounts none is borrowed.
    let seen = observe::pods(cluster, &manifests, &options).await?;
    let refused = seen.iter().filter_map(|pod| match &pod.dry_run {
        // Who may not create pods cannot ask, and need not: the controller makes them.
        DryRun::Refused {
            refusal: Refusal::Forbidden,
            ..
        } => None,
        DryRun::Refused { why, .. } => Some(format!("{} in {}: {why}", pod.object, pod.namespace)),
        _ => None,
    });
    fail("pod-refused", "pods would be refused", refused.collect())
}

fn fail(code: &str, what: &str, refused: Vec<String>) -> Result<(), Failure> {
    if refused.is_empty() {
        return Ok(());
    }
    let failure = Failure::new(code, Exit::ApplyFailed, format!("{} {what}", refused.len()))
        .why("only now could the server be asked: their namespace or kind was made a moment ago")
        .remedy("change the configuration or the policy, then run the same command again");
    Err(refused.into_iter().fold(failure, Failure::evidence))
}
