//! The cluster's requests and answers, without a network.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::kube::Client;
use ::kube::client::Body;
use futures::StreamExt;
use http::{Request, Response};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;
use crate::clients::interrupt::Interrupt;
use crate::object::ObjectRef;

type Log = Arc<Mutex<Vec<String>>>;

/// A server of one function: `METHOD path` → status, headers, body.
fn server(
    answer: impl Fn(&str, usize) -> (u16, Vec<(&'static str, &'static str)>, String)
    + Send
    + Sync
    + 'static,
) -> (Cluster, Log) {
    let log = Log::default();
    let seen = log.clone();
    let answer = Arc::new(answer);
    let service = tower::service_fn(move |request: Request<Body>| {
        let (seen, answer) = (seen.clone(), answer.clone());
        async move {
            let line = format!("{} {}", request.method(), request.uri());
            let earlier = {
                let mut seen = seen.lock().unwrap();
                seen.push(line.clone());
                seen.iter().filter(|other| **other == line).count() - 1
            };
            let (status, headers, body) = answer(&line, earlier);
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            Ok::<_, tower::BoxError>(response.body(Body::from(body.into_bytes())).unwrap())
        }
    });
    (
        Cluster::new(Client::new(service, "default"), Identity::default()),
        log,
    )
}

fn ok(value: &Value) -> (u16, Vec<(&'static str, &'static str)>, String) {
    (200, Vec::new(), value.to_string())
}

fn discovery(line: &str) -> Option<Value> {
    let resource = |kind: &str, plural: &str, scope: &str| json!({"resource": plural, "scope": scope, "responseKind": {"kind": kind}});
    match line {
        "GET /api" => Some(
            json!({"items": [{"metadata": {}, "versions": [{"version": "v1", "resources": [
            resource("Pod", "pods", "Namespaced"), resource("Namespace", "namespaces", "Cluster")]}]}]}),
        ),
        "GET /apis" => Some(
            json!({"items": [{"metadata": {"name": "apps"}, "versions": [{"version": "v1", "resources": [
            resource("Deployment", "deployments", "Namespaced")]}]}]}),
        ),
        _ => None,
    }
}

#[tokio::test]
async fn apply_is_strict_and_brings_warnings_back() {
    let (cluster, log) = server(|line, _| {
        discovery(line).map_or_else(
            || {
                (
                    200,
                    vec![("warning", "299 - \"would violate PodSecurity\"")],
                    json!({"kind": "Deployment"}).to_string(),
                )
            },
            |value| ok(&value),
        )
    });
    let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "n"}});
    let options = ApplyOptions {
        manager: "arc-setup",
        force: false,
        dry_run: true,
    };
    let applied = cluster.apply(&object, &options).await.unwrap();
    assert_eq!(applied.warnings, ["would violate PodSecurity"]);
    cluster.apply(&object, &options).await.unwrap();
    let log = log.lock().unwrap();
    let write = "PATCH /apis/apps/v1/namespaces/n/deployments/d?fieldManager=arc-setup&fieldValidation=Strict&force=false&dryRun=All";
    assert_eq!(log.iter().filter(|line| *line == write).count(), 2);
    assert_eq!(log.len(), 4, "discovery is read once: {log:?}");
}

#[tokio::test]
async fn a_kind_that_appears_later_is_found_and_a_seeded_one_needs_no_question() {
    let (cluster, log) = server(|line, earlier| match line {
        "GET /apis/actions.github.com/v1alpha1" if earlier == 0 => {
            (404, Vec::new(), "404 page not found".into())
        }
        "GET /apis/actions.github.com/v1alpha1" => ok(&json!({"resources": [
            {"name": "autoscalingrunnersets", "kind": "AutoscalingRunnerSet", "namespaced": true},
            {"name": "autoscalingrunnersets/status", "kind": "AutoscalingRunnerSet", "namespaced": true}]})),
        _ => ok(&discovery(line).unwrap_or_else(|| json!({"kind": "x"}))),
    });
    let object = ObjectRef::new(
        "actions.github.com/v1alpha1",
        "AutoscalingRunnerSet",
        Some("n"),
        "a",
    );
    assert_eq!(cluster.get(&object).await.unwrap(), None);
    assert!(cluster.get(&object).await.unwrap().is_some());
    cluster.seed("a.b/v1", "Kind", "kinds", Scope::Cluster);
    log.lock().unwrap().clear();
    cluster
        .get(&ObjectRef::new("a.b/v1", "Kind", None, "x"))
        .await
        .unwrap();
    assert_eq!(*log.lock().unwrap(), ["GET /apis/a.b/v1/kinds/x"]);
    assert!(!cluster.serves_group("security.openshift.io").await.unwrap());
    assert!(cluster.serves_group("apps").await.unwrap());
}

#[tokio::test]
async fn a_list_goes_on_after_its_token_expired() {
    let (cluster, log) = server(|line, _| match line {
        "GET /api/v1/namespaces/n/pods?limit=500" => ok(
            &json!({"metadata": {"continue": "t", "resourceVersion": "5"}, "items": [{"metadata": {"name": "a"}}]}),
        ),
        "GET /api/v1/namespaces/n/pods?limit=500&continue=t" => (
            410,
            Vec::new(),
            json!({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"})
                .to_string(),
        ),
        "GET /api/v1/namespaces/n/pods" => ok(
            &json!({"metadata": {"resourceVersion": "9"}, "items": [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}]}),
        ),
        _ => ok(&discovery(line).unwrap_or_default()),
    });
    let selection = Selection {
        namespace: Some("n"),
        ..Selection::default()
    };
    let page = cluster
        .list_selected("v1", "Pod", &selection)
        .await
        .unwrap();
    assert_eq!((page.items.len(), page.resource_version.as_str()), (2, "9"));
    assert_eq!(page.items[1]["kind"], "Pod");
    assert_eq!(log.lock().unwrap().len(), 5);
}

#[tokio::test]
async fn a_page_is_reduced_before_the_next_is_read_and_an_expired_list_begins_again() {
    let pods = |names: &[&str], next: &str| {
        let items: Vec<Value> = names
            .iter()
            .map(|name| json!({"metadata": {"name": name}}))
            .collect();
        ok(&json!({"metadata": {"continue": next}, "items": items}))
    };
    let (cluster, log) = server(move |line, earlier| match line {
        "GET /api/v1/pods?limit=500" => pods(&["a", "b"], "t"),
        "GET /api/v1/pods?limit=500&continue=t" if earlier == 0 => {
            let expired = json!({"kind": "Status", "code": 410, "reason": "Expired"});
            (410, Vec::new(), expired.to_string())
        }
        "GET /api/v1/pods?limit=500&continue=t" => pods(&["c"], ""),
        _ => ok(&discovery(line).unwrap_or_default()),
    });
    let keep = |pod: &Value| {
        let name = ObjectRef::from_value(pod).name;
        log.lock().unwrap().push(name.clone());
        (name != "b").then_some(name)
    };
    let kept = cluster.list_reduced("v1", "Pod", None, keep).await.unwrap();
    assert_eq!(kept, ["a", "c"]);
    let log = log.lock().unwrap();
    let first = "GET /api/v1/pods?limit=500";
    let second = "GET /api/v1/pods?limit=500&continue=t";
    assert_eq!(
        log[log.len() - 9..],
        [first, "a", "b", second, first, "a", "b", second, "c"]
    );
}

#[tokio::test(start_paused = true)]
async fn too_many_requests_waits_as_told_and_gives_up() {
    let (cluster, log) = server(|line, earlier| match line {
        "GET /version" if earlier < 2 => (429, vec![("retry-after", "100")], "busy".into()),
        "GET /version" => ok(&json!({"minor": "33"})),
        "GET /long" => (429, vec![("retry-after", "3600")], "busy".into()),
        _ => (429, vec![("retry-after", "0")], "busy".into()),
    });
    let told: Arc<Mutex<Vec<u64>>> = Arc::default();
    let seen = told.clone();
    let cluster = cluster.patient(Duration::from_mins(5), &Interrupt::never(), move |wait| {
        seen.lock().unwrap().push(wait.as_secs());
    });
    let start = Instant::now();
    assert_eq!(cluster.read("/version").await.unwrap()["minor"], "33");
    assert_eq!(start.elapsed().as_secs(), 200);
    assert_eq!(*told.lock().unwrap(), [100, 100]);
    // More patience than anybody has is not asked for in silence.
    let start = Instant::now();
    let error = cluster.read("/long").await.unwrap_err();
    assert_eq!(start.elapsed().as_secs(), 0);
    let said = error.message();
    assert!(
        said.ends_with("busy; it asks to come back in 3600 s"),
        "{said}"
    );
    // And what is never served ends.
    assert!(matches!(
        cluster.read("/other").await,
        Err(ClusterError::TooManyRequests { .. })
    ));
    assert!(start.elapsed() <= Duration::from_mins(5));
    let requests = log.lock().unwrap().len() - 4;
    assert!((10..60).contains(&requests), "{requests}");
}

#[tokio::test]
async fn a_watch_is_a_stream_of_events() {
    let (cluster, log) = server(|line, _| {
        match discovery(line) {
        Some(value) => ok(&value),
        None => (200, Vec::new(), concat!(
            "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"6\"}}}\n",
            "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,\"message\":\"too old\"}}\n").into()),
    }
    });
    let selection = Selection {
        fields: Some("metadata.name=a"),
        ..Selection::default()
    };
    let stream = cluster
        .watch("v1", "Pod", &selection, Some("5"))
        .await
        .unwrap();
    let events: Vec<_> = stream.collect().await;
    assert_eq!(events[0].as_ref().unwrap().resource_version(), "6");
    assert!(matches!(events[1], Err(ClusterError::Gone { .. })));
    assert!(log.lock().unwrap()[2].ends_with("?fieldSelector=metadata.name%3Da&watch=true&allowWatchBookmarks=true&timeoutSeconds=290&resourceVersion=5"));
}

#[tokio::test]
async fn an_object_without_name_or_namespace_is_refused_before_it_is_sent() {
    let (cluster, _) = server(|line, _| ok(&discovery(line).unwrap_or_default()));
    let error = cluster
        .get(&ObjectRef::new("v1", "Pod", None, "p"))
        .await
        .unwrap_err();
    assert_eq!(error.message(), "Pod p has no namespace");
    assert!(
        cluster
            .delete(&ObjectRef::new("v1", "Namespace", None, ""), None)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn an_unreachable_server_is_exit_3_and_names_the_cause() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(
        &mut file.as_file(),
        format!("clusters: [{{name: c, cluster: {{server: 'https://{address}'}}}}]\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}]\n").as_bytes(),
    )
    .unwrap();
    let options = ClusterOptions {
        kubeconfig: Some(file.path().to_owned()),
        context: Some("x".into()),
        proxy: EnvironmentProxy {
            https: Some("http://user:canary@192.0.2.1:1".into()),
            ..EnvironmentProxy::default()
        },
        ..ClusterOptions::default()
    };
    let failure = Cluster::connect(&options).await.unwrap_err();
    assert_eq!(
        (failure.code(), failure.exit()),
        ("cluster-unreachable", crate::failure::Exit::Preflight)
    );
    assert!(
        failure.details().why[0].starts_with("connection refused"),
        "{failure:?}"
    );
    assert!(!format!("{options:?}").contains("canary"));
}

#[tokio::test]
async fn a_read_goes_once_more_over_a_new_connection_and_a_create_does_not() {
    let calls = Arc::new(Mutex::new(0));
    let count = calls.clone();
    let service = tower::service_fn(move |request: Request<Body>| {
        let count = count.clone();
        async move {
            let first = {
                let mut count = count.lock().unwrap();
                *count += 1;
                *count == 1
            };
            if first || request.method() == http::Method::POST {
                return Err(tower::BoxError::from(std::io::Error::from(
                    std::io::ErrorKind::ConnectionReset,
                )));
            }
            Ok(Response::new(Body::from(b"{}".to_vec())))
        }
    });
    let cluster = Cluster::new(Client::new(service, "default"), Identity::default());
    assert_eq!(cluster.read("/version").await.unwrap(), json!({}));
    cluster.seed("v1", "Namespace", "namespaces", Scope::Cluster);
    let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}});
    assert!(matches!(
        cluster.create(&object, false).await,
        Err(ClusterError::Unreachable { .. })
    ));
    assert_eq!(*calls.lock().unwrap(), 3);
}

#[tokio::test]
async fn every_kind_in_namespaces_that_can_be_listed_is_known_once() {
    let resource = |kind: &str, plural: &str, scope: &str, verbs: &[&str]| json!({"resource": plural, "scope": scope, "verbs": verbs, "responseKind": {"kind": kind}});
    let all = ["get", "list"];
    let core = json!({"items": [{"metadata": {}, "versions": [{"version": "v1", "freshness": "Current", "resources": [
        resource("Secret", "secrets", "Namespaced", &all), resource("Namespace", "namespaces", "Cluster", &all),
        resource("Binding", "bindings", "Namespaced", &["create"])]}]}]});
    let hpa = resource("HorizontalPodAutoscaler", "hpas", "Namespaced", &all);
    let groups = json!({"items": [
        {"metadata": {"name": "autoscaling"}, "versions": [
            {"version": "v2", "freshness": "Current", "resources": [hpa]},
            {"version": "v1", "freshness": "Current", "resources": [hpa]}]},
        {"metadata": {"name": "silent.example"}, "versions": [{"version": "v1", "freshness": "Stale"}]}]});
    let (new, log) = server(move |line, _| match line {
        "GET /api" => ok(&core),
        _ => ok(&groups),
    });
    let kinds = new.namespaced_kinds().await.unwrap();
    let named = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter();
        pairs
            .map(|(version, kind)| ((*version).to_owned(), (*kind).to_owned()))
            .collect()
    };
    let expected = named(&[
        ("autoscaling/v2", "HorizontalPodAutoscaler"),
        ("v1", "Secret"),
    ]);
    assert_eq!(kinds.kinds, expected);
    assert_eq!(
        kinds.silent.into_iter().collect::<Vec<_>>(),
        ["silent.example"]
    );
    assert_eq!(log.lock().unwrap().len(), 2, "discovery is read once");

    // A server before 1.27 names its groups and is asked for each.
    let resources = |kind: &str, plural: &str| {
        json!({"kind": "APIResourceList", "resources": [
            {"name": plural, "kind": kind, "namespaced": true, "verbs": ["get", "list"]},
            {"name": format!("{plural}/status"), "kind": kind, "namespaced": true, "verbs": ["list"]}]})
    };
    let (old, _) = server(move |line, _| match line {
        "GET /api" => ok(&json!({"kind": "APIVersions", "versions": ["v1"]})),
        "GET /apis" => ok(&json!({"kind": "APIGroupList", "groups": [
            {"name": "autoscaling", "versions": [{"groupVersion": "autoscaling/v2"}, {"groupVersion": "autoscaling/v2beta2"}]},
            {"name": "filters.example", "versions": [{"groupVersion": "filters.example/v1alpha3"}, {"groupVersion": "filters.example/v2"}]},
            {"name": "silent.example", "versions": [{"groupVersion": "silent.example/v1"}]}]})),
        "GET /api/v1" => ok(&resources("Secret", "secrets")),
        "GET /apis/autoscaling/v2" | "GET /apis/autoscaling/v2beta2" => {
            ok(&resources("HorizontalPodAutoscaler", "hpas"))
        }
        "GET /apis/filters.example/v1alpha3" => ok(&resources("Filter", "filters")),
        "GET /apis/filters.example/v2" => ok(&json!({"kind": "APIResourceList", "resources": []})),
        _ => (500, Vec::new(), String::new()),
    });
    let kinds = old.namespaced_kinds().await.unwrap();
    let mut expected = expected;
    expected.insert(("filters.example/v1alpha3".to_owned(), "Filter".to_owned()));
    assert_eq!(kinds.kinds, expected);
    assert_eq!(kinds.silent.len(), 1);
}
