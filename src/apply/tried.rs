//! Pods that are made to see whether they run, and removed again, whatever happens.

use serde_json::Value;

use crate::checks::{catalogue, refusal_code};
use crate::clients::kube::{Cluster, ClusterError, Selection};
use crate::event::{Event, Sink};
use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;
use crate::object::labels::INSTALL_LABEL;
use crate::observe::{DryRun, Refusal, classify};

/// A pod of ours, and which one of its name.
pub(super) type Pod = (ObjectRef, String);

pub(super) fn identity(pod: &Value) -> Pod {
    let uid = pod.pointer("/metadata/uid").and_then(Value::as_str);
    (
        ObjectRef::from_value(pod),
        uid.unwrap_or_default().to_owned(),
    )
}

/// Pods of an install with this label that are there. Whoever may not look leaves them to their deadline.
pub(super) async fn left_behind(
    cluster: &Cluster,
    label: &str,
    install: &str,
    namespaces: &[&str],
) -> Vec<Pod> {
    let labels = format!("{label},{INSTALL_LABEL}={install}");
    let mut found = Vec::new();
    for namespace in namespaces {
        let selection = Selection {
            namespace: Some(namespace),
            labels: Some(&labels),
            fields: None,
        };
        match cluster.list_selected("v1", "Pod", &selection).await {
            Ok(page) => found.extend(
                page.items
                    .iter()
                    .filter(|pod| pod.pointer("/metadata/deletionTimestamp").is_none())
                    .map(identity),
            ),
            Err(error) => tracing::debug!(%error, namespace, label, "pods were not listed"),
        }
    }
    found
}

/// Removes a pod; one that cannot be removed ends by itself, and the next run tries again.
pub(super) async fn remove(cluster: &Cluster, events: Sink<'_>, (pod, uid): &Pod) {
    let mut answer = cluster.delete(pod, Some(uid)).await;
    if let Err(ClusterError::Unreachable { .. }) = answer {
        answer = cluster.delete(pod, Some(uid)).await;
    }
    match answer {
        Ok(()) | Err(ClusterError::NotFound { .. } | ClusterError::Conflict { .. }) => {}
        Err(error) => events(Event::Note {
            text: format!(
                "{pod} could not be removed ({}); it ends by itself, and the next run removes it",
                error.message()
            ),
        }),
    }
}

/// Why a pod could not be made: the refusal of its admission; as an error, any other trouble.
pub(super) fn refused(what: String, error: ClusterError, exit: Exit) -> Result<Failure, Failure> {
    let (refusal, words) = match classify(error) {
        Ok(DryRun::Refused { refusal, why }) => (refusal, why),
        Ok(DryRun::Unknown { why }) => (Refusal::Other, why),
        Ok(other) => (Refusal::Other, format!("{other:?}")),
        Err(error) => return Err(error.failure(what, exit)),
    };
    let code = refusal_code(refusal, &words);
    let failure = Failure::new(code, exit, what).evidence(words);
    Ok(match catalogue::entry(code) {
        Some(entry) => failure.why(entry.cause).remedy(entry.remedy),
        None => failure,
    })
}
