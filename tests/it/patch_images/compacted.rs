//! A list that takes longer than the server keeps its old state: it goes on from the present one.

use std::collections::BTreeSet;

use arc_setup::clients::kube::{Cluster, Selection};
use futures::{StreamExt as _, stream};
use serde_json::json;

use super::{cluster, create};
use crate::support::control_plane::{ControlPlane, Options};

/// The first page has 100 objects, the next as many as 2 MiB hold.
const COUNT: usize = 250;

async fn create_text(cluster: &Cluster, name: &str) {
    let data = json!({"text": "x".repeat(30_000)});
    let text = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop"}, "data": data});
    create(cluster, text).await;
}

/// Adds the names of the next page; None after the last.
async fn next_page(
    pages: &mut arc_setup::clients::kube::Pages,
    names: &mut Vec<String>,
) -> Option<()> {
    let page = pages.next().await?.unwrap();
    for number in 0..page.len() {
        let object = page.object(number).unwrap().unwrap();
        names.push(object["metadata"]["name"].as_str().unwrap().to_owned());
    }
    Some(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_goes_on_with_the_servers_new_one() {
    // A watch cache would serve the old state a while longer.
    let flags = vec!["--watch-cache=false".to_owned()];
    let options = Options {
        apiserver_flags: flags,
        ..Options::default()
    };
    let plane = ControlPlane::start(options).await.unwrap();
    let cluster = cluster(&plane);
    plane.create_namespace("shop").await.unwrap();
    stream::iter(0..COUNT)
        .for_each_concurrent(16, |number| {
            let cluster = &cluster;
            async move { create_text(cluster, &format!("text-{number:03}")).await }
        })
        .await;

    let selection = Selection {
        namespace: Some("shop"),
        ..Selection::default()
    };
    let mut pages = cluster.pages("v1", "ConfigMap", &selection);
    let mut names = Vec::new();
    next_page(&mut pages, &mut names).await.unwrap();
    assert!(pages.has_more());
    // Of the present state, and of no other.
    create_text(&cluster, "text-later").await;
    plane.compact().await.unwrap();
    while next_page(&mut pages, &mut names).await.is_some() {}

    assert_eq!(pages.resumed(), 1);
    let found: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(found.len(), names.len(), "an object came twice: {names:?}");
    assert_eq!(found.len(), COUNT + 1);
    assert!(found.contains("text-later"));
}
