//! The plan that removes an install: found by its receipt and by its label, so also after half an `init`.

mod found;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::clients::kube::{Cluster, ClusterError, Selection};
use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;
use crate::observe::{RECEIPT_TYPE, Receipt, is_ours};
use crate::plan::{Plan, Rank, Step, Wave, is_runner_object};

use self::found::{find, without_receipt};
use super::namespace::{others_in, others_of};

const WHY: &str = "part of this install";

/// Why an object goes, for whoever is asked.
fn why_gone(object: &ObjectRef) -> &'static str {
    match object.kind.as_str() {
        "CustomResourceDefinition" => {
            "made by this install, no object of its kind is left and nobody else needs it"
        }
        "Namespace" => "made by this install, and nothing of anyone else is in it",
        _ => WHY,
    }
}

/// Plans the removal of an install. `namespace` is needed only where several installs share the name.
/// A plan without steps: there is nothing of it.
pub async fn plan_uninstall(
    cluster: &Cluster,
    install: &str,
    namespace: Option<&str>,
) -> Result<Plan, Failure> {
    let failed =
        |error: ClusterError| error.failure("cannot read what is installed", Exit::Preflight);
    let receipts = receipts(cluster, install, namespace).await?;
    let (mine, others): (Vec<Receipt>, Vec<Receipt>) = receipts.into_iter().partition(|receipt| {
        receipt.install == install
            && namespace.is_none_or(|namespace| namespace == receipt.namespace)
    });
    if mine.len() > 1 {
        let mut failure = Failure::new(
            "install-ambiguous",
            Exit::Usage,
            format!("several installs are named {install}"),
        )
        .remedy("name the controller's namespace: --controller-namespace NAMESPACE");
        for receipt in &mine {
            failure = failure.evidence(format!("one in {}", receipt.namespace));
        }
        return Err(failure);
    }
    let receipt = mine.into_iter().next();
    let namesake = others.iter().any(|other| other.install == install);
    let mut found = find(cluster, install, receipt.as_ref(), namesake)
        .await
        .map_err(failed)?;

    if receipt.is_none() && others.is_empty() {
        found.extend(without_receipt(cluster).await.map_err(failed)?);
    }
    let home = receipt
        .as_ref()
        .map(|receipt| receipt.namespace.clone())
        .or_else(|| namespace.map(str::to_owned))
        .or_else(|| controller_namespace(&found))
        .unwrap_or_default();
    let mut steps: BTreeMap<Rank, Vec<Step>> = BTreeMap::new();
    let going: Vec<ObjectRef> = found.keys().cloned().collect();
    for (object, live) in &found {
        let kept = why_kept(cluster, object, live, receipt.as_ref(), &others, &going)
            .await
            .map_err(failed)?;
        let object = object.clone();
        let step = match kept {
            Some(why) => Step::Keep { object, why },
            None => Step::Delete {
                uid: live
                    .pointer("/metadata/uid")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
                why: why_gone(&object).to_owned(),
                object,
            },
        };
        steps
            .entry(step.object().map_or(Rank::Configuration, Rank::of))
            .or_default()
            .push(step);
    }
    Ok(Plan {
        install: install.to_owned(),
        namespace: home.clone(),
        inputs: String::new(),
        waves: waves(steps, receipt.as_ref()),
        changes: Vec::new(),
        objects: Vec::new(),
        receipt,
    })
}

/// What scales runner sets, and these, until they are gone; then webhooks, controller, rights and the rest; the receipt, and last the
/// namespaces, in which lock and receipt lay.
fn waves(mut steps: BTreeMap<Rank, Vec<Step>>, receipt: Option<&Receipt>) -> Vec<Wave> {
    let mut waves = Vec::new();
    let mut push = |title: &str, steps: Vec<Step>| {
        if !steps.is_empty() {
            waves.push(Wave {
                title: title.to_owned(),
                steps,
            });
        }
    };
    let mut take = |rank: Rank| steps.remove(&rank).unwrap_or_default();
    push(Rank::Autoscalers.title(), take(Rank::Autoscalers));
    let runners = take(Rank::Runners);
    let objects: Vec<ObjectRef> = runners
        .iter()
        .filter(|step| step.writes())
        .filter_map(|step| step.object().cloned())
        .filter(is_runner_object)
        .collect();
    push("runner sets", runners);
    if !objects.is_empty() {
        let why = "the controller deregisters their runners from GitHub".to_owned();
        push(
            "runner sets: finalizers",
            vec![Step::WaitGone { objects, why }],
        );
    }
    for rank in [
        Rank::Webhooks,
        Rank::Controller,
        Rank::Rights,
        Rank::Configuration,
        Rank::Definitions,
    ] {
        push(rank.title(), take(rank));
    }
    if let Some(receipt) = receipt {
        push(
            "receipt",
            vec![Step::Delete {
                object: receipt.reference(),
                uid: None,
                why: "nothing is left that it could tell of".to_owned(),
            }],
        );
    }
    push(Rank::Namespaces.title(), take(Rank::Namespaces));
    waves
}

/// Every receipt in the cluster; only those of one namespace where the user may not look into all.
async fn receipts(
    cluster: &Cluster,
    install: &str,
    namespace: Option<&str>,
) -> Result<Vec<Receipt>, Failure> {
    let fields = format!("type={RECEIPT_TYPE}");
    let everywhere = Selection {
        fields: Some(&fields),
        ..Selection::default()
    };
    let secrets = match (
        cluster.list_selected("v1", "Secret", &everywhere).await,
        namespace,
    ) {
        (Ok(page), _) => page.items,
        (Err(ClusterError::Forbidden { .. }), Some(namespace)) => {
            let reference = Receipt::new(install, namespace, "").reference();
            let found = cluster.get(&reference).await;
            let found =
                found.map_err(|error| error.failure("cannot read the receipt", Exit::Preflight))?;
            found.into_iter().collect()
        }
        (Err(error), _) => {
            let failure = error.failure("cannot look for receipts", Exit::Preflight);
            return Err(
                failure.remedy("name the controller's namespace: --controller-namespace NAMESPACE")
            );
        }
    };
    let mut receipts = Vec::new();
    for secret in &secrets {
        match Receipt::from_secret(secret) {
            Ok(receipt) => receipts.extend(receipt),
            Err(problem) => {
                let what = format!("cannot read the receipt {}", ObjectRef::from_value(secret));
                return Err(Failure::new("receipt-unreadable", Exit::Preflight, what)
                    .why(problem.to_string())
                    .remedy("use the arc-setup that wrote it"));
            }
        }
    }
    Ok(receipts)
}

fn controller_namespace(found: &BTreeMap<ObjectRef, Value>) -> Option<String> {
    let by_kind = |kind: &str| found.keys().find(|object| object.kind == kind);
    by_kind("Deployment")
        .or_else(|| found.keys().find(|object| object.namespace.is_some()))
        .and_then(|object| object.namespace.clone())
}

/// Why an object stays; None where it goes.
async fn why_kept(
    cluster: &Cluster,
    object: &ObjectRef,
    live: &Value,
    receipt: Option<&Receipt>,
    others: &[Receipt],
    going: &[ObjectRef],
) -> Result<Option<String>, ClusterError> {
    let entry = receipt.and_then(|receipt| receipt.entry(object));
    if entry.is_some_and(|entry| entry.adopted) {
        return Ok(Some("it was there before".to_owned()));
    }
    if !is_ours(live) {
        return Ok(Some("someone else made it anew".to_owned()));
    }
    if others.iter().any(|other| other.entry(object).is_some()) && !is_runner_object(object) {
        return Ok(Some("another install uses it".to_owned()));
    }
    match object.kind.as_str() {
        "CustomResourceDefinition" => Ok(match others_of(cluster, live, going).await? {
            0 => None,
            count => Some(format!("{count} objects of its kind are left")),
        }),
        "Namespace" => {
            let others = match others_in(cluster, &object.name, going).await {
                Err(ClusterError::Forbidden { .. }) => {
                    return Ok(Some("nobody can tell whether it is empty".to_owned()));
                }
                others => others?,
            };
            Ok(others.first().map(|first| {
                format!(
                    "{} objects of others are in it, such as {first}",
                    others.len()
                )
            }))
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::found::KINDS;
    use super::*;

    #[test]
    fn runner_sets_go_first_receipt_and_namespaces_last() {
        let mut steps: BTreeMap<Rank, Vec<Step>> = BTreeMap::new();
        for (api_version, kind) in KINDS {
            let object = ObjectRef::new(api_version, kind, Some("ns"), "a");
            let rank = Rank::of(&object);
            let step = Step::Delete {
                object,
                uid: None,
                why: String::new(),
            };
            steps.entry(rank).or_default().push(step);
        }
        let receipt = Receipt::new("one", "ns", "");
        let titles: Vec<String> = waves(steps, Some(&receipt))
            .into_iter()
            .map(|wave| wave.title)
            .collect();
        assert_eq!(
            titles,
            [
                "autoscalers",
                "runner sets",
                "runner sets: finalizers",
                "admission webhooks",
                "controller",
                "service accounts and rights",
                "configuration and secrets",
                "custom resource definitions",
                "receipt",
                "namespaces",
            ]
        );
    }
}
