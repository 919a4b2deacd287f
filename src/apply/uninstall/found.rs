//! What lives of an install, and the receipts that tell of it.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;
use serde_json::Value;

use crate::clients::kube::{Cluster, ClusterError};
use crate::failure::{Exit, Failure};
use crate::object::labels::{INSTALL_LABEL, MANAGED_BY};
use crate::object::{ObjectRef, text_at};
use crate::observe::{RECEIPT_TYPE, Receipt, receipt_secrets};

/// Kinds that the label is looked for in; what the server does not know is passed over.
pub(super) const KINDS: [(&str, &str); 31] = [
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
    // Of `patch-images --admission`, which writes no receipt. The mutating ones in one version or the other.
    (
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicyBinding",
    ),
    (
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicy",
    ),
    (
        "admissionregistration.k8s.io/v1",
        "MutatingAdmissionPolicyBinding",
    ),
    (
        "admissionregistration.k8s.io/v1beta1",
        "MutatingAdmissionPolicyBinding",
    ),
    ("admissionregistration.k8s.io/v1", "MutatingAdmissionPolicy"),
    (
        "admissionregistration.k8s.io/v1beta1",
        "MutatingAdmissionPolicy",
    ),
    // Of a pull test whose run was killed.
    ("v1", "Pod"),
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
pub(super) const ASK: &str = "use a login that may read and delete what init made, Secrets included: which objects belong to an install stands in a Secret beside its controller";

/// Every receipt in the cluster; only those of some namespaces where the user may not look into all.
pub(super) async fn receipts(
    cluster: &Cluster,
    install: &str,
    namespaces: &[&str],
) -> Result<Vec<Receipt>, Failure> {
    let secrets = match receipt_secrets(cluster).await {
        Ok(secrets) => secrets,
        Err(ClusterError::Forbidden { .. }) if !namespaces.is_empty() => {
            let mut secrets = Vec::new();
            for namespace in namespaces {
                let reference = Receipt::new(install, namespace, "").reference();
                let found = cluster.get(&reference).await;
                secrets.extend(found.map_err(|error| {
                    let what =
                        format!("cannot read what belongs to the install {install} in {namespace}");
                    error.failure(what, Exit::Preflight).remedy(ASK)
                })?);
            }
            secrets
        }
        Err(error) => {
            let what = format!("cannot look for the install {install} in the whole cluster");
            let failure = error.failure(what, Exit::Preflight);
            return Err(failure
                .remedy("name the controller's namespace, or that of the runner sets where the controller is another team's: --controller-namespace NAMESPACE")
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
    let receipts = receipts(cluster, "", &[]).await.unwrap_or_default();
    let named = |receipt: &Receipt| format!("{} in {}", receipt.install, receipt.namespace);
    receipts.iter().map(named).collect()
}

/// What lives of the install: by label, unless a namesake would be met, and by receipt.
pub(super) async fn find(
    cluster: &Cluster,
    install: &str,
    receipt: Option<&Receipt>,
    namesake: bool,
) -> Result<BTreeMap<ObjectRef, Value>, ClusterError> {
    let mut found = BTreeMap::new();
    // What the server has in two versions is one object.
    let mut seen = BTreeSet::new();
    if !namesake {
        let selector = format!("{INSTALL_LABEL}={install}");
        let lists: Vec<_> = futures::stream::iter(KINDS)
            .map(|kind| labelled(cluster, kind, &selector, receipt))
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
                        .filter(|object| {
                            let uid = text_at(object, "/metadata/uid");
                            uid.is_none_or(|uid| seen.insert(uid.to_owned()))
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

/// The namespaces in which a Deployment has the label that the receipt knows nothing of. It is written before the first
/// object is: such a one is of another install, as `render` makes them without a receipt.
pub(super) fn unknown_controllers(
    found: &BTreeMap<ObjectRef, Value>,
    receipt: Option<&Receipt>,
) -> BTreeSet<String> {
    let is_known = |object: &ObjectRef| {
        receipt.is_some_and(|receipt| {
            receipt.entry(object).is_some() || object.namespace.as_ref() == Some(&receipt.namespace)
        })
    };
    found
        .keys()
        .filter(|object| object.kind == "Deployment" && !is_known(object))
        .filter_map(|object| object.namespace.clone())
        .collect()
}

/// Shared objects carry no install's label. An `init` that was killed before its first receipt leaves them, and
/// with no receipt anywhere nobody else can have made them.
pub(super) async fn without_receipt(
    cluster: &Cluster,
) -> Result<Vec<(ObjectRef, Value)>, ClusterError> {
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

/// Objects with the label, everywhere. A pod of a pull test stands in no receipt: where the user may not look
/// everywhere, it is looked for where the install has anything.
async fn labelled(
    cluster: &Cluster,
    (api_version, kind): (&str, &str),
    selector: &str,
    receipt: Option<&Receipt>,
) -> Result<Vec<Value>, ClusterError> {
    let everywhere = cluster.list(api_version, kind, None, Some(selector)).await;
    let (Err(ClusterError::Forbidden { .. }), "Pod", Some(receipt)) = (&everywhere, kind, receipt)
    else {
        return everywhere;
    };
    let namespaces: BTreeSet<&str> = receipt
        .entries
        .iter()
        .filter_map(|entry| entry.object.namespace.as_deref())
        .collect();
    let mut found = Vec::new();
    for namespace in namespaces {
        let listed = cluster.list(api_version, kind, Some(namespace), Some(selector));
        match listed.await {
            Err(ClusterError::Forbidden { .. }) => {}
            listed => found.extend(listed?),
        }
    }
    Ok(found)
}

pub(super) fn controller_namespace(found: &BTreeMap<ObjectRef, Value>) -> Option<String> {
    let by_kind = |kind: &str| found.keys().find(|object| object.kind == kind);
    by_kind("Deployment")
        .or_else(|| found.keys().find(|object| object.namespace.is_some()))
        .and_then(|object| object.namespace.clone())
}
