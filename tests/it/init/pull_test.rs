//! Green means something at min 0: a pod of each runner set is tried, once for each way it is made, and never stays.

use std::time::Duration;

use kube::Client;
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::scale_set_controller::ScaleSetController;
use super::site::Site;
use super::world::versions;
use super::{STORY, STORY_OF_SCALE_SETS};
use crate::control_plane::eventually;
use crate::support::arc_setup::Running;
use crate::support::recording_proxy::{Recorded, RecordingProxy};
use crate::wizard::Terminal;

const SET: &str = "AutoscalingRunnerSet arc-runners/rancher-dind";
const SHOWN: &str = "a pod from its template pulled and started every container: init-dind-externals, dind, arc-setup-prepare, runner";
/// Docker Hub is the nodes' own affair in the story: only a node can say that the image is not there.
const ABSENT: [&str; 2] = ["--dind-image", "docker:29-missing"];

/// The story of scale sets, with a controller that works.
async fn site() -> (Site, ScaleSetController) {
    let site = Site::start(STORY_OF_SCALE_SETS).await;
    let controller =
        ScaleSetController::follow(site.client.clone(), "arc-systems", "arc-controller", "0.14");
    (site, controller)
}

fn pods(site: &Site, namespace: &str) -> Vec<Value> {
    let list = site.get(&["pods", "-n", namespace, "-l", "arc-setup.dev/pull-test"]);
    list["items"].as_array().unwrap().clone()
}

async fn pods_are_gone(site: &Site, namespace: &str) {
    eventually("the pod's end", async || {
        pods(site, namespace).is_empty().then_some(())
    })
    .await;
}

fn leases(site: &Site) -> usize {
    let leases = site.get(&["leases", "-n", "arc-systems"]);
    leases["items"].as_array().unwrap().len()
}

/// `init` up to the moment in which its pod waits for an image that is not there.
async fn waiting(site: &Site) -> Running {
    let arguments = site.arguments(&ABSENT);
    let running = site.program.start(&arguments).unwrap();
    eventually("a pod that waits", async || {
        let said = "waiting for Pod arc-runners/rancher-dind-pull-test-";
        running.stderr().contains(said).then_some(())
    })
    .await;
    running
}

fn of_pods(asked: &[Recorded], method: &str) -> usize {
    let of = |one: &&Recorded| {
        one.method == method && one.path.contains("/arc-runners/pods") && one.writes()
    };
    asked.iter().filter(of).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_set_without_idle_runners_is_tried_once_and_the_report_says_when() {
    let (mut site, _controller) = site().await;
    let recorder = RecordingProxy::start(site.client.clone()).await.unwrap();
    let kubeconfig = site.program.file("recorded", recorder.kubeconfig("site"));
    site.program.env("KUBECONFIG", kubeconfig.unwrap());
    let first = site.init(&["-o", "json"]).await.expect_code(0);
    assert!(
        first.stderr.contains(&format!("✓ {SET}: {SHOWN}")),
        "{}",
        first.stderr
    );
    let answer: Value = serde_json::from_str(&first.stdout).unwrap();
    let proven = |answer: &Value| -> Vec<String> {
        let proofs = answer["report"]["proven"].as_array().unwrap().iter();
        proofs
            .filter(|proof| proof["object"]["name"] == "rancher-dind")
            .map(|proof| proof["proof"].as_str().unwrap().to_owned())
            .collect()
    };
    assert!(proven(&answer).contains(&SHOWN.to_owned()), "{answer:#}");
    let registers = format!("that a runner of {SET} registers at GitHub: it wants none while idle");
    assert_eq!(
        answer["report"]["notProven"],
        json!(["that a job of a workflow turns green", registers])
    );
    assert_eq!(
        answer["receipt"]["pullTests"][0]["set"]["name"],
        "rancher-dind"
    );
    let asked = recorder.take();
    assert_eq!((of_pods(&asked, "POST"), of_pods(&asked, "DELETE")), (1, 1));
    pods_are_gone(&site, "arc-runners").await;
    assert_eq!(leases(&site), 0);

    let before = site.world().await;
    let again = site.init(&["-o", "json"]).await.expect_code(0);
    assert!(again.stderr.contains("nothing to do"), "{}", again.stderr);
    let answer: Value = serde_json::from_str(&again.stdout).unwrap();
    let told = proven(&answer);
    assert!(
        told.iter()
            .any(|proof| proof.starts_with(&format!("{SHOWN} (at 20"))),
        "{told:?}"
    );
    let writes: Vec<Recorded> = recorder
        .take()
        .into_iter()
        .filter(Recorded::writes)
        .collect();
    assert_eq!(writes, []);
    assert_eq!(versions(&before), versions(&site.world().await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absent_dind_image_fails_init_until_a_pod_has_started() {
    let (site, _controller) = site().await;
    let failed = site.init(&ABSENT).await.expect_code(20);
    for said in [
        "Pod arc-runners/rancher-dind-pull-test-",
        "container dind, image docker:29-missing",
        &format!("the pod is made from the template of {SET}"),
        "code: image-absent (exit code 20)",
    ] {
        assert!(failed.stderr.contains(said), "{said}: {}", failed.stderr);
    }
    pods_are_gone(&site, "arc-runners").await;
    assert_eq!(leases(&site), 0);
    // Nothing is left to write, and nothing is proven.
    let again = site.init(&ABSENT).await.expect_code(20);
    assert!(
        again.stderr.contains("code: image-absent"),
        "{}",
        again.stderr
    );
    let without = site
        .init(&[&ABSENT[..], &["--no-pull-test"]].concat())
        .await
        .expect_code(0);
    let untried = format!(
        "not proven: that a runner of {SET} starts: it wants none while idle, and --no-pull-test leaves its images untried"
    );
    assert!(without.stderr.contains(&untried), "{}", without.stderr);
    let repaired = site.init(&[]).await.expect_code(0);
    assert!(
        repaired.stderr.contains(&format!("✓ {SET}: {SHOWN}")),
        "{}",
        repaired.stderr
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pod_goes_with_an_interrupt_and_what_a_killed_run_left_goes_with_the_next() {
    let (site, _controller) = site().await;
    let running = waiting(&site).await;
    running.interrupt().unwrap();
    let stopped = running.wait().await.unwrap().expect_code(130);
    assert!(
        stopped.stderr.contains("(exit code 130)"),
        "{}",
        stopped.stderr
    );
    pods_are_gone(&site, "arc-runners").await;
    assert_eq!(leases(&site), 0);

    // Dropped is killed.
    drop(waiting(&site).await);
    let left = pods(&site, "arc-runners");
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["spec"]["activeDeadlineSeconds"], 600);
    // As if the lock of the dead run had expired.
    site.kubectl(&["delete", "lease", "--all", "-n", "arc-systems"]);
    // Also where no pod is to be tried.
    site.init(&["--no-pull-test"]).await.expect_code(0);
    pods_are_gone(&site, "arc-runners").await;
    // Nothing is left to write, and yet something to do.
    let tried = site.init(&[]).await.expect_code(0);
    let last = tried.stderr.lines().last().unwrap();
    assert!(
        last.starts_with("nothing to write: everything is as wanted, and"),
        "{last}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_pod_is_made_that_nobody_was_asked_about() {
    let (site, _controller) = site().await;
    site.installed().await;
    let arguments = format!("init --config {} --context site", site.config);
    for (key, told) in [
        ("n", "and a pod of it was not wanted"),
        ("y", "nothing to write: everything is as wanted, and"),
    ] {
        let Some(mut terminal) = Terminal::start(&site.program, &arguments).unwrap() else {
            return;
        };
        let (code, screen) = tokio::task::block_in_place(|| {
            terminal.see("Start a pod of 1 runner set in").unwrap();
            terminal.answer("[y/N]", key).unwrap();
            terminal.end().unwrap()
        });
        assert_eq!(code, Some(0), "{screen}");
        assert!(screen.contains(told), "{told}: {screen}");
    }
    pods_are_gone(&site, "arc-runners").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_are_tried_one_after_the_other_and_a_changed_secret_is_tried_again() {
    let (mut site, _controller) = site().await;
    site.plane.create_namespace("arc-runners").await.unwrap();
    site.apply(&json!({"apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": "one", "namespace": "arc-runners"}, "spec": {"hard": {"pods": "1"}}}));
    site.change_config(|text| format!("{text}  - name: second\n    max: 2\n"));
    let first = site.init(&[]).await.expect_code(0);
    for set in [SET, "AutoscalingRunnerSet arc-runners/second"] {
        let shown = format!("✓ {set}: a pod from its template");
        assert!(first.stderr.contains(&shown), "{set}: {}", first.stderr);
    }
    pods_are_gone(&site, "arc-runners").await;
    site.kubectl(&["delete", "secret", "-n", "arc-runners", "arc-pull"]);
    let again = site.init(&[]).await.expect_code(0);
    assert!(
        again.stderr.contains(&format!("✓ {SET}: {SHOWN}")),
        "{}",
        again.stderr
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_legacy_set_is_tried_with_the_daemon_that_its_controller_would_add() {
    let mut site = Site::start(STORY).await;
    site.change_config(|text| {
        text.replace("version: 0.18.2", "version: 0.27.6").replace(
            "kind: Runner",
            "kind: RunnerDeployment\n    min: 0\n    max: 2",
        )
    });
    let _controller = LegacyController::follow(site.client.clone());
    let outcome = site.init(&[]).await.expect_code(0);
    let set = "RunnerDeployment actions-runners/gh-runner";
    let shown = format!("✓ {set}: a pod from its template pulled and started every container: ");
    let line = outcome.stderr.lines().find(|line| line.contains(&shown));
    let line = line.unwrap_or_else(|| panic!("{}", outcome.stderr));
    assert!(line.ends_with("runner, docker"), "{line}");
    pods_are_gone(&site, "actions-runners").await;
    // The manager's flag says which image the daemon has.
    let failed = site.init(&ABSENT).await.expect_code(20);
    for said in [
        "container docker, image docker:29-missing",
        "code: image-absent",
    ] {
        assert!(failed.stderr.contains(said), "{said}: {}", failed.stderr);
    }
}

/// Says of every RunnerDeployment and its autoscaler that no runner is wanted.
struct LegacyController(JoinHandle<()>);

impl Drop for LegacyController {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl LegacyController {
    fn follow(client: Client) -> Self {
        Self(tokio::spawn(async move {
            loop {
                for (kind, status) in [
                    (
                        "RunnerDeployment",
                        json!({"desiredReplicas": 0, "availableReplicas": 0}),
                    ),
                    ("HorizontalRunnerAutoscaler", json!({"desiredReplicas": 0})),
                ] {
                    // What is not there yet is looked at again.
                    tell(&client, kind, status).await.ok();
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }))
    }
}

async fn tell(client: &Client, kind: &str, status: Value) -> kube::Result<()> {
    let kind = GroupVersionKind::gvk("actions.summerwind.dev", "v1alpha1", kind);
    let resource = ApiResource::from_gvk(&kind);
    let all = Api::<DynamicObject>::all_with(client.clone(), &resource);
    for object in all.list(&ListParams::default()).await? {
        if object.data.get("status").is_some() {
            continue;
        }
        let namespace = object.metadata.namespace.unwrap_or_default();
        let one = Api::<DynamicObject>::namespaced_with(client.clone(), &namespace, &resource);
        let patch = Patch::Merge(json!({"status": status}));
        let name = object.metadata.name.unwrap_or_default();
        one.patch_status(&name, &PatchParams::default(), &patch)
            .await?;
    }
    Ok(())
}
