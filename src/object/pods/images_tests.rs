use serde_json::{Value, json};

use super::super::{image_slots, suspected};
use super::*;

fn suspects(object: &Value) -> Vec<(String, String, Suspicion)> {
    let suspects = suspected(object).into_iter();
    suspects
        .map(|one| (one.pointer.to_string(), one.text, one.why))
        .collect()
}

fn told(at: &str, text: &str, why: Suspicion) -> (String, String, Suspicion) {
    (at.to_owned(), text.to_owned(), why)
}

/// A container that is not known to be one, and lists of the same names in a kind of which nothing is known.
#[test]
fn flags_and_variables_of_a_custom_kind_are_suspected_by_their_names() {
    let lists = json!({
        "args": ["--proxy-image=src.corp/a/b:1", "--side-image", "src.corp/a/c:1", "--metrics-addr=127.0.0.1:8080",
            "--prometheus-config-reloader=src.corp/a/d:1", "--repository=robbos/testing-grounds", "--v=10"],
        "env": [{"name": "PROXY_IMAGE", "value": "src.corp/a/e:1"}, {"name": "ADDRESS", "value": "src.corp/a/f:1"},
            {"name": "X_IMAGE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "KNOWN_IMAGE", "value": "quay.io/a/g:1"}, {"name": "LATER_IMAGE", "value": "src.corp/a/h:$(TAG)"}]});
    let service = json!({"apiVersion": "serving.knative.dev/v1", "kind": "Service",
        "spec": {"template": {"spec": {"containers": [lists]}}}});
    let own = json!({"apiVersion": "example.com/v1", "kind": "Thing", "spec": lists});
    for (object, at) in [
        (service, "/spec/template/spec/containers/0"),
        (own, "/spec"),
    ] {
        let name = |path: &str, image: &str| told(&format!("{at}/{path}"), image, Suspicion::Name);
        assert_eq!(
            suspects(&object),
            [
                told(
                    &format!("{at}/env/3/value"),
                    "quay.io/a/g:1",
                    Suspicion::Host
                ),
                name("args/0", "src.corp/a/b:1"),
                name("args/2", "src.corp/a/c:1"),
                name("args/4", "src.corp/a/d:1"),
                name("env/0/value", "src.corp/a/e:1"),
                told(
                    &format!("{at}/env/4/value"),
                    "src.corp/a/h",
                    Suspicion::Version
                ),
            ]
        );
        assert!(image_slots(&object).is_empty());
    }
}

/// `envFrom` makes variables of them.
#[test]
fn entries_of_a_config_map_are_suspected_by_their_names() {
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {
        "ADDRESS": "src.corp/a/f:1", "HERO_IMAGE": "10", "IMAGE_TAG": "src.corp/a/g:1", "LATER_IMAGE": "$(REGISTRY)/a/d:1",
        "SIDE_IMAGE": "src.corp/a/b:1\n", "image.yaml": "image: src.corp/a/h:1", "proxyImage": "src.corp/a/c:1"}});
    assert_eq!(
        suspects(&map),
        [
            told("/data/LATER_IMAGE", "$(REGISTRY)/a/d:1", Suspicion::Later),
            told("/data/SIDE_IMAGE", "src.corp/a/b:1", Suspicion::Name),
            told("/data/image.yaml", "src.corp/a/h:1", Suspicion::File),
            told("/data/proxyImage", "src.corp/a/c:1", Suspicion::Name),
        ]
    );
    assert!(image_slots(&map).is_empty());
}

/// The values of a chart in a HelmChart or an Application read as those in a ConfigMap.
#[test]
fn a_file_in_a_custom_kind_is_read_and_all_of_it_suspected() {
    let parts = "image: {registry: quay.io, repository: a/b, tag: v1}\n# see ghcr.io/no/image\nreplicas: 2\n";
    let pod = "apiVersion: v1\nkind: Pod\nspec: {containers: [{image: src.corp/a/b:1, args: [--side-image=c/d:1]}]}\n";
    let secret = "apiVersion: v1\nkind: Secret\nstringData: {image: quay.io/a/b:1}\n";
    let script = "#!/bin/sh\necho note: pulling\ndocker pull quay.io/a/b:1\n";
    let within = format!("values: |\n  {}\n", parts.trim_end().replace('\n', "\n  "));
    for (text, expected) in [
        (parts, vec!["quay.io/a/b:v1"]),
        (pod, vec!["src.corp/a/b:1", "c/d:1"]),
        (secret, vec![]),
        (script, vec!["quay.io/a/b:1"]),
        (within.as_str(), vec!["quay.io/a/b:v1"]),
    ] {
        let chart = json!({"apiVersion": "helm.cattle.io/v1", "kind": "HelmChart", "spec": {"valuesContent": text}});
        let expected: Vec<_> = expected
            .into_iter()
            .map(|image| told("/spec/valuesContent", image, Suspicion::File))
            .collect();
        assert_eq!(suspects(&chart), expected, "{text}");
        assert!(image_slots(&chart).is_empty(), "{text}");
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"values": text}});
        let in_map = suspected(&map).len() + image_slots(&map).len();
        assert_eq!(in_map, expected.len(), "{text}");
    }
}

#[test]
fn a_list_of_objects_at_the_root_is_suspected() {
    let list = json!([
        {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [
            {"name": "c", "image": "quay.io/a/b:1", "args": ["--side-image=src.corp/c:1", "src.corp/d:1"]}]}},
        {"apiVersion": "v1", "kind": "Secret", "stringData": {"image": "quay.io/a/b:1"}},
        {"apiVersion": "v1", "kind": "ConfigMap", "data": {"pod": TEMPLATE}},
        {"op": "replace", "path": "/spec/image", "value": "quay.io/e/f:1"}]);
    assert_eq!(
        suspects(&list),
        [
            told(
                "/0/spec/containers/0/args/1",
                "src.corp/d:1",
                Suspicion::Host
            ),
            told("/3/value", "quay.io/e/f:1", Suspicion::Host),
            told(
                "/0/spec/containers/0/image",
                "quay.io/a/b:1",
                Suspicion::File
            ),
            told(
                "/0/spec/containers/0/args/0",
                "src.corp/c:1",
                Suspicion::File
            ),
            told("/2/data/pod", "quay.io/in/text:1", Suspicion::File),
        ]
    );
    assert!(image_slots(&list).is_empty());
    let secret = json!([{"kind": "Secret", "stringData": {"image": "quay.io/a/b:1"}}]);
    for list in [secret, json!([]), json!([1, "a", null, ["quay.io", {}]])] {
        assert!(suspects(&list).is_empty(), "{list}");
    }
}

/// No clock is asked: to look for each image from the beginning of its text would take minutes.
#[test]
fn a_list_of_images_in_a_text_is_walked_once() {
    let images: Vec<String> = (0..60_000)
        .map(|number| format!("q.io/a:{number}"))
        .collect();
    let pod = |argument: &str| {
        let list = images.join(",");
        let text = format!(
            "apiVersion: v1\nkind: Pod\nspec: {{containers: [{{name: c, args: [\"{argument}={list}\"]}}]}}\n"
        );
        json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"x": text}})
    };
    // With an escape, the text is not what its bytes are.
    for argument in ["--x-image", "\\x2d-x-image"] {
        let map = pod(argument);
        let slots = image_slots(&map);
        let text = map["data"]["x"].as_str().unwrap();
        assert!(
            slots.iter().map(|slot| &slot.text).eq(&images),
            "{argument}"
        );
        assert!(
            slots
                .iter()
                .all(|slot| text[slot.span.clone()] == slot.text)
        );
    }
}

const TEMPLATE: &str = "spec:\n  containers:\n  - {name: c, image: quay.io/in/text:1}\n";
