//! The control plane that the other tests stand on does what they take for granted.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Api, DynamicObject, ListParams, PostParams};
use serde_json::{Value, json};

use crate::support::control_plane::{ControlPlane, Options, WebhookBackend};

fn kubectl(plane: &ControlPlane, arguments: &str) -> String {
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let output = plane.kubectl(&arguments).unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn deployment(name: &str, image: &str) -> Deployment {
    serde_json::from_value(json!({
        "metadata": { "name": name },
        "spec": {
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": {
                    "nodeSelector": { "kubernetes.io/os": "linux" },
                    "containers": [{ "name": "manager", "image": image }],
                },
            },
        },
    }))
    .unwrap()
}

async fn create_deployment(plane: &ControlPlane, namespace: &str, name: &str, image: &str) {
    let deployments = Api::namespaced(plane.client().unwrap(), namespace);
    deployments.create(&PostParams::default(), &deployment(name, image)).await.unwrap();
}

/// Asks again until the answer is some, at most 30 s.
async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{what} did not happen within 30 s");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_deployment_becomes_available_and_its_namespace_goes_away() {
    let plane = ControlPlane::shared().await.unwrap();
    plane.create_namespace("available").await.unwrap();
    create_deployment(plane, "available", "manager", "registry.example.com/manager:1").await;
    kubectl(plane, "wait -n available --for=condition=Available deployment/manager --timeout=30s");
    kubectl(plane, "delete namespace available --wait --timeout=60s");
}

#[tokio::test]
async fn an_image_that_is_missing_is_reported_as_a_node_reports_it() {
    let plane = ControlPlane::shared().await.unwrap();
    plane.create_namespace("missing").await.unwrap();
    create_deployment(plane, "missing", "manager", "registry.example.com/missing:1").await;
    let pods = Api::<Pod>::namespaced(plane.client().unwrap(), "missing");
    for wanted in ["ErrImagePull", "ImagePullBackOff"] {
        let message = eventually(wanted, async || {
            let pod = pods.list(&ListParams::default()).await.unwrap().items.pop()?;
            let waiting = pod.status?.container_statuses?.pop()?.state?.waiting?;
            (waiting.reason? == wanted).then_some(waiting.message?)
        })
        .await;
        assert!(message.contains("registry.example.com/missing:1: not found"), "{message}");
    }
}

#[tokio::test]
async fn a_real_user_has_only_what_was_granted() {
    let plane = ControlPlane::shared().await.unwrap();
    let kubeconfig = plane.kubeconfig_for("jane", &["platform", "build"], "restricted").unwrap();
    let whoami = kubectl(plane, &format!("auth whoami -o json --kubeconfig {}", kubeconfig.display()));
    let whoami: Value = serde_json::from_str(&whoami).unwrap();
    assert_eq!(whoami["status"]["userInfo"]["username"], "jane");
    assert_eq!(whoami["status"]["userInfo"]["groups"], json!(["platform", "build", "system:authenticated"]));
    let path = kubeconfig.to_str().unwrap();
    let denied = plane.kubectl(&["get", "secrets", "--kubeconfig", path]).unwrap();
    assert!(String::from_utf8_lossy(&denied.stderr).contains(r#"User "jane" cannot list resource "secrets""#));
}

#[tokio::test]
async fn a_service_account_token_is_accepted() {
    let plane = ControlPlane::shared().await.unwrap();
    let files = plane.in_cluster_files("default", "default").await.unwrap();
    let token = std::fs::read_to_string(files.directory.join("token")).unwrap();
    let server = format!("https://{}:{}", files.host, files.port);
    let authority = files.directory.join("ca.crt").display().to_string();
    // Without a kubeconfig, or its certificate would be who we are.
    let output = Command::new(plane.binaries().join("kubectl"))
        .args(["auth", "whoami", "--server", &server, "--certificate-authority", &authority, "--token", &token])
        .args(["--kubeconfig", "/dev/null"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("system:serviceaccount:default:default"), "{output:?}");
}

#[tokio::test]
async fn isolated_servers_do_not_see_each_other() {
    let (one, other) = tokio::join!(
        ControlPlane::isolated(Options::default()),
        ControlPlane::isolated(Options::default())
    );
    let (one, other) = (one.unwrap(), other.unwrap());
    one.create_namespace("only-here").await.unwrap();
    assert!(kubectl(&one, "get namespaces").contains("only-here"));
    assert!(!kubectl(&other, "get namespaces").contains("only-here"));
}

#[tokio::test]
async fn webhooks_answer_only_while_their_deployment_is_available() {
    let plane = ControlPlane::shared().await.unwrap();
    plane.create_namespace("webhooks").await.unwrap();
    let client = plane.client().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["hook.webhooks.svc".into()]).unwrap().self_signed(&key).unwrap();
    let secret = Secret {
        metadata: kube::api::ObjectMeta { name: Some("serving".into()), ..Default::default() },
        string_data: Some(BTreeMap::from([
            ("tls.crt".to_owned(), certificate.pem()),
            ("tls.key".to_owned(), key.serialize_pem()),
        ])),
        ..Default::default()
    };
    Api::namespaced(client.clone(), "webhooks").create(&PostParams::default(), &secret).await.unwrap();
    kubectl(plane, "create service clusterip hook -n webhooks --tcp=443:9443");
    plane.webhooks().unwrap().serve(WebhookBackend {
        namespace: "webhooks".into(),
        service: "hook".into(),
        secret: "serving".into(),
        deployment: "manager".into(),
    });
    let webhook = |name: &str, version: &str| {
        json!({
            "name": name,
            "admissionReviewVersions": [version],
            "clientConfig": {
                "service": { "namespace": "webhooks", "name": "hook", "path": format!("/review-{version}") },
                "caBundle": base64::Engine::encode(&base64::engine::general_purpose::STANDARD, certificate.pem()),
            },
            "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "webhooks" } },
            "rules": [{ "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"] }],
            "sideEffects": "None",
            "timeoutSeconds": 5,
        })
    };
    let configuration: DynamicObject = serde_json::from_value(json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": { "name": "control-plane-test" },
        "webhooks": [webhook("v1.example.com", "v1"), webhook("v1beta1.example.com", "v1beta1")],
    }))
    .unwrap();
    let kind = kube::api::ApiResource::from_gvk(&kube::api::GroupVersionKind::gvk(
        "admissionregistration.k8s.io",
        "v1",
        "ValidatingWebhookConfiguration",
    ));
    let configurations = Api::<DynamicObject>::all_with(client.clone(), &kind);
    configurations.create(&PostParams::default(), &configuration).await.unwrap();

    let maps = Api::<ConfigMap>::namespaced(client.clone(), "webhooks");
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    let mut map = ConfigMap::default();
    map.metadata.name = Some("reviewed".into());
    // The server needs a moment to see the configuration.
    let refusal = eventually("a refusal", async || maps.create(&dry_run, &map).await.err()).await.to_string();
    assert!(refusal.contains("failed calling webhook") && refusal.contains("no Deployment manager"), "{refusal}");

    create_deployment(plane, "webhooks", "manager", "registry.example.com/manager:1").await;
    kubectl(plane, "wait -n webhooks --for=condition=Available deployment/manager --timeout=30s");
    maps.create(&PostParams::default(), &map).await.unwrap();

    kubectl(plane, "delete validatingwebhookconfiguration control-plane-test");
    let calls = plane.webhooks().unwrap().calls();
    let mine: Vec<_> = calls.iter().filter(|call| call.object == "ConfigMap webhooks/reviewed").collect();
    let mut versions: Vec<_> = mine.iter().map(|call| (call.api_version.as_str(), call.path.as_str())).collect();
    versions.sort_unstable();
    versions.dedup();
    assert_eq!(
        versions,
        [("admission.k8s.io/v1", "/review-v1"), ("admission.k8s.io/v1beta1", "/review-v1beta1")]
    );
}

#[tokio::test]
async fn a_dropped_control_plane_leaves_no_process_and_no_file() {
    let plane = ControlPlane::isolated(Options::default()).await.unwrap();
    let pid = plane.pid("kube-apiserver").unwrap();
    let kubeconfig = plane.kubeconfig("x").unwrap();
    assert!(std::path::Path::new(&format!("/proc/{pid}")).exists() || !cfg!(target_os = "linux"));
    drop(plane);
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    assert!(!kubeconfig.parent().unwrap().exists());
}
