//! Installs in small, as manifests: what a configuration renders to, with no word too many.

use arc_setup::object::{
    Credential, Late, LateForm, LateSource, Manifest, Pointer, SecretKey, Source,
};
use serde_json::{Value, json};

pub(super) fn labels() -> Value {
    json!({"app.kubernetes.io/managed-by": "arc-setup", "arc-setup.dev/install": "one"})
}

pub(super) fn shared_labels() -> Value {
    json!({"app.kubernetes.io/managed-by": "arc-setup"})
}

pub(super) fn manifest(object: Value) -> Manifest {
    Manifest::new(object, Source::Pass("test".to_owned()))
}

pub(super) fn namespace(name: &str) -> Manifest {
    manifest(
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels()}}),
    )
}

pub(super) fn definition(group: &str, kind: &str) -> Manifest {
    let plural = format!("{}s", kind.to_lowercase());
    manifest(json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}"), "labels": shared_labels()},
        "spec": {
            "group": group,
            "names": {"kind": kind, "listKind": format!("{kind}List"), "plural": plural, "singular": kind.to_lowercase()},
            "scope": "Namespaced",
            "versions": [{"name": "v1alpha1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                    "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                    "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}}}],
        },
    }))
}

pub(super) fn deployment(name: &str, namespace: &str, volumes: &Value) -> Manifest {
    manifest(json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": labels()},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}, "annotations": {}},
                "spec": {"serviceAccountName": name, "containers": [{"name": "manager", "image": "registry.example.com/manager:1",
                    "resources": {"requests": {"cpu": "1000m"}}}], "volumes": volumes},
            },
        },
    }))
}

pub(super) fn role(name: &str, namespace: &str) -> Manifest {
    manifest(
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": name, "namespace": namespace, "labels": labels()},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}),
    )
}

pub(super) fn account(name: &str, namespace: &str) -> Manifest {
    manifest(
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace, "labels": labels()}}),
    )
}

pub(super) fn token_secret() -> Manifest {
    manifest(
        json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"name": "github", "namespace": "runners", "labels": labels()}}),
    )
    .with_late(Late {
        pointer: Pointer::new("/data/github_token"),
        from: LateSource::Credential(LateForm::Text(Credential::GithubToken)),
    })
}

pub(super) fn runner_set(name: &str) -> Manifest {
    let mut labels = labels();
    labels["app.kubernetes.io/version"] = json!("0.14.2");
    manifest(
        json!({"apiVersion": "actions.github.com/v1alpha1", "kind": "AutoscalingRunnerSet",
        "metadata": {"name": name, "namespace": "runners", "labels": labels},
        "spec": {"githubConfigUrl": "https://github.com/o", "maxRunners": 3,
            "template": {"spec": {"serviceAccountName": "runner", "containers": [{"name": "runner", "image": "registry.example.com/runner:1"}]}}}}),
    )
}

/// A scale-set install in small.
pub(super) fn scale_set() -> Vec<Manifest> {
    vec![
        namespace("systems"),
        namespace("runners"),
        definition("actions.github.com", "AutoscalingRunnerSet"),
        account("controller", "systems"),
        role("controller", "systems"),
        manifest(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ca", "namespace": "runners", "labels": labels()}, "data": {"a": "1"}}),
        ),
        token_secret(),
        deployment("controller", "systems", &json!([])),
        runner_set("first"),
        runner_set("second"),
        account("runner", "runners"),
    ]
}

/// The Secret of the webhook's certificate, which is generated.
fn serving_certificate() -> Manifest {
    let names = vec![
        "webhook.systems.svc".to_owned(),
        "webhook.systems.svc.cluster.local".to_owned(),
    ];
    let mut certificate = manifest(
        json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"name": "serving", "namespace": "systems", "labels": labels()}}),
    );
    for key in ["tls.crt", "tls.key", "ca.crt"] {
        certificate = certificate.with_late(Late {
            pointer: Pointer::of(["data", key]),
            from: LateSource::ServingCertificate {
                key: key.to_owned(),
                dns_names: names.clone(),
            },
        });
    }
    certificate
}

/// A legacy install in small: its runner objects are guarded by a webhook of its own.
pub(super) fn legacy() -> Vec<Manifest> {
    let certificate = serving_certificate();
    let webhook = manifest(json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "one-systems-mutate", "labels": labels()},
        "webhooks": [{"name": "mutate.runner.actions.summerwind.dev", "failurePolicy": "Fail", "sideEffects": "None",
            "admissionReviewVersions": ["v1", "v1beta1"], "timeoutSeconds": 5,
            "clientConfig": {"service": {"name": "webhook", "namespace": "systems", "path": "/mutate", "port": 443}},
            "rules": [{"apiGroups": ["actions.summerwind.dev"], "apiVersions": ["v1alpha1"], "operations": ["CREATE", "UPDATE"], "resources": ["runners"]}]}]}))
    .with_late(Late {
        pointer: Pointer::new("/webhooks/0/clientConfig/caBundle"),
        from: LateSource::CaBundleOf(SecretKey { namespace: "systems".to_owned(), name: "serving".to_owned(), key: "ca.crt".to_owned() }),
    });
    let manager = deployment(
        "manager",
        "systems",
        &json!([{"name": "cert", "secret": {"secretName": "serving"}}]),
    )
    .with_late(Late {
        pointer: Pointer::of([
            "spec",
            "template",
            "metadata",
            "annotations",
            "arc-setup.dev/certificate",
        ]),
        from: LateSource::ResourceVersionOf {
            namespace: "systems".to_owned(),
            name: "serving".to_owned(),
        },
    });
    vec![
        namespace("systems"),
        namespace("runners"),
        definition("actions.summerwind.dev", "Runner"),
        account("manager", "systems"),
        certificate,
        manager,
        manifest(
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "webhook", "namespace": "systems", "labels": labels()},
            "spec": {"selector": {"app": "manager"}, "ports": [{"port": 443, "targetPort": 9443}]}}),
        ),
        webhook,
        manifest(
            json!({"apiVersion": "actions.summerwind.dev/v1alpha1", "kind": "Runner",
            "metadata": {"name": "r", "namespace": "runners", "labels": labels()}, "spec": {"repository": "o/r", "dockerEnabled": false}}),
        ),
    ]
}
