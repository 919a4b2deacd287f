//! An install under a controller of another team: nothing of it lies in that team's namespace, and it is found again.

use arc_setup::object::ObjectRef;
use serde_json::{Value, json};

use super::census::difference;
use super::site::Site;
use crate::control_plane::eventually;
use crate::init::scale_set_controller::definitions;

/// Another team's controller, as far as anyone reads it here.
fn controller() -> Value {
    let image = "ghcr.io/actions/gha-runner-scale-set-controller:0.14.2";
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "arc", "namespace": "theirs", "labels": {"app.kubernetes.io/version": "0.14.2"}},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "arc"}}, "template": {
            "metadata": {"labels": {"app": "arc"}},
            "spec": {"serviceAccountName": "arc", "containers": [{"name": "manager", "image": image, "command": ["/manager"],
                "args": ["--auto-scaling-runner-set-only"],
                "env": [{"name": "CONTROLLER_MANAGER_CONTAINER_IMAGE", "value": image}]}]}}}})
}

#[tokio::test]
async fn an_install_under_an_existing_controller_is_found_and_leaves_nothing() {
    let site = Site::scale_set().await;
    site.namespace("theirs").await;
    for definition in definitions() {
        site.foreign(definition).await;
    }
    site.foreign(controller()).await;
    let object = ObjectRef::from_value(&controller());
    eventually("the cluster has seen it", async || {
        let live = site.cluster.get(&object).await.unwrap()?;
        live.pointer("/status/conditions").cloned()
    })
    .await;
    let before = site.census().await;
    let under = ["--existing-controller", "theirs/arc"];
    let by_name = ["uninstall", "--context", "site", "--yes", "--name", "arc"];
    let with = |more: &[&'static str]| [&by_name[..], more].concat();
    let ways = [
        site.arguments("uninstall", &["--yes", under[0], under[1]]),
        with(&[]),
        with(&["--controller-namespace", "theirs"]),
        with(&["--controller-namespace", "arc-runners"]),
    ];
    for way in ways {
        site.init(&under).await;
        let installed = difference(&before, &site.census().await);
        assert!(installed.len() > 5, "{installed:?}");
        let receipt = "left: v1 Secret arc-runners/arc-setup-arc".to_owned();
        assert!(installed.contains(&receipt), "{installed:?}");
        let again = site.run("init", &["--dry-run", under[0], under[1]]).await;
        let again = again.expect_code(0);
        assert!(again.stderr.contains("nothing to do"), "{}", again.stderr);
        let outcome = site.program.run(&way).await.unwrap().expect_code(0);
        assert!(
            outcome.stderr.contains("arc is removed from site"),
            "{way:?}: {}",
            outcome.stderr
        );
        site.is_again(&before).await;
    }

    let outcome = site
        .run("uninstall", &["--yes", under[0], under[1]])
        .await
        .expect_code(0);
    assert!(outcome.stderr.contains("nothing to do"), "{outcome:?}");
}
