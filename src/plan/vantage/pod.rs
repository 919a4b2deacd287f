//! The pod of a probe: small, restricted, without a token, with what the passes gave to the workload that it stands for.

use serde_json::{Map, Value, json};

use super::script::CLUSTER_CA;
use crate::object::{items_at, text_at};
use crate::rewrite::PREPARATION;

/// GitHub's runner images have a user of this number; any but 0 does.
const USER: u32 = 1001;
/// The mount of [`CLUSTER_CA`].
const CLUSTER_VOLUME: &str = "arc-setup-cluster-ca";

/// Fields of a pod that say where it runs and how it resolves names. `hostNetwork` is none of them: a probe never has it.
const KEPT: [&str; 12] = [
    "affinity",
    "dnsConfig",
    "dnsPolicy",
    "hostAliases",
    "imagePullSecrets",
    "nodeSelector",
    "priorityClassName",
    "runtimeClassName",
    "schedulerName",
    "serviceAccountName",
    "tolerations",
    "topologySpreadConstraints",
];
/// Variables of a proxy, which may come out of a Secret.
const PROXY_VARIABLES: [&str; 6] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "http_proxy",
    "https_proxy",
    "ARC_PROXY_USERNAME",
    "ARC_PROXY_PASSWORD",
];

/// What of a container is taken along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Secrets {
    /// All that the container has: whoever runs in it may read them anyway.
    Kept,
    /// The proxy's account alone. Another image runs in this place, which has no business with a token or a key.
    ProxyOnly,
}

/// The spec of a probe that stands for the container `of` of the pod `spec`.
pub(super) fn restricted_spec(
    spec: &Value,
    of: &str,
    image: &str,
    secrets: Secrets,
    is_openshift: bool,
) -> Option<Value> {
    let container = items_at(spec, "/containers")
        .iter()
        .find(|container| text_at(container, "/name") == Some(of))?;
    // What the container reads may be made in the pod.
    let prepares: Vec<Value> = items_at(spec, "/initContainers")
        .iter()
        .filter(|one| text_at(one, "/name") == Some(PREPARATION))
        .cloned()
        .collect();
    let is_prepared = |volume: &Value| {
        let name = text_at(volume, "/name");
        let mut mounts = prepares
            .iter()
            .flat_map(|one| items_at(one, "/volumeMounts"));
        mounts.any(|mount| text_at(mount, "/name") == name)
    };
    let volumes: Vec<Value> = items_at(spec, "/volumes")
        .iter()
        .filter(|volume| is_plain(volume, secrets) || is_prepared(volume))
        .cloned()
        .collect();
    let has_volume = |mount: &&Value| {
        let name = text_at(mount, "/name");
        volumes
            .iter()
            .any(|volume| text_at(volume, "/name") == name)
    };
    let mounts = items_at(container, "/volumeMounts").iter();
    let mut mounts: Vec<Value> = mounts.filter(has_volume).cloned().collect();
    let is_used = |volume: &Value| {
        let name = text_at(volume, "/name");
        mounts.iter().any(|mount| text_at(mount, "/name") == name) || is_prepared(volume)
    };
    let mut volumes: Vec<Value> = volumes.into_iter().filter(is_used).collect();
    volumes.push(json!({"name": CLUSTER_VOLUME,
        "configMap": {"name": "kube-root-ca.crt", "optional": true}}));
    let folder = CLUSTER_CA
        .rsplit_once('/')
        .map_or(CLUSTER_CA, |(folder, _)| folder);
    mounts.push(json!({"name": CLUSTER_VOLUME, "mountPath": folder, "readOnly": true}));
    let mut made = json!({
        "automountServiceAccountToken": false,
        "enableServiceLinks": true,
        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{
            "name": "runner",
            "image": image,
            "imagePullPolicy": "Always",
            "env": variables(container, secrets),
            "volumeMounts": mounts,
            "terminationMessagePolicy": "File",
            "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
            "resources": {
                "requests": {"cpu": "20m", "memory": "32Mi"},
                "limits": {"cpu": "1", "memory": "256Mi"},
            },
        }],
        "volumes": volumes,
    });
    if !prepares.is_empty() {
        made["initContainers"] = Value::Array(prepares);
    }
    // There the range of the namespace is set by admission, and any other number is refused.
    if !is_openshift {
        made["securityContext"]["runAsUser"] = json!(USER);
        made["securityContext"]["runAsGroup"] = json!(USER);
    }
    for field in KEPT {
        if let Some(value) = spec.get(field) {
            made[field] = value.clone();
        }
    }
    if made.get("nodeSelector").is_none() {
        made["nodeSelector"] = json!({"kubernetes.io/os": "linux"});
    }
    Some(made)
}

/// Volumes that are files of the install, and no storage; never a token.
fn is_plain(volume: &Value, secrets: Secrets) -> bool {
    let has = |field: &str| volume.get(field).is_some();
    let of_secret = has("secret")
        || items_at(volume, "/projected/sources")
            .iter()
            .any(|source| source.get("secret").is_some());
    let of_token = items_at(volume, "/projected/sources")
        .iter()
        .any(|source| source.get("serviceAccountToken").is_some());
    (has("configMap") || has("projected") || has("secret"))
        && !of_token
        && (secrets == Secrets::Kept || !of_secret)
}

fn variables(container: &Value, secrets: Secrets) -> Vec<Value> {
    let is_kept = |variable: &&Value| {
        let name = text_at(variable, "/name").unwrap_or_default();
        let of_secret = variable.pointer("/valueFrom/secretKeyRef").is_some();
        secrets == Secrets::Kept || !of_secret || PROXY_VARIABLES.contains(&name)
    };
    let env = items_at(container, "/env").iter();
    env.filter(is_kept).cloned().collect()
}

/// The labels of a pod without those that a controller or a Service selects by.
pub(super) fn kept_labels(pod: &Value) -> Map<String, Value> {
    let is_selected_by = |key: &str| {
        key.starts_with("actions")
            || key.starts_with("app.kubernetes.io/")
            // Those of a pull test, from which a runner's pod is taken.
            || key.starts_with("arc-setup.dev/")
            || matches!(
                key,
                "app"
                    | "control-plane"
                    | "pod-template-hash"
                    | "runner-deployment-name"
                    | "runner-template-hash"
                    | "runnerset-name"
            )
    };
    let labels = pod.pointer("/metadata/labels").and_then(Value::as_object);
    let labels = labels.into_iter().flatten();
    labels
        .filter(|(key, _)| !is_selected_by(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}
