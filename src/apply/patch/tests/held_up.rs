//! What waits for ARC's rollout and what does not, and answers that are lost on the way.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::ends::{everything, never_ready, patched, seeded, two_workloads};
use super::*;
use crate::plan::patch::{Verdict, Wanted, decide};

const RUNNERS: &str = "/apis/actions.summerwind.dev/v1alpha1/runnerdeployments";

pub(super) fn with_runners(cluster: &Cluster) {
    seeded(cluster);
    let group = "actions.summerwind.dev/v1alpha1";
    cluster.seed(
        group,
        "RunnerDeployment",
        "runnerdeployments",
        Scope::Namespaced,
    );
}

fn runner(number: usize) -> Value {
    json!({"apiVersion": "actions.summerwind.dev/v1alpha1", "kind": "RunnerDeployment",
        "metadata": {"name": format!("runner-{number}"), "namespace": "ci", "uid": number.to_string()},
        "spec": {"template": {"spec": {"image": "quay.io/corp/runner:1"}}}})
}

fn number_in(path: &str) -> usize {
    let name = path.split("/runner-").nth(1).unwrap();
    name.split('?').next().unwrap().parse().unwrap()
}

fn webhook_failed() -> (u16, Value) {
    let message = "failed calling webhook \"mutate.runner\": connection refused";
    let (code, mut body) = status(500, "InternalError");
    body["message"] = json!(message);
    (code, body)
}

#[tokio::test(start_paused = true)]
async fn what_a_webhook_guards_is_treated_again_with_all_that_was_begun_beside_it() {
    // The first of each.
    let refused: Mutex<BTreeSet<String>> = Mutex::default();
    let (cluster, asked) = cluster(move |method, path, _| match method {
        "GET" if path.starts_with(RUNNERS) => {
            let runners: Vec<Value> = (0..40).map(runner).collect();
            list(&runners, "")
        }
        "GET" if path.contains("/runnerdeployments/runner-") => (200, runner(number_in(path))),
        "PATCH"
            if path.contains("/runnerdeployments/runner-")
                && number_in(path) < 6
                && refused.lock().unwrap().insert(path.to_owned()) =>
        {
            webhook_failed()
        }
        _ => two_workloads(method, path),
    });
    with_runners(&cluster);
    let options = PatchOptions {
        wait: false,
        ..everything(&[])
    };
    // Where the second look waits for what nobody goes on with, the clock runs on by itself.
    let run = patched(&cluster, &options, Ok(()));
    let run = tokio::time::timeout(Duration::from_hours(1), run).await;
    let (objects, ended) = run.expect("it ends");
    assert!(ended.failure.is_none(), "{:?}", ended.failure);
    assert_eq!(ended.report.patched(), 42);
    assert_eq!(ended.report.rolled_out.len(), 1);
    let order = objects.iter().map(|told| told.object.name.as_str());
    let runners: Vec<&str> = order.filter(|name| name.starts_with("runner-")).collect();
    assert_eq!(runners[..2], ["runner-0", "runner-1"]);
    assert_eq!(patches(&asked), 48);
}

#[tokio::test]
async fn no_rollout_of_arc_mends_what_anothers_webhook_refuses() {
    let (cluster, _) = cluster(|method, path, _| match method {
        "PATCH" if path.contains("/cronjobs/") => webhook_failed(),
        _ => two_workloads(method, path),
    });
    seeded(&cluster);
    let (objects, ended) = patched(&cluster, &everything(&[]), never_ready()).await;
    let failed = objects.iter().find(|told| told.object.kind == "CronJob");
    assert!(
        matches!(
            failed.map(|told| &told.treatment),
            Some(Treatment::Failed { .. })
        ),
        "told before anybody waits: {objects:?}"
    );
    assert_eq!(ended.failure.unwrap().exit(), Exit::Timeout);
}

#[tokio::test]
async fn what_goes_wrong_with_others_workloads_keeps_nobody_from_arcs_own() {
    // A kind whose conversion fails.
    let (unreadable, _) = cluster(|method, path, _| match method {
        "GET" if path.starts_with("/apis/batch/v1/cronjobs") => status(500, "InternalError"),
        "GET" if path.starts_with(RUNNERS) => list(&[runner(0)], ""),
        _ => two_workloads(method, path),
    });
    with_runners(&unreadable);
    let (objects, ended) = patched(&unreadable, &everything(&[]), Ok(())).await;
    assert!(ended.failure.is_none(), "{:?}", ended.failure);
    assert!(objects.iter().any(|told| told.object.name == "runner-0"));
    let unlisted = &ended.report.unlisted;
    assert!(
        unlisted.iter().any(|one| one.kind == "CronJob"),
        "{unlisted:?}"
    );
    assert_eq!(ended.report.exit(), Exit::ApplyFailed);
    // So many that the server fails on that the rest is not tried: Deployments before ARC's own in the same list.
    let (denied, asked) = cluster(|method, path, _| match method {
        "GET" if path.contains("/deployments") => {
            let mut deployments: Vec<Value> = (0..150)
                .map(|number| {
                    let mut other = deployment(1, "quay.io/shop/web:1");
                    other["metadata"]["name"] = json!(number.to_string());
                    other["metadata"]["namespace"] = json!("a-shop");
                    other
                })
                .collect();
            deployments.push(deployment(1, "quay.io/b/kube-rbac-proxy:v1"));
            list(&deployments, "")
        }
        "PATCH" if path.contains("/a-shop/") => status(500, "InternalError"),
        "GET" if path.starts_with(RUNNERS) => list(&[runner(0)], ""),
        _ => two_workloads(method, path),
    });
    with_runners(&denied);
    let (objects, ended) = patched(&denied, &everything(&[]), Ok(())).await;
    assert!(ended.failure.is_some() && ended.report.failed() < 150);
    for name in ["controller-manager", "runner-0"] {
        let told = objects.iter().find(|told| told.object.name == name);
        assert_eq!(told.unwrap().treatment, Treatment::Patched, "{name}");
    }
    assert!(patches(&asked) < 150, "the rest is not tried");
    // The same with another kind.
    let (refused, _) = cluster(|method, path, _| match method {
        "GET" if path.starts_with("/apis/batch/v1/cronjobs") => {
            let jobs: Vec<Value> = (0..150)
                .map(|number| {
                    json!({"metadata": {"name": number.to_string(), "namespace": "shop", "uid": "c"},
                        "spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": [
                            {"name": "job", "image": "quay.io/shop/job:1"}]}}}}}})
                })
                .collect();
            list(&jobs, "")
        }
        "PATCH" if path.contains("/cronjobs/") => status(500, "InternalError"),
        "GET" if path.starts_with(RUNNERS) => list(&[runner(0)], ""),
        _ => two_workloads(method, path),
    });
    with_runners(&refused);
    let (objects, ended) = patched(&refused, &everything(&[]), Ok(())).await;
    assert!(ended.failure.is_some() && ended.report.failed() >= 100);
    assert!(objects.iter().any(|told| told.object.name == "runner-0"));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_busy_server_in_a_run_that_was_stopped() {
    let (sender, interrupt) = Interrupt::channel();
    let (cluster, asked) = cluster(move |method, path, _| match method {
        "PATCH" => {
            sender.send_replace(true);
            status(429, "TooManyRequests")
        }
        _ => two_workloads(method, path),
    });
    let cluster = cluster.patient(Duration::from_mins(5), &interrupt, |_| {});
    let start = tokio::time::Instant::now();
    let failure = run(&cluster, &interrupt).await.unwrap_err();
    assert_eq!(failure.exit(), Exit::Interrupted);
    assert_eq!(patches(&asked), 1, "nothing is sent after it");
    assert!(start.elapsed().is_zero());
}

#[tokio::test(start_paused = true)]
async fn a_patch_whose_answer_was_lost_is_told_as_what_it_is() {
    let before = deployment(1, "quay.io/b/kube-rbac-proxy:v1");
    let Verdict::Patch(patch) = decide(&before, &rules(), &Wanted::default()).verdict else {
        panic!("no patch")
    };
    let mut after = patch.after(&before);
    after["metadata"]["generation"] = json!(2);
    let sent = AtomicUsize::new(0);
    let (cluster, asked) = cluster(move |method, path, _| match method {
        "GET" if path.contains("/namespaces/arc/deployments/") => (200, after.clone()),
        "GET" if path.contains("/deployments") => list(std::slice::from_ref(&before), ""),
        // A load balancer had no patience; the server had written.
        "PATCH" if sent.fetch_add(1, Ordering::Relaxed) == 0 => status(504, "Timeout"),
        "PATCH" => status(422, "Invalid"),
        _ => status(404, "NotFound"),
    });
    let ran = run(&cluster, &Interrupt::never()).await.unwrap();
    assert_eq!((ran.patched(), ran.unchanged), (1, 0), "{ran:?}");
    assert_eq!(
        ran.objects[0].slots[0].before.as_deref(),
        Some("quay.io/b/kube-rbac-proxy:v1")
    );
    assert_eq!(patches(&asked), 2);
}
