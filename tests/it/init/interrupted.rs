//! Runs that end in the middle: a plain re-run goes on from what is there and ends where an undisturbed run ends.

mod killed;
mod lane;
mod rollouts;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::support::control_plane::{ControlPlane, Options};
use crate::support::recording_proxy::{Hold, RecordingProxy};
use crate::support::webhook_backends::WebhookBackends;

use super::STORY;
use super::site::Site;
use super::world::{differing, essence, essence_of, settled};

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
    recorder.hold(Hold::After(15));
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
    essence(&settled(&plane.client().unwrap()).await)
}
