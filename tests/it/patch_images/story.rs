//! The story: one image of a manager that was installed by hand.

use arc_setup::apply::patch::{Meetings, PatchOptions, preview};
use arc_setup::clients::interrupt::Interrupt;
use arc_setup::clients::kube::Cluster;
use arc_setup::failure::Exit;
use serde_json::{Value, json};

use super::{cluster, controller_manager, create, live, options, rules, run};
use crate::support::control_plane::ControlPlane;

const NAMESPACE: &str = "patch-story";

async fn manager(cluster: &Cluster) -> Value {
    live(
        cluster,
        "apps/v1",
        "Deployment",
        NAMESPACE,
        "controller-manager",
    )
    .await
}

#[tokio::test]
async fn the_storys_one_image_is_relabelled_and_a_second_run_does_nothing() {
    let plane = ControlPlane::shared().await.unwrap();
    plane.create_namespace(NAMESPACE).await.unwrap();
    let cluster = cluster(plane);
    create(&cluster, controller_manager(NAMESPACE)).await;
    let before = manager(&cluster).await;
    let rules = rules(&["quay.io"], &["docker.io"]);
    let options = options(Some(NAMESPACE));

    let never = Interrupt::never();
    let meetings = Meetings::default();
    let counted = preview(&cluster, &rules, &options, None, None, &meetings, &never)
        .await
        .unwrap();
    let dry = PatchOptions {
        dry_run: true,
        ..options.clone()
    };
    let tried = run(&cluster, &rules, &dry).await.unwrap();
    assert_eq!((counted.patched(), tried.patched()), (1, 1));
    assert_eq!(manager(&cluster).await["spec"], before["spec"]);

    let patient = PatchOptions {
        wait: true,
        ..options.clone()
    };
    let written = run(&cluster, &rules, &patient).await.unwrap();
    assert_eq!(written.exit(), Exit::Done);
    assert_eq!(written.rolled_out.len(), 1);
    let after = manager(&cluster).await;
    only_the_image_changed(&before, &after);

    let again = run(&cluster, &rules, &options).await.unwrap();
    assert_eq!((again.objects.len(), again.unchanged), (0, 1));
    assert_eq!(
        manager(&cluster).await["metadata"]["generation"],
        after["metadata"]["generation"]
    );
}

/// And the annotation says what it was, under a manager of its own.
fn only_the_image_changed(before: &Value, after: &Value) {
    let mut expected = before["spec"].clone();
    expected["template"]["spec"]["containers"][1]["image"] =
        json!("registry.artifactory.mydomain.com/brancz/kube-rbac-proxy:v0.8.0");
    assert_eq!(after["spec"], expected);
    assert_eq!(
        after["metadata"]["annotations"]["arc-setup.dev/original-images"],
        r#"{"version":2,"changes":[{"at":"/spec/template/spec/containers/1/image","names":["kube-rbac-proxy"],"was":"quay.io/brancz/kube-rbac-proxy:v0.8.0","now":"registry.artifactory.mydomain.com/brancz/kube-rbac-proxy:v0.8.0"}]}"#
    );
    let managers: Vec<&str> = after["metadata"]["managedFields"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|fields| fields["manager"].as_str())
        .collect();
    assert!(managers.contains(&"arc-setup-patch"), "{managers:?}");
}
