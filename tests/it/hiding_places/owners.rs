//! Cases 21 to 24: what a live object's pull secrets, policies and owners ask for.

use arc_setup::plan::patch::{AccountPullSecrets, Verdict, Wanted, decide};
use serde_json::{Value, json};

use super::{TARGET, changes, decided, deployment, pair, patch, pod, story};

const IMAGE: &str = "/spec/template/spec/containers/0/image";

fn one(image: &str) -> Value {
    json!({"containers": [{"name": "c", "image": image}]})
}

#[test]
fn case_21_pull_secrets_are_appended_once() {
    let inherited = [AccountPullSecrets {
        account: "default".to_owned(),
        pull_secrets: vec!["of-the-account".to_owned()],
    }];
    let wanted = Wanted {
        pull_secret: Some("artifactory"),
        service_account_pull_secrets: &inherited,
        ..Wanted::default()
    };
    let list = |object: &Value| match decide(object, &story(), &wanted).verdict {
        Verdict::Patch(patch) => {
            let again = decide(&patch.after(object), &story(), &wanted).verdict;
            assert_eq!(again, Verdict::Unchanged, "a second run");
            patch.after(object)["spec"]["template"]["spec"]["imagePullSecrets"].clone()
        }
        other => panic!("{other:?}"),
    };
    // A pod that names one no longer gets its ServiceAccount's.
    assert_eq!(
        list(&deployment(&one("quay.io/a:1"))),
        json!([{"name": "of-the-account"}, {"name": "artifactory"}])
    );
    let mut spec = one("quay.io/a:1");
    spec["imagePullSecrets"] = json!([{"name": "z"}, {"name": "a"}]);
    assert_eq!(
        list(&deployment(&spec)),
        json!([{"name": "z"}, {"name": "a"}, {"name": "artifactory"}])
    );
    spec["imagePullSecrets"] = json!([{"name": "artifactory"}, {"name": "a"}]);
    assert_eq!(list(&deployment(&spec)), spec["imagePullSecrets"]);
}

#[test]
fn case_22_the_pull_policy_stays_and_a_movable_tag_is_told() {
    for (policy, image, warned) in [
        ("IfNotPresent", "quay.io/a:dind", true),
        ("IfNotPresent", "quay.io/a", true),
        ("IfNotPresent", "quay.io/a:v0.8.0", false),
        ("Always", "quay.io/a:dind", false),
    ] {
        let mut spec = one(image);
        spec["containers"][0]["imagePullPolicy"] = json!(policy);
        let object = deployment(&spec);
        let after = image.replace("quay.io", TARGET);
        assert_eq!(changes(&object, &story()), [pair(IMAGE, after)]);
        let patched = patch(&object, &story()).after(&object);
        let container = &patched["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(container["imagePullPolicy"], policy);
        let notes = decided(&object, &story()).notes;
        let is_warned = notes.iter().any(|note| note.contains("IfNotPresent"));
        assert_eq!(is_warned, warned, "{policy} {image}: {notes:?}");
    }
}

#[test]
fn case_23_a_job_is_skipped_and_the_source_of_a_pod_is_named() {
    let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j", "namespace": "n"},
        "spec": {"template": {"spec": one("quay.io/a:1")}}});
    let Verdict::Skipped(skipped) = decided(&job, &story()).verdict else {
        panic!("not skipped")
    };
    assert!(skipped.reason.contains("cannot be changed"), "{skipped}");
    assert!(
        skipped.remedy.contains("kubectl delete job j -n n"),
        "{skipped}"
    );
    let mut controlled = pod(&one("quay.io/a:1"));
    controlled["metadata"]["ownerReferences"] = json!([
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "d-5", "uid": "u", "controller": true}]);
    let Verdict::Made(maker) = decided(&controlled, &story()).verdict else {
        panic!("not made by a controller")
    };
    assert!(maker.to_string().contains("ReplicaSet d-5"), "{maker}");
    // Where the ReplicaSet is a Deployment's own, the Deployment is the source.
    controlled["metadata"]["labels"] = json!({"pod-template-hash": "5"});
    let Verdict::Made(maker) = decided(&controlled, &story()).verdict else {
        panic!("not made by a controller")
    };
    assert!(
        maker.names_images() && maker.to_string().contains("from Deployment d,"),
        "{maker}"
    );
    // A pod of nobody is patched itself.
    assert_eq!(
        changes(&pod(&one("quay.io/a:1")), &story()),
        [pair("/spec/containers/0/image", format!("{TARGET}/a:1"))]
    );
}

#[test]
fn case_24_a_tool_that_owns_the_object_is_told_what_to_change() {
    for (marks, tool) in [
        (
            json!({"labels": {"app.kubernetes.io/managed-by": "Helm"}, "annotations": {"meta.helm.sh/release-name": "arc"}}),
            "Helm",
        ),
        (
            json!({"annotations": {"argocd.argoproj.io/tracking-id": "ci:apps/Deployment:n/d"}}),
            "Argo CD",
        ),
        (
            json!({"labels": {"olm.owner": "arc.v1", "olm.owner.kind": "ClusterServiceVersion"}}),
            "OLM",
        ),
    ] {
        let mut object = deployment(&one("quay.io/a/b:1"));
        for (key, value) in marks.as_object().unwrap() {
            object["metadata"][key] = value.clone();
        }
        let Verdict::Owned(advice) = decided(&object, &story()).verdict else {
            panic!("{tool}: not owned")
        };
        assert!(advice.owner.to_string().contains(tool), "{advice:?}");
        let told = advice.to_commit().to_string();
        assert!(told.contains(&format!("{TARGET}/a/b")), "{tool}: {told}");
        // `--force` patches all the same.
        let force = Wanted {
            force: true,
            ..Wanted::default()
        };
        assert!(
            matches!(decide(&object, &story(), &force).verdict, Verdict::Patch(_)),
            "{tool}"
        );
    }
}
