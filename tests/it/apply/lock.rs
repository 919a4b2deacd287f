//! One run at a time: stopped, dead, living and overtaking ones, and what they leave of receipt and lock.

use arc_setup::apply::Executed;
use arc_setup::event::Outcome;
use arc_setup::failure::Exit;
use arc_setup::object::{Manifest, ObjectRef};
use arc_setup::observe::Resolver;
use serde_json::json;

use super::installs::scale_set;
use super::session::{Session, now};
use super::{assert_unlocked, with_controllers};

fn lease(holder: &str, seconds: u32) -> serde_json::Value {
    json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "arc-setup-one", "namespace": "systems"},
        "spec": {"holderIdentity": holder, "leaseDurationSeconds": seconds}})
}

#[tokio::test]
async fn a_stop_is_honoured_between_requests_and_the_next_run_goes_on() {
    let plane = with_controllers().await;
    let mut session = Session::new(&plane);
    session.stop_at = Some("controller");
    let failure = session.init(&scale_set()).await.unwrap_err();
    assert_eq!(failure.exit(), Exit::Interrupted);
    let lock = ObjectRef::from_value(&lease("", 1));
    assert!(
        session.cluster.get(&lock).await.unwrap().is_none(),
        "the lock is given back"
    );
    let receipt = ObjectRef::new("v1", "Secret", Some("systems"), "arc-setup-one");
    assert!(session.cluster.get(&receipt).await.unwrap().is_some());
    assert!(
        session
            .cluster
            .get(&scale_set()[7].reference())
            .await
            .unwrap()
            .is_none()
    );

    let session = Session::new(&plane);
    session.init(&scale_set()).await.unwrap();
    let created: Vec<String> = session
        .outcomes(Outcome::Created)
        .iter()
        .map(|object| object.kind.clone())
        .collect();
    assert_eq!(
        created,
        ["AutoscalingRunnerSet", "AutoscalingRunnerSet", "Deployment"]
    );
}

#[tokio::test]
async fn a_dead_run_is_waited_for_once_and_a_living_one_wins() {
    let plane = with_controllers().await;
    let session = Session::new(&plane);
    session.init(&scale_set()).await.unwrap();
    let mut changed = scale_set();
    changed[5].object["data"]["a"] = json!("2");

    session
        .cluster
        .create(&lease("dead", 1), false)
        .await
        .unwrap();
    session.init(&changed).await.unwrap();

    session
        .cluster
        .create(&lease("alive", 60), false)
        .await
        .unwrap();
    let lock = ObjectRef::from_value(&lease("", 1));
    let renew = async {
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            let time = json!([{"op": "add", "path": "/spec/renewTime", "value": format!("{:.6}", jiff::Timestamp::now())}]);
            session.patch(&lock, time).await;
        }
    };
    let other = Session::new(&plane);
    let manifests = scale_set();
    let failure = tokio::select! {
        result = other.init(&manifests) => result.unwrap_err(),
        () = renew => unreachable!(),
    };
    assert_eq!(
        (failure.exit(), failure.code()),
        (Exit::Conflict, "lock-held")
    );
    assert!(failure.details().evidence[0].contains("alive"));
}

#[tokio::test]
async fn receipt_and_lock_of_a_killed_run_are_settled_though_nothing_else_is_to_do() {
    let plane = with_controllers().await;
    let session = Session::new(&plane);
    session.init(&scale_set()).await.unwrap();
    let plan = session.init(&scale_set()).await.unwrap();
    // As it was before the last wave was noted.
    let mut behind = plan.receipt.clone().unwrap();
    behind.complete = false;
    for entry in &mut behind.entries {
        entry.uid = None;
    }
    let receipt = ObjectRef::new("v1", "Secret", Some("systems"), "arc-setup-one");
    let data = behind.to_secret().unwrap()["data"].take();
    let replace = json!([{"op": "replace", "path": "/data", "value": data}]);
    session.patch(&receipt, replace).await;

    let again = session.init(&scale_set()).await.unwrap();
    assert!(!again.writes());
    let last = session.init(&scale_set()).await.unwrap();
    assert_eq!(last.receipt, plan.receipt);

    // Nor was its lock given back.
    let lock = lease("dead", 1);
    session.cluster.create(&lock, false).await.unwrap();
    assert!(!session.init(&scale_set()).await.unwrap().writes());
    assert_unlocked(&session).await;
}

#[tokio::test]
async fn a_plan_that_another_run_has_overtaken_is_not_carried_out() {
    let plane = with_controllers().await;
    let session = Session::new(&plane);
    let fewer: Vec<Manifest> = scale_set()
        .into_iter()
        .filter(|one| one.reference().name != "second")
        .collect();
    session.init(&fewer).await.unwrap();
    let mut changed = fewer.clone();
    changed[5].object["data"]["a"] = json!("2");
    let facts = session.facts().await;
    let resolver = Resolver::new(&session.credentials, now());
    let seen = session.look(&changed, &facts, &resolver).await.unwrap();

    // Meanwhile another run adds a runner set, and ends.
    let other = Session::new(&plane);
    other.init(&scale_set()).await.unwrap();
    let versions = session.versions(&scale_set()).await;
    let executed = session.execute(&seen.plan, &seen.observed, &facts, &resolver);
    assert!(matches!(executed.await.unwrap(), Executed::Overtaken));
    assert_eq!(session.versions(&scale_set()).await, versions);

    // Who looks again sees the set that the configuration does not have, and removes it.
    session.init(&changed).await.unwrap();
    let second = scale_set()[9].reference();
    assert_eq!(session.cluster.get(&second).await.unwrap(), None);
    let plan = session.init(&changed).await.unwrap();
    let receipt = plan.receipt.unwrap();
    assert!(receipt.complete && receipt.entry(&second).is_none());
}
