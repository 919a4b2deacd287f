//! Observe, plan and apply against a real API server: order, conflicts, repair, removal, renewal of certificates.

mod examples;
mod installs;
mod lock;
mod pull_test;
mod session;

use std::time::Duration;

use arc_setup::clients::kube::ApplyOptions;
use arc_setup::event::Outcome;
use arc_setup::failure::{Exit, Failure};
use arc_setup::object::{Manifest, ObjectRef};
use arc_setup::observe::{self, DryRun, Receipt, Resolver};
use arc_setup::plan::{self, Step};
use serde_json::json;

use crate::support::control_plane::{Component, ControlPlane, Options, WebhookBackend};
use installs::{legacy, scale_set, shared_labels, token_secret};
use session::{Session, eventually_gone, everything, name, now};

const DAY: i64 = 86_400;

/// An API server of one's own, with the controllers that delete namespaces and make accounts.
async fn with_controllers() -> ControlPlane {
    let options = Options {
        components: vec![Component::ControllerManager],
        ..Options::default()
    };
    ControlPlane::isolated(options).await.unwrap()
}

/// The objects of [`scale_set`] by their place, and one field of each kind that somebody edits.
fn edits() -> [(usize, serde_json::Value); 8] {
    [
        (
            0,
            json!([{"op": "remove", "path": "/metadata/labels/app.kubernetes.io~1managed-by"}]),
        ),
        (
            2,
            json!([{"op": "add", "path": "/spec/names/shortNames", "value": ["x"]}, {"op": "replace", "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/type", "value": "object"}, {"op": "remove", "path": "/metadata/labels"}]),
        ),
        (
            3,
            json!([{"op": "replace", "path": "/metadata/labels/arc-setup.dev~1install", "value": "two"}]),
        ),
        (
            4,
            json!([{"op": "replace", "path": "/rules/0/verbs", "value": ["get", "list"]}]),
        ),
        (
            5,
            json!([{"op": "replace", "path": "/data/a", "value": "2"}]),
        ),
        (
            6,
            json!([{"op": "replace", "path": "/data/github_token", "value": "eA=="}]),
        ),
        (
            7,
            json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "other:1"}]),
        ),
        (
            8,
            json!([{"op": "replace", "path": "/spec/maxRunners", "value": 30}]),
        ),
    ]
}

/// The lock is not there.
async fn assert_unlocked(session: &Session) {
    let leases = session.list("coordination.k8s.io/v1", "Lease").await;
    assert!(leases.iter().all(|lease| name(lease) != "arc-setup-one"));
}

#[tokio::test]
async fn what_is_made_is_recorded_and_not_written_again() {
    let plane = with_controllers().await;
    let manifests = scale_set();
    let session = Session::new(&plane);
    session.init(&manifests).await.unwrap();
    assert_eq!(session.outcomes(Outcome::Created).len(), manifests.len());
    let receipt = ObjectRef::new("v1", "Secret", Some("systems"), "arc-setup-one");
    assert!(session.cluster.get(&receipt).await.unwrap().is_some());
    assert_unlocked(&session).await;
    let token = token_secret().reference();
    let token = session.cluster.get(&token).await.unwrap().unwrap();
    assert_eq!(token["data"]["github_token"], json!("Z2hwX2NhbmFyeQ=="));

    let versions = session.versions(&manifests).await;
    let session = Session::new(&plane);
    let plan = session.init(&manifests).await.unwrap();
    assert!(!plan.writes(), "{:?}", plan::describe(&plan));
    assert_eq!(session.versions(&manifests).await, versions);
    let plan = serde_json::to_string(&plan).unwrap();
    assert!(!plan.contains("Z2hwX2NhbmFyeQ"));
}

/// It was available for a moment, as a container is that ends soon after it was started.
#[tokio::test]
async fn a_webhook_that_is_not_reached_asks_what_has_become_of_its_backend() {
    let plane = ControlPlane::isolated(Options::full()).await.unwrap();
    let mut session = Session::new(&plane);
    session.timeout = Duration::from_secs(1);
    let unreached = session.init(&legacy()).await.unwrap_err();
    assert_eq!(unreached.code(), "webhook-failed", "{unreached:?}");
    let crash = Failure::new("crash-loop", Exit::ApplyFailed, "it ends again and again");
    session.ends_later = Some(crash.clone());
    let failure = session.init(&legacy()).await.unwrap_err();
    assert_eq!(failure, crash);
}

/// One field of each kind by hand: another manager's, so it is named and refused, or taken and repaired.
#[tokio::test]
async fn what_is_edited_is_refused_with_its_owner_or_taken_and_repaired() {
    let plane = with_controllers().await;
    let manifests = scale_set();
    let session = Session::new(&plane);
    session.init(&manifests).await.unwrap();
    for (index, operations) in edits() {
        let object = manifests[index].reference();
        session.patch(&object, operations).await;
    }
    let failure = session.init(&manifests).await.unwrap_err();
    assert_eq!(failure.exit(), Exit::Conflict);
    let evidence = &failure.details().evidence;
    let told = |line: &String| line.contains("kubectl-edit") && line.contains("maxRunners");
    assert!(evidence.iter().any(told), "{evidence:?}");

    let mut session = Session::new(&plane);
    session.force_conflicts = true;
    let plan = session.init(&manifests).await.unwrap();
    // A definition that lost its label is someone else's now: it is never written.
    let kept = session.outcomes(Outcome::Kept);
    let kept: Vec<&str> = kept.iter().map(|object| object.kind.as_str()).collect();
    assert_eq!(kept, ["CustomResourceDefinition"]);
    assert_eq!(
        session.outcomes(Outcome::Changed).len(),
        7,
        "{:#?}",
        plan::describe(&plan)
    );
    let labels = json!([{"op": "add", "path": "/metadata/labels", "value": shared_labels()}]);
    session.patch(&manifests[2].reference(), labels).await;
    session.init(&manifests).await.unwrap();
    let session = Session::new(&plane);
    assert!(!session.init(&manifests).await.unwrap().writes());
}

#[tokio::test]
async fn what_the_configuration_drops_is_removed_and_in_the_end_everything() {
    let plane = with_controllers().await;
    let manifests = scale_set();
    let session = Session::new(&plane);
    let before = everything(&session).await;
    session.init(&manifests).await.unwrap();

    // A runner set and a role that the configuration drops go, in that order.
    let fewer: Vec<Manifest> = manifests
        .iter()
        .filter(|one| one.kind() != "Role" && one.reference().name != "second")
        .cloned()
        .collect();
    let plan = session.init(&fewer).await.unwrap();
    let deleted: Vec<String> = plan
        .steps()
        .filter(|step| matches!(step, Step::Delete { .. }))
        .map(|step| step.object().unwrap().to_string())
        .collect();
    assert_eq!(
        deleted,
        [
            "AutoscalingRunnerSet runners/second",
            "Role systems/controller"
        ]
    );
    assert!(
        session
            .cluster
            .get(&manifests[9].reference())
            .await
            .unwrap()
            .is_none()
    );

    // Removal leaves nothing, and a second removal has nothing to do.
    session.uninstall().await;
    eventually_gone(&session, &["systems", "runners"]).await;
    assert_eq!(everything(&session).await, before);
    assert!(!session.uninstall().await.writes());
}

/// As a run leaves it that noted what it would make, and failed before it was made.
async fn note_unwritten(session: &Session, objects: &[&ObjectRef]) {
    let reference = Receipt::new("one", "systems", "").reference();
    let secret = session.cluster.get(&reference).await.unwrap().unwrap();
    let mut receipt = Receipt::from_secret(&secret).unwrap().unwrap();
    for object in objects {
        receipt.note(object, None, false);
    }
    let options = ApplyOptions {
        manager: observe::MANAGER,
        force: true,
        dry_run: false,
    };
    let secret = receipt.to_secret().unwrap();
    session.cluster.apply(&secret, &options).await.unwrap();
}

#[tokio::test]
async fn what_was_noted_and_never_written_is_not_removed_when_somebody_else_makes_it() {
    let plane = with_controllers().await;
    let manifests = scale_set();
    let session = Session::new(&plane);
    session.init(&manifests).await.unwrap();
    let theirs = ObjectRef::new("v1", "Secret", Some("runners"), "arc-github");
    let never = ObjectRef::new("v1", "ConfigMap", Some("runners"), "never");
    let anothers = ObjectRef::new("v1", "ConfigMap", Some("runners"), "anothers");
    note_unwritten(&session, &[&theirs, &never, &anothers]).await;
    for (object, labels) in [
        (&theirs, json!({})),
        (
            &anothers,
            json!({"app.kubernetes.io/managed-by": "arc-setup", "arc-setup.dev/install": "two"}),
        ),
    ] {
        let object = json!({"apiVersion": "v1", "kind": object.kind,
            "metadata": {"name": object.name, "namespace": "runners", "labels": labels}});
        session.cluster.create(&object, false).await.unwrap();
    }

    let fewer = &manifests[..9];
    let plan = session.init(fewer).await.unwrap();
    for object in [&theirs, &anothers] {
        let live = session.cluster.get(object).await.unwrap();
        assert!(live.is_some(), "{object} is somebody else's");
        assert!(
            plan.steps()
                .any(|step| matches!(step, Step::Keep { object: kept, .. } if kept == object))
        );
    }
    let dropped = manifests[9].reference();
    assert!(session.cluster.get(&dropped).await.unwrap().is_none());
    let deletes = plan
        .steps()
        .filter(|step| matches!(step, Step::Delete { uid: Some(_), .. }));
    assert_eq!(
        deletes.count(),
        2,
        "the set and the account that go, by uid"
    );
    let reference = Receipt::new("one", "systems", "").reference();
    let secret = session.cluster.get(&reference).await.unwrap().unwrap();
    let receipt = Receipt::from_secret(&secret).unwrap().unwrap();
    for object in [&theirs, &never, &anothers, &dropped] {
        assert!(receipt.entry(object).is_none(), "{object} is forgotten");
    }
    let session = Session::new(&plane);
    let again = session.init(fewer).await.unwrap();
    assert!(!again.writes());
    assert!(!again.steps().any(|step| step.object() == Some(&theirs)));
}

#[tokio::test]
async fn what_was_there_before_stays_and_half_an_init_can_be_removed() {
    let plane = with_controllers().await;
    let session = Session::new(&plane);
    plane.create_namespace("runners").await.unwrap();
    let theirs = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ca", "namespace": "runners"}, "data": {"b": "2"}});
    session.cluster.create(&theirs, false).await.unwrap();
    let before = everything(&session).await;

    // A Deployment that is refused: what comes before it is there, the receipt too.
    let mut broken = scale_set();
    broken[7].object["spec"]["selector"] = json!({"matchLabels": {"app": "other"}});
    let failure = session.init(&broken).await.unwrap_err();
    assert_eq!(failure.exit(), Exit::ApplyFailed);
    assert_unlocked(&session).await;

    session.init(&scale_set()).await.unwrap();
    let runners = ObjectRef::new("v1", "Namespace", None, "runners");
    assert!(session.outcomes(Outcome::Kept).contains(&runners));
    let live = session.cluster.get(&runners).await.unwrap().unwrap();
    assert!(
        live.pointer("/metadata/labels/app.kubernetes.io~1managed-by")
            .is_none()
    );

    let plan = session.uninstall().await;
    assert!(
        plan.steps()
            .any(|step| matches!(step, Step::Keep { object, .. } if object.kind == "ConfigMap"))
    );
    eventually_gone(&session, &["systems"]).await;
    assert_eq!(everything(&session).await, before);
}

#[tokio::test]
async fn webhooks_answer_before_runners_and_through_a_renewal() {
    let plane = ControlPlane::isolated(Options::full()).await.unwrap();
    plane.webhooks().unwrap().serve(WebhookBackend {
        namespace: "systems".to_owned(),
        service: "webhook".to_owned(),
        secret: "serving".to_owned(),
        deployment: "manager".to_owned(),
    });
    let manifests = legacy();
    let mut session = Session::new(&plane);
    session.now = now() - 350 * DAY;
    session.init(&manifests).await.unwrap();
    assert!(!session.init(&manifests).await.unwrap().writes());
    let bundle = async |session: &Session| {
        let live = session
            .cluster
            .get(&manifests[7].reference())
            .await
            .unwrap()
            .unwrap();
        live["webhooks"][0]["clientConfig"]["caBundle"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let first = bundle(&session).await;

    session.now = now();
    let plan = session.init(&manifests).await.unwrap();
    let both = plan
        .steps()
        .position(|step| matches!(step, Step::TrustBoth { .. }))
        .unwrap();
    let wait = plan
        .steps()
        .position(|step| matches!(step, Step::WaitAvailable { .. }))
        .unwrap();
    assert!(both < wait, "{:#?}", plan::describe(&plan));
    assert_ne!(bundle(&session).await, first);
    let again = session.init(&manifests).await.unwrap();
    assert!(!again.writes(), "{:#?}", plan::describe(&again));
    // The webhook is asked, and trusted, with the new certificate alone.
    let runner = manifests[8].reference();
    session
        .patch(
            &runner,
            json!([{"op": "add", "path": "/spec/labels", "value": ["x"]}]),
        )
        .await;
    session.uninstall().await;
    eventually_gone(&session, &["systems", "runners"]).await;
}

#[tokio::test]
async fn a_pod_that_pod_security_refuses_is_seen_before_anything_is_written() {
    let plane = with_controllers().await;
    let session = Session::new(&plane);
    let restricted = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "runners", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
    session.cluster.create(&restricted, false).await.unwrap();
    crate::control_plane::eventually("the default account", async || {
        session
            .cluster
            .get(&ObjectRef::new(
                "v1",
                "ServiceAccount",
                Some("runners"),
                "default",
            ))
            .await
            .unwrap()
    })
    .await;
    let facts = session.facts().await;
    let resolver = Resolver::new(&session.credentials, now());
    let seen = session.look(&scale_set(), &facts, &resolver).await.unwrap();
    let refused: Vec<&str> = seen
        .observed
        .pods
        .iter()
        .filter(|pod| {
            matches!(
                pod.dry_run,
                DryRun::Refused {
                    refusal: observe::Refusal::PodSecurity,
                    ..
                }
            )
        })
        .map(|pod| pod.object.name.as_str())
        .collect();
    assert_eq!(refused, ["first", "second"]);
}
