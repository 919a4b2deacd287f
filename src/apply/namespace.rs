//! What a namespace, or a kind, still holds: it is removed only when nobody else has anything there.

use futures::StreamExt;
use serde_json::Value;

use crate::clients::kube::{Cluster, ClusterError};
use crate::object::{ObjectRef, text_at};
use crate::observe::RECEIPT_TYPE;

/// Kinds that are looked for; what a controller makes has an owner and goes with it.
const KINDS: [(&str, &str); 22] = [
    ("v1", "Pod"),
    ("v1", "Service"),
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
    ("v1", "ServiceAccount"),
    ("v1", "PersistentVolumeClaim"),
    ("v1", "ResourceQuota"),
    ("v1", "LimitRange"),
    ("v1", "ReplicationController"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "ReplicaSet"),
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("networking.k8s.io/v1", "Ingress"),
    ("actions.github.com/v1alpha1", "AutoscalingRunnerSet"),
    ("actions.summerwind.dev/v1alpha1", "RunnerDeployment"),
    ("actions.summerwind.dev/v1alpha1", "Runner"),
];

/// What someone else has in a namespace: everything but `going`, the server's own, what has an owner and what is
/// already being deleted.
pub(super) async fn others_in(
    cluster: &Cluster,
    namespace: &str,
    going: &[ObjectRef],
) -> Result<Vec<ObjectRef>, ClusterError> {
    let lists: Vec<Result<Vec<Value>, ClusterError>> = futures::stream::iter(KINDS)
        .map(|(api_version, kind)| cluster.list(api_version, kind, Some(namespace), None))
        .buffered(8)
        .collect()
        .await;
    let mut others = Vec::new();
    for list in lists {
        match list {
            Ok(objects) => others.extend(
                objects
                    .iter()
                    .filter(|object| !is_servers_own(object))
                    .map(ObjectRef::from_value),
            ),
            Err(ClusterError::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    others.retain(|object| !going.contains(object));
    Ok(others)
}

fn is_servers_own(object: &Value) -> bool {
    let text = |pointer: &str| text_at(object, pointer).unwrap_or_default();
    let owned = object
        .pointer("/metadata/ownerReferences")
        .and_then(Value::as_array)
        .is_some_and(|owners| !owners.is_empty());
    let named = match text("/kind") {
        "ConfigMap" => {
            ["kube-root-ca.crt", "openshift-service-ca.crt"].contains(&text("/metadata/name"))
        }
        "ServiceAccount" => {
            ["default", "builder", "deployer", "pipeline"].contains(&text("/metadata/name"))
        }
        "Secret" => ["kubernetes.io/service-account-token", RECEIPT_TYPE].contains(&text("/type")),
        "RoleBinding" => text("/metadata/name").starts_with("system:"),
        _ => false,
    };
    owned || named || object.pointer("/metadata/deletionTimestamp").is_some()
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
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_listener_goes_with_its_set() {
        let set = ObjectRef::new(
            "actions.github.com/v1alpha1",
            "AutoscalingRunnerSet",
            Some("r"),
            "a",
        );
        let mut listener = json!({"kind": "AutoscalingListener", "metadata": {"name": "a-1-listener"},
            "spec": {"autoscalingRunnerSetNamespace": "r", "autoscalingRunnerSetName": "a"}});
        assert!(listens_for(&listener, std::slice::from_ref(&set)));
        listener["spec"]["autoscalingRunnerSetNamespace"] = json!("other");
        assert!(!listens_for(&listener, &[set]));
    }

    #[test]
    fn what_the_server_makes_is_nobodys() {
        assert!(is_servers_own(
            &json!({"kind": "ConfigMap", "metadata": {"name": "kube-root-ca.crt"}})
        ));
        assert!(is_servers_own(
            &json!({"kind": "ServiceAccount", "metadata": {"name": "default"}})
        ));
        assert!(is_servers_own(
            &json!({"kind": "Secret", "type": RECEIPT_TYPE, "metadata": {"name": "x"}})
        ));
        assert!(is_servers_own(
            &json!({"kind": "Pod", "metadata": {"ownerReferences": [{}]}})
        ));
        assert!(!is_servers_own(
            &json!({"kind": "ConfigMap", "metadata": {"name": "theirs"}})
        ));
        assert!(!is_servers_own(
            &json!({"kind": "Pod", "metadata": {"ownerReferences": []}})
        ));
    }
}
