//! The flow against an API server that answers as it is told, and remembers what it was asked.

mod accounts;
mod again;
mod custom_kinds;
mod ends;
mod held_up;
mod meeting;
mod meetings;
mod pull_secret;
mod verified;

use std::convert::Infallible;
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::{Value, json};

use super::*;
use crate::clients::kube::{Identity, Scope};
use crate::failure::Exit;
use crate::rules::{Action, Matcher, RuleSpec};

type Asked = Arc<Mutex<Vec<String>>>;

/// A cluster whose server answers `(method, path, body)`; the calls are kept as `METHOD PATH`.
fn cluster<A>(answer: A) -> (Cluster, Asked)
where
    A: Fn(&str, &str, &Value) -> (u16, Value) + Send + Sync + 'static,
{
    let asked = Asked::default();
    let answer = Arc::new(answer);
    let seen = Arc::clone(&asked);
    let service = tower::service_fn(move |request: Request<Body>| {
        let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let body = serde_json::from_slice(&body).unwrap_or_default();
            let path = parts.uri.path_and_query().unwrap().to_string();
            seen.lock()
                .unwrap()
                .push(format!("{} {}", parts.method, parts.uri.path()));
            let (status, value) = answer(parts.method.as_str(), &path, &body);
            let body = Body::from(value.to_string().into_bytes());
            Ok::<_, Infallible>(Response::builder().status(status).body(body).unwrap())
        }
    });
    let cluster = Cluster::new(kube::Client::new(service, "default"), Identity::default());
    cluster.seed("apps/v1", "Deployment", "deployments", Scope::Namespaced);
    (cluster, asked)
}

fn deployment(generation: i64, image: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "controller-manager", "namespace": "arc", "uid": "u", "generation": generation},
        "spec": {"template": {"spec": {"containers": [{"name": "kube-rbac-proxy", "image": image}]}}}})
}

fn status(code: u16, reason: &str) -> (u16, Value) {
    let body = json!({"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": reason});
    (code, body)
}

fn list(items: &[Value], next: &str) -> (u16, Value) {
    (
        200,
        json!({"kind": "List", "metadata": {"resourceVersion": "1", "continue": next}, "items": items}),
    )
}

fn rules() -> RuleSet {
    RuleSet::compile(&[RuleSpec::new(
        "map quay.io",
        Matcher::Host("quay.io".into()),
        Action::Rewrite {
            target: "mirror.corp".into(),
            drop_library: false,
        },
    )])
    .unwrap()
}

/// What a run told: each object, and the counts.
#[derive(Debug)]
struct Ran {
    objects: Vec<ObjectReport>,
    report: PatchReport,
}

impl Deref for Ran {
    type Target = PatchReport;

    fn deref(&self) -> &PatchReport {
        &self.report
    }
}

async fn run(cluster: &Cluster, interrupt: &Interrupt) -> Result<Ran, Failure> {
    run_with(cluster, interrupt, Selection::default()).await
}

async fn run_with(
    cluster: &Cluster,
    interrupt: &Interrupt,
    selection: Selection,
) -> Result<Ran, Failure> {
    let options = PatchOptions {
        selection,
        ..options()
    };
    run_as(cluster, interrupt, &options).await
}

fn options() -> PatchOptions {
    PatchOptions {
        timeout: Duration::from_secs(1),
        ..PatchOptions::default()
    }
}

async fn run_as(
    cluster: &Cluster,
    interrupt: &Interrupt,
    options: &PatchOptions,
) -> Result<Ran, Failure> {
    run_by(cluster, &rules(), interrupt, options).await
}

async fn run_by(
    cluster: &Cluster,
    rules: &RuleSet,
    interrupt: &Interrupt,
    options: &PatchOptions,
) -> Result<Ran, Failure> {
    let objects: Mutex<Vec<ObjectReport>> = Mutex::default();
    let hands = Hands {
        rollouts: &|_, _| Box::pin(async { Ok(()) }),
        sink: &|_| {},
        emit: &|report| {
            objects.lock().unwrap().push(report.clone());
            Ok(())
        },
        targets: None,
        injecting: None,
        meetings: &Meetings::default(),
        interrupt,
    };
    let Patched { report, failure } = patch_images(cluster, rules, options, hands).await;
    let objects = objects.into_inner().unwrap();
    failure.map_or(Ok(Ran { objects, report }), Err)
}

fn patches(asked: &Asked) -> usize {
    asked
        .lock()
        .unwrap()
        .iter()
        .filter(|call| call.starts_with("PATCH"))
        .count()
}

#[tokio::test]
async fn an_object_that_moved_is_read_and_decided_again() {
    let (cluster, asked) = cluster(|method, path, body| match method {
        "GET" if path.contains("/namespaces/arc/deployments/") => {
            (200, deployment(2, "quay.io/b/kube-rbac-proxy:v2"))
        }
        "GET" if path.contains("/deployments") => {
            list(&[deployment(1, "quay.io/b/kube-rbac-proxy:v1")], "")
        }
        "PATCH" if body[1]["value"] == 1 => status(422, "Invalid"),
        "PATCH" => {
            assert_eq!(body[2]["value"], "quay.io/b/kube-rbac-proxy:v2");
            (200, deployment(3, "mirror.corp/b/kube-rbac-proxy:v2"))
        }
        _ => status(404, "NotFound"),
    });
    let report = run(&cluster, &Interrupt::never()).await.unwrap();
    assert_eq!(
        report.objects[0].slots[0].after,
        "mirror.corp/b/kube-rbac-proxy:v2"
    );
    assert_eq!(patches(&asked), 2);
}

#[tokio::test]
async fn a_patch_that_is_refused_for_itself_is_not_tried_again() {
    let (cluster, asked) = cluster(|method, path, _| match method {
        "GET" if path.contains("/namespaces/arc/deployments/") => {
            (200, deployment(1, "quay.io/b/kube-rbac-proxy:v1"))
        }
        "GET" if path.contains("/deployments") => {
            list(&[deployment(1, "quay.io/b/kube-rbac-proxy:v1")], "")
        }
        "PATCH" => status(422, "Invalid"),
        _ => status(404, "NotFound"),
    });
    let failure = run(&cluster, &Interrupt::never()).await.unwrap_err();
    assert_eq!(failure.exit(), Exit::ApplyFailed);
    assert_eq!(patches(&asked), 1);
}

#[tokio::test]
async fn endless_conflicts_and_deletions_end_too() {
    let (busy, asked) = cluster(|method, path, _| match method {
        "GET" if path.contains("/namespaces/arc/deployments/") => {
            (200, deployment(1, "quay.io/b/kube-rbac-proxy:v1"))
        }
        "GET" if path.contains("/deployments") => {
            list(&[deployment(1, "quay.io/b/kube-rbac-proxy:v1")], "")
        }
        "PATCH" => status(409, "Conflict"),
        _ => status(404, "NotFound"),
    });
    assert!(run(&busy, &Interrupt::never()).await.is_err());
    assert_eq!(patches(&asked), 5);
    let (gone, _) = cluster(|method, path, _| match method {
        "GET" if path.contains("/namespaces/arc/deployments/") => status(404, "NotFound"),
        "GET" if path.contains("/deployments") => {
            list(&[deployment(1, "quay.io/b/kube-rbac-proxy:v1")], "")
        }
        _ => status(404, "NotFound"),
    });
    let report = run(&gone, &Interrupt::never()).await.unwrap();
    assert_eq!(report.objects[0].treatment, Treatment::Gone);
}

#[tokio::test]
async fn pages_are_followed_and_an_expired_one_goes_on_with_the_servers_new_token() {
    let (cluster, asked) = cluster(move |method, path, _| match method {
        "GET" if path.contains("continue=second") => {
            let (code, mut body) = status(410, "Expired");
            body["metadata"] = json!({"continue": "fresh"});
            (code, body)
        }
        "GET" if path.contains("continue=fresh") => {
            let mut other = deployment(1, "quay.io/b/kube-rbac-proxy:v1");
            other["metadata"]["namespace"] = json!("other");
            list(&[other], "")
        }
        "GET" if path.contains("/deployments") => list(
            &[deployment(1, "mirror.corp/b/kube-rbac-proxy:v1")],
            "second",
        ),
        "PATCH" => (200, deployment(2, "mirror.corp/b/kube-rbac-proxy:v1")),
        _ => status(404, "NotFound"),
    });
    let report = run(&cluster, &Interrupt::never()).await.unwrap();
    assert_eq!((report.patched(), report.unchanged), (1, 1), "none twice");
    assert_eq!(patches(&asked), 1);
    let lists = asked.lock().unwrap();
    let lists = lists.iter().filter(|call| call.ends_with("/deployments"));
    assert_eq!(lists.count(), 3, "never from the start");
}

#[tokio::test]
async fn a_page_that_is_too_large_is_asked_for_again_with_fewer_objects() {
    let limits: Arc<Mutex<Vec<usize>>> = Arc::default();
    let seen = Arc::clone(&limits);
    let (cluster, _) = cluster(move |method, path, _| {
        if method != "GET" || !path.contains("/deployments") {
            return status(404, "NotFound");
        }
        let limit = path.split("limit=").nth(1).unwrap();
        let limit: usize = limit.split('&').next().unwrap().parse().unwrap();
        seen.lock().unwrap().push(limit);
        let from: usize = path
            .split("continue=")
            .nth(1)
            .map_or(0, |token| token.parse().unwrap());
        let objects: Vec<Value> = (from..(from + limit).min(120))
            .map(|number| {
                let mut object = deployment(1, "mirror.corp/b/kube-rbac-proxy:v1");
                object["metadata"]["name"] = json!("controller-manager");
                object["metadata"]["uid"] = json!(number.to_string());
                object["metadata"]["annotations"] = json!({"big": "x".repeat(100 * 1024)});
                object
            })
            .collect();
        let next = from + objects.len();
        let next = if next < 120 {
            next.to_string()
        } else {
            String::new()
        };
        list(&objects, &next)
    });
    let report = run(&cluster, &Interrupt::never()).await.unwrap();
    assert_eq!(report.unchanged, 120, "each once");
    let limits = limits.lock().unwrap();
    assert_eq!(limits[..2], [100, 25], "{limits:?}");
    assert!(limits[2..].iter().all(|limit| *limit < 25), "{limits:?}");
}

#[tokio::test]
async fn one_object_that_the_server_refuses_does_not_stop_the_others() {
    let (cluster, _) = cluster(|method, path, _| match method {
        "GET" if path.contains("/deployments") => {
            let named = |name: &str| {
                let mut object = deployment(1, "quay.io/shop/web:1");
                object["metadata"]["name"] = json!(name);
                object["metadata"]["namespace"] = json!("shop");
                object
            };
            list(&[named("a"), named("b"), named("c")], "")
        }
        "PATCH" if path.contains("/deployments/b") => status(403, "Forbidden"),
        "PATCH" => (200, json!({"kind": "PartialObjectMetadata"})),
        _ => status(404, "NotFound"),
    });
    let everything = Selection {
        all_workloads: true,
        ..Selection::default()
    };
    let report = run_with(&cluster, &Interrupt::never(), everything).await;
    let report = report.unwrap();
    assert_eq!((report.patched(), report.failed()), (2, 1));
    assert_eq!(report.exit(), Exit::ApplyFailed);
    let refused = &report.objects[1];
    assert_eq!(refused.slots[0].after, "mirror.corp/shop/web:1");
    let names: Vec<&str> = report
        .objects
        .iter()
        .map(|object| object.object.name.as_str())
        .collect();
    assert_eq!(names, ["a", "b", "c"], "told in the order of the list");
    assert_eq!(report.rolling, 2);
}

#[tokio::test]
async fn an_interrupt_stops_before_the_next_object() {
    let (sender, interrupt) = Interrupt::channel();
    let (cluster, asked) = cluster(move |method, path, _| match method {
        "GET" if path.contains("/deployments") => {
            let objects: Vec<Value> = (0..50)
                .map(|number| {
                    let mut one = deployment(1, "quay.io/b/kube-rbac-proxy:v1");
                    one["metadata"]["namespace"] = json!(format!("ns-{number}"));
                    one
                })
                .collect();
            list(&objects, "")
        }
        "PATCH" => {
            sender.send_replace(true);
            (200, deployment(2, "mirror.corp/b/kube-rbac-proxy:v1"))
        }
        _ => status(404, "NotFound"),
    });
    let failure = run(&cluster, &interrupt).await.unwrap_err();
    assert_eq!(failure.exit(), Exit::Interrupted);
    let begun = patches(&asked);
    assert!(
        begun <= 4,
        "{begun}: none of those that waited for their turn"
    );
    // What was begun was finished, and is told.
    let why = &failure.details().why[0];
    assert!(why.contains(" patched"), "{why}");
}

/// A scale-set controller in namespace `arc` and a listener beside it.
fn scale_set_controller(name: &str, image: &str, watches: &str) -> Value {
    let args = ["--auto-scaling-runner-set-only", watches];
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": "arc", "uid": name, "generation": 1},
        "spec": {"template": {"spec": {"containers": [{"name": "manager", "image": image, "command": ["/manager"],
            "args": args, "env": [{"name": "CONTROLLER_MANAGER_CONTAINER_IMAGE", "value": image}]}]}}}})
}

fn listener(set_namespace: &str, image: &str) -> Value {
    json!({"metadata": {"name": format!("{set_namespace}-listener"), "namespace": "arc", "uid": "l"},
        "spec": {"image": image, "autoscalingRunnerSetNamespace": set_namespace, "autoscalingRunnerSetName": "a"}})
}

fn with_listeners(cluster: &Cluster) {
    cluster.seed(
        "actions.github.com/v1alpha1",
        "AutoscalingListener",
        "autoscalinglisteners",
        Scope::Namespaced,
    );
}

async fn remade(controllers: [Value; 2], listeners: [Value; 2]) -> Vec<String> {
    let controllers = Arc::new(controllers);
    let (cluster, _) = cluster(move |method, path, body| match method {
        "GET" if path.contains("/deployments") => list(controllers.as_slice(), ""),
        "GET" if path.contains("/autoscalinglisteners") => list(&listeners, ""),
        "PATCH" if path.contains("/deployments/") => {
            let mut changed = controllers[0].clone();
            let at = "/spec/template/spec/containers/0";
            for operation in body.as_array().into_iter().flatten() {
                let path = operation["path"].as_str().unwrap_or_default();
                if path.starts_with(at)
                    && operation["op"] == "replace"
                    && let Some(place) = changed.pointer_mut(path)
                {
                    *place = operation["value"].clone();
                }
            }
            (200, changed)
        }
        "DELETE" => (200, json!({"kind": "Status"})),
        _ => status(404, "NotFound"),
    });
    with_listeners(&cluster);
    let report = run(&cluster, &Interrupt::never()).await.unwrap();
    assert_eq!(report.patched(), 1, "{report:?}");
    report
        .listeners_remade
        .iter()
        .map(|listener| listener.name.clone())
        .collect()
}

#[tokio::test]
async fn the_listeners_of_another_controller_in_the_namespace_stay() {
    let old = "quay.io/corp/gha-runner-scale-set-controller:1";
    let other = "mirror.corp/gha-runner-scale-set-controller:2";
    // By what each of them watches.
    let controllers = [
        scale_set_controller("a", old, "--watch-single-namespace=team-a"),
        scale_set_controller("b", other, "--watch-single-namespace=team-b"),
    ];
    let own = "own.corp/listener:1";
    let listeners = [listener("team-a", old), listener("team-b", own)];
    assert_eq!(remade(controllers, listeners).await, ["team-a-listener"]);
    // By the image, where both watch every namespace.
    let controllers = [
        scale_set_controller("a", old, "--log-level=info"),
        scale_set_controller("b", other, "--log-level=info"),
    ];
    let listeners = [listener("team-a", old), listener("team-b", other)];
    assert_eq!(remade(controllers, listeners).await, ["team-a-listener"]);
}
