//! A run that has waited for another one: what it saw of the cluster before is out of date.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::control_plane::{Component, ControlPlane, Options};

use super::STORY_OF_SCALE_SETS;
use super::site::Site;

const RECEIPT: [&str; 4] = ["secret", "arc-setup-arc", "-n", "arc-systems"];

/// The inventory, as it is stored.
fn receipt(site: &Site) -> Value {
    let secret = site.get(&RECEIPT);
    let text = secret["data"]["receipt.json"].as_str().unwrap();
    serde_json::from_slice(&STANDARD.decode(text).unwrap()).unwrap()
}

/// What another run does while it holds the lock: makes an object and notes it.
fn another_run_adds(site: &Site, name: &str) {
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
        "name": name, "namespace": "arc-systems",
        "labels": {"app.kubernetes.io/managed-by": "arc-setup", "arc-setup.dev/install": "arc"}}});
    site.apply(&object);
    let mut receipt = receipt(site);
    let uid = site.get(&["configmap", name, "-n", "arc-systems"])["metadata"]["uid"].take();
    let reference =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "namespace": "arc-systems", "name": name});
    let entries = receipt["entries"].as_array_mut().unwrap();
    entries.push(json!({"object": reference, "uid": uid}));
    let data = json!({"data": {"receipt.json": STANDARD.encode(receipt.to_string())}}).to_string();
    site.kubectl(&[&["patch"], &RECEIPT[..], &["--type=merge", "-p", &data]].concat());
}

#[tokio::test]
async fn a_run_that_waited_looks_again_and_forgets_nothing() {
    let options = Options {
        components: vec![Component::Webhooks],
        ..Options::default()
    };
    let plane = ControlPlane::isolated(options).await.unwrap();
    let site = Site::on(plane.into(), STORY_OF_SCALE_SETS).await;
    site.init(&["--wait", "none"]).await.expect_code(0);

    let lock = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "arc-setup-arc", "namespace": "arc-systems"},
        "spec": {"holderIdentity": "another", "leaseDurationSeconds": 60}});
    site.apply(&lock);
    let arguments = site.arguments(&["--wait", "none", "--max", "9"]);
    let waiting = site.program.start(&arguments).unwrap();
    crate::control_plane::eventually("a word about the lock", async || {
        waiting
            .stderr()
            .contains("another holds the lock")
            .then_some(())
    })
    .await;
    another_run_adds(&site, "added");
    site.kubectl(&["delete", "lease", "arc-setup-arc", "-n", "arc-systems"]);

    let outcome = waiting.wait().await.unwrap().expect_code(0);
    assert!(
        outcome.stderr.contains("looking at the cluster again"),
        "{}",
        outcome.stderr
    );
    // The configuration does not have what the other run added: it goes, and is not merely forgotten.
    assert!(
        outcome.stderr.contains("- ConfigMap arc-systems/added"),
        "{}",
        outcome.stderr
    );
    let found = site.kubectl(&[
        "get",
        "configmap",
        "added",
        "-n",
        "arc-systems",
        "--ignore-not-found",
    ]);
    assert_eq!(found, "");
    assert!(!receipt(&site).to_string().contains("\"added\""));
    let set = [
        "autoscalingrunnersets.actions.github.com",
        "rancher-dind",
        "-n",
        "arc-runners",
    ];
    assert_eq!(site.get(&set)["spec"]["maxRunners"], 9);
}
