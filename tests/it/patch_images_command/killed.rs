//! Killed at chosen answers, forth and back, with several patches under way: what a dead run leaves is whole, the next
//! one finishes, and the way back ends where it began.

use std::collections::BTreeMap;

use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::watched::{PATCH, RECEIPT, UNDO, Watched, deployment, told};
use crate::support::recording_proxy::Hold;

const COUNT: usize = 60;

/// A run has so many patches begun before the first of them is answered.
const AT_ONCE: usize = 4;

/// What differs between them is what a half-done patch could leave apart.
fn web(number: usize) -> Value {
    let mut containers = json!([{"name": "web", "image": "quay.io/shop/web:1.0.0"}, {"name": "log", "image": "quay.io/shop/log:1.0.0"}]);
    if number % 3 == 1 {
        containers[0]["args"] = json!([
            "--v=1",
            "--helper-image=quay.io/shop/helper:1.0.0,quay.io/shop/other:1.0.0"
        ]);
        containers[1]["env"] = json!([{"name": "RELATED_IMAGE_X", "value": "quay.io/x/y:1.0.0"}]);
    }
    let mut object = deployment(&format!("web-{number:02}"), &containers);
    if number % 3 == 2 {
        object["metadata"]["annotations"] = json!({"example.com/mine": "x"});
        object["spec"]["template"]["spec"]["initContainers"] =
            json!([{"name": "first", "image": "quay.io/shop/first:1.0.0"}]);
    }
    object
}

async fn shop() -> Watched {
    let watched = Watched::new().await;
    stream::iter(0..COUNT)
        .for_each_concurrent(8, async |number| {
            let object = web(number);
            watched.cluster.create(&object, false).await.unwrap();
        })
        .await;
    watched
}

/// Kills runs at these places, one after the other; returns what each left.
async fn killed(
    watched: &Watched,
    task: &[&str],
    places: &[Hold],
) -> Vec<BTreeMap<String, String>> {
    let mut left = Vec::new();
    for place in places {
        watched.held(task, *place, AT_ONCE).await.kill();
        left.push(watched.stored().await);
    }
    left
}

/// Each object is as it was or as it will be, nothing in between; returns how many are as they will be.
fn whole(
    between: &BTreeMap<String, String>,
    from: &BTreeMap<String, String>,
    to: &BTreeMap<String, String>,
) -> usize {
    assert_eq!(between.len(), COUNT);
    let is_done = |(name, now): (&String, &String)| {
        assert!(
            *now == from[name] || *now == to[name],
            "half done: {name}: {now}"
        );
        *now == to[name]
    };
    between.iter().map(is_done).filter(|done| *done).count()
}

#[tokio::test]
async fn killed_with_several_patches_under_way_every_object_is_whole_and_so_is_the_way_back() {
    let watched = shop().await;
    let before = watched.stored().await;
    let places = [
        Hold::Before(1),
        Hold::After(1),
        Hold::After(4),
        Hold::After(7),
        Hold::After(17),
    ];
    let left = killed(&watched, PATCH, &places).await;
    let outcome = watched.run(PATCH).await.expect_code(0);
    let patched = watched.stored().await;
    for (name, now) in &patched {
        let images = now
            .replace(RECEIPT, "")
            .matches("registry.artifactory")
            .count();
        assert!(images >= 2 && now.contains(RECEIPT), "{name}: {now}");
    }
    let done: Vec<usize> = left
        .iter()
        .map(|between| whole(between, &before, &patched))
        .collect();
    assert_eq!(
        done,
        [0, 1, 5, 12, 29],
        "so many were written before the kill"
    );
    assert_eq!(
        told(&outcome).len(),
        COUNT - 29,
        "the rest is what is left to do"
    );

    // The way back: an image is upgraded by hand, and stays.
    let by_hand = "quay.io/shop/web:2.0.0";
    let image = "/spec/template/spec/containers/0/image";
    let upgrade = json!({"op": "replace", "path": image, "value": by_hand});
    watched.change("web-59", &[upgrade]).await;
    let from = watched.stored().await;
    let places = [
        Hold::Before(1),
        Hold::After(1),
        Hold::After(6),
        Hold::After(13),
    ];
    let left = killed(&watched, UNDO, &places).await;
    let outcome = watched.run(UNDO).await.expect_code(0);
    let mut wanted = before;
    let upgraded = wanted["web-59"].replace("quay.io/shop/web:1.0.0", by_hand);
    wanted.insert("web-59".to_owned(), upgraded);
    let undone = watched.stored().await;
    assert_eq!(undone, wanted, "every byte as before");
    let done: Vec<usize> = left
        .iter()
        .map(|between| whole(between, &from, &undone))
        .collect();
    assert_eq!(done, [0, 1, 7, 20]);
    let objects = told(&outcome);
    assert_eq!(objects.len(), COUNT - 20);
    let notes = objects["web-59"]["notes"].to_string();
    assert!(
        notes.contains(by_hand) && notes.contains("quay.io/shop/web:1.0.0"),
        "what a person wrote since is told: {notes}"
    );
    let again = watched.run(UNDO).await.expect_code(0);
    assert_eq!(told(&again).len(), 0);
}
