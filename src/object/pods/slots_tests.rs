use serde_json::{Value, json};

use super::*;
use crate::object::pods::{AbsentKind, absent_slots, image_slots, suspected, write_slots};

fn manager(args: &Value, env: &Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "controller-manager", "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": "{\"image\":\"quay.io/a/b\"}"}},
        "spec": {"template": {"spec": {"containers": [
            {"name": "kube-rbac-proxy", "image": "quay.io/brancz/kube-rbac-proxy:v0.8.0",
             "args": ["--secure-listen-address=0.0.0.0:8443", "--v=10"]},
            {"name": "manager", "image": "summerwind/actions-runner-controller:v0.18.2",
             "command": ["/manager"], "args": args, "env": env},
        ]}}},
        "status": {"image": "quay.io/c/d"}})
}

fn found(object: &Value) -> Vec<(String, String, Role)> {
    image_slots(object)
        .into_iter()
        .map(|slot| (slot.pointer.to_string(), slot.text, slot.why))
        .collect()
}

fn texts(object: &Value) -> Vec<String> {
    found(object).into_iter().map(|(_, text, _)| text).collect()
}

#[test]
fn flags_and_variables_count_by_their_names() {
    let object = manager(
        &json!([
            "--docker-image=docker:dind",
            "--runner-image",
            "summerwind/actions-runner:v2",
            "--metrics-addr=127.0.0.1:8080",
            "--sync-period=10m",
            "--v=10",
            "--enable-leader-election=true",
            "--runner-image-pull-secret=regcred",
        ]),
        &json!([
            {"name": "CONTROLLER_MANAGER_CONTAINER_IMAGE", "value": "ghcr.io/actions/x:1"},
            {"name": "RELATED_IMAGE_PROXY", "value": "quay.io/brancz/y:1"},
            {"name": "IMAGE_FROM_SECRET", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}},
            {"name": "OTHER_IMAGE", "value": "not an image"},
            {"name": "repository", "value": "robbos/testing-grounds"},
        ]),
    );
    let at = "/spec/template/spec/containers";
    let expected = [
        (
            format!("{at}/0/image"),
            "quay.io/brancz/kube-rbac-proxy:v0.8.0",
            Role::RbacProxy,
        ),
        (
            format!("{at}/1/image"),
            "summerwind/actions-runner-controller:v0.18.2",
            Role::Controller,
        ),
        (format!("{at}/1/args/0"), "docker:dind", Role::Dind),
        (
            format!("{at}/1/args/2"),
            "summerwind/actions-runner:v2",
            Role::Runner,
        ),
        (
            format!("{at}/1/env/0/value"),
            "ghcr.io/actions/x:1",
            Role::Listener,
        ),
        (
            format!("{at}/1/env/1/value"),
            "quay.io/brancz/y:1",
            Role::Controller,
        ),
    ];
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(at, text, why)| (at, text.to_owned(), why))
        .collect();
    assert_eq!(found(&object), expected);
    assert!(suspected(&object).is_empty());
    assert!(absent_slots(&object).is_empty());
}

#[test]
fn a_retagged_manager_is_a_controller_by_its_flags() {
    let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "m"},
        "spec": {"template": {"spec": {"containers": [{"name": "m", "image": "mirror.corp/arc:1",
            "command": ["/manager"], "args": ["--docker-image=mirror.corp/dind:1"],
            "env": [{"name": "GITHUB_TOKEN", "value": "x"}]}]}}}});
    assert_eq!(containers(&object)[0].role, Role::Controller);
    let absent = absent_slots(&object);
    assert_eq!(absent.len(), 1, "{absent:?}");
    assert_eq!(
        absent[0].kind,
        AbsentKind::Argument("--runner-image".to_owned())
    );
}

#[test]
fn a_manager_without_flags_falls_back_to_public_images() {
    let mut object = manager(&json!(["--sync-period=10m"]), &json!([]));
    let absent = absent_slots(&object);
    let kinds: Vec<_> = absent
        .iter()
        .map(|slot| (&slot.kind, slot.default.as_str()))
        .collect();
    assert_eq!(
        kinds,
        [
            (
                &AbsentKind::Argument("--docker-image".into()),
                "docker:dind"
            ),
            (
                &AbsentKind::Argument("--runner-image".into()),
                "summerwind/actions-runner:latest"
            ),
        ]
    );
    for slot in &absent {
        slot.fill(&mut object, "registry.corp/x:1");
    }
    assert!(absent_slots(&object).is_empty());
    let args = object
        .pointer("/spec/template/spec/containers/1/args")
        .unwrap();
    assert_eq!(
        args,
        &json!([
            "--sync-period=10m",
            "--docker-image=registry.corp/x:1",
            "--runner-image=registry.corp/x:1"
        ])
    );
}

#[test]
fn other_managers_are_none_of_ours() {
    let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec":
        {"containers": [{"name": "manager", "image": "ghcr.io/corp/operator:1", "command": ["/manager"]}]}}}});
    assert!(absent_slots(&object).is_empty());
}

#[test]
fn the_hook_falls_back_to_a_public_image() {
    let mut object = json!({"apiVersion": "actions.github.com/v1alpha1", "kind": "AutoscalingRunnerSet",
        "spec": {"template": {"spec": {"containers": [{"name": "runner", "image": "r/runner:1",
            "env": [{"name": "ACTIONS_RUNNER_CONTAINER_HOOKS", "value": "/home/runner/k8s/index.js"}]}]}}}});
    let absent = absent_slots(&object);
    assert_eq!(absent.len(), 1);
    assert_eq!(
        (absent[0].default.as_str(), absent[0].wanted()),
        ("ghcr.io/actions/actions-runner:latest", "r/runner:1")
    );
    absent[0].fill(&mut object, "r/runner:1");
    assert!(absent_slots(&object).is_empty());
    assert_eq!(texts(&object), ["r/runner:1", "r/runner:1"]);
}

/// A Runner's `env` reaches the container `runner` of its list: what stands there needs no second place.
#[test]
fn the_hooks_image_is_said_once_for_a_runner_with_a_list() {
    let mut object = json!({"apiVersion": "actions.summerwind.dev/v1alpha1", "kind": "Runner",
        "spec": {"containerMode": "kubernetes", "containers": [{"name": "runner", "image": "r/runner:1",
            "env": [{"name": "ACTIONS_RUNNER_CONTAINER_HOOKS", "value": "/home/runner/k8s/index.js"}]}]}});
    let absent = absent_slots(&object);
    assert_eq!(absent.len(), 1, "{absent:?}");
    absent[0].fill(&mut object, "registry.corp/runner:1");
    assert_eq!(absent_slots(&object), []);
}

#[test]
fn containers_of_every_kind_and_image_volumes_but_no_ceph() {
    let object = json!({"apiVersion": "v1", "kind": "Pod", "spec": {
        "initContainers": [{"name": "a", "image": "a"}, {"name": "b", "image": "b", "restartPolicy": "Always"}],
        "containers": [{"name": "c", "image": "c"}, {"name": "d", "image": {"repository": "x"}}],
        "ephemeralContainers": [{"name": "e", "image": "e"}],
        "volumes": [{"name": "v", "image": {"reference": "f"}}, {"name": "w", "rbd": {"image": "ceph"}}]}});
    assert_eq!(texts(&object), ["a", "b", "c", "e", "f"]);
    let roles: Vec<String> = containers(&object)
        .iter()
        .map(|container| container.role.to_string())
        .collect();
    assert_eq!(
        roles,
        ["init", "sidecar", "workload", "workload", "workload"]
    );
}

#[test]
fn a_runner_deployment_has_a_scalar_beside_its_lists() {
    let object = json!({"apiVersion": "actions.summerwind.dev/v1alpha1", "kind": "RunnerDeployment",
        "spec": {"template": {"spec": {"repository": "robbos/testing-grounds",
            "image": "summerwind/actions-runner:v0.18.2",
            "dockerEnv": [{"name": "SOME_IMAGE", "value": "x:1"}],
            "containers": [{"name": "docker", "image": "docker:dind"}],
            "sidecarContainers": [{"name": "s", "image": "s:1"}]}}}});
    let expected = [
        ("summerwind/actions-runner:v0.18.2", Role::Runner),
        ("x:1", Role::Dind),
        ("docker:dind", Role::Dind),
        ("s:1", Role::Sidecar),
    ];
    let slots = found(&object);
    let slots: Vec<_> = slots
        .iter()
        .map(|(_, text, why)| (text.as_str(), *why))
        .collect();
    assert_eq!(slots, expected);
}

#[test]
fn comma_lists_are_edited_in_place() {
    let mut object = manager(
        &json!(["--docker-image=docker:dind", "--runner-image=a:1,b/c:2"]),
        &json!([]),
    );
    let slots = image_slots(&object);
    let images: Vec<_> = slots
        .into_iter()
        .filter(|slot| matches!(slot.kind, SlotKind::Argument { .. }))
        .map(|slot| {
            let image = format!("registry.corp/{}", slot.text);
            (slot, image)
        })
        .collect();
    let edits = write_slots(&mut object, &images);
    assert_eq!(edits.len(), 2);
    assert_eq!(edits[0].after, "--docker-image=registry.corp/docker:dind");
    assert_eq!(edits[1].before, "--runner-image=a:1,b/c:2");
    assert_eq!(
        edits[1].after,
        "--runner-image=registry.corp/a:1,registry.corp/b/c:2"
    );
}

#[test]
fn scripts_are_only_suspected() {
    let object = json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "c", "image": "c",
        "command": ["sh", "-c", "docker run quay.io/a/b && curl https://github.com/x/y:z"],
        "env": [{"name": "TARGET", "value": "ghcr.io/x/y:1"}, {"name": "ADDRESS", "value": "127.0.0.1:8080"}]}]}});
    let suspects: Vec<_> = suspected(&object)
        .into_iter()
        .map(|suspect| suspect.text)
        .collect();
    assert_eq!(suspects, ["quay.io/a/b", "ghcr.io/x/y:1"]);
    assert_eq!(texts(&object), ["c"]);
}

/// What several words say is not known, even where one of them is a flag for images.
#[test]
fn several_words_are_a_script() {
    let object = json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "c", "image": "c",
        "command": ["sh", "-c", "IMAGE=quay.io/a:1 ./run --side-image=b/c:1"],
        "args": ["--images=quay.io/d:1 --extra-image=quay.io/e:1,quay.io/f:1"],
        "env": [{"name": "ARGS", "value": "--proxy-image=quay.io/g:1 -v"}]}]}});
    assert_eq!(texts(&object), ["c"]);
    let suspects: Vec<_> = suspected(&object)
        .into_iter()
        .map(|suspect| suspect.text)
        .collect();
    let letters = ["a", "d", "e", "f", "g"].map(|letter| format!("quay.io/{letter}:1"));
    for image in letters {
        assert!(suspects.contains(&image), "{image}: {suspects:?}");
    }
    assert!(suspects.contains(&"b/c:1".to_owned()), "{suspects:?}");
}

/// Nothing could pull it; that is told with its reason, as of a container's `image`.
#[test]
fn a_mistake_under_a_name_for_images_is_not_passed_over() {
    let digits = "1".repeat(64);
    let object = manager(
        &json!([
            "--docker-image=quay.io/a/B:1",
            "--runner-image",
            "quay.io/A/b:1",
            "--side-image=corp.io/a/B",
            "--image-url=https://corp.io/A/b",
            "--boot-image=Iso/Boot",
        ]),
        &json!([
            {"name": "ACTIONS_RUNNER_IMAGE", "value": format!("quay.io/a/b:sha256:{digits}")},
            {"name": "HERO_IMAGE", "value": "corp.io/assets/Hero.png"},
            {"name": "OTHER_IMAGE", "value": "/images/Other"},
        ]),
    );
    assert_eq!(
        texts(&object)[2..],
        [
            "quay.io/a/B:1",
            "quay.io/A/b:1",
            "corp.io/a/B",
            &format!("quay.io/a/b:sha256:{digits}")
        ]
    );
    assert!(suspected(&object).is_empty());
    let custom = json!({"apiVersion": "example.com/v1", "kind": "Thing", "spec": {
        "image": "quay.io/A/b:1", "imageName": "quay.io/A/b", "proxyImage": "a/B"}});
    assert_eq!(texts(&custom), ["quay.io/A/b:1"]);
}

#[test]
fn a_name_whose_version_is_put_in_later_is_suspected() {
    let object = manager(
        &json!([
            "--docker-image=quay.io/a/one:${TAG}",
            "--runner-image",
            "src.corp/a/two:$(TAG)",
            "--side-image=${REGISTRY}/a/b:1",
        ]),
        &json!([
            {"name": "RELATED_IMAGE_X", "value": "quay.io/a/three:$(TAG)"},
            {"name": "COMMAND", "value": "docker run quay.io/a/four:$TAG --port 1"},
        ]),
    );
    let told = |object: &Value| {
        let suspects = suspected(object).into_iter();
        let told: Vec<_> = suspects.map(|one| (one.text, one.why)).collect();
        told
    };
    let version = |name: &str| (name.to_owned(), Suspicion::Version);
    assert_eq!(
        told(&object),
        [
            version("quay.io/a/one"),
            version("src.corp/a/two"),
            ("${REGISTRY}/a/b:1".to_owned(), Suspicion::Later),
            version("quay.io/a/three"),
            version("quay.io/a/four")
        ]
    );
    assert_eq!(texts(&object).len(), 2);
    let custom = json!({"apiVersion": "example.com/v1", "kind": "Thing", "spec": {
        "image": "src.corp/a/b:${TAG}", "note": "quay.io/c/d:$(TAG)", "home": "src.corp/e/f:${TAG}"}});
    assert_eq!(
        told(&custom),
        [version("src.corp/a/b"), version("quay.io/c/d")]
    );
    assert!(texts(&custom).is_empty());
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"RELATED_IMAGE_X": "quay.io/a/b:$(TAG)"}});
    assert_eq!(told(&map), [version("quay.io/a/b")]);
}

#[test]
fn a_name_of_several_words_makes_nothing_certain() {
    for name in [
        "--x\n    - host: ghcr.io\n      rewrite: evil.corp #-image",
        "--x -image",
        "--x\u{1b}[2J-image",
    ] {
        let object = manager(
            &json!([format!("{name}=quay.io/a:1"), name, "quay.io/b:1"]),
            &json!([{"name": name, "value": "quay.io/c:1"}]),
        );
        let found = texts(&object);
        assert!(found.iter().all(|text| !["quay.io/a:1", "quay.io/b:1", "quay.io/c:1"].contains(&text.as_str())), "{name:?}: {found:?}");
    }
}
