//! Pods are tried under the lock, and only where no other run came in between.

use std::time::Duration;

use arc_setup::apply::{Executed, PullTests, pull_tests};
use arc_setup::clients::interrupt::Interrupt;
use arc_setup::failure::Failure;
use arc_setup::object::ObjectRef;
use arc_setup::observe::{LegacyManager, Receipt};
use arc_setup::plan::{PullTest, pull_test};
use futures::FutureExt as _;
use serde_json::json;

use super::installs::scale_set;
use super::session::Session;
use super::{assert_unlocked, with_controllers};

/// Tries pods, each of which is taken for started.
async fn tried(
    session: &Session,
    receipt: &Receipt,
    tests: &[PullTest],
) -> Result<Executed, Failure> {
    let (_stop, interrupt) = Interrupt::channel();
    pull_tests(&PullTests {
        cluster: &session.cluster,
        receipt,
        tests,
        namespaces: &["runners"],
        started: &|_, _| async { Ok("all of it".to_owned()) }.boxed(),
        events: &|event| session.events.lock().unwrap().push(event),
        interrupt: &interrupt,
    })
    .await
}

#[tokio::test]
async fn no_pod_is_tried_where_another_run_came_in_between() {
    let plane = with_controllers().await;
    let session = Session::new(&plane);
    session.init(&scale_set()).await.unwrap();
    let plan = session.init(&scale_set()).await.unwrap();
    let before = plan.receipt.unwrap();
    let set = scale_set()[8].reference();
    let live = session.cluster.get(&set).await.unwrap().unwrap();
    let patience = Duration::from_mins(1);
    let tests = pull_test(&live, &LegacyManager::default(), "one", patience);
    let tests = tests.as_slice();

    let executed = tried(&session, &before, tests).await.unwrap();
    let Executed::Done(receipt) = executed else {
        panic!("nobody came in between")
    };
    let shown = receipt.pull_test(&set, &tests[0].hash).unwrap();
    assert_eq!(shown.proof, "all of it");

    // That run has left another receipt than the one from before it.
    let versions = session.versions(&scale_set()).await;
    let executed = tried(&session, &before, tests).await.unwrap();
    assert!(matches!(executed, Executed::Overtaken));
    // One that has died may have written anything.
    let lock = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "arc-setup-one", "namespace": "systems"},
        "spec": {"holderIdentity": "dead", "leaseDurationSeconds": 1}});
    session.cluster.create(&lock, false).await.unwrap();
    let executed = tried(&session, &receipt, tests).await.unwrap();
    assert!(matches!(executed, Executed::Overtaken));
    assert_eq!(session.versions(&scale_set()).await, versions);
    assert_unlocked(&session).await;
    let stored = ObjectRef::new("v1", "Secret", Some("systems"), "arc-setup-one");
    let stored = session.cluster.get(&stored).await.unwrap().unwrap();
    assert_eq!(Receipt::from_secret(&stored).unwrap(), Some(*receipt));
}
