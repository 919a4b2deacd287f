//! What stands around an API server: the recorder before it, and the webhooks behind it.

use std::sync::Arc;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, PostParams};
use serde_json::json;

use crate::support::arc_setup::ArcSetup;
use crate::support::control_plane::{Component, ControlPlane, Options};
use crate::support::recording_proxy::{Recorded, RecordingProxy};
use crate::support::webhook_backends::WebhookBackends;

fn kubectl(plane: &ControlPlane, arguments: &[&str]) -> String {
    let output = plane.kubectl(arguments).unwrap();
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_recorder_tells_reads_dry_runs_and_writes_apart() {
    let plane = ControlPlane::isolated(Options::default()).await.unwrap();
    let recorder = RecordingProxy::start(plane.client().unwrap())
        .await
        .unwrap();
    let files = ArcSetup::new().unwrap();
    let kubeconfig = files
        .file("kubeconfig", recorder.kubeconfig("recorded"))
        .unwrap();
    let ask = |arguments: &[&str]| {
        let path = kubeconfig.to_str().unwrap();
        let text = kubectl(&plane, &[arguments, &["--kubeconfig", path]].concat());
        (text, recorder.take())
    };
    let (text, asked) = ask(&["get", "namespace", "default", "-o", "name"]);
    assert_eq!(text, "namespace/default\n");
    assert!(
        asked
            .iter()
            .any(|one| one.path == "/api/v1/namespaces/default" && one.status == 200)
    );
    assert!(!asked.iter().any(Recorded::writes), "{asked:?}");
    let (_, asked) = ask(&["create", "namespace", "made", "--dry-run=server"]);
    assert!(
        asked.iter().any(|one| one.query.contains("dryRun=All")),
        "{asked:?}"
    );
    assert!(!asked.iter().any(Recorded::writes), "{asked:?}");
    let (_, asked) = ask(&["create", "namespace", "made"]);
    let writes: Vec<_> = asked.iter().filter(|one| one.writes()).collect();
    assert_eq!(writes.len(), 1, "{asked:?}");
    // A watch streams: it ends as soon as what it waits for has come.
    let (_, asked) = ask(&[
        "wait",
        "--for=jsonpath={.status.phase}=Active",
        "namespace/made",
        "--timeout=20s",
    ]);
    assert!(asked.iter().all(|one| one.status == 200), "{asked:?}");
    assert_eq!(ask(&["auth", "can-i", "create", "pods"]).0, "yes\n");
}

#[tokio::test]
async fn webhooks_are_answered_as_soon_as_what_stands_behind_them_is_there() {
    let components = vec![
        Component::ControllerManager,
        Component::Scheduler,
        Component::Kwok,
        Component::Webhooks,
    ];
    let plane = ControlPlane::isolated(Options {
        components,
        ..Options::default()
    })
    .await
    .unwrap();
    let plane = Arc::new(plane);
    let _backends = WebhookBackends::follow(Arc::clone(&plane)).unwrap();
    plane.create_namespace("guarded").await.unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let names = vec!["hook.guarded.svc".to_owned()];
    let certificate = rcgen::CertificateParams::new(names)
        .unwrap()
        .self_signed(&key)
        .unwrap();
    let labels = json!({ "app": "manager" });
    let objects = json!({ "apiVersion": "v1", "kind": "List", "items": [
        {
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
            "metadata": { "name": "serving", "namespace": "guarded" },
            "stringData": { "tls.crt": certificate.pem(), "tls.key": key.serialize_pem() },
        },
        {
            "apiVersion": "v1", "kind": "Service",
            "metadata": { "name": "hook", "namespace": "guarded" },
            "spec": { "selector": labels, "ports": [{ "port": 443, "targetPort": 9443 }] },
        },
        {
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": "manager", "namespace": "guarded" },
            "spec": {
                "selector": { "matchLabels": labels },
                "template": {
                    "metadata": { "labels": labels },
                    "spec": {
                        "containers": [{ "name": "manager", "image": "registry.example.com/manager:1" }],
                        "volumes": [{ "name": "cert", "secret": { "secretName": "serving" } }],
                    },
                },
            },
        },
        {
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": { "name": "guard" },
            "webhooks": [{
                "name": "guard.example.com",
                "admissionReviewVersions": ["v1"],
                "clientConfig": {
                    "service": { "namespace": "guarded", "name": "hook", "path": "/guard" },
                    "caBundle": base64::Engine::encode(&base64::engine::general_purpose::STANDARD, certificate.pem()),
                },
                "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "guarded" } },
                "rules": [{ "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"] }],
                "sideEffects": "None",
            }],
        },
    ]});
    let files = ArcSetup::new().unwrap();
    let file = files.file("objects.json", objects.to_string()).unwrap();
    kubectl(&plane, &["apply", "-f", file.to_str().unwrap()]);
    let map = ConfigMap {
        metadata: kube::api::ObjectMeta {
            name: Some("asked".into()),
            ..Default::default()
        },
        ..Default::default()
    };
    let maps = Api::<ConfigMap>::namespaced(plane.client().unwrap(), "guarded");
    crate::control_plane::eventually("an answer of the webhook", async || {
        maps.create(&PostParams::default(), &map).await.ok()
    })
    .await;
    let calls = plane.webhooks().unwrap().calls();
    assert_eq!(calls.last().unwrap().object, "ConfigMap guarded/asked");
}
