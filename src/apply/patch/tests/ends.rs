//! How a run ends: what holds up what, what is told although it failed, and the exit code of what was not looked at.

use tokio::net::TcpListener;

use super::*;
use crate::clients::registry::DockerConfig;
use crate::config::Credentials;
use crate::plan::patch::{Verdict, Wanted, decide};

const CRON_JOBS: &str = "/apis/batch/v1/cronjobs";

/// A program of ARC's and a CronJob of somebody else's, both of quay.io.
pub(super) fn two_workloads(method: &str, path: &str) -> (u16, Value) {
    match method {
        "GET" if path.contains("/deployments") => {
            list(&[deployment(1, "quay.io/b/kube-rbac-proxy:v1")], "")
        }
        "GET" if path.starts_with(CRON_JOBS) => list(
            &[
                json!({"metadata": {"name": "nightly", "namespace": "shop", "uid": "c"},
                "spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": [
                    {"name": "job", "image": "quay.io/shop/job:1"}]}}}}}}),
            ],
            "",
        ),
        "PATCH" if path.contains("/deployments/") => {
            (200, deployment(2, "mirror.corp/b/kube-rbac-proxy:v1"))
        }
        "PATCH" => (200, json!({"kind": "PartialObjectMetadata"})),
        _ => status(404, "NotFound"),
    }
}

pub(super) fn seeded(cluster: &Cluster) {
    cluster.seed("batch/v1", "CronJob", "cronjobs", Scope::Namespaced);
    cluster.seed("v1", "Namespace", "namespaces", Scope::Cluster);
}

pub(super) fn everything(namespaces: &[&str]) -> PatchOptions {
    PatchOptions {
        selection: Selection {
            all_workloads: true,
            namespaces: namespaces.iter().map(|&name| name.to_owned()).collect(),
            ..Selection::default()
        },
        wait: true,
        ..PatchOptions::default()
    }
}

pub(super) fn never_ready() -> Result<(), Failure> {
    let what = "it is not ready";
    Err(Failure::new("rollout-timeout", Exit::Timeout, what))
}

/// A run in which every wait ends like this.
pub(super) async fn patched(
    cluster: &Cluster,
    options: &PatchOptions,
    waited: Result<(), Failure>,
) -> (Vec<ObjectReport>, Patched) {
    let objects: Mutex<Vec<ObjectReport>> = Mutex::default();
    let interrupt = Interrupt::never();
    let hands = Hands {
        rollouts: &|_, _| {
            let waited = waited.clone();
            Box::pin(async { waited })
        },
        sink: &|_| {},
        emit: &|report| {
            objects.lock().unwrap().push(report.clone());
            Ok(())
        },
        targets: None,
        injecting: None,
        meetings: &Meetings::default(),
        interrupt: &interrupt,
    };
    let patched = patch_images(cluster, &rules(), options, hands).await;
    (objects.into_inner().unwrap(), patched)
}

#[tokio::test]
async fn a_controller_that_does_not_become_ready_holds_up_no_other_workload() {
    let (cluster, asked) = cluster(|method, path, _| two_workloads(method, path));
    seeded(&cluster);
    let (objects, ended) = patched(&cluster, &everything(&[]), never_ready()).await;
    let failure = ended.failure.unwrap();
    assert_eq!(failure.exit(), Exit::Timeout);
    assert_eq!(objects.len(), 2, "{objects:?}");
    assert_eq!(ended.report.patched(), 2);
    let asked = asked.lock().unwrap();
    assert!(
        asked.contains(&"PATCH /apis/batch/v1/namespaces/shop/cronjobs/nightly".to_owned()),
        "{asked:?}"
    );
}

#[tokio::test]
async fn what_no_rule_takes_is_counted_by_registry() {
    let (cluster, _) = cluster(|method, path, _| match method {
        "GET" if path.contains("/deployments") => {
            let mut other = deployment(1, "ghcr.io/a/b:1");
            other["metadata"]["name"] = json!("other");
            list(&[deployment(1, "quay.io/b/kube-rbac-proxy:v1"), other], "")
        }
        _ => two_workloads(method, path),
    });
    seeded(&cluster);
    let (_, ended) = patched(&cluster, &everything(&[]), Ok(())).await;
    let untaken: Vec<(&str, usize)> = ended
        .report
        .untaken
        .iter()
        .map(|(host, count)| (host.as_str(), *count))
        .collect();
    assert_eq!(untaken, [("ghcr.io", 1)]);
}

#[tokio::test]
async fn a_kind_that_may_not_be_listed_is_no_success() {
    let (cluster, _) = cluster(|method, path, _| match method {
        "GET" if path.starts_with(CRON_JOBS) => status(403, "Forbidden"),
        _ => two_workloads(method, path),
    });
    seeded(&cluster);
    let (_, ended) = patched(&cluster, &everything(&[]), Ok(())).await;
    assert!(ended.failure.is_none(), "the others are looked at");
    assert_eq!(ended.report.patched(), 1);
    assert!(
        ended
            .report
            .unlisted
            .iter()
            .any(|one| one.kind == "CronJob")
    );
    assert_eq!(ended.report.exit(), Exit::ApplyFailed);
}

#[tokio::test]
async fn a_namespace_that_is_not_there_is_no_success() {
    let (missing, _) = cluster(|method, path, _| two_workloads(method, path));
    seeded(&missing);
    let (_, ended) = patched(&missing, &everything(&["shpo"]), Ok(())).await;
    let failure = ended.failure.unwrap();
    assert_eq!(
        (failure.code(), failure.exit()),
        ("namespace-missing", Exit::Usage)
    );
    // Whoever may not read it is not refused for it.
    let (unread, _) = cluster(|method, path, _| match path {
        "/api/v1/namespaces/shop" => status(403, "Forbidden"),
        _ => two_workloads(method, path),
    });
    seeded(&unread);
    let (_, ended) = patched(&unread, &everything(&["shop"]), Ok(())).await;
    assert!(ended.failure.is_none(), "{:?}", ended.failure);
}

#[tokio::test]
async fn what_was_put_there_since_is_kept_and_no_rollout_is_told() {
    let rules = rules();
    let before = deployment(1, "quay.io/b/kube-rbac-proxy:v1");
    let found = decide(&before, &rules, &Wanted::default());
    let Verdict::Patch(patch) = found.verdict else {
        panic!("{found:?}");
    };
    let mut upgraded = patch.after(&before);
    upgraded["spec"]["template"]["spec"]["containers"][0]["image"] =
        json!("mirror.corp/b/kube-rbac-proxy:v2");
    let (cluster, asked) = cluster(move |method, path, _| match method {
        "GET" if path.contains("/deployments") => list(std::slice::from_ref(&upgraded), ""),
        "PATCH" => (200, deployment(2, "mirror.corp/b/kube-rbac-proxy:v2")),
        _ => status(404, "NotFound"),
    });
    let options = PatchOptions {
        task: Task::Undo,
        wait: true,
        ..PatchOptions::default()
    };
    let (objects, ended) = patched(&cluster, &options, never_ready()).await;
    assert!(ended.failure.is_none(), "nothing rolls out");
    assert_eq!(objects[0].treatment, Treatment::Kept);
    assert!(objects[0].notes[0].contains("stays"), "{objects:?}");
    assert_eq!(
        (
            ended.report.patched(),
            ended.report.kept(),
            ended.report.rolling
        ),
        (0, 1, 0)
    );
    assert_eq!(patches(&asked), 1, "its record goes");
}

#[tokio::test]
async fn an_interrupt_while_the_registry_is_asked_sends_nothing_more() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let (sender, interrupt) = Interrupt::channel();
    let (cluster, asked) = cluster(|method, path, _| two_workloads(method, path));
    let rules = RuleSet::compile(&[RuleSpec::new(
        "map quay.io",
        Matcher::Host("quay.io".into()),
        Action::Rewrite {
            target: host,
            drop_library: false,
        },
    )])
    .unwrap();
    let route = crate::facts::route_by(
        None,
        &Credentials::default(),
        &crate::facts::Trust::default(),
        0,
    );
    let targets = Targets::new(route.client().unwrap(), DockerConfig::default(), false);
    let meetings = Meetings::default();
    let hands = Hands::silent(Some(&targets), &meetings, &interrupt);
    let options = PatchOptions::default();
    let run = patch_images(&cluster, &rules, &options, hands);
    let registry = async {
        // It takes the connection and never says a word.
        let held = listener.accept().await.unwrap();
        sender.send_replace(true);
        held
    };
    let (ended, _held) = tokio::join!(run, registry);
    assert_eq!(ended.failure.unwrap().exit(), Exit::Interrupted);
    assert_eq!(patches(&asked), 0, "{asked:?}");
}

/// The patch that costs the server least is refused for a status that moved; the next one does not look at the status.
#[tokio::test]
async fn a_status_that_moves_all_the_time_refuses_one_patch_and_no_more() {
    let nightly = || {
        json!({"apiVersion": "batch/v1", "kind": "CronJob",
            "metadata": {"name": "nightly", "namespace": "shop", "uid": "c", "resourceVersion": "7"},
            "spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": [
                {"name": "job", "image": "quay.io/shop/job:1"}]}}}}}})
    };
    let bodies: Arc<Mutex<Vec<Value>>> = Arc::default();
    let seen = Arc::clone(&bodies);
    let (cluster, _) = cluster(move |method, path, body| match method {
        "GET" if path.starts_with(CRON_JOBS) => list(&[nightly()], ""),
        "GET" if path.contains("/cronjobs/") => (200, nightly()),
        "PATCH" if path.contains("/cronjobs/") => {
            seen.lock().unwrap().push(body.clone());
            if body.is_array() {
                (200, json!({"kind": "PartialObjectMetadata"}))
            } else {
                status(409, "Conflict")
            }
        }
        _ => status(404, "NotFound"),
    });
    seeded(&cluster);
    let (objects, ended) = patched(&cluster, &everything(&[]), Ok(())).await;
    assert!(ended.failure.is_none(), "{:?}", ended.failure);
    assert_eq!((objects.len(), ended.report.patched()), (1, 1));
    let bodies = bodies.lock().unwrap();
    assert_eq!(bodies.len(), 2, "{bodies:?}");
    assert_eq!(bodies[0]["metadata"]["resourceVersion"], "7");
    assert!(bodies[1].is_array());
}
