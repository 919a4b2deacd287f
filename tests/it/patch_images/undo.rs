//! The way back over what people and controllers did in between, on a real API server.

use arc_setup::apply::patch::{PatchOptions, Selection, Task};
use arc_setup::clients::kube::Cluster;
use arc_setup::object::ObjectRef;
use arc_setup::plan::patch::ORIGINAL_IMAGES;
use serde_json::{Value, json};

use super::{LEGACY, cluster, create, define, deployment, live, options, pull_secret, rules, run};
use crate::support::control_plane::{ControlPlane, Options};

fn everything(task: Task) -> PatchOptions {
    PatchOptions {
        selection: Selection {
            all_workloads: true,
            namespaces: vec!["shop".to_owned()],
            ..Selection::default()
        },
        task,
        pull_secret: (task == Task::Rewrite).then(|| "mirror".to_owned()),
        ..options(None)
    }
}

fn kubectl(plane: &ControlPlane, arguments: &[&str]) {
    let output = plane
        .kubectl(&[arguments, &["-n", "shop"]].concat())
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
}

async fn installed(cluster: &Cluster) -> Vec<(ObjectRef, Value)> {
    define(cluster, &[("actions.summerwind.dev", "RunnerDeployment")]).await;
    create(cluster, pull_secret("shop", "mirror")).await;
    let containers = json!([
        {"name": "web", "image": "quay.io/shop/web:1.2.3", "args": ["--v=1", "--helper-image=quay.io/shop/helper:1,quay.io/shop/other:1"]},
        {"name": "side", "image": "quay.io/shop/side:1.2.3", "env": [{"name": "RELATED_IMAGE_X", "value": "quay.io/x/y:1"}]}]);
    create(cluster, deployment("shop", "web", &containers)).await;
    let mut set = deployment("shop", "set", &containers);
    set["kind"] = json!("StatefulSet");
    set["spec"]["serviceName"] = json!("set");
    create(cluster, set).await;
    create(cluster, json!({"apiVersion": LEGACY, "kind": "RunnerDeployment", "metadata": {"name": "build", "namespace": "shop"},
        "spec": {"template": {"spec": {"image": "quay.io/shop/runner:1", "repository": "shop/web", "empty": []}}}})).await;
    let mut specs = Vec::new();
    for (api_version, kind, name) in [
        ("apps/v1", "Deployment", "web"),
        ("apps/v1", "StatefulSet", "set"),
        (LEGACY, "RunnerDeployment", "build"),
    ] {
        let object = live(cluster, api_version, kind, "shop", name).await;
        specs.push((ObjectRef::from_value(&object), object["spec"].clone()));
    }
    specs
}

#[tokio::test]
async fn what_was_written_goes_back_and_what_people_wrote_since_stays() {
    let plane = ControlPlane::isolated(Options::default()).await.unwrap();
    let cluster = cluster(&plane);
    plane.create_namespace("shop").await.unwrap();
    let before = installed(&cluster).await;
    let rules = rules(&["quay.io"], &[]);
    let patched = run(&cluster, &rules, &everything(Task::Rewrite))
        .await
        .unwrap();
    assert_eq!(patched.patched(), 3, "{patched:?}");

    // One image is upgraded, a container and an argument come before those that were patched.
    kubectl(
        &plane,
        &[
            "set",
            "image",
            "deployment/web",
            "side=quay.io/shop/side:2.0.0",
        ],
    );
    let added = json!([
        {"op": "add", "path": "/spec/template/spec/containers/0", "value": {"name": "first", "image": "quay.io/shop/first:1.0.0"}},
        {"op": "add", "path": "/spec/template/spec/containers/1/args/0", "value": "--first"}]);
    kubectl(
        &plane,
        &[
            "patch",
            "deployment",
            "web",
            "--type=json",
            "-p",
            &added.to_string(),
        ],
    );

    let undone = run(&cluster, &rules, &everything(Task::Undo))
        .await
        .unwrap();
    assert_eq!(undone.patched(), 3, "{undone:?}");
    for (object, spec) in before {
        let after = cluster.get(&object).await.unwrap().unwrap();
        let annotations = after.pointer("/metadata/annotations");
        assert!(annotations.is_none_or(|annotations| annotations.get(ORIGINAL_IMAGES).is_none()));
        let mut expected = spec;
        if object.name == "web" {
            let containers = &after["spec"]["template"]["spec"]["containers"];
            let wanted = expected["template"]["spec"]["containers"]
                .as_array_mut()
                .unwrap();
            wanted[0]["args"]
                .as_array_mut()
                .unwrap()
                .insert(0, json!("--first"));
            wanted[1]["image"] = json!("quay.io/shop/side:2.0.0");
            wanted.insert(0, containers[0].clone());
        }
        assert_eq!(after["spec"], expected, "{object}");
    }
    let again = run(&cluster, &rules, &everything(Task::Undo))
        .await
        .unwrap();
    assert_eq!(again.patched(), 0);
}

#[tokio::test]
async fn a_rolled_back_deployment_takes_its_receipt_along() {
    let plane = ControlPlane::isolated(Options::full()).await.unwrap();
    let cluster = cluster(&plane);
    plane.create_namespace("shop").await.unwrap();
    let containers = json!([{"name": "web", "image": "quay.io/shop/web:1.2.3"}]);
    create(&cluster, deployment("shop", "web", &containers)).await;
    create(&cluster, pull_secret("shop", "mirror")).await;
    let revision = async |wanted: &str| {
        crate::control_plane::eventually("the revision", async || {
            let web = live(&cluster, "apps/v1", "Deployment", "shop", "web").await;
            (web["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == wanted)
                .then_some(web)
        })
        .await
    };
    let before = revision("1").await;
    let rules = rules(&["quay.io"], &[]);
    run(&cluster, &rules, &everything(Task::Rewrite))
        .await
        .unwrap();
    let patched = revision("2").await;
    let receipt = patched["metadata"]["annotations"][ORIGINAL_IMAGES].clone();
    kubectl(&plane, &["rollout", "undo", "deployment/web"]);
    let back = revision("3").await;
    assert_eq!(back["spec"]["template"], before["spec"]["template"]);
    assert!(
        back["metadata"]["annotations"]
            .get(ORIGINAL_IMAGES)
            .is_none()
    );
    // To the patched revision, and there the way back is known again.
    kubectl(
        &plane,
        &["rollout", "undo", "deployment/web", "--to-revision=2"],
    );
    let forth = revision("4").await;
    assert_eq!(forth["metadata"]["annotations"][ORIGINAL_IMAGES], receipt);
    run(&cluster, &rules, &everything(Task::Undo))
        .await
        .unwrap();
    let undone = revision("5").await;
    assert_eq!(undone["spec"]["template"], before["spec"]["template"]);
}
