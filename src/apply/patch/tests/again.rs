//! What a second run finds of a first one, and how far a server that refuses goes.

use super::ends::{everything, patched, seeded, two_workloads};
use super::held_up::with_runners;
use super::*;

const OLD: &str = "quay.io/corp/gha-runner-scale-set-controller:1";
const MIRRORED: &str = "mirror.corp/corp/gha-runner-scale-set-controller:1";

/// A controller that was put back, or that nobody ever patched, beside a listener that has the mirror's image.
async fn undone_again(managers: &[&str]) -> PatchReport {
    let mut controller = scale_set_controller("a", OLD, "--log-level=info");
    let managed = managers.iter().map(|manager| json!({"manager": manager}));
    controller["metadata"]["managedFields"] = managed.collect();
    let (cluster, _) = cluster(move |method, path, _| match method {
        "GET" if path.contains("/deployments") => list(std::slice::from_ref(&controller), ""),
        "GET" if path.contains("/autoscalinglisteners") => {
            list(&[listener("team-a", MIRRORED)], "")
        }
        "DELETE" => (200, json!({"kind": "Status"})),
        _ => status(404, "NotFound"),
    });
    with_listeners(&cluster);
    let options = PatchOptions {
        task: Task::Undo,
        wait: true,
        ..options()
    };
    let (_, ended) = patched(&cluster, &options, Ok(())).await;
    assert!(ended.failure.is_none(), "{:?}", ended.failure);
    assert_eq!(ended.report.patched(), 0);
    ended.report
}

#[tokio::test]
async fn an_undo_that_was_interrupted_is_finished_by_a_second_one() {
    let report = undone_again(&["helm", "arc-setup-patch"]).await;
    // The status that the server keeps says nothing of a pod with the old image.
    assert_eq!(report.rolled_out.len(), 1);
    assert_eq!(report.listeners_remade.len(), 1);
    // Nobody put this one back.
    let report = undone_again(&["helm"]).await;
    assert_eq!(
        (report.rolled_out.len(), report.listeners_remade.len()),
        (0, 0)
    );
}

/// A hundred and fifty CronJobs of others, and one that the user may patch.
fn others(method: &str, path: &str, refused: &(u16, Value)) -> (u16, Value) {
    let cron_job = |name: String| {
        json!({"metadata": {"name": name, "namespace": "shop", "uid": "c"},
            "spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": [
                {"name": "job", "image": "quay.io/shop/job:1"}]}}}}}})
    };
    match method {
        "GET" if path.starts_with("/apis/batch/v1/cronjobs") => {
            let names = (0..150).map(|number| format!("other-{number}"));
            let all: Vec<Value> = names.chain(["own".to_owned()]).map(cron_job).collect();
            list(&all, "")
        }
        "GET" if path.contains("/cronjobs/") => (200, cron_job("other".to_owned())),
        "PATCH" if path.contains("/cronjobs/other") => refused.clone(),
        _ => two_workloads(method, path),
    }
}

#[tokio::test]
async fn refusals_keep_nobody_from_what_is_allowed_and_a_broken_server_ends_the_run() {
    for (code, reason, expected) in [(403, "Forbidden", 2), (500, "InternalError", 1)] {
        let refused = status(code, reason);
        let (cluster, _) = cluster(move |method, path, _| others(method, path, &refused));
        seeded(&cluster);
        let (_, ended) = patched(&cluster, &everything(&[]), Ok(())).await;
        assert_eq!(ended.failure.is_some(), expected == 1, "{reason}");
        assert_eq!(ended.report.patched(), expected, "{reason}");
    }
}

#[tokio::test]
async fn where_there_was_nothing_to_patch_nothing_is_written_whatever_came_since() {
    let (cluster, asked) = cluster(|method, path, _| two_workloads(method, path));
    seeded(&cluster);
    let interrupt = Interrupt::never();
    let meetings = Meetings::default();
    let hands = Hands::silent(None, &meetings, &interrupt);
    let ended = watch(&cluster, &rules(), &everything(&[]), hands).await;
    assert!(ended.failure.is_none(), "{:?}", ended.failure);
    assert_eq!((ended.report.patched(), ended.report.dry_run), (2, true));
    assert_eq!(patches(&asked), 0);
}

#[tokio::test]
async fn a_template_of_hooks_that_may_not_be_read_is_not_passed_over() {
    let (cluster, _) = cluster(|method, path, _| match method {
        "GET" if path.contains("/configmaps/") => status(403, "Forbidden"),
        "GET" if path.contains("/runnerdeployments") => list(
            &[
                json!({"metadata": {"name": "r", "namespace": "ci", "uid": "r"},
                "spec": {"template": {"spec": {
                    "env": [{"name": "ACTIONS_RUNNER_CONTAINER_HOOK_TEMPLATE", "value": "/hooks/pod.yaml"}],
                    "volumeMounts": [{"name": "hooks", "mountPath": "/hooks"}],
                    "volumes": [{"name": "hooks", "configMap": {"name": "hook-pod"}}]}}}}),
            ],
            "",
        ),
        _ => two_workloads(method, path),
    });
    with_runners(&cluster);
    cluster.seed("v1", "ConfigMap", "configmaps", Scope::Namespaced);
    let (_, ended) = patched(&cluster, &options(), Ok(())).await;
    assert!(ended.failure.is_none(), "{:?}", ended.failure);
    assert_eq!(ended.report.unlisted[0].kind, "the ConfigMap hook-pod");
    assert_eq!(ended.report.exit(), Exit::ApplyFailed);
}
