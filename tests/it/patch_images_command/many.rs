//! Hundreds of Deployments: a run that is killed or interrupted leaves each of them whole, and the next one finishes.

use arc_setup::clients::kube::{Cluster, Identity};
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::control_plane::eventually;
use crate::support::arc_setup::ArcSetup;
use crate::support::control_plane::{ControlPlane, Options};

const COUNT: usize = 400;
const RULE: &str = "quay.io=registry.artifactory.mydomain.com";
const COMMAND: &[&str] = &[
    "patch-images",
    "--context",
    "many",
    "--all-workloads",
    "-n",
    "many",
    "--registry-map",
    RULE,
    "--no-verify",
    "--yes",
    "-o",
    "json",
];

struct Many {
    cluster: Cluster,
    program: ArcSetup,
    _plane: ControlPlane,
}

impl Many {
    async fn new() -> Self {
        let plane = ControlPlane::isolated(Options::default()).await.unwrap();
        plane.create_namespace("many").await.unwrap();
        let cluster = Cluster::new(plane.client().unwrap(), Identity::default());
        stream::iter(0..COUNT)
            .for_each_concurrent(16, async |number| {
                let object = deployment(number);
                cluster.create(&object, false).await.unwrap();
            })
            .await;
        let mut program = ArcSetup::new().unwrap();
        program.env("KUBECONFIG", plane.kubeconfig("many").unwrap());
        Self {
            cluster,
            program,
            _plane: plane,
        }
    }

    /// How many are patched. Each has both of its images patched and its receipt, or neither.
    async fn patched(&self) -> usize {
        let listed = self
            .cluster
            .list("apps/v1", "Deployment", Some("many"), None);
        let listed = listed.await.unwrap();
        assert_eq!(listed.len(), COUNT);
        listed
            .iter()
            .filter(|object| {
                let images = object["spec"]["template"]["spec"]["containers"].as_array();
                let moved = images.unwrap().iter().filter(|container| {
                    let image = container["image"].as_str().unwrap_or_default();
                    image.starts_with("registry.artifactory.mydomain.com/")
                });
                let moved = moved.count();
                let annotations = &object["metadata"]["annotations"];
                let has_receipt = annotations["arc-setup.dev/original-images"].is_string();
                assert!(moved == 0 || moved == 2, "half patched: {object}");
                assert_eq!(has_receipt, moved == 2, "{object}");
                moved == 2
            })
            .count()
    }

    async fn some_are_patched(&self) {
        eventually("some are patched", async || {
            let patched = self.patched().await;
            (patched > 0).then_some(())
        })
        .await;
    }
}

fn deployment(number: usize) -> Value {
    let name = format!("web-{number}");
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "many"},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": {"metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "web", "image": "quay.io/shop/web:1"}, {"name": "log", "image": "quay.io/shop/log:1"}]}}}})
}

#[tokio::test]
async fn killed_or_interrupted_at_any_moment_the_next_run_finishes() {
    let many = Many::new().await;
    let running = many.program.start(COMMAND).unwrap();
    many.some_are_patched().await;
    // KILL: dropping does it.
    drop(running);
    let first = many.patched().await;

    let running = many.program.start(COMMAND).unwrap();
    eventually("more are patched", async || {
        (many.patched().await > first).then_some(())
    })
    .await;
    running.interrupt().unwrap();
    let outcome = running.wait().await.unwrap();
    let second = many.patched().await;
    if outcome.code != Some(0) {
        outcome.clone().expect_code(130);
        // One whole document, with what was done and why it ended.
        let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
        let told = answer["objects"].as_array().unwrap().len();
        assert_eq!(told, second - first, "everything that was written is told");
        assert_eq!(answer["failure"]["code"], "interrupted");
    }

    let outcome = many.program.run(COMMAND).await.unwrap().expect_code(0);
    let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(many.patched().await, COUNT);
    let told = answer["objects"].as_array().unwrap().len();
    assert_eq!(told + second, COUNT);
    assert_eq!(answer["unchanged"], json!(second));
}
