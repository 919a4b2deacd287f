//! Custom kinds of a real API server: their schemas say where pods stand, to whoever asks.

use std::time::Duration;

use arc_setup::clients::kube::{Cluster, ClusterOptions, Identity};
use arc_setup::object::pods::{CustomKinds, Shape, image_slots, image_slots_with, pod_specs_with};
use arc_setup::observe::custom_kinds;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::support::control_plane::ControlPlane;

const GROUP: &str = "hiding.example.com";

fn text() -> Value {
    json!({"type": "string"})
}

fn list(items: &Value) -> Value {
    json!({"type": "array", "items": items})
}

fn mapping(properties: &Value) -> Value {
    json!({"type": "object", "properties": properties})
}

/// A pod as controller-gen writes it into a definition, cut to what is needed.
fn pod() -> Value {
    let container = mapping(
        &json!({"name": text(), "image": text(), "args": list(&text()), "command": list(&text()),
        "env": list(&mapping(&json!({"name": text(), "value": text()}))), "imagePullPolicy": text()}),
    );
    mapping(
        &json!({"containers": list(&container.clone()), "initContainers": list(&container),
        "imagePullSecrets": list(&mapping(&json!({"name": text()}))), "serviceAccountName": text(),
        "volumes": list(&json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}))}),
    )
}

fn definition(kind: &str, spec: &Value) -> Value {
    let plural = format!("{}s", kind.to_lowercase());
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{GROUP}")},
        "spec": {"group": GROUP, "scope": "Namespaced", "names": {"plural": plural, "kind": kind},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema":
                {"openAPIV3Schema": mapping(&json!({"spec": spec}))}}]}})
}

/// A kind whose pods stand in a list within a mapping, and one that says nothing of its fields.
fn farm() -> Value {
    let template = mapping(
        &json!({"metadata": mapping(&json!({"labels": {"type": "object", "additionalProperties": text()}})), "spec": pod()}),
    );
    let lot = mapping(&json!({"workers": list(&mapping(&json!({"work": template})))}));
    definition(
        "Farm",
        &mapping(&json!({"lots": {"type": "object", "additionalProperties": lot}})),
    )
}

fn open() -> Value {
    definition(
        "Open",
        &json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}),
    )
}

/// Asks until both kinds of the test are known; the server publishes a new schema after a moment.
async fn known(cluster: &Cluster) -> CustomKinds {
    let end = Instant::now() + Duration::from_mins(1);
    loop {
        let report = custom_kinds(cluster).await.unwrap();
        if !report.kinds.pods(GROUP, "Farm").is_empty() {
            return report.kinds;
        }
        assert!(Instant::now() < end, "{report:?}");
        sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_schemas_of_a_cluster_tell_where_pods_stand_also_who_may_list_none() {
    let plane = ControlPlane::shared().await.unwrap();
    let cluster = Cluster::new(plane.client().unwrap(), Identity::default());
    for object in [farm(), open()] {
        cluster.create(&object, false).await.unwrap();
    }
    let kinds = known(&cluster).await;
    let pods = kinds.pods(GROUP, "Farm");
    assert_eq!(pods.len(), 1, "{pods:?}");
    assert_eq!(pods[0].spec, "/spec/lots/*/workers/*/work/spec");
    assert_eq!(pods[0].shape, Shape::PodSpec);
    assert!(kinds.pods(GROUP, "Open").is_empty());

    let kubeconfig = plane
        .kubeconfig_for("reads-no-definition", &[], "schemas")
        .unwrap();
    let options = ClusterOptions {
        kubeconfig: Some(kubeconfig),
        ..ClusterOptions::default()
    };
    let restricted = Cluster::connect(&options).await.unwrap();
    let refused = restricted
        .list(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            None,
            None,
        )
        .await;
    assert!(refused.is_err());
    let report = known(&restricted).await;
    assert_eq!(report.pods(GROUP, "Farm"), pods);
    let of_farm = report.iter().find(|kind| kind.kind == "Farm").unwrap();
    assert_eq!(of_farm.api_version(), format!("{GROUP}/v1"));

    // No key says template, so that the shape alone would not tell.
    let object = json!({"apiVersion": format!("{GROUP}/v1"), "kind": "Farm", "metadata": {"name": "f", "namespace": "default"},
        "spec": {"lots": {"north": {"workers": [{"work": {"spec": {"containers": [
            {"name": "c", "image": "quay.io/a/b:1", "args": ["--proxy-image=quay.io/p:1"]}]}}}]}}}});
    assert!(image_slots(&object).is_empty());
    let found: Vec<String> = image_slots_with(&object, &kinds)
        .iter()
        .map(|slot| slot.pointer.to_string())
        .collect();
    let container = "/spec/lots/north/workers/0/work/spec/containers/0";
    assert_eq!(
        found,
        [format!("{container}/image"), format!("{container}/args/0")]
    );
    assert_eq!(
        pod_specs_with(&object, &kinds)[0]
            .metadata
            .as_ref()
            .unwrap()
            .as_str(),
        "/spec/lots/north/workers/0/work/metadata"
    );
    // Without a schema it takes the shape of a template.
    let open = json!({"apiVersion": format!("{GROUP}/v1"), "kind": "Open", "spec": {"template": {"spec": {"containers": [
        {"name": "c", "image": "quay.io/a/b:1"}]}}}});
    assert_eq!(image_slots_with(&open, &kinds).len(), 1);
}
