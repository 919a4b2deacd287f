//! A feed against a server whose watches end as they do in life.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{Request, Response};
use kube::client::Body;
use serde_json::json;

use super::*;
use crate::clients::kube::{Identity, Scope};

/// Answers the nth request with the nth text; afterwards nothing ever comes.
fn cluster(answers: Vec<String>) -> Cluster {
    let answers = Arc::new(answers);
    let asked = Arc::new(AtomicUsize::new(0));
    let service = tower::service_fn(move |_: Request<Body>| {
        let answers = Arc::clone(&answers);
        let index = asked.fetch_add(1, Ordering::Relaxed);
        async move {
            let Some(text) = answers.get(index) else {
                return std::future::pending().await;
            };
            Ok::<_, Infallible>(Response::new(Body::from(text.clone().into_bytes())))
        }
    });
    let cluster = Cluster::new(kube::Client::new(service, "default"), Identity::default());
    cluster.seed("v1", "Pod", "pods", Scope::Namespaced);
    cluster
}

fn pod(name: &str, version: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "arc", "resourceVersion": version}})
}

fn list(pods: &[Value]) -> String {
    json!({"kind": "PodList", "metadata": {"resourceVersion": "5"}, "items": pods}).to_string()
}

fn event(kind: &str, object: &Value) -> String {
    format!("{}\n", json!({"type": kind, "object": object}))
}

#[tokio::test(start_paused = true)]
async fn a_watch_goes_on_after_its_end_and_lists_again_where_it_lost_its_place() {
    let gone = json!({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"});
    let cluster = cluster(vec![
        list(&[pod("one", "3")]),
        event("MODIFIED", &pod("one", "6")),
        event("ADDED", &pod("two", "7")) + &event("ERROR", &gone),
        list(&[pod("two", "7")]),
    ]);
    let feed = Feed {
        api_version: "v1".into(),
        kind: "Pod".into(),
        namespace: Some("arc".into()),
        name: None,
        is_needed: true,
    };
    let (to, mut news) = mpsc::channel(8);
    let running = tokio::spawn(feed.run(3, cluster, to));
    let mut told = Vec::new();
    for _ in 0..4 {
        let (index, news) = news.recv().await.unwrap();
        assert_eq!(index, 3);
        told.push(match news {
            News::Listed(pods) => format!("listed {}", pods.len()),
            News::Seen(pod) => format!("seen {}", pod["metadata"]["name"]),
            other => format!("{other:?}"),
        });
    }
    assert_eq!(
        told,
        ["listed 1", "seen \"one\"", "seen \"two\"", "listed 1"]
    );
    running.abort();
}
