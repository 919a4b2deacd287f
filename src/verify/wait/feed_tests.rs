//! A feed against a server whose watches end as they do in life.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{Request, Response, StatusCode};
use kube::client::Body;
use serde_json::json;

use super::*;
use crate::clients::kube::{Identity, Scope};

/// Answers the nth request with the nth text, a `Status` with its code; afterwards nothing ever comes.
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
            let status = serde_json::from_str::<Value>(text)
                .ok()
                .filter(|value| value["kind"] == "Status")
                .and_then(|value| u16::try_from(value["code"].as_u64()?).ok());
            let mut answer = Response::new(Body::from(text.clone().into_bytes()));
            *answer.status_mut() = StatusCode::from_u16(status.unwrap_or(200)).unwrap();
            Ok::<_, Infallible>(answer)
        }
    });
    let cluster = Cluster::new(kube::Client::new(service, "default"), Identity::default());
    cluster.seed("v1", "Pod", "pods", Scope::Namespaced);
    cluster
}

fn pods() -> Feed {
    Feed {
        api_version: "v1".into(),
        kind: "Pod".into(),
        namespace: Some("arc".into()),
        name: None,
        is_needed: true,
    }
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
    let (to, mut news) = mpsc::channel(8);
    let running = tokio::spawn(pods().run(3, cluster, to));
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

#[tokio::test(start_paused = true)]
async fn who_may_list_and_not_watch_is_told_at_once() {
    for (code, reason, is_needed) in [
        (403, "Forbidden", true),
        (403, "Forbidden", false),
        (401, "Unauthorized", true),
    ] {
        let refusal = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
            "reason": reason, "message": "User \"jo\" cannot watch resource \"pods\""});
        let cluster = cluster(vec![list(&[pod("one", "3")]), refusal.to_string()]);
        let (to, mut news) = mpsc::channel(8);
        let feed = Feed {
            is_needed,
            ..pods()
        };
        tokio::spawn(feed.run(0, cluster, to));
        assert!(matches!(news.recv().await, Some((0, News::Listed(pods))) if pods.len() == 1));
        if !is_needed {
            // What only explains is not judged by what it was once.
            let told = news.recv().await;
            assert!(matches!(told, Some((0, News::Listed(pods))) if pods.is_empty()));
        }
        let told = news.recv().await;
        let Some((0, News::Refused(error))) = told else {
            panic!("{told:?}")
        };
        assert!(error.message().contains("cannot watch"), "{error:?}");
        assert!(news.recv().await.is_none(), "it is not asked again");
    }
}
