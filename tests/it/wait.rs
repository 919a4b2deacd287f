//! Waits on a real API server: they end when all is ready, or as soon as it is clear that it will not be.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use arc_setup::clients::interrupt::Interrupt;
use arc_setup::clients::kube::{Cluster, Identity};
use arc_setup::event::Event;
use arc_setup::failure::{Exit, Failure};
use arc_setup::object::ObjectRef;
use arc_setup::verify::classify::RegistryAnswer;
use arc_setup::verify::wait::{Level, RegistryLook, Report, WaitOptions, wait};
use serde_json::{Value, json};

use crate::support::control_plane::ControlPlane;

async fn started(namespace: &str) -> (&'static ControlPlane, Cluster) {
    let plane = ControlPlane::shared().await.unwrap();
    plane.create_namespace(namespace).await.unwrap();
    (
        plane,
        Cluster::new(plane.client().unwrap(), Identity::default()),
    )
}

/// A Deployment; `pull_error` is what its node says of every image.
async fn create(cluster: &Cluster, namespace: &str, pull_error: Option<&str>) -> ObjectRef {
    let annotations =
        pull_error.map_or(json!({}), |text| json!({"arc-setup.test/pull-error": text}));
    let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "manager", "namespace": namespace},
        "spec": {"selector": {"matchLabels": {"app": "manager"}},
            "template": {"metadata": {"labels": {"app": "manager"}, "annotations": annotations},
                "spec": {"containers": [{"name": "manager", "image": "registry.example.com/manager:1"}]}}}});
    cluster.create(&object, false).await.unwrap();
    ObjectRef::from_value(&object)
}

fn options(object: &ObjectRef, seconds: u64) -> WaitOptions<'static> {
    WaitOptions {
        level: Level::Manager,
        objects: vec![object.clone()],
        controller_namespace: None,
        known_lines: None,
        timeout: Duration::from_secs(seconds),
        registry: None,
    }
}

async fn outcome(
    cluster: &Cluster,
    options: &WaitOptions<'_>,
) -> (Result<Report, Failure>, Vec<Event>, Duration) {
    let events = Mutex::new(Vec::new());
    let started = Instant::now();
    let outcome = wait(
        cluster,
        options,
        &|event| events.lock().unwrap().push(event),
        &Interrupt::never(),
    )
    .await;
    (outcome, events.into_inner().unwrap(), started.elapsed())
}

#[tokio::test]
async fn a_rollout_is_proven_and_told_once() {
    let (_, cluster) = started("wait-ready").await;
    let object = create(&cluster, "wait-ready", None).await;
    let (report, events, _) = outcome(&cluster, &options(&object, 30)).await;
    let report = report.unwrap();
    assert_eq!(report.proven[0].proof, "1 of 1 replicas available");
    assert_eq!(
        report.not_proven,
        ["that runners register and start (--wait runners)"]
    );
    let ready = events
        .iter()
        .filter(|event| matches!(event, Event::Ready { .. }))
        .count();
    assert_eq!(ready, 1, "{events:?}");
}

#[tokio::test]
async fn what_waiting_does_not_change_ends_it_within_twenty_seconds() {
    let (_, cluster) = started("wait-unauthorized").await;
    let text = "pulling from host registry.example.com failed with status code [manifests 1]: 401 Unauthorized";
    let object = create(&cluster, "wait-unauthorized", Some(text)).await;
    let (failed, events, took) = outcome(&cluster, &options(&object, 60)).await;
    let failure = failed.unwrap_err();
    assert_eq!(
        (failure.exit(), failure.code()),
        (Exit::ApplyFailed, "image-unauthorized")
    );
    assert!(
        failure
            .details()
            .evidence
            .iter()
            .any(|line| line.contains("401 Unauthorized"))
    );
    assert!(took < Duration::from_secs(20), "{took:?}");
    let told = events.iter().any(
        |event| matches!(event, Event::Waiting { reason, .. } if reason.contains("ErrImagePull")),
    );
    assert!(told, "{events:?}");
}

#[tokio::test]
async fn the_registrys_own_answer_decides_what_x509_means() {
    let (_, cluster) = started("wait-x509").await;
    let text = "failed to do request: Head \"https://registry.example.com/v2/manager/manifests/1\": x509: certificate signed by unknown authority";
    let object = create(&cluster, "wait-x509", Some(text)).await;
    let look: RegistryLook<'_> = &|_| Box::pin(async { Some(RegistryAnswer::Absent) });
    let options = WaitOptions {
        registry: Some(look),
        ..options(&object, 60)
    };
    let (failed, ..) = outcome(&cluster, &options).await;
    assert_eq!(failed.unwrap_err().code(), "image-absent");
}

#[tokio::test]
async fn what_may_pass_is_waited_for_until_nothing_new_happens() {
    let (_, cluster) = started("wait-busy").await;
    let object = create(
        &cluster,
        "wait-busy",
        Some("unexpected status: 503 Service Unavailable"),
    )
    .await;
    let (failed, ..) = outcome(&cluster, &options(&object, 6)).await;
    let failure = failed.unwrap_err();
    assert_eq!(
        (failure.exit(), failure.code()),
        (Exit::Timeout, "image-transient")
    );
    assert!(
        failure
            .details()
            .what
            .contains("Deployment wait-busy/manager"),
        "{failure:?}"
    );
}

#[tokio::test]
async fn pods_that_may_not_be_made_end_the_wait_with_the_rule_that_forbids_them() {
    let (_, cluster) = started("wait-quota").await;
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none", "namespace": "wait-quota"}, "spec": {"hard": {"pods": "0"}}});
    cluster.create(&quota, false).await.unwrap();
    let object = create(&cluster, "wait-quota", None).await;
    let (failed, _, took) = outcome(&cluster, &options(&object, 60)).await;
    assert_eq!(failed.unwrap_err().code(), "quota-exceeded");
    assert!(took < Duration::from_secs(20), "{took:?}");

    let (_, cluster) = started("wait-restricted").await;
    let label =
        json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
    let namespace = ObjectRef::new("v1", "Namespace", None, "wait-restricted");
    cluster
        .merge_patch(&namespace, &label, "test", false)
        .await
        .unwrap();
    let object = create(&cluster, "wait-restricted", None).await;
    let (failed, ..) = outcome(&cluster, &options(&object, 60)).await;
    assert_eq!(failed.unwrap_err().code(), "pod-security");
}

#[tokio::test]
async fn a_webhook_that_nothing_stands_behind_has_a_name_in_the_end() {
    let (_, cluster) = started("wait-webhook").await;
    let webhook = json!({
        "name": "nobody.wait-webhook.test", "sideEffects": "None", "admissionReviewVersions": ["v1"],
        "clientConfig": {"service": {"name": "nobody", "namespace": "wait-webhook"}},
        "rules": [{"apiGroups": ["wait-webhook.test"], "apiVersions": ["v1"], "resources": ["nothings"], "operations": ["CREATE"]}],
    });
    let object = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "wait-webhook"}, "webhooks": [webhook]});
    cluster.create(&object, false).await.unwrap();
    // What is watched for it stands in the controller's namespace.
    let options = WaitOptions {
        controller_namespace: Some("wait-webhook".to_owned()),
        ..options(&ObjectRef::from_value(&object), 3)
    };
    let (failed, ..) = outcome(&cluster, &options).await;
    let failure = failed.unwrap_err();
    assert_eq!(
        (failure.exit(), failure.code()),
        (Exit::Timeout, "webhook-unreachable")
    );
    let said = failure.details().evidence.join(" ");
    assert!(said.contains("wait-webhook/nobody"), "{said}");
}

#[tokio::test]
async fn an_interrupt_ends_it_at_once_and_says_what_was_not_ready() {
    let (_, cluster) = started("wait-interrupted").await;
    let object = create(
        &cluster,
        "wait-interrupted",
        Some("unexpected status: 503 Service Unavailable"),
    )
    .await;
    let (sender, interrupt) = Interrupt::channel();
    let options = options(&object, 60);
    let told = |event: Event| {
        if matches!(event, Event::Waiting { .. }) {
            sender.send_replace(true);
        }
    };
    let failure = wait(&cluster, &options, &told, &interrupt)
        .await
        .unwrap_err();
    assert_eq!(failure.exit(), Exit::Interrupted);
    assert!(
        failure
            .details()
            .why
            .iter()
            .any(|why| why.contains("wait-interrupted/manager")),
        "{failure:?}"
    );
    let _: Value = json!(failure);
}
