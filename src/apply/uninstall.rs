//! The plan that removes an install: found by its receipt and by its label, so also after half an `init`.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;
use serde_json::Value;

use crate::clients::kube::{Cluster, ClusterError, Selection};
use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;
use crate::observe::{INSTALL_LABEL, MANAGED_BY, RECEIPT_TYPE, Receipt, is_ours};
use crate::plan::{PART_OF_THE_INSTALL, Plan, Rank, Step, Wave, is_runner_object};

use super::namespace::{others_in, others_of};

/// Kinds that the label is looked for in; what the server does not know is passed over.
const KINDS: [(&str, &str); 24] = [
    ("actions.github.com/v1alpha1", "AutoscalingRunnerSet"),
    (
        "actions.summerwind.dev/v1alpha1",
        "HorizontalRunnerAutoscaler",
    ),
    ("actions.summerwind.dev/v1alpha1", "RunnerDeployment"),
    ("actions.summerwind.dev/v1alpha1", "RunnerSet"),
    ("actions.summerwind.dev/v1alpha1", "Runner"),
    (
        "admissionregistration.k8s.io/v1",
        "MutatingWebhookConfiguration",
    ),
    (
        "admissionregistration.k8s.io/v1",
        "ValidatingWebhookConfiguration",
    ),
    ("apps/v1", "Deployment"),
    ("v1", "Service"),
    ("policy/v1", "PodDisruptionBudget"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("v1", "ResourceQuota"),
    ("v1", "LimitRange"),
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
    ("cert-manager.io/v1", "Certificate"),
    ("cert-manager.io/v1", "Issuer"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("v1", "ServiceAccount"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ("v1", "Namespace"),
];

/// What a user needs who may not.
const ASK: &str = "use a login that may read and delete what init made, Secrets included: which objects belong to an install stands in a Secret beside its controller";

/// Why an object goes, for whoever is asked.
fn why_gone(object: &ObjectRef) -> &'static str {
    match object.kind.as_str() {
        "CustomResourceDefinition" => {
            "made by this install, no object of its kind is left and nobody else needs it"
        }
        "Namespace" => "made by this install, and nothing of anyone else is in it",
        _ => PART_OF_THE_INSTALL,
    }
}

/// Plans the removal of an install. `namespace` is needed only where several installs share the name.
/// A plan without steps: there is nothing of it.
pub async fn plan_uninstall(
    cluster: &Cluster,
    install: &str,
    namespace: Option<&str>,
) -> Result<Plan, Failure> {
    let failed = |error: ClusterError| {
        let failure = error.failure("cannot read what is installed", Exit::Preflight);
        failure.remedy(ASK)
    };
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
    for object in foreign_namespaces(&going) {
        let why = "this install did not make it".to_owned();
        let kept = steps.entry(Rank::Namespaces).or_default();
        kept.push(Step::Keep { object, why });
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

/// Namespaces in which there is something of the install, and which are not of it.
fn foreign_namespaces(found: &[ObjectRef]) -> BTreeSet<ObjectRef> {
    let namespaces = found
        .iter()
        .filter_map(|object| object.namespace.as_deref());
    namespaces
        .map(|name| ObjectRef::new("v1", "Namespace", None, name))
        .filter(|namespace| !found.contains(namespace))
        .collect()
}

/// Runner objects, until they are gone; then webhooks, controller, rights and the rest; the receipt, and last the
/// namespaces, in which lock and receipt lay, until they are gone.
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
    let runners = take(Rank::Runners);
    let objects: Vec<ObjectRef> = runners
        .iter()
        .filter(|step| step.writes())
        .filter_map(|step| step.object().cloned())
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
    let namespaces = take(Rank::Namespaces);
    let objects: Vec<ObjectRef> = namespaces
        .iter()
        .filter(|step| step.writes())
        .filter_map(|step| step.object().cloned())
        .collect();
    push(Rank::Namespaces.title(), namespaces);
    if !objects.is_empty() {
        let why = "the cluster removes what is in them".to_owned();
        push(
            "namespaces: what is in them",
            vec![Step::WaitGone { objects, why }],
        );
    }
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
            let found = found.map_err(|error| {
                let what =
                    format!("cannot read what belongs to the install {install} in {namespace}");
                error.failure(what, Exit::Preflight).remedy(ASK)
            })?;
            found.into_iter().collect()
        }
        (Err(error), _) => {
            let what = format!("cannot look for the install {install} in the whole cluster");
            let failure = error.failure(what, Exit::Preflight);
            return Err(failure
                .remedy("name the controller's namespace: --controller-namespace NAMESPACE")
                .remedy(ASK));
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

/// The installs that the cluster holds, as `NAME in NAMESPACE`; none where the user may not look.
pub async fn installs(cluster: &Cluster) -> Vec<String> {
    let receipts = receipts(cluster, "", None).await.unwrap_or_default();
    let named = |receipt: &Receipt| format!("{} in {}", receipt.install, receipt.namespace);
    receipts.iter().map(named).collect()
}

/// What lives of the install: by label, unless a namesake would be met, and by receipt.
async fn find(
    cluster: &Cluster,
    install: &str,
    receipt: Option<&Receipt>,
    namesake: bool,
) -> Result<BTreeMap<ObjectRef, Value>, ClusterError> {
    let mut found = BTreeMap::new();
    if !namesake {
        let selector = format!("{INSTALL_LABEL}={install}");
        let lists: Vec<_> = futures::stream::iter(KINDS)
            .map(|(api_version, kind)| cluster.list(api_version, kind, None, Some(&selector)))
            .buffered(8)
            .collect()
            .await;
        for list in lists {
            match list {
                Ok(objects) => found.extend(
                    objects
                        .into_iter()
                        .filter(|object| object.pointer("/metadata/ownerReferences").is_none())
                        .filter(|object| {
                            object.get("type").and_then(Value::as_str) != Some(RECEIPT_TYPE)
                        })
                        .map(|object| (ObjectRef::from_value(&object), object)),
                ),
                // Whoever may not list everywhere still has the receipt.
                Err(ClusterError::NotFound { .. }) => {}
                Err(ClusterError::Forbidden { .. }) if receipt.is_some() => {}
                Err(error) => return Err(error),
            }
        }
    }
    let missing: BTreeSet<&ObjectRef> = receipt
        .iter()
        .flat_map(|receipt| &receipt.entries)
        .map(|entry| &entry.object)
        .filter(|object| !found.contains_key(*object))
        .collect();
    let reads: Vec<_> = futures::stream::iter(missing)
        .map(async |object| (object.clone(), cluster.get(object).await))
        .buffered(8)
        .collect()
        .await;
    for (object, live) in reads {
        if let Some(live) = live? {
            found.insert(object, live);
        }
    }
    Ok(found)
}

/// Shared objects carry no install's label. An `init` that was killed before its first receipt leaves them, and
/// with no receipt anywhere nobody else can have made them.
async fn without_receipt(cluster: &Cluster) -> Result<Vec<(ObjectRef, Value)>, ClusterError> {
    let selector = format!("{MANAGED_BY}=arc-setup");
    let mut found = Vec::new();
    let shared = KINDS
        .into_iter()
        .filter(|(_, kind)| matches!(*kind, "CustomResourceDefinition" | "Namespace"));
    for (api_version, kind) in shared {
        match cluster.list(api_version, kind, None, Some(&selector)).await {
            Ok(objects) => found.extend(objects),
            Err(ClusterError::Forbidden { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found
        .into_iter()
        .map(|object| (ObjectRef::from_value(&object), object))
        .collect())
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
                "runner sets",
                "runner sets: finalizers",
                "admission webhooks",
                "controller",
                "service accounts and rights",
                "configuration and secrets",
                "custom resource definitions",
                "receipt",
                "namespaces",
                "namespaces: what is in them",
            ]
        );
    }
}
