//! A resource behind a webhook whose own pod cannot be pulled: first the backend, then what it guards.

use std::time::Duration;

use arc_setup::apply::patch::PatchOptions;
use arc_setup::clients::interrupt::Interrupt;
use arc_setup::clients::kube::Cluster;
use arc_setup::failure::Exit;
use arc_setup::object::ObjectRef;
use arc_setup::rules::RuleSet;
use arc_setup::verify::wait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{
    LEGACY, TARGET, cluster, controller_manager, create, define, live, options, rules, run,
};
use crate::support::control_plane::{ControlPlane, Options, WebhookBackend};

/// A Runner, the webhook that guards it, and a manager behind that whose proxy no node can pull.
async fn create_guarded(plane: &ControlPlane, cluster: &Cluster) {
    plane.create_namespace("guarded").await.unwrap();
    define(cluster, &[("actions.summerwind.dev", "Runner")]).await;
    create(cluster, json!({"apiVersion": LEGACY, "kind": "Runner", "metadata": {"name": "one", "namespace": "guarded"},
        "spec": {"repository": "acme/tools", "image": "quay.io/acme/runner:1"}})).await;
    // The node cannot pull what has this host; see stages.yaml.
    let mut broken = controller_manager("guarded");
    broken["spec"]["template"]["spec"]["containers"][1]["image"] =
        json!("missing.example.com/brancz/kube-rbac-proxy:v0.8.0");
    broken["spec"]["strategy"] = json!({"type": "Recreate"});
    // So long that the first try of what it guards surely fails.
    broken["spec"]["minReadySeconds"] = json!(4);
    create(cluster, broken).await;
    create_webhook(plane, cluster).await;
}

async fn create_webhook(plane: &ControlPlane, cluster: &Cluster) {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["webhook-service.guarded.svc".to_owned()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    create(cluster, json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": "serving", "namespace": "guarded"},
        "stringData": {"tls.crt": certificate.pem(), "tls.key": key.serialize_pem()}})).await;
    create(cluster, json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "webhook-service", "namespace": "guarded"},
        "spec": {"selector": {"app": "controller-manager"}, "ports": [{"port": 443, "targetPort": 9443}]}})).await;
    plane.webhooks().unwrap().serve(WebhookBackend {
        namespace: "guarded".into(),
        service: "webhook-service".into(),
        secret: "serving".into(),
        deployment: "controller-manager".into(),
    });
    create(cluster, json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "validating-webhook-configuration"},
        "webhooks": [{"name": "validate.runner.actions.summerwind.dev", "admissionReviewVersions": ["v1beta1"], "sideEffects": "None",
            "clientConfig": {"caBundle": STANDARD.encode(certificate.pem()),
                "service": {"namespace": "guarded", "name": "webhook-service", "path": "/validate"}},
            "rules": [{"apiGroups": ["actions.summerwind.dev"], "apiVersions": ["v1alpha1"], "operations": ["CREATE", "UPDATE"], "resources": ["runners"]}]}]})).await;
}

/// Ends when a dry run is refused: until the server has read the configuration, a patch would pass unseen.
async fn refusal(cluster: &Cluster, rules: &RuleSet) -> String {
    let dry = PatchOptions {
        dry_run: true,
        ..options(None)
    };
    crate::control_plane::eventually("a refusal", async || {
        let report = run(cluster, rules, &dry).await.unwrap();
        report
            .objects
            .into_iter()
            .flat_map(|object| object.notes)
            .find(|note| note.contains("failed calling webhook"))
    })
    .await
}

#[tokio::test]
async fn the_webhooks_backend_is_repaired_before_what_it_guards() {
    let plane = ControlPlane::isolated(Options::full()).await.unwrap();
    let cluster = cluster(&plane);
    create_guarded(&plane, &cluster).await;
    let only_quay = rules(&["quay.io"], &["docker.io"]);
    let refused = refusal(&cluster, &only_quay).await;
    assert!(
        refused.starts_with("not known whether it is accepted"),
        "{refused}"
    );
    let failure = run(&cluster, &only_quay, &options(None)).await.unwrap_err();
    assert_eq!(
        (failure.exit(), failure.code()),
        (Exit::ApplyFailed, "webhook-failed")
    );

    let rules = rules(&["quay.io", "missing.example.com"], &["docker.io"]);
    let report = run(&cluster, &rules, &options(None)).await.unwrap();
    assert_eq!(
        (report.patched(), report.rolled_out.len()),
        (2, 1),
        "{report:?}"
    );
    let runner = live(&cluster, LEGACY, "Runner", "guarded", "one").await;
    assert_eq!(runner["spec"]["image"], format!("{TARGET}/acme/runner:1"));

    let options = wait::WaitOptions {
        level: wait::Level::Manager,
        objects: vec![ObjectRef::new(
            "admissionregistration.k8s.io/v1",
            "ValidatingWebhookConfiguration",
            None,
            "validating-webhook-configuration",
        )],
        controller_namespace: Some("guarded".into()),
        known_lines: None,
        timeout: Duration::from_secs(30),
        registry: None,
    };
    let report = wait::wait(&cluster, &options, &|_| {}, &Interrupt::never())
        .await
        .unwrap();
    assert_eq!(report.proven[0].proof, "answers the API server");
}
