//! What the API server would not take, and what is left on purpose: told, and nothing is asked of the server in vain.

use arc_setup::apply::patch::{PatchOptions, Selection, Treatment};
use arc_setup::failure::Exit;
use serde_json::{Value, json};

use super::{TARGET, cluster, create, deployment, options, rules, run};
use crate::support::control_plane::ControlPlane;

const NAMESPACE: &str = "left-alone";

fn config_map(name: &str, immutable: bool) -> Value {
    let text =
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: c\n    image: quay.io/a/b:1\n";
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": NAMESPACE},
        "immutable": immutable, "data": {"pod.yaml": text}})
}

#[tokio::test]
async fn what_cannot_be_changed_is_told_and_is_no_failure() {
    let plane = ControlPlane::shared().await.unwrap();
    plane.create_namespace(NAMESPACE).await.unwrap();
    let cluster = cluster(plane);
    create(&cluster, config_map("fixed", true)).await;
    create(&cluster, config_map("loose", false)).await;
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bare", "namespace": NAMESPACE},
        "spec": {"containers": [{"name": "c", "image": format!("{TARGET}/a/b:1"), "args": ["--helper-image=quay.io/c/d:1"]}]}});
    create(&cluster, pod).await;
    let script = json!([{"name": "c", "image": format!("{TARGET}/a/b:1"), "command": ["sh", "-c", "docker pull quay.io/e/f:1"]}]);
    create(&cluster, deployment(NAMESPACE, "script", &script)).await;
    let everything = PatchOptions {
        selection: Selection {
            all_workloads: true,
            ..Selection::of(Some(NAMESPACE))
        },
        ..options(Some(NAMESPACE))
    };
    let rules = rules(&["quay.io"], &["docker.io"]);
    for patched in [1, 0] {
        let report = run(&cluster, &rules, &everything).await.unwrap();
        assert_eq!(report.exit(), Exit::Done, "{report:?}");
        assert_eq!(report.patched(), patched);
        let of = |name: &str| {
            let told = report.objects.iter().find(|told| told.object.name == name);
            told.unwrap_or_else(|| panic!("{name}: {report:?}"))
        };
        let Treatment::Skipped { why } = &of("fixed").treatment else {
            panic!("{report:?}")
        };
        assert!(why.reason.contains("immutable"), "{why}");
        assert_eq!(of("bare").treatment, Treatment::Stays);
        assert!(
            of("bare").notes[0].contains("quay.io/c/d:1 stays"),
            "{report:?}"
        );
        assert_eq!(of("script").treatment, Treatment::Unchanged);
        assert!(
            of("script").notes[0].contains("quay.io/e/f:1 may be an image"),
            "{report:?}"
        );
    }
}
