//! Other controllers: one that overlaps, one that runner sets are installed under, one of another release.

use serde_json::{Value, json};

use super::STORY_OF_SCALE_SETS;
use super::scale_set_controller::{ScaleSetController, definitions};
use super::site::Site;
use super::world::versions;

/// The controller as upstream's chart installs it.
fn chart(namespace: &str, version: &str) -> Value {
    let image = format!("ghcr.io/actions/gha-runner-scale-set-controller:{version}");
    let labels = json!({
        "helm.sh/chart": format!("gha-rs-controller-{version}"),
        "app.kubernetes.io/name": "gha-rs-controller",
        "app.kubernetes.io/namespace": namespace,
        "app.kubernetes.io/instance": "theirs",
        "app.kubernetes.io/version": version,
        "app.kubernetes.io/part-of": "gha-rs-controller",
        "app.kubernetes.io/managed-by": "Helm",
        "actions.github.com/controller-service-account-namespace": namespace,
        "actions.github.com/controller-service-account-name": "theirs-gha-rs-controller",
    });
    let field = json!({"fieldRef": {"fieldPath": "metadata.namespace"}});
    let container = json!({
        "name": "manager", "image": image, "command": ["/manager"],
        "args": ["--auto-scaling-runner-set-only", "--log-level=debug", "--update-strategy=immediate"],
        "env": [{"name": "CONTROLLER_MANAGER_CONTAINER_IMAGE", "value": image},
            {"name": "CONTROLLER_MANAGER_POD_NAMESPACE", "valueFrom": field}],
    });
    let selector = json!({"app.kubernetes.io/name": "gha-rs-controller", "app.kubernetes.io/instance": "theirs"});
    json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "theirs-gha-rs-controller", "namespace": namespace}},
        {"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "theirs-gha-rs-controller", "namespace": namespace, "labels": labels},
            "spec": {"replicas": 1, "selector": {"matchLabels": selector}, "template": {
                "metadata": {"labels": selector},
                "spec": {"serviceAccountName": "theirs-gha-rs-controller", "containers": [container]}}}},
    ]})
}

#[tokio::test]
async fn an_overlapping_controller_ends_preflight_and_sets_go_under_it_when_that_is_said() {
    let mut site = Site::start(STORY_OF_SCALE_SETS).await;
    site.plane.create_namespace("theirs").await.unwrap();
    for definition in definitions() {
        site.apply(&definition);
        site.established(definition["metadata"]["name"].as_str().unwrap())
            .await;
    }
    site.apply(&chart("theirs", "0.14.1"));
    site.kubectl(&[
        "rollout",
        "status",
        "-n",
        "theirs",
        "deployment/theirs-gha-rs-controller",
        "--timeout=30s",
    ]);
    let before = site.world().await;
    for flags in [
        &[][..],
        &["--force-conflicts"],
        &["--watch", "cluster"],
        &["--manage-namespaces"],
    ] {
        let refused = site.init(flags).await.expect_code(3);
        for said in [
            "theirs/theirs-gha-rs-controller",
            "0.14.1",
            "arc-runners/rancher-dind",
            "controller-overlap",
        ] {
            assert!(refused.stderr.contains(said), "{said}: {}", refused.stderr);
        }
    }
    assert_eq!(versions(&before), versions(&site.world().await));

    // Under it: no controller of ours, and its minor release is what counts.
    site.change_config(|text| {
        format!("{text}\ncontroller:\n  existing: theirs/theirs-gha-rs-controller\n")
    });
    let _controller = ScaleSetController::follow(
        site.client.clone(),
        "theirs",
        "theirs-gha-rs-controller",
        "0.14",
    );
    let outcome = site
        .init(&["--wait", "runners", "--min", "1"])
        .await
        .expect_code(0);
    assert!(outcome.stderr.contains("scale set 7"), "{}", outcome.stderr);
    site.get(&["autoscalingrunnersets", "-n", "arc-runners", "rancher-dind"]);
    let deployments = site.get(&["deployments", "-A"]);
    assert_eq!(deployments["items"].as_array().unwrap().len(), 1);
    let before = site.world().await;
    let again = site
        .init(&["--wait", "runners", "--min", "1"])
        .await
        .expect_code(0);
    assert!(again.stderr.contains("nothing to do"), "{}", again.stderr);
    assert_eq!(versions(&before), versions(&site.world().await));
}

#[tokio::test]
async fn runners_are_waited_for_and_another_minor_release_is_refused() {
    let site = Site::start(STORY_OF_SCALE_SETS).await;
    let _controller =
        ScaleSetController::follow(site.client.clone(), "arc-systems", "arc-controller", "0.14");
    let outcome = site.init(&["--min", "1"]).await.expect_code(0);
    let set = "AutoscalingRunnerSet arc-runners/rancher-dind";
    assert!(
        outcome.stderr.contains(&format!(
            "proven: {set}: scale set 7, listener and 1 runners run"
        )),
        "{}",
        outcome.stderr
    );
    let running = || {
        let pods = site.get(&["pods", "-n", "arc-runners"]);
        let names = pods["items"].as_array().unwrap().iter();
        names
            .map(|pod| pod["metadata"]["uid"].clone())
            .collect::<Vec<_>>()
    };
    let (before, pods) = (site.world().await, running());
    assert_eq!(pods.len(), 1);
    let refused = site.init(&["--arc-version", "0.13.1"]).await.expect_code(3);
    for said in ["minor-change", "0.14.2", "0.13.1", "rancher-dind"] {
        assert!(refused.stderr.contains(said), "{said}: {}", refused.stderr);
    }
    assert_eq!(versions(&before), versions(&site.world().await));
    assert_eq!(running(), pods);
    // The stand-in does what the refusal protects from.
    let label =
        json!({"metadata": {"labels": {"app.kubernetes.io/version": "0.13.1"}}}).to_string();
    site.kubectl(&[
        "patch",
        "autoscalingrunnersets",
        "rancher-dind",
        "-n",
        "arc-runners",
        "--type=merge",
        "-p",
        &label,
    ]);
    crate::control_plane::eventually("the set's end", async || {
        let sets = site.get(&["autoscalingrunnersets", "-n", "arc-runners"]);
        sets["items"].as_array().unwrap().is_empty().then_some(())
    })
    .await;
}
