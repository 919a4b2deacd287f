//! Runs that end in the middle: a plain re-run goes on from what is there and ends where an undisturbed run ends.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::support::control_plane::{Component, ControlPlane, Options};
use crate::support::recording_proxy::RecordingProxy;
use crate::support::webhook_backends::WebhookBackends;

use super::site::Site;
use super::world::{Hashes, differing, essence, essence_of, settled};
use super::{STORY, STORY_OF_SCALE_SETS};

/// A site whose program reaches the API server through a recorder.
async fn recorded(mut site: Site) -> (Site, RecordingProxy) {
    let recorder = RecordingProxy::start(site.client.clone()).await.unwrap();
    let kubeconfig = site
        .program
        .file("recorded", recorder.kubeconfig("site"))
        .unwrap();
    site.program.env("KUBECONFIG", &kubeconfig);
    (site, recorder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_finishes_what_was_begun_and_a_second_run_the_rest() {
    let (site, recorder) = recorded(Site::start(STORY).await).await;
    recorder.hold_after(15);
    let running = site
        .program
        .start(&site.arguments(&["--wait", "manager"]))
        .unwrap();
    recorder.held().await;
    running.interrupt().unwrap();
    // The signal is taken before the answer comes.
    crate::control_plane::eventually("a word about the signal", async || {
        running.stderr().contains("stopping").then_some(())
    })
    .await;
    recorder.release();
    let outcome = running.wait().await.unwrap().expect_code(130);
    assert!(
        outcome.stderr.contains("(exit code 130)"),
        "{}",
        outcome.stderr
    );
    // The lock was given back: nobody has to wait for it.
    let leases = site.get(&["leases", "-n", "actions-runner-system"]);
    assert_eq!(leases["items"], Value::Array(Vec::new()));
    let again = site.installed().await;
    assert!(!again.stderr.contains("holds the lock"), "{}", again.stderr);
    let ended = essence_of(&site).await;
    let wanted = undisturbed(site).await;
    assert_eq!(differing(&wanted, &ended), [""; 0]);
}

/// What the same program makes of a fresh cluster.
async fn undisturbed(mut site: Site) -> BTreeMap<String, Value> {
    let plane = Arc::new(ControlPlane::isolated(Options::full()).await.unwrap());
    let _webhooks = WebhookBackends::follow(Arc::clone(&plane)).unwrap();
    site.program
        .env("KUBECONFIG", plane.kubeconfig("site").unwrap());
    site.installed().await;
    essence(&settled(&plane.client().unwrap()).await, Hashes::Same)
}

/// What one of several installs in a cluster comes to, under a name that is the same for all.
async fn end_of(site: &Site, install: &str) -> BTreeMap<String, Value> {
    let world = essence(&settled(&site.client).await, Hashes::Differ);
    let shared = |name: &String| name.contains("actions.github.com");
    let text = |value: &Value| value.to_string().replace(install, "install");
    world
        .into_iter()
        .filter(|(name, _)| name.contains(install) || shared(name))
        .map(|(name, object)| {
            (
                name.replace(install, "install"),
                serde_json::from_str(&text(&object)).unwrap(),
            )
        })
        .collect()
}

fn arguments<'a>(site: &'a Site, names: &'a [String; 3]) -> Vec<&'a str> {
    let [install, systems, runners] = names;
    let mut arguments = site.arguments(&["--wait", "none", "--name", install]);
    arguments.extend([
        "--controller-namespace",
        systems,
        "--runner-namespace",
        runners,
    ]);
    arguments
}

fn names(install: &str) -> [String; 3] {
    ["", "-systems", "-runners"].map(|end| format!("{install}{end}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(
    clippy::disallowed_methods,
    reason = "a variable asks for the long form of this test"
)]
async fn killed_after_any_write_a_second_run_ends_as_an_undisturbed_one() {
    // No controllers: no wait is in the way, and what is stored is what was written.
    let options = Options {
        components: vec![Component::Webhooks],
        ..Options::default()
    };
    let plane = ControlPlane::isolated(options).await.unwrap();
    let site = Site::on(plane.into(), STORY_OF_SCALE_SETS).await;
    let (site, recorder) = recorded(site).await;
    let undisturbed = names("undisturbed");
    let run = async |names: &[String; 3]| {
        let outcome = site.program.run(&arguments(&site, names)).await.unwrap();
        outcome.expect_code(0);
    };
    run(&undisturbed).await;
    let writes = recorder.take().iter().filter(|one| one.writes()).count();
    assert!(writes > 25, "{writes}");
    let wanted = end_of(&site, "undisturbed").await;
    forget_kinds(&site);

    // Each takes two runs; all of them are tried where that is asked for.
    let step = if std::env::var_os("ARC_SETUP_TEST_EVERY_WRITE").is_some() {
        1
    } else {
        7
    };
    for write in (1..=writes).step_by(step) {
        let install = format!("killed{write:02}");
        let names = names(&install);
        recorder.hold_after(write);
        let mut running = site.program.start(&arguments(&site, &names)).unwrap();
        tokio::select! {
            () = recorder.held() => {}
            // Fewer writes than the first run: the order of what runs side by side differs.
            () = ended(&mut running) => {}
        }
        drop(running);
        recorder.release();
        // As if the lock of the dead run had expired.
        site.plane
            .kubectl(&["delete", "lease", "--all", "-n", &names[1]])
            .unwrap();
        run(&names).await;
        let ended = end_of(&site, &install).await;
        assert_eq!(
            differing(&wanted, &ended),
            [""; 0],
            "killed after write {write}"
        );
        forget_kinds(&site);
    }
}

async fn ended(running: &mut crate::support::arc_setup::Running) {
    while running.poll().unwrap().is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Takes the kinds away again, with all objects of them, so that the next run has to make them.
fn forget_kinds(site: &Site) {
    site.kubectl(&["delete", "crd", "--all", "--wait=true", "--timeout=30s"]);
}
