//! Fields that a controller or the server moves: they are never sent, or every run would undo what it did.

use serde_json::Value;

use crate::object::{Change, Manifest, Pointer};

/// One row: in which objects, which field, who moves it.
struct Row {
    applies: fn(&Manifest, &[Manifest]) -> bool,
    field: &'static str,
    mover: &'static str,
}

const ROWS: [Row; 6] = [
    Row {
        applies: |manifest, all| {
            manifest.kind() == "RunnerDeployment" && is_autoscaled(manifest, all)
        },
        field: "/spec/replicas",
        mover: "HorizontalRunnerAutoscaler",
    },
    Row {
        applies: |manifest, all| manifest.kind() == "RunnerSet" && is_autoscaled(manifest, all),
        field: "/spec/replicas",
        mover: "HorizontalRunnerAutoscaler",
    },
    Row {
        applies: |manifest, _| {
            manifest.kind().ends_with("WebhookConfiguration") && is_injected(manifest)
        },
        field: "/webhooks/*/clientConfig/caBundle",
        mover: "cert-manager's cainjector",
    },
    Row {
        applies: |manifest, _| {
            manifest.kind() == "Service" && manifest.text("/spec/clusterIP") != Some("None")
        },
        field: "/spec/clusterIP",
        mover: "the API server",
    },
    Row {
        applies: |manifest, _| manifest.kind() == "ServiceAccount",
        field: "/secrets",
        mover: "the token controller",
    },
    Row {
        applies: |_, _| true,
        field: "/status",
        mover: "its controller",
    },
];

/// Takes those fields out of the manifests. Runs after every other pass and before observation.
pub fn strip_moved(manifests: &mut [Manifest]) -> Vec<Change> {
    let mut changes = Vec::new();
    let all = manifests.to_vec();
    for manifest in manifests {
        for row in &ROWS {
            if !(row.applies)(manifest, &all) {
                continue;
            }
            for pointer in expand(row.field, &manifest.object) {
                if let Some(before) = pointer.remove(&mut manifest.object) {
                    changes.push(Change {
                        object: manifest.reference(),
                        pointer,
                        before: Some(before),
                        after: None,
                        rule: format!("moved: by {}", row.mover),
                    });
                }
            }
        }
    }
    changes
}

/// `*` stands for every index of a list.
fn expand(field: &str, object: &Value) -> Vec<Pointer> {
    let Some((list, rest)) = field.split_once("/*") else {
        return vec![Pointer::new(field)];
    };
    let length = object
        .pointer(list)
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    (0..length)
        .map(|index| Pointer::new(format!("{list}/{index}{rest}")))
        .collect()
}

fn is_autoscaled(manifest: &Manifest, all: &[Manifest]) -> bool {
    all.iter().any(|other| {
        other.kind() == "HorizontalRunnerAutoscaler"
            && other.text("/metadata/namespace") == manifest.text("/metadata/namespace")
            && other.text("/spec/scaleTargetRef/name") == manifest.text("/metadata/name")
            && other
                .text("/spec/scaleTargetRef/kind")
                .unwrap_or("RunnerDeployment")
                == manifest.kind()
    })
}

fn is_injected(manifest: &Manifest) -> bool {
    let annotations = manifest.object.pointer("/metadata/annotations");
    annotations
        .and_then(Value::as_object)
        .is_some_and(|annotations| {
            annotations
                .keys()
                .any(|key| key.starts_with("cert-manager.io/inject-"))
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::Source;

    fn stripped(objects: Vec<Value>) -> (Vec<Value>, Vec<String>) {
        let mut manifests: Vec<Manifest> = objects
            .into_iter()
            .map(|object| Manifest::new(object, Source::Pass("test".to_owned())))
            .collect();
        let changes = strip_moved(&mut manifests);
        (
            manifests
                .into_iter()
                .map(|manifest| manifest.object)
                .collect(),
            changes
                .into_iter()
                .map(|change| change.pointer.to_string())
                .collect(),
        )
    }

    fn autoscaler(target: &Value) -> Value {
        json!({"kind": "HorizontalRunnerAutoscaler", "metadata": {"name": "h", "namespace": "ns"}, "spec": {"scaleTargetRef": target}})
    }

    fn scaled(kind: &str, name: &str) -> Value {
        json!({"kind": kind, "metadata": {"name": name, "namespace": "ns"}, "spec": {"replicas": 2}})
    }

    #[test]
    fn replicas_of_an_autoscaled_runner_deployment() {
        let (objects, _) = stripped(vec![
            autoscaler(&json!({"name": "a"})),
            scaled("RunnerDeployment", "a"),
            scaled("RunnerDeployment", "b"),
        ]);
        assert_eq!(objects[1]["spec"], json!({}));
        assert_eq!(
            objects[2]["spec"],
            json!({"replicas": 2}),
            "nobody moves it"
        );
    }

    #[test]
    fn replicas_of_an_autoscaled_runner_set() {
        let (objects, _) = stripped(vec![
            autoscaler(&json!({"kind": "RunnerSet", "name": "a"})),
            scaled("RunnerSet", "a"),
            scaled("RunnerDeployment", "a"),
        ]);
        assert_eq!(objects[1]["spec"], json!({}));
        assert_eq!(objects[2]["spec"], json!({"replicas": 2}));
    }

    #[test]
    fn ca_bundles_that_cert_manager_injects() {
        let webhook = |annotations: Value| {
            json!({"kind": "MutatingWebhookConfiguration", "metadata": {"annotations": annotations},
                "webhooks": [{"clientConfig": {"caBundle": "x"}}, {"clientConfig": {}}]})
        };
        let (_, gone) = stripped(vec![webhook(
            json!({"cert-manager.io/inject-ca-from": "a/b"}),
        )]);
        assert_eq!(gone, ["/webhooks/0/clientConfig/caBundle"]);
        assert!(
            stripped(vec![webhook(json!({}))]).1.is_empty(),
            "ours stays"
        );
    }

    #[test]
    fn the_address_of_a_service_unless_it_has_none() {
        let service = |address: &str| json!({"kind": "Service", "spec": {"clusterIP": address}});
        assert_eq!(stripped(vec![service("10.0.0.1")]).1, ["/spec/clusterIP"]);
        assert!(stripped(vec![service("None")]).1.is_empty());
    }

    #[test]
    fn token_secrets_of_a_service_account() {
        let (objects, _) = stripped(vec![
            json!({"kind": "ServiceAccount", "secrets": [{"name": "t"}],
            "imagePullSecrets": [{"name": "p"}]}),
        ]);
        assert_eq!(objects[0].get("secrets"), None);
        assert!(objects[0].get("imagePullSecrets").is_some());
    }

    #[test]
    fn status_of_anything() {
        assert_eq!(
            stripped(vec![json!({"kind": "X", "status": {}})]).1,
            ["/status"]
        );
    }
}
