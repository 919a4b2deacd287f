//! The control plane that the other tests stand on does what they take for granted.
#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, and so do its parts"
)]

use std::process::Command;
use std::time::{Duration, Instant};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use kube::api::{Api, ListParams, PostParams};
use serde_json::{Value, json};

use crate::support::control_plane::{ControlPlane, Options, WebhookBackend};

fn kubectl(plane: &ControlPlane, arguments: &str) -> String {
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let output = plane.kubectl(&arguments).unwrap();
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
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
    deployments
        .create(&PostParams::default(), &deployment(name, image))
        .await
        .unwrap();
}

/// Asks again until the answer is some, at most 30 s.
pub(crate) async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "{what} did not happen within 30 s"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_deployment_becomes_available_and_its_namespace_goes_away() {
    let plane = ControlPlane::shared().await.unwrap();
    plane.create_namespace("available").await.unwrap();
    create_deployment(
        plane,
        "available",
        "manager",
        "registry.example.com/manager:1",
    )
    .await;
    kubectl(
        plane,
        "wait -n available --for=condition=Available deployment/manager --timeout=30s",
    );
    kubectl(plane, "delete namespace available --wait --timeout=60s");
}

#[tokio::test]
async fn an_image_that_is_missing_is_reported_as_a_node_reports_it() {
    let plane = ControlPlane::shared().await.unwrap();
    plane.create_namespace("missing").await.unwrap();
    create_deployment(
        plane,
        "missing",
        "manager",
        "registry.example.com/missing:1",
    )
    .await;
    let pods = Api::<Pod>::namespaced(plane.client().unwrap(), "missing");
    for wanted in ["ErrImagePull", "ImagePullBackOff"] {
        let message = eventually(wanted, async || {
            let pod = pods
                .list(&ListParams::default())
                .await
                .unwrap()
                .items
                .pop()?;
            let waiting = pod.status?.container_statuses?.pop()?.state?.waiting?;
            (waiting.reason? == wanted).then_some(waiting.message?)
        })
        .await;
        assert!(
            message.contains("registry.example.com/missing:1: not found"),
            "{message}"
        );
    }
    let events = kubectl(
        plane,
        "get events -n missing --field-selector type=Warning,reason=Failed",
    );
    assert!(
        events.contains("Error: ErrImagePull") && events.contains("Error: ImagePullBackOff"),
        "{events}"
    );
}

#[tokio::test]
async fn a_pod_may_say_what_the_registry_answers() {
    let plane = ControlPlane::shared().await.unwrap();
    plane.create_namespace("refused").await.unwrap();
    let answer = "pulling from host registry.example.com failed with status code [manifests 1]: 401 Unauthorized";
    let pod: Pod = serde_json::from_value(json!({
        "metadata": { "name": "runner", "annotations": { "arc-setup.test/pull-error": answer } },
        "spec": {
            "initContainers": [{ "name": "copy", "image": "registry.example.com/copy:1" }],
            "containers": [{ "name": "runner", "image": "registry.example.com/runner:1" }],
        },
    }))
    .unwrap();
    let pods = Api::<Pod>::namespaced(plane.client().unwrap(), "refused");
    pods.create(&PostParams::default(), &pod).await.unwrap();
    let status = eventually("a failed pull", async || {
        let status = pods.get("runner").await.unwrap().status?;
        status.init_container_statuses.is_some().then_some(status)
    })
    .await;
    let status = serde_json::to_string(&status).unwrap();
    assert!(
        status.contains("registry.example.com/copy:1") && status.contains(answer),
        "{status}"
    );
}

#[tokio::test]
async fn a_real_user_has_only_what_was_granted() {
    let plane = ControlPlane::shared().await.unwrap();
    let kubeconfig = plane
        .kubeconfig_for("jane", &["platform", "build"], "restricted")
        .unwrap();
    let whoami = kubectl(
        plane,
        &format!("auth whoami -o json --kubeconfig {}", kubeconfig.display()),
    );
    let whoami: Value = serde_json::from_str(&whoami).unwrap();
    assert_eq!(whoami["status"]["userInfo"]["username"], "jane");
    assert_eq!(
        whoami["status"]["userInfo"]["groups"],
        json!(["platform", "build", "system:authenticated"])
    );
    let path = kubeconfig.to_str().unwrap();
    let denied = plane
        .kubectl(&["get", "secrets", "--kubeconfig", path])
        .unwrap();
    assert!(
        String::from_utf8_lossy(&denied.stderr)
            .contains(r#"User "jane" cannot list resource "secrets""#)
    );
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
        .args([
            "auth",
            "whoami",
            "--server",
            &server,
            "--certificate-authority",
            &authority,
            "--token",
            &token,
        ])
        .args(["--kubeconfig", "/dev/null"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.contains("system:serviceaccount:default:default"),
        "{output:?}"
    );
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

/// A certificate for the Service `hook` in the namespace `webhooks`, and the Secret that holds it.
fn serving_secret() -> (String, Secret) {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["hook.webhooks.svc".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    let secret = json!({
        "metadata": { "name": "serving" },
        "stringData": { "tls.crt": certificate, "tls.key": key.serialize_pem() },
    });
    (certificate, serde_json::from_value(secret).unwrap())
}

/// Two webhooks on one Service, one for each version of the review.
fn webhook_configuration(certificate: &str) -> ValidatingWebhookConfiguration {
    let webhook = |version: &str| {
        json!({
            "name": format!("{version}.example.com"),
            "admissionReviewVersions": [version],
            "clientConfig": {
                "service": { "namespace": "webhooks", "name": "hook", "path": format!("/review-{version}") },
                "caBundle": STANDARD.encode(certificate),
            },
            "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "webhooks" } },
            "rules": [{
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "operations": ["CREATE"],
                "resources": ["configmaps"],
            }],
            "sideEffects": "None",
            "timeoutSeconds": 5,
        })
    };
    serde_json::from_value(json!({
        "metadata": { "name": "control-plane-test" },
        "webhooks": [webhook("v1"), webhook("v1beta1")],
    }))
    .unwrap()
}

#[tokio::test]
async fn webhooks_answer_only_while_their_deployment_is_available() {
    let plane = ControlPlane::shared().await.unwrap();
    plane.create_namespace("webhooks").await.unwrap();
    let client = plane.client().unwrap();
    let create = PostParams::default();
    let (certificate, secret) = serving_secret();
    Api::namespaced(client.clone(), "webhooks")
        .create(&create, &secret)
        .await
        .unwrap();
    kubectl(
        plane,
        "create service clusterip hook -n webhooks --tcp=443:9443",
    );
    plane.webhooks().unwrap().serve(WebhookBackend {
        namespace: "webhooks".into(),
        service: "hook".into(),
        secret: "serving".into(),
        deployment: "manager".into(),
    });
    let configuration = webhook_configuration(&certificate);
    Api::all(client.clone())
        .create(&create, &configuration)
        .await
        .unwrap();

    let maps = Api::<ConfigMap>::namespaced(client.clone(), "webhooks");
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let mut map = ConfigMap::default();
    map.metadata.name = Some("reviewed".into());
    // The server needs a moment to see the configuration.
    let refusal = eventually("a refusal", async || {
        maps.create(&dry_run, &map).await.err()
    })
    .await
    .to_string();
    assert!(refusal.contains("failed calling webhook"), "{refusal}");
    assert!(refusal.contains("no Deployment manager"), "{refusal}");

    create_deployment(
        plane,
        "webhooks",
        "manager",
        "registry.example.com/manager:1",
    )
    .await;
    kubectl(
        plane,
        "wait -n webhooks --for=condition=Available deployment/manager --timeout=30s",
    );
    maps.create(&create, &map).await.unwrap();

    kubectl(
        plane,
        "delete validatingwebhookconfiguration control-plane-test",
    );
    let calls = plane.webhooks().unwrap().calls().into_iter();
    let mut calls: Vec<_> = calls
        .filter(|call| {
            call.service == "webhooks/hook" && call.object == "ConfigMap webhooks/reviewed"
        })
        .map(|call| (call.operation, call.api_version, call.path))
        .collect();
    calls.sort_unstable();
    let call = |version: &str| {
        (
            "CREATE".into(),
            format!("admission.k8s.io/{version}"),
            format!("/review-{version}"),
        )
    };
    assert_eq!(calls, [call("v1"), call("v1beta1")]);
}
