//! Cases 12 to 20: fields, arguments, variables and parts of objects.

use arc_setup::image_ref::ImageReference;
use arc_setup::object::pods::{image_slots, replacements, suspected};
use arc_setup::plan::patch::Verdict;
use serde_json::{Value, json};

use super::{TARGET, changes, decided, deployment, everything, pair, pod, story, suspects};

const CONTAINERS: &str = "/spec/template/spec/containers";

/// Every slot's text.
fn slots(object: &Value) -> Vec<String> {
    image_slots(object)
        .into_iter()
        .map(|slot| slot.text)
        .collect()
}

/// Each slot's image moved to another registry, as it stands then.
fn moved(object: &Value) -> Value {
    let mut after = object.clone();
    for slot in image_slots(object) {
        for one in replacements(object, &slot, &slot.text.replace("quay.io", TARGET)) {
            let Some(Value::String(text)) = one.pointer.get_mut(&mut after) else {
                panic!("no text at {}", one.pointer)
            };
            text.replace_range(one.span, &one.text);
        }
    }
    after
}

#[test]
fn case_12_every_list_and_image_volumes_but_no_ceph() {
    let object = deployment(&json!({
        "initContainers": [
            {"name": "i", "image": "quay.io/init:1"},
            {"name": "s", "image": "quay.io/native-sidecar:1", "restartPolicy": "Always"}],
        "containers": [{"name": "c", "image": "quay.io/c:1"}],
        "ephemeralContainers": [{"name": "e", "image": "quay.io/debug:1"}],
        "volumes": [
            {"name": "v", "image": {"reference": "quay.io/volume:1", "pullPolicy": "Always"}},
            {"name": "w", "rbd": {"image": "quay.io/ceph:1", "monitors": []}}]}));
    let at = |list: &str| format!("/spec/template/spec/{list}");
    assert_eq!(
        changes(&object, &story()),
        [
            pair(&at("initContainers/0/image"), format!("{TARGET}/init:1")),
            pair(
                &at("initContainers/1/image"),
                format!("{TARGET}/native-sidecar:1")
            ),
            pair(&at("containers/0/image"), format!("{TARGET}/c:1")),
            pair(
                &at("ephemeralContainers/0/image"),
                format!("{TARGET}/debug:1")
            ),
            pair(
                &at("volumes/0/image/reference"),
                format!("{TARGET}/volume:1")
            ),
        ]
    );
    assert!(suspects(&object).is_empty());
}

#[test]
fn case_14_a_runner_deployment_has_a_scalar_beside_its_lists() {
    let object = json!({"apiVersion": "actions.summerwind.dev/v1alpha1", "kind": "RunnerDeployment",
        "metadata": {"name": "r", "namespace": "n"},
        "spec": {"template": {"spec": {"repository": "robbos/testing-grounds", "image": "quay.io/runner:1",
            "sidecarContainers": [{"name": "s", "image": "quay.io/side:1"}],
            "containers": [{"name": "docker", "image": "docker:dind"}, {"name": "runner", "image": "quay.io/listed:1"}],
            "dockerEnv": [{"name": "BUILD_IMAGE", "value": "quay.io/build:1"}]}}}});
    let at = |field: &str| format!("/spec/template/spec/{field}");
    let mut changes = changes(&object, &story());
    changes.sort();
    assert_eq!(
        changes,
        [
            pair(&at("containers/1/image"), format!("{TARGET}/listed:1")),
            pair(&at("dockerEnv/0/value"), format!("{TARGET}/build:1")),
            pair(&at("image"), format!("{TARGET}/runner:1")),
            pair(&at("sidecarContainers/0/image"), format!("{TARGET}/side:1")),
        ]
    );
}

/// What parses as an image and is none, each where the story's own manifests have it.
#[test]
fn case_15_flags_count_by_their_names() {
    let args = [
        "--docker-image=docker:dind",
        "--metrics-addr=127.0.0.1:8080",
        "--secure-listen-address=0.0.0.0:8443",
        "--sync-period=10m",
        "--v=10",
        "--enable-leader-election=true",
        "--log-level=info",
        "--api-version=v1",
        "--leader-election-id=actions-runner-system/controller-manager",
        "--repository=robbos/testing-grounds",
        "--runner-image-pull-secret=artifactory",
        "--image-pull-policy=Always",
        "--auto-scaler-image-pull-secrets=artifactory",
    ];
    let parses = args
        .iter()
        .filter(|argument| {
            let (_, value) = argument.split_once('=').unwrap();
            ImageReference::parse(value).is_ok()
        })
        .count();
    assert!(
        parses >= 10,
        "the grammar alone takes {parses} of them for images"
    );
    let object = deployment(
        &json!({"containers": [{"name": "manager", "command": ["/manager"],
        "image": "summerwind/actions-runner-controller:v0.18.2", "args": args,
        "env": [{"name": "ADDRESS", "value": "127.0.0.1:8080"}, {"name": "GITHUB_REPOSITORY", "value": "robbos/testing-grounds"},
            {"name": "ImageOS", "value": "ubuntu20"}, {"name": "IMAGE_TAG", "value": "v1"}]}]}),
    );
    assert_eq!(
        slots(&object),
        [
            "summerwind/actions-runner-controller:v0.18.2",
            "docker:dind"
        ]
    );
    assert!(suspects(&object).is_empty());
    // Rules for every host change these two and nothing else.
    assert_eq!(
        changes(&object, &everything()),
        [
            pair(
                &format!("{CONTAINERS}/0/image"),
                format!("{TARGET}/hub/summerwind/actions-runner-controller:v0.18.2")
            ),
            pair(
                &format!("{CONTAINERS}/0/args/0"),
                format!("--docker-image={TARGET}/hub/library/docker:dind")
            ),
        ]
    );
    let runner = json!({"apiVersion": "actions.summerwind.dev/v1alpha1", "kind": "RunnerDeployment",
        "spec": {"replicas": 1, "template": {"spec": {"repository": "robbos/testing-grounds"}}}});
    assert!(slots(&runner).is_empty() && suspects(&runner).is_empty());
}

/// What is called an image and is none: paths, pictures, disks, addresses.
#[test]
fn case_15_what_is_called_an_image_is_one_only_with_a_host_or_a_version() {
    let args = [
        "--image-path=assets/logo",
        "--image-url=cdn.corp/logo.png",
        "--image-repo-url=github.com/foo/bar",
        "--logo-image=cdn.corp/logo.png",
        "--boot-image=iso/boot",
        "--base-image-name=foo/bar",
        "--url=http://h/p?runner_image=quay.io/x/y",
        "--foo=https://x.corp/api?image=library/nginx",
        "--source-image",
        "/var/lib/img/disk",
        "--system-image",
        "disk/windows",
    ];
    let env: Vec<Value> = [
        ("IMAGE_PROXY_URL", "imgproxy.corp/path"),
        ("IMAGES_PATH", "var/images"),
        ("IMAGE", "logo"),
        ("HERO_IMAGE", "hero.png"),
    ]
    .into_iter()
    .map(|(name, value)| json!({"name": name, "value": value}))
    .collect();
    let object = deployment(
        &json!({"containers": [{"name": "a", "image": "docker:1", "args": args, "env": env}]}),
    );
    assert_eq!(slots(&object), ["docker:1"]);
    // Where a name says so and nothing else speaks against it, it is told.
    let mut told: Vec<String> = suspected(&object).into_iter().map(|one| one.text).collect();
    told.sort();
    assert_eq!(
        told,
        [
            "cdn.corp/logo.png",
            "disk/windows",
            "foo/bar",
            "hero.png",
            "iso/boot",
            "logo",
            "quay.io/x/y"
        ]
    );
    let args = [
        "--sidecar-image=alpine:3",
        "--sidecar-image=quay.io/a,busybox",
        "-Dx.image=quay.io/b:1,-Dy=z",
        "image=quay.io/c",
        "--image-name=foo/bar:1",
        "--runner-image=runner",
    ];
    let object =
        deployment(&json!({"containers": [{"name": "a", "image": "docker:1", "args": args}]}));
    assert_eq!(
        slots(&object),
        [
            "docker:1",
            "alpine:3",
            "quay.io/a",
            "quay.io/b:1",
            "quay.io/c",
            "foo/bar:1",
            "runner"
        ]
    );
    let told: Vec<String> = suspected(&object).into_iter().map(|one| one.text).collect();
    assert_eq!(told, ["busybox"]);
}

#[test]
fn case_16_two_items_comma_lists_and_scripts() {
    let object = deployment(&json!({"containers": [
        {"name": "a", "image": "docker:1", "args": [
            "--runner-image", "quay.io/x:1", "--sync-period", "10m",
            "--sidecar-image=quay.io/a:1,docker:1,quay.io/b:2",
            "--set", "proxy.image=quay.io/c:3,replicas=2"]},
        {"name": "b", "image": "docker:1", "command": ["sh", "-c", "docker run quay.io/d:4 && ./m --runner-image=nginx:5"]}]}));
    let at = |item: usize| format!("{CONTAINERS}/0/args/{item}");
    assert_eq!(
        changes(&object, &story()),
        [
            pair(&at(1), format!("{TARGET}/x:1")),
            pair(
                &at(4),
                format!("--sidecar-image={TARGET}/a:1,docker:1,{TARGET}/b:2")
            ),
            pair(&at(6), format!("proxy.image={TARGET}/c:3,replicas=2")),
        ]
    );
    assert_eq!(suspects(&object), ["quay.io/d:4", "nginx:5"]);
}

#[test]
fn case_17_variables_count_by_their_names_and_value_from_is_skipped() {
    let object = deployment(
        &json!({"containers": [{"name": "a", "image": "docker:1", "env": [
        {"name": "CONTROLLER_MANAGER_CONTAINER_IMAGE", "value": "ghcr.io/actions/x:1"},
        {"name": "ACTIONS_RUNNER_IMAGE", "value": "ghcr.io/actions/actions-runner:latest"},
        {"name": "RELATED_IMAGE_PROXY", "value": "quay.io/brancz/y:1"},
        {"name": "RELATED_IMAGE_CACHE", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "b"}}},
        {"name": "TARGET", "value": "quay.io/z:1"}]}]}),
    );
    let at = |item: usize| format!("{CONTAINERS}/0/env/{item}/value");
    assert_eq!(
        changes(&object, &story()),
        [
            pair(&at(0), format!("{TARGET}/ghcr/actions/x:1")),
            pair(
                &at(1),
                format!("{TARGET}/ghcr/actions/actions-runner:latest")
            ),
            pair(&at(2), format!("{TARGET}/brancz/y:1")),
        ]
    );
    assert_eq!(suspects(&object), ["quay.io/z:1"]);
}

#[test]
fn case_18_mappings_of_parts() {
    let custom = json!({"apiVersion": "example.com/v1", "kind": "Proxy", "metadata": {"name": "p", "namespace": "n"},
        "spec": {"image": {"repository": "quay.io/a/b", "tag": "v1"},
            "sidecar": {"registry": "quay.io", "repository": "c/d", "tag": "v2", "digest": ""}}});
    assert_eq!(
        changes(&custom, &story()),
        [
            pair("/spec/image/repository", format!("{TARGET}/a/b")),
            pair("/spec/sidecar/registry", TARGET),
        ]
    );
    // The values of a chart, which have no kind.
    let values = json!({"image": {"registry": "quay.io", "repository": "a/b", "tag": "v1"},
        "github": {"repository": "robbos/testing-grounds"}});
    let mut expected = values.clone();
    expected["image"]["registry"] = json!(TARGET);
    assert_eq!(moved(&values), expected);
    assert_eq!(slots(&values).len(), 1);
    // Where a text is expected and a mapping stands.
    let odd = deployment(
        &json!({"containers": [{"name": "c", "image": {"name": ["x"]}}, {"name": "d", "image": 5},
        {"name": "e", "image": {"repository": "quay.io/a/b", "tag": "v1"}}], "volumes": [{"image": "x"}]}),
    );
    assert_eq!(slots(&odd), ["quay.io/a/b:v1"]);
    assert_eq!(
        moved(&odd).pointer(&format!("{CONTAINERS}/2/image/tag")),
        Some(&json!("v1"))
    );
}

#[test]
fn case_20_stale_copies_are_left_alone() {
    let stale = "{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"quay.io/a/b:1\"}]}}";
    let metadata = json!({"name": "p", "namespace": "n",
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": stale},
        "managedFields": [{"fieldsV1": {"f:spec": {"f:image": "quay.io/a/b:1"}}}]});
    let status = json!({"containerStatuses": [{"image": "quay.io/a/b:1", "imageID": "quay.io/a/b@sha256:x"}],
        "template": {"spec": {"containers": [{"name": "c", "image": "quay.io/a/b:1"}]}}});
    let mut pod = pod(&json!({"containers": [{"name": "c", "image": format!("{TARGET}/a/b:1")}]}));
    pod["metadata"] = metadata.clone();
    pod["status"] = status.clone();
    let custom = json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": metadata, "status": status, "spec": {}});
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec":
        {"template": {"spec": {"containers": [{"name": "c", "image": "quay.io/a/b:1"}]}}, "image": "quay.io/a/b:1"}});
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "stringData": {"image": "quay.io/a/b:1", "pod": stale}});
    for object in [pod, custom, definition, secret] {
        let kind = &object["kind"];
        assert_eq!(
            decided(&object, &everything()).verdict,
            Verdict::Unchanged,
            "{kind}"
        );
        assert!(suspects(&object).is_empty(), "{kind}");
    }
}
