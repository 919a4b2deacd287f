//! `patch-images` on a real API server: what others installed, as they left it.

use std::time::Duration;

use arc_setup::apply::patch::{
    PatchOptions, PatchReport, Rollouts, Treatment, patch_images, preview,
};
use arc_setup::clients::interrupt::Interrupt;
use arc_setup::clients::kube::{Cluster, Identity, Scope};
use arc_setup::failure::{Exit, Failure};
use arc_setup::object::ObjectRef;
use arc_setup::rules::{Action, Matcher, RuleSet, RuleSpec};
use arc_setup::verify::wait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::support::control_plane::{ControlPlane, Options, WebhookBackend};

const TARGET: &str = "registry.artifactory.mydomain.com";
const LEGACY: &str = "actions.summerwind.dev/v1alpha1";
const SCALE_SET: &str = "actions.github.com/v1alpha1";

fn rules(rewritten: &[&str], kept: &[&str]) -> RuleSet {
    let rule = |host: &&str, action: Action| RuleSpec {
        id: format!("map {host}"),
        matcher: Matcher::Host((*host).to_owned()),
        action,
        mirror: None,
    };
    let rewrite = Action::Rewrite {
        target: TARGET.to_owned(),
        drop_library: false,
    };
    let specs: Vec<RuleSpec> = rewritten
        .iter()
        .map(|host| rule(host, rewrite.clone()))
        .chain(kept.iter().map(|host| rule(host, Action::Keep)))
        .collect();
    RuleSet::compile(&specs).unwrap()
}

fn cluster(plane: &ControlPlane) -> Cluster {
    Cluster::new(plane.client().unwrap(), Identity::default())
}

fn options(namespace: Option<&str>) -> PatchOptions {
    PatchOptions {
        namespace: namespace.map(str::to_owned),
        timeout: Duration::from_secs(30),
        ..PatchOptions::default()
    }
}

async fn run(
    cluster: &Cluster,
    rules: &RuleSet,
    options: &PatchOptions,
) -> Result<PatchReport, Failure> {
    let interrupt = Interrupt::never();
    let rollouts: Rollouts<'_> = &|objects, timeout| {
        let interrupt = Interrupt::never();
        Box::pin(async move {
            wait::rolled_out(cluster, objects, timeout, None, &|_| {}, &interrupt).await
        })
    };
    patch_images(cluster, rules, options, rollouts, &|_| {}, &interrupt).await
}

async fn create(cluster: &Cluster, object: Value) {
    cluster.create(&object, false).await.unwrap();
}

async fn live(
    cluster: &Cluster,
    api_version: &str,
    kind: &str,
    namespace: &str,
    name: &str,
) -> Value {
    let reference = ObjectRef::new(api_version, kind, Some(namespace), name);
    cluster.get(&reference).await.unwrap().unwrap()
}

fn deployment(namespace: &str, name: &str, containers: &Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": containers}}}})
}

/// The manifest of the story.
fn controller_manager(namespace: &str) -> Value {
    deployment(
        namespace,
        "controller-manager",
        &json!([
            {"name": "manager", "image": "summerwind/actions-runner-controller:v0.18.2", "command": ["/manager"],
             "args": ["--metrics-addr=127.0.0.1:8080", "--enable-leader-election", "--sync-period=10m"]},
            {"name": "kube-rbac-proxy", "image": "quay.io/brancz/kube-rbac-proxy:v0.8.0",
             "args": ["--secure-listen-address=0.0.0.0:8443", "--upstream=http://127.0.0.1:8080/", "--v=10"]}]),
    )
}

/// A CRD of a dozen lines; ARC's controllers take it (every field is preserved).
fn definition(group: &str, kind: &str) -> Value {
    let plural = format!("{}s", kind.to_lowercase());
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {"group": group, "scope": "Namespaced", "names": {"plural": plural, "kind": kind},
            "versions": [{"name": "v1alpha1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}})
}

async fn define(cluster: &Cluster, kinds: &[(&str, &str)]) {
    let mut names = Vec::new();
    for (group, kind) in kinds {
        let object = definition(group, kind);
        // Discovery follows a new CRD by a moment.
        let plural = format!("{}s", kind.to_lowercase());
        cluster.seed(
            &format!("{group}/v1alpha1"),
            kind,
            &plural,
            Scope::Namespaced,
        );
        names.push(ObjectRef::from_value(&object));
        create(cluster, object).await;
    }
    let options = wait::WaitOptions {
        level: wait::Level::Manager,
        objects: names,
        controller_namespace: None,
        timeout: Duration::from_secs(30),
        registry: None,
    };
    wait::wait(cluster, &options, &|_| {}, &Interrupt::never())
        .await
        .unwrap();
}

#[tokio::test]
async fn the_storys_one_image_is_relabelled_and_a_second_run_does_nothing() {
    let plane = ControlPlane::shared().await.unwrap();
    plane.create_namespace("patch-story").await.unwrap();
    let cluster = cluster(plane);
    create(&cluster, controller_manager("patch-story")).await;
    let get = async || {
        live(
            &cluster,
            "apps/v1",
            "Deployment",
            "patch-story",
            "controller-manager",
        )
        .await
    };
    let before = get().await;
    let rules = rules(&["quay.io"], &["docker.io"]);

    let counted = preview(
        &cluster,
        &rules,
        &options(Some("patch-story")),
        &Interrupt::never(),
    )
    .await
    .unwrap();
    let dry = PatchOptions {
        dry_run: true,
        ..options(Some("patch-story"))
    };
    let tried = run(&cluster, &rules, &dry).await.unwrap();
    assert_eq!((counted.patched(), tried.patched()), (1, 1));
    assert_eq!(get().await["spec"], before["spec"]);

    let written = run(
        &cluster,
        &rules,
        &PatchOptions {
            wait: true,
            ..options(Some("patch-story"))
        },
    )
    .await
    .unwrap();
    assert_eq!(written.exit(), Exit::Done);
    assert_eq!(written.rolled_out.len(), 1);
    let after = get().await;
    let mut expected = before["spec"].clone();
    expected["template"]["spec"]["containers"][1]["image"] =
        json!("registry.artifactory.mydomain.com/brancz/kube-rbac-proxy:v0.8.0");
    assert_eq!(after["spec"], expected);
    assert_eq!(
        after["metadata"]["annotations"]["arc-setup.dev/original-images"],
        "{\"/spec/template/spec/containers/1/image\":\"quay.io/brancz/kube-rbac-proxy:v0.8.0\"}"
    );
    let managers: Vec<&str> = after["metadata"]["managedFields"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|fields| fields["manager"].as_str())
        .collect();
    assert!(managers.contains(&"arc-setup-patch"), "{managers:?}");

    let again = run(&cluster, &rules, &options(Some("patch-story")))
        .await
        .unwrap();
    assert_eq!((again.objects.len(), again.unchanged), (0, 1));
    assert_eq!(
        get().await["metadata"]["generation"],
        after["metadata"]["generation"]
    );
}

/// A scale-set install by hand, a legacy one by Helm, and what their controllers made.
async fn create_installs(cluster: &Cluster) {
    let image = "ghcr.io/actions/gha-runner-scale-set-controller:0.14.2";
    create(
        cluster,
        deployment(
            "arc",
            "arc-gha-rs-controller",
            &json!([{"name": "manager", "image": image,
        "command": ["/manager"], "args": ["--auto-scaling-runner-set-only"],
        "env": [{"name": "CONTROLLER_MANAGER_CONTAINER_IMAGE", "value": image}]}]),
        ),
    )
    .await;
    let mut helm = controller_manager("arc");
    helm["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": "Helm"});
    helm["metadata"]["annotations"] =
        json!({"meta.helm.sh/release-name": "arc", "meta.helm.sh/release-namespace": "arc"});
    create(cluster, helm).await;
    create(
        cluster,
        deployment(
            "arc",
            "someone-elses",
            &json!([{"name": "web", "image": "quay.io/other/web:1"}]),
        ),
    )
    .await;
    create(cluster, json!({"apiVersion": SCALE_SET, "kind": "AutoscalingRunnerSet", "metadata": {"name": "linux", "namespace": "arc"},
        "spec": {"template": {"spec": {"containers": [{"name": "runner", "image": "ghcr.io/actions/actions-runner:2.335.1"}]}}}})).await;
    create(cluster, json!({"apiVersion": SCALE_SET, "kind": "AutoscalingListener", "metadata": {"name": "linux-1-listener", "namespace": "arc"},
        "spec": {"autoscalingRunnerSetName": "linux", "image": image}})).await;
    create(cluster, json!({"apiVersion": SCALE_SET, "kind": "EphemeralRunnerSet", "metadata": {"name": "linux-x", "namespace": "arc"},
        "spec": {"ephemeralRunnerSpec": {"spec": {"containers": [{"name": "runner", "image": "ghcr.io/actions/actions-runner:2.335.1"}]}}}})).await;
    create(cluster, json!({"apiVersion": LEGACY, "kind": "RunnerDeployment", "metadata": {"name": "build", "namespace": "arc", "annotations": {"mine": "x"}},
        "spec": {"template": {"spec": {"image": "quay.io/acme/runner:1", "repository": "acme/tools"}}}})).await;
}

/// What a controller-manager would say after the rollout.
fn pretend_rolled_out(plane: &ControlPlane) {
    let status = json!({"status": {"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}});
    let status = status.to_string();
    let arguments = [
        "patch",
        "deployment",
        "arc-gha-rs-controller",
        "-n",
        "arc",
        "--subresource=status",
        "--type=merge",
        "-p",
        &status,
    ];
    let output = plane.kubectl(&arguments).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// What was done with each object, by name.
fn treatments(report: &PatchReport) -> Vec<(&str, &'static str)> {
    report
        .objects
        .iter()
        .map(|object| {
            let treatment = match &object.treatment {
                Treatment::Patched => "patched",
                Treatment::Made { .. } => "made",
                Treatment::Owned { .. } => "owned",
                _ => "other",
            };
            (object.object.name.as_str(), treatment)
        })
        .collect()
}

#[tokio::test]
async fn sources_are_patched_owners_are_told_and_listeners_are_remade() {
    let plane = ControlPlane::isolated(Options::default()).await.unwrap();
    let cluster = cluster(&plane);
    plane.create_namespace("arc").await.unwrap();
    let group = "actions.github.com";
    define(
        &cluster,
        &[
            (group, "AutoscalingRunnerSet"),
            (group, "AutoscalingListener"),
            (group, "EphemeralRunnerSet"),
            ("actions.summerwind.dev", "RunnerDeployment"),
            ("actions.summerwind.dev", "Runner"),
        ],
    )
    .await;
    create_installs(&cluster).await;

    let rules = rules(&["quay.io", "ghcr.io", "docker.io"], &[]);
    let impatient = PatchOptions {
        pull_secret: Some("mirror".into()),
        timeout: Duration::from_secs(2),
        ..options(None)
    };
    let report = run(&cluster, &rules, &impatient).await;
    // Without a controller-manager nothing rolls out, and listeners must not be deleted before that.
    assert_eq!(report.unwrap_err().exit(), Exit::Timeout);

    // What an interrupted run leaves: the controller is patched, its listener is not remade.
    pretend_rolled_out(&plane);
    let report = run(
        &cluster,
        &rules,
        &PatchOptions {
            pull_secret: Some("mirror".into()),
            ..options(None)
        },
    )
    .await
    .unwrap();

    assert_eq!(report.exit(), Exit::Conflict);
    assert_eq!(report.listeners_remade.len(), 1);
    let listener = ObjectRef::new(
        SCALE_SET,
        "AutoscalingListener",
        Some("arc"),
        "linux-1-listener",
    );
    assert!(cluster.get(&listener).await.unwrap().is_none());
    assert_eq!(
        treatments(&report),
        [
            ("controller-manager", "owned"),
            ("build", "patched"),
            ("linux", "patched"),
            ("linux-x", "made")
        ]
    );
    let controller = live(
        &cluster,
        "apps/v1",
        "Deployment",
        "arc",
        "arc-gha-rs-controller",
    )
    .await;
    let container = &controller["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(
        container["image"],
        format!("{TARGET}/actions/gha-runner-scale-set-controller:0.14.2")
    );
    assert_eq!(container["env"][0]["value"], container["image"]);
    assert_eq!(
        container["args"][1],
        "--auto-scaler-image-pull-secrets=mirror"
    );
    let build = live(&cluster, LEGACY, "RunnerDeployment", "arc", "build").await;
    assert_eq!(
        build["spec"]["template"]["spec"]["image"],
        format!("{TARGET}/acme/runner:1")
    );
    assert_eq!(
        build["spec"]["template"]["spec"]["imagePullSecrets"],
        json!([{"name": "mirror"}])
    );
    assert_eq!(build["metadata"]["annotations"]["mine"], "x");
    let other = live(&cluster, "apps/v1", "Deployment", "arc", "someone-elses").await;
    assert_eq!(
        other["spec"]["template"]["spec"]["containers"][0]["image"],
        "quay.io/other/web:1"
    );

    let forced = PatchOptions {
        force: true,
        pull_secret: Some("mirror".into()),
        ..options(None)
    };
    assert_eq!(run(&cluster, &rules, &forced).await.unwrap().patched(), 1);
    let last = run(&cluster, &rules, &forced).await.unwrap();
    assert_eq!((last.patched(), last.exit()), (0, Exit::Done));
}

#[tokio::test]
async fn the_webhooks_backend_is_repaired_before_what_it_guards() {
    let plane = ControlPlane::isolated(Options::full()).await.unwrap();
    let cluster = cluster(&plane);
    plane.create_namespace("guarded").await.unwrap();
    define(&cluster, &[("actions.summerwind.dev", "Runner")]).await;
    create(&cluster, json!({"apiVersion": LEGACY, "kind": "Runner", "metadata": {"name": "one", "namespace": "guarded"},
        "spec": {"repository": "acme/tools", "image": "quay.io/acme/runner:1"}})).await;
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["webhook-service.guarded.svc".to_owned()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    create(&cluster, json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": "serving", "namespace": "guarded"},
        "stringData": {"tls.crt": certificate.pem(), "tls.key": key.serialize_pem()}})).await;
    create(&cluster, json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "webhook-service", "namespace": "guarded"},
        "spec": {"selector": {"app": "controller-manager"}, "ports": [{"port": 443, "targetPort": 9443}]}})).await;
    plane.webhooks().unwrap().serve(WebhookBackend {
        namespace: "guarded".into(),
        service: "webhook-service".into(),
        secret: "serving".into(),
        deployment: "controller-manager".into(),
    });
    // The node cannot pull what has this host; see stages.yaml.
    let mut broken = controller_manager("guarded");
    broken["spec"]["template"]["spec"]["containers"][1]["image"] =
        json!("missing.example.com/brancz/kube-rbac-proxy:v0.8.0");
    broken["spec"]["strategy"] = json!({"type": "Recreate"});
    // So long that the first try of what it guards surely fails.
    broken["spec"]["minReadySeconds"] = json!(4);
    create(&cluster, broken).await;
    create(&cluster, json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "validating-webhook-configuration"},
        "webhooks": [{"name": "validate.runner.actions.summerwind.dev", "admissionReviewVersions": ["v1beta1"], "sideEffects": "None",
            "clientConfig": {"caBundle": STANDARD.encode(certificate.pem()),
                "service": {"namespace": "guarded", "name": "webhook-service", "path": "/validate"}},
            "rules": [{"apiGroups": ["actions.summerwind.dev"], "apiVersions": ["v1alpha1"], "operations": ["CREATE", "UPDATE"], "resources": ["runners"]}]}]})).await;
    let configuration = ObjectRef::new(
        "admissionregistration.k8s.io/v1",
        "ValidatingWebhookConfiguration",
        None,
        "validating-webhook-configuration",
    );

    let rules = rules(&["quay.io", "missing.example.com"], &["docker.io"]);
    // Until the server has read the configuration, a patch would pass unseen.
    let only_quay = self::rules(&["quay.io"], &["docker.io"]);
    let refused = crate::control_plane::eventually("a refusal", async || {
        let dry = PatchOptions {
            dry_run: true,
            ..options(None)
        };
        let report = run(&cluster, &only_quay, &dry).await.unwrap();
        report
            .objects
            .into_iter()
            .flat_map(|object| object.notes)
            .find(|note| note.contains("failed calling webhook"))
    })
    .await;
    assert!(
        refused.starts_with("not known whether it is accepted"),
        "{refused}"
    );
    let failure = run(&cluster, &only_quay, &options(None)).await.unwrap_err();
    assert_eq!(
        (failure.exit(), failure.code()),
        (Exit::ApplyFailed, "webhook-failed")
    );

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
        objects: vec![configuration],
        controller_namespace: Some("guarded".into()),
        timeout: Duration::from_secs(30),
        registry: None,
    };
    let report = wait::wait(&cluster, &options, &|_| {}, &Interrupt::never())
        .await
        .unwrap();
    assert_eq!(report.proven[0].proof, "answers the API server");
}
