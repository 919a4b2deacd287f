use serde_json::{Value, json};

use super::*;
use crate::rules::{Action, Matcher, RuleSpec};

#[path = "left_tests.rs"]
mod left;

const TARGET: &str = "registry.artifactory.mydomain.com";

fn rule(host: &str, action: Action) -> RuleSpec {
    RuleSpec::new(
        format!("map {host}"),
        Matcher::Host(host.to_owned()),
        action,
    )
}

fn rewrite(host: &str) -> RuleSpec {
    let target = TARGET.to_owned();
    rule(
        host,
        Action::Rewrite {
            target,
            drop_library: false,
        },
    )
}

/// The story: quay.io is relabelled, the nodes mirror docker.io.
fn story() -> RuleSet {
    RuleSet::compile(&[rewrite("quay.io"), rule("docker.io", Action::Keep)]).unwrap()
}

fn everything() -> RuleSet {
    RuleSet::compile(&[rewrite("quay.io"), rewrite("docker.io"), rewrite("ghcr.io")]).unwrap()
}

fn manager() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "controller-manager", "namespace": "actions-runner-system", "uid": "u", "generation": 3},
        "spec": {"template": {"spec": {"containers": [
            {"name": "manager", "image": "summerwind/actions-runner-controller:v0.18.2", "command": ["/manager"],
             "args": ["--metrics-addr=127.0.0.1:8080", "--enable-leader-election", "--sync-period=10m"]},
            {"name": "kube-rbac-proxy", "image": "quay.io/brancz/kube-rbac-proxy:v0.8.0", "args": ["--v=10"]}]}}}})
}

/// A patch, and what it makes of its object.
struct Made {
    patch: Patch,
    after: Value,
}

impl std::ops::Deref for Made {
    type Target = Patch;

    fn deref(&self) -> &Patch {
        &self.patch
    }
}

fn patch(object: &Value, rules: &RuleSet, wanted: &Wanted<'_>) -> Made {
    match decide(object, rules, wanted).verdict {
        Verdict::Patch(patch) => Made {
            after: patch.after(object),
            patch: *patch,
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_story_changes_one_image_and_nothing_else() {
    let object = manager();
    let patch = patch(&object, &story(), &Wanted::default());
    let slots: Vec<(&str, Option<&str>, &str)> = patch
        .slots
        .iter()
        .map(|slot| {
            (
                slot.place.as_str(),
                slot.before.as_deref(),
                slot.after.as_str(),
            )
        })
        .collect();
    let after = "registry.artifactory.mydomain.com/brancz/kube-rbac-proxy:v0.8.0";
    assert_eq!(
        slots,
        [(
            "container kube-rbac-proxy",
            Some("quay.io/brancz/kube-rbac-proxy:v0.8.0"),
            after
        )]
    );
    let mut expected = object;
    expected["spec"]["template"]["spec"]["containers"][1]["image"] = json!(after);
    let receipt = json!({"version": 2, "madeAnnotations": true, "changes": [
        {"at": "/spec/template/spec/containers/1/image", "names": ["kube-rbac-proxy"],
         "was": "quay.io/brancz/kube-rbac-proxy:v0.8.0", "now": after}]});
    expected["metadata"]["annotations"] = json!({ORIGINAL_IMAGES: receipt.to_string()});
    assert_eq!(patch.after, expected);
    let tested: Vec<&str> = patch
        .operations
        .iter()
        .filter(|operation| operation.is_test())
        .map(|operation| operation.path().as_str())
        .collect();
    assert_eq!(
        tested,
        [
            "/metadata/uid",
            "/metadata/generation",
            "/spec/template/spec/containers/1/image",
            "/metadata/annotations"
        ]
    );
    assert_eq!(
        decide(&patch.after, &story(), &Wanted::default()).verdict,
        Verdict::Unchanged
    );
}

#[test]
fn what_the_manager_falls_back_to_is_set() {
    let patch = patch(&manager(), &everything(), &Wanted::default());
    let args = &patch.after["spec"]["template"]["spec"]["containers"][0]["args"];
    assert_eq!(
        args[3],
        json!(format!("--docker-image={TARGET}/library/docker:dind"))
    );
    assert_eq!(
        args[4],
        json!(format!(
            "--runner-image={TARGET}/summerwind/actions-runner:latest"
        ))
    );
    assert_eq!(args[0], json!("--metrics-addr=127.0.0.1:8080"));
    let receipt = patch.after["metadata"]["annotations"][ORIGINAL_IMAGES]
        .as_str()
        .unwrap();
    let receipt: Value = serde_json::from_str(receipt).unwrap();
    assert_eq!(
        receipt["changes"][0],
        json!({"at": "/spec/template/spec/containers/0/image", "names": ["manager"],
            "was": "summerwind/actions-runner-controller:v0.18.2",
            "now": format!("{TARGET}/summerwind/actions-runner-controller:v0.18.2")})
    );
    assert_eq!(
        receipt["changes"][2],
        json!({"at": "/spec/template/spec/containers/0/args/3", "names": ["manager"], "now": args[3]})
    );
    assert_eq!(
        decide(&patch.after, &everything(), &Wanted::default()).verdict,
        Verdict::Unchanged
    );
}

#[test]
fn a_pull_secret_is_appended_once_and_takes_none_away() {
    let inherited = [AccountPullSecrets {
        account: "default".to_owned(),
        pull_secrets: vec!["of-the-account".to_owned()],
    }];
    let wanted = Wanted {
        pull_secret: Some("mirror"),
        service_account_pull_secrets: &inherited,
        ..Wanted::default()
    };
    let mut object = manager();
    object["spec"]["template"]["spec"]["containers"][0]["image"] =
        json!("summerwind/actions-runner-controller:v0.27.6");
    let first = patch(&object, &story(), &wanted);
    let spec = &first.after["spec"]["template"]["spec"];
    assert_eq!(
        spec["imagePullSecrets"],
        json!([{"name": "of-the-account"}, {"name": "mirror"}])
    );
    assert_eq!(
        spec["containers"][0]["args"][3],
        json!("--runner-image-pull-secret=mirror")
    );
    assert_eq!(
        decide(&first.after, &story(), &wanted).verdict,
        Verdict::Unchanged
    );
    // v0.18.2 would end at the flag.
    let before = manager();
    let decided = decide(&before, &story(), &wanted);
    assert!(decided.notes[0].contains("--runner-image-pull-secret"));
    let Verdict::Patch(old) = decided.verdict else {
        panic!()
    };
    assert_eq!(
        old.after(&before)["spec"]["template"]["spec"]["containers"][0]["args"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    let listed = json!({"apiVersion": "actions.github.com/v1alpha1", "kind": "AutoscalingRunnerSet", "metadata": {"name": "s"},
        "spec": {"template": {"spec": {"imagePullSecrets": [{"name": "own"}], "containers": []}}}});
    let patch = patch(&listed, &story(), &wanted);
    assert_eq!(
        patch.after["spec"]["template"]["spec"]["imagePullSecrets"],
        json!([{"name": "own"}, {"name": "mirror"}])
    );
    assert!(patch.slots.is_empty());
}

#[test]
fn owners_get_values_and_makers_are_left_alone() {
    let mut object = manager();
    object["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": "Helm", "helm.sh/chart": "actions-runner-controller-0.23.7"});
    object["metadata"]["annotations"] = json!({"meta.helm.sh/release-name": "arc", "meta.helm.sh/release-namespace": "actions-runner-system"});
    let Verdict::Owned(advice) = decide(&object, &everything(), &Wanted::default()).verdict else {
        panic!()
    };
    assert_eq!(
        advice.values,
        Some(json!({
            "metrics": {"proxy": {"image": {"repository": format!("{TARGET}/brancz/kube-rbac-proxy"), "tag": "v0.8.0"}}},
            "image": {"repository": format!("{TARGET}/summerwind/actions-runner-controller"), "tag": "v0.18.2",
                "dindSidecarRepositoryAndTag": format!("{TARGET}/library/docker:dind"),
                "actionsRunnerRepositoryAndTag": format!("{TARGET}/summerwind/actions-runner:latest")}}))
    );
    assert!(
        advice
            .patch
            .iter()
            .all(|operation| operation["op"] != "test")
    );
    let forced = Wanted {
        force: true,
        ..Wanted::default()
    };
    let patch = patch(&object, &everything(), &forced);
    assert_eq!(
        patch.after["metadata"]["annotations"]["meta.helm.sh/release-name"],
        "arc"
    );
    // Owned, but nothing to change: nothing to say.
    assert_eq!(
        decide(&patch.after, &everything(), &Wanted::default()).verdict,
        Verdict::Unchanged
    );
    let runner = json!({"apiVersion": "actions.summerwind.dev/v1alpha1", "kind": "Runner",
        "metadata": {"name": "r-1", "ownerReferences": [{"kind": "RunnerReplicaSet", "name": "r", "controller": true}]},
        "spec": {"image": "quay.io/a/b:1"}});
    assert!(matches!(
        decide(&runner, &story(), &Wanted::default()).verdict,
        Verdict::Made(_)
    ));
}

#[test]
fn a_denied_image_leaves_the_whole_object_as_it_is() {
    let rules = RuleSet::compile(&[rewrite("quay.io"), rule("docker.io", Action::Deny)]).unwrap();
    let Verdict::Refused(reasons) = decide(&manager(), &rules, &Wanted::default()).verdict else {
        panic!()
    };
    assert!(
        reasons[0].contains("is denied by map docker.io"),
        "{reasons:?}"
    );
}

#[test]
fn the_receipt_keeps_what_others_wrote_and_adds_to_its_own() {
    let mut object = manager();
    object["metadata"]["annotations"] =
        json!({"other": "x", ORIGINAL_IMAGES: "{\"/spec/image\":\"quay.io/old:1\"}"});
    let patch = patch(&object, &story(), &Wanted::default());
    let annotations = &patch.after["metadata"]["annotations"];
    assert_eq!(annotations["other"], "x");
    let receipt: Value =
        serde_json::from_str(annotations[ORIGINAL_IMAGES].as_str().unwrap()).unwrap();
    assert_eq!(
        receipt["changes"][0],
        json!({"at": "/spec/image", "was": "quay.io/old:1"})
    );
    assert_eq!(receipt["changes"].as_array().unwrap().len(), 2);
}

#[test]
fn a_comma_list_is_one_change_of_one_text() {
    let mut object = manager();
    object["spec"]["template"]["spec"]["containers"][1]["args"] =
        json!(["--sidecar-image=quay.io/a/b:1,quay.io/c/d:2"]);
    let patch = patch(&object, &story(), &Wanted::default());
    let after: Vec<&str> = patch.slots.iter().map(|slot| slot.after.as_str()).collect();
    assert_eq!(
        after[1..],
        [format!("{TARGET}/a/b:1"), format!("{TARGET}/c/d:2")]
    );
    assert_eq!(
        patch.after["spec"]["template"]["spec"]["containers"][1]["args"][0],
        format!("--sidecar-image={TARGET}/a/b:1,{TARGET}/c/d:2")
    );
}

#[test]
fn what_cannot_be_changed_is_told_with_what_to_do() {
    let pod = |kind: &str, metadata: Value| {
        let spec = json!({"containers": [{"name": "c", "image": "quay.io/a/b:1"}]});
        let (version, spec) = match kind {
            "Pod" => ("v1", spec),
            "Job" => (
                "batch/v1",
                json!({"suspend": true, "template": {"spec": spec}}),
            ),
            _ => ("apps/v1", json!({"template": {"spec": spec}})),
        };
        json!({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec})
    };
    let decided = |object: &Value| decide(object, &story(), &Wanted::default()).verdict;
    let Verdict::Skipped(why) = decided(&pod("Job", json!({"name": "j", "namespace": "n"}))) else {
        panic!()
    };
    assert!(
        why.to_string().contains("kubectl delete job j -n n"),
        "{why}"
    );
    let mirror = json!({"name": "p", "annotations": {"kubernetes.io/config.mirror": "x"},
        "ownerReferences": [{"kind": "Node", "name": "node-1", "controller": true}]});
    let Verdict::Skipped(why) = decided(&pod("Pod", mirror)) else {
        panic!()
    };
    assert!(why.reason.contains("static pod"), "{why}");
    let cron = json!({"name": "j-1", "ownerReferences": [{"kind": "CronJob", "name": "j", "controller": true}]});
    assert!(matches!(decided(&pod("Job", cron)), Verdict::Made(_)));
    let finished = json!({"status": {"conditions": [{"type": "Complete", "status": "True"}]}});
    let mut job = pod("Job", json!({"name": "j"}));
    job["status"] = finished["status"].clone();
    assert!(matches!(decided(&job), Verdict::Skipped(why) if why.reason.contains("finished")));
}

#[test]
fn of_a_pod_only_images_change() {
    let object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "generateName": "p-"}, "spec": {
        "containers": [{"name": "c", "image": "quay.io/a/b:1", "args": ["--x-image=quay.io/c/d:1"]}],
        "ephemeralContainers": [{"name": "e", "image": "quay.io/e/f:1"}]}});
    let wanted = Wanted {
        pull_secret: Some("mirror"),
        ..Wanted::default()
    };
    let decided = decide(&object, &story(), &wanted);
    let Verdict::Patch(patch) = decided.verdict else {
        panic!()
    };
    let mut expected = object["spec"].clone();
    expected["containers"][0]["image"] = json!(format!("{TARGET}/a/b:1"));
    assert_eq!(patch.after(&object)["spec"], expected);
    let notes = decided.notes.join("\n");
    for part in ["container c --x-image", "container e", "generated name"] {
        assert!(notes.contains(part), "{notes}");
    }
}

#[test]
fn a_tag_that_moves_is_told_and_its_policy_stays() {
    let mut object = manager();
    let container = &mut object["spec"]["template"]["spec"]["containers"][1];
    container["image"] = json!("quay.io/brancz/kube-rbac-proxy:stable");
    container["imagePullPolicy"] = json!("IfNotPresent");
    let decided = decide(&object, &story(), &Wanted::default());
    let Verdict::Patch(patch) = decided.verdict else {
        panic!()
    };
    let container = &patch.after(&object)["spec"]["template"]["spec"]["containers"][1];
    assert_eq!(container["imagePullPolicy"], "IfNotPresent");
    assert!(decided.notes[0].contains("container kube-rbac-proxy: the tag stable may move"));
}

#[test]
fn annotations_that_would_be_too_long_are_told_before_the_server_does() {
    let mut object = manager();
    object["metadata"]["annotations"] = json!({"long": "x".repeat(256 * 1024 - 100)});
    let Verdict::Refused(reasons) = decide(&object, &story(), &Wanted::default()).verdict else {
        panic!()
    };
    assert!(reasons[0].contains("262144"), "{reasons:?}");
}

#[test]
fn a_second_patch_keeps_the_first_original() {
    let first = patch(&manager(), &story(), &Wanted::default());
    let onward = RuleSet::compile(&[rule(
        TARGET,
        Action::Rewrite {
            target: "new.example.com/mirror".to_owned(),
            drop_library: false,
        },
    )])
    .unwrap();
    let second = patch(&first.after, &onward, &Wanted::default());
    let Verdict::Patch(back) = undo(&second.after).verdict else {
        panic!()
    };
    assert_eq!(back.after(&second.after), manager());
}
