//! Whatever else is in a cluster: sources are patched, what is made of them is not, owners are told.

use std::time::Duration;

use arc_setup::apply::patch::{PatchOptions, Treatment};
use arc_setup::clients::kube::Cluster;
use arc_setup::failure::Exit;
use arc_setup::object::ObjectRef;
use serde_json::json;

use super::{
    LEGACY, Ran, SCALE_SET, TARGET, cluster, controller_manager, create, define, deployment, live,
    options, pull_secret, rules, run,
};
use crate::support::control_plane::{ControlPlane, Options};

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
fn treatments(report: &Ran) -> Vec<(&str, &'static str)> {
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

/// A cluster with both installs, without a controller-manager.
async fn installed() -> (ControlPlane, Cluster) {
    let plane = ControlPlane::isolated(Options::default()).await.unwrap();
    let cluster = cluster(&plane);
    plane.create_namespace("arc").await.unwrap();
    let group = "actions.github.com";
    let kinds = [
        (group, "AutoscalingRunnerSet"),
        (group, "AutoscalingListener"),
        (group, "EphemeralRunnerSet"),
        ("actions.summerwind.dev", "RunnerDeployment"),
        ("actions.summerwind.dev", "Runner"),
    ];
    define(&cluster, &kinds).await;
    create_installs(&cluster).await;
    create(&cluster, pull_secret("arc", "mirror")).await;
    (plane, cluster)
}

#[tokio::test]
async fn sources_are_patched_owners_are_told_and_listeners_are_remade() {
    let (plane, cluster) = installed().await;
    let rules = rules(&["quay.io", "ghcr.io", "docker.io"], &[]);
    let with_secret = PatchOptions {
        pull_secret: Some("mirror".into()),
        ..options(None)
    };
    let impatient = PatchOptions {
        timeout: Duration::from_secs(2),
        ..with_secret.clone()
    };
    let report = run(&cluster, &rules, &impatient).await;
    // Without a controller-manager nothing rolls out, and listeners must not be deleted before that.
    assert_eq!(report.unwrap_err().exit(), Exit::Timeout);

    // What an interrupted run leaves: the controller is patched, its listener is not remade.
    pretend_rolled_out(&plane);
    let report = run(&cluster, &rules, &with_secret).await.unwrap();
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
    the_controller_is_patched_in_every_slot(&cluster).await;
    the_runners_are_patched_and_strangers_are_not(&cluster).await;

    let forced = PatchOptions {
        force: true,
        ..with_secret
    };
    assert_eq!(run(&cluster, &rules, &forced).await.unwrap().patched(), 1);
    let last = run(&cluster, &rules, &forced).await.unwrap();
    assert_eq!((last.patched(), last.exit()), (0, Exit::Done));
}

async fn the_controller_is_patched_in_every_slot(cluster: &Cluster) {
    let controller = "arc-gha-rs-controller";
    let controller = live(cluster, "apps/v1", "Deployment", "arc", controller).await;
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
}

async fn the_runners_are_patched_and_strangers_are_not(cluster: &Cluster) {
    let build = live(cluster, LEGACY, "RunnerDeployment", "arc", "build").await;
    let spec = &build["spec"]["template"]["spec"];
    assert_eq!(spec["image"], format!("{TARGET}/acme/runner:1"));
    assert_eq!(spec["imagePullSecrets"], json!([{"name": "mirror"}]));
    assert_eq!(build["metadata"]["annotations"]["mine"], "x");
    let other = live(cluster, "apps/v1", "Deployment", "arc", "someone-elses").await;
    assert_eq!(
        other["spec"]["template"]["spec"]["containers"][0]["image"],
        "quay.io/other/web:1"
    );
}
