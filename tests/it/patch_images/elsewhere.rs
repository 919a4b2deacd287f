//! Images beside pods: in custom kinds whose schemas tell of none, and in the files of ARC's container hooks.

use arc_setup::apply::patch::{PatchOptions, Selection, Treatment};
use arc_setup::failure::Exit;
use serde_json::{Value, json};

use super::{LEGACY, TARGET, cluster, create, define, live, options, rules, run};
use crate::support::control_plane::{ControlPlane, Options};

const GROUP: &str = "elsewhere.example.com";

fn everything(kinds: &[&str]) -> PatchOptions {
    PatchOptions {
        selection: Selection {
            all_workloads: true,
            kinds: kinds.iter().map(ToString::to_string).collect(),
            ..Selection::of(None)
        },
        ..options(None)
    }
}

/// Its controller may take the mapping for something else: a person says that it is an image.
#[tokio::test]
async fn images_of_a_kind_without_pods_are_told_and_patched_where_the_kind_is_named() {
    let plane = ControlPlane::start(Options::default()).await.unwrap();
    let cluster = cluster(&plane);
    define(&cluster, &[(GROUP, "Proxy")]).await;
    let api_version = format!("{GROUP}/v1alpha1");
    let proxy = |name: &str, spec: Value| json!({"apiVersion": api_version, "kind": "Proxy", "metadata": {"name": name, "namespace": "default"}, "spec": spec});
    create(
        &cluster,
        proxy(
            "parts",
            json!({"image": {"repository": "quay.io/a/b", "tag": "v1"}}),
        ),
    )
    .await;
    create(
        &cluster,
        proxy("field", json!({"sidecarImage": "quay.io/c/d:1"})),
    )
    .await;
    create(&cluster, proxy("none", json!({"port": 80}))).await;
    let rules = rules(&["quay.io"], &[]);
    let report = run(&cluster, &rules, &everything(&[])).await.unwrap();
    assert_eq!(
        (report.exit(), report.patched()),
        (Exit::Done, 0),
        "{report:?}"
    );
    let of = |name: &str| {
        let told = report.objects.iter().find(|told| told.object.name == name);
        told.unwrap_or_else(|| panic!("{name}: {report:?}"))
    };
    let Treatment::Skipped { why } = &of("parts").treatment else {
        panic!("{report:?}")
    };
    assert!(
        why.remedy.contains(&format!("--kind Proxy.{GROUP}")),
        "{why}"
    );
    assert_eq!(of("parts").slots[0].after, format!("{TARGET}/a/b:v1"));
    assert!(of("field").notes[0].contains("quay.io/c/d:1 may be an image"));
    assert!(report.objects.iter().all(|told| told.object.name != "none"));

    let named = format!("Proxy.{GROUP}");
    for patched in [1, 0] {
        let report = run(&cluster, &rules, &everything(&[&named])).await.unwrap();
        assert_eq!(
            (report.exit(), report.patched()),
            (Exit::Done, patched),
            "{report:?}"
        );
    }
    let after = live(&cluster, &api_version, "Proxy", "default", "parts").await;
    assert_eq!(
        after["spec"]["image"],
        json!({"repository": format!("{TARGET}/a/b"), "tag": "v1"})
    );
}

/// The template is mounted from a ConfigMap, and nothing else tells that it is ARC's.
#[tokio::test]
async fn the_pods_of_container_hooks_are_patched_with_their_runners() {
    let plane = ControlPlane::start(Options::default()).await.unwrap();
    let cluster = cluster(&plane);
    define(&cluster, &[("actions.summerwind.dev", "RunnerDeployment")]).await;
    let map = |name: &str| {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"},
        "data": {"pod.yaml": "spec:\n  containers:\n  - name: $job\n    image: quay.io/acme/job:1 # kept\n"}})
    };
    create(&cluster, map("hook")).await;
    create(&cluster, map("other")).await;
    create(&cluster, json!({"apiVersion": LEGACY, "kind": "RunnerDeployment", "metadata": {"name": "build", "namespace": "default"},
        "spec": {"template": {"spec": {"image": "quay.io/acme/runner:1", "repository": "acme/tools", "containerMode": "kubernetes",
            "env": [{"name": "ACTIONS_RUNNER_CONTAINER_HOOK_TEMPLATE", "value": "/hook/pod.yaml"}],
            "volumeMounts": [{"name": "hook", "mountPath": "/hook"}],
            "volumes": [{"name": "hook", "configMap": {"name": "hook"}}]}}}})).await;
    let rules = rules(&["quay.io"], &[]);
    for patched in [2, 0] {
        let report = run(&cluster, &rules, &options(Some("default")))
            .await
            .unwrap();
        assert_eq!(
            (report.exit(), report.patched()),
            (Exit::Done, patched),
            "{report:?}"
        );
    }
    let text = |map: Value| map["data"]["pod.yaml"].as_str().unwrap().to_owned();
    let hook = text(live(&cluster, "v1", "ConfigMap", "default", "hook").await);
    assert!(
        hook.contains(&format!("image: {TARGET}/acme/job:1 # kept")),
        "{hook}"
    );
    let other = text(live(&cluster, "v1", "ConfigMap", "default", "other").await);
    assert!(other.contains("image: quay.io/acme/job:1"), "{other}");
}
