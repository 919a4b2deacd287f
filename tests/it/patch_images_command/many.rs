//! Hundreds of Deployments: a run that is killed or interrupted leaves each of them whole, and the next one finishes.

use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::watched::{NAMESPACE, PATCH, RECEIPT, Watched, deployment, told};
use crate::control_plane::eventually;
use crate::support::recording_proxy::Hold;

const COUNT: usize = 400;
/// So many are written before the interrupt comes.
const WRITTEN: usize = 30;
/// So many patches are on their way then, at least.
const UNDER_WAY: usize = 3;

async fn many() -> Watched {
    let watched = Watched::new().await;
    let containers = json!([{"name": "web", "image": "quay.io/shop/web:1"}, {"name": "log", "image": "quay.io/shop/log:1"}]);
    stream::iter(0..COUNT)
        .for_each_concurrent(16, async |number| {
            let object = deployment(&format!("web-{number}"), &containers);
            watched.cluster.create(&object, false).await.unwrap();
        })
        .await;
    watched
}

/// How many are patched. Each has both of its images patched and its receipt, or neither.
async fn patched(watched: &Watched) -> usize {
    let listed = watched
        .cluster
        .list("apps/v1", "Deployment", Some(NAMESPACE), None);
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
            let has_receipt = object["metadata"]["annotations"][RECEIPT].is_string();
            assert!(moved == 0 || moved == 2, "half patched: {object}");
            assert_eq!(has_receipt, moved == 2, "{object}");
            moved == 2
        })
        .count()
}

#[tokio::test]
async fn killed_or_interrupted_at_any_moment_the_next_run_finishes() {
    let watched = many().await;
    let (_program, running) = watched.started(PATCH);
    eventually("some are patched", async || {
        (patched(&watched).await > 0).then_some(())
    })
    .await;
    // KILL: dropping does it.
    drop(running);
    let first = patched(&watched).await;

    let held = watched.held(PATCH, Hold::After(WRITTEN), WRITTEN + UNDER_WAY);
    let held = held.await;
    assert_eq!(patched(&watched).await, first + WRITTEN);
    let outcome = held.interrupted().await.expect_code(130);
    let second = patched(&watched).await;
    let written = second - first;
    // What was on its way arrived, and the rest was not begun.
    assert!(
        (WRITTEN + UNDER_WAY..COUNT - first).contains(&written),
        "{written} after {first}"
    );
    // One whole document, with what was done and why it ended.
    let told_of = told(&outcome).len();
    assert_eq!(told_of, written, "everything that was written is told");
    let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let failure = &answer["failure"];
    assert_eq!(failure["code"], "interrupted");
    let words = format!("{written} objects were patched; each is patched whole or not at all");
    assert!(failure["why"].to_string().contains(&words), "{failure}");

    let outcome = watched.run(PATCH).await.expect_code(0);
    assert_eq!(patched(&watched).await, COUNT);
    assert_eq!(told(&outcome).len() + second, COUNT);
    let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(answer["unchanged"], json!(second));
}
