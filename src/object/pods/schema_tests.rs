use serde_json::{Value, json};

use super::super::{CustomKinds, image_slots_with, pod_specs_with};
use super::*;

fn container() -> Value {
    let text = json!({"type": "string"});
    let list = json!({"type": "array", "items": {"type": "string"}});
    json!({"type": "array", "items": {"type": "object", "properties": {
        "name": text, "image": text, "command": list, "args": list,
        "env": {"type": "array", "items": {"type": "object"}}}}})
}

fn pod_spec() -> Value {
    json!({"type": "object", "properties": {
        "containers": container(), "initContainers": container(),
        "imagePullSecrets": {"type": "array"}, "volumes": {"type": "array"},
        "serviceAccountName": {"type": "string"}}})
}

fn template() -> Value {
    json!({"type": "object", "properties": {"metadata": {"type": "object"}, "spec": pod_spec()}})
}

fn definition(kind: &str, versions: &[(&str, bool, Value)]) -> Value {
    let versions: Vec<Value> = versions
        .iter()
        .map(|(name, storage, spec)| {
            json!({"name": name, "served": true, "storage": storage, "schema": {"openAPIV3Schema":
                {"type": "object", "properties": {
                    "metadata": {"type": "object"}, "status": template(), "spec": spec}}}})
        })
        .collect();
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "spec": {"group": "example.com", "scope": "Namespaced", "names": {"kind": kind}, "versions": versions}})
}

fn kinds(definition: &Value) -> CustomKinds {
    let mut kinds = CustomKinds::default();
    kinds.read_object(definition);
    kinds
}

fn places(kinds: &CustomKinds, kind: &str) -> Vec<(String, bool, Shape)> {
    kinds
        .pods("example.com", kind)
        .iter()
        .map(|pod| (pod.spec.clone(), pod.has_metadata, pod.shape))
        .collect()
}

#[test]
fn a_pod_is_found_however_deep_in_lists_and_mappings() {
    let spec = json!({"type": "object", "properties": {
        "jobs": {"type": "array", "items": {"type": "object", "properties": {"template": template()}}},
        "by/name": {"type": "object", "additionalProperties": pod_spec()},
        "extra": {"type": "object", "additionalProperties": true},
        "sidecars": {"type": "object", "properties": {"containers": container()}},
        "containers": {"type": "array", "items": {"type": "object", "properties": {
            "name": {"type": "string"}, "image": {"type": "string"}}}}}});
    let kinds = kinds(&definition("Farm", &[("v1", true, spec)]));
    let whole = Shape::PodSpec;
    assert_eq!(
        places(&kinds, "Farm"),
        [
            ("/spec/by~1name/*".to_owned(), false, whole),
            ("/spec/jobs/*/template/spec".to_owned(), true, whole),
            ("/spec/sidecars".to_owned(), false, Shape::Containers),
        ]
    );
    // Names that no shape would tell, and a container without a name.
    let object = json!({"apiVersion": "example.com/v1", "kind": "Farm", "spec": {
        "jobs": [{}, {"template": {"metadata": {}, "spec": {"containers": [{"image": "quay.io/a/b:1"}]}}}],
        "by/name": {"x/y": {"initContainers": [{"image": "quay.io/c/d:1"}]}, "none": null},
        "sidecars": {"containers": [{"image": "quay.io/e/f:1"}]}}});
    let found: Vec<String> = image_slots_with(&object, &kinds)
        .iter()
        .map(|slot| slot.pointer.to_string())
        .collect();
    assert_eq!(
        found,
        [
            "/spec/by~1name/x~1y/initContainers/0/image",
            "/spec/jobs/1/template/spec/containers/0/image",
            "/spec/sidecars/containers/0/image",
        ]
    );
    let pods = pod_specs_with(&object, &kinds);
    assert_eq!(
        pods[1].metadata.as_ref().unwrap().as_str(),
        "/spec/jobs/1/template/metadata"
    );
    let list = json!({"apiVersion": "example.com/v1", "kind": "FarmList", "items": [
        {"spec": {"sidecars": {"containers": [{"image": "quay.io/e/f:1"}]}}}]});
    assert_eq!(
        image_slots_with(&list, &kinds)[0].pointer.as_str(),
        "/items/0/spec/sidecars/containers/0/image"
    );
}

#[test]
fn every_served_version_counts_and_the_stored_one_is_listed() {
    let one = json!({"type": "object", "properties": {"template": template()}});
    let two = json!({"type": "object", "properties": {"pod": template()}});
    let kinds = kinds(&definition(
        "Farm",
        &[("v1beta1", false, one), ("v1", true, two)],
    ));
    let farm = kinds.iter().next().unwrap();
    assert_eq!(farm.api_version(), "example.com/v1");
    let pods: Vec<&str> = farm.pods.iter().map(|pod| pod.spec.as_str()).collect();
    assert_eq!(pods, ["/spec/pod/spec", "/spec/template/spec"]);
}

#[test]
fn only_an_api_servers_own_groups_are_passed_by() {
    let mut spark = definition("Farm", &[("v1", true, template())]);
    spark["spec"]["group"] = json!("sparkoperator.k8s.io");
    assert_eq!(kinds(&spark).pods("sparkoperator.k8s.io", "Farm").len(), 1);
    spark["spec"]["group"] = json!("networking.k8s.io");
    assert!(kinds(&spark).is_empty());
}

#[test]
fn a_kind_without_pods_is_known_where_it_may_name_an_image() {
    let spec = |properties: Value| json!({"type": "object", "properties": properties});
    let text = json!({"type": "string"});
    for (name, properties) in [
        ("a field", json!({"proxyImage": text})),
        (
            "deep",
            json!({"a": {"type": "array", "items": {"type": "object", "properties": {"image": spec(json!({}))}}}}),
        ),
        (
            "parts",
            json!({"proxy": spec(json!({"repository": text, "tag": text}))}),
        ),
        (
            "variables",
            json!({"config": spec(json!({"env": {"type": "array"}}))}),
        ),
        (
            "anything",
            json!({"values": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}),
        ),
    ] {
        let kinds = kinds(&definition("Farm", &[("v1", true, spec(properties))]));
        assert!(kinds.has_no_pods("example.com", "Farm"), "{name}");
        assert_eq!(kinds.iter().count(), 1, "{name}");
    }
    let with_pods = kinds(&definition("Farm", &[("v1", true, template())]));
    assert!(!with_pods.has_no_pods("example.com", "Farm"));
    for (name, properties) in [
        (
            "others",
            json!({"replicas": {"type": "integer"}, "imagePullSecrets": {"type": "array"}}),
        ),
        (
            "a repository of Git",
            json!({"repository": text, "branch": text}),
        ),
    ] {
        let kinds = kinds(&definition("Farm", &[("v1", true, spec(properties))]));
        assert!(kinds.is_empty(), "{name}");
    }
    // Such as a report of what was scanned.
    let mut report = definition("Report", &[("v1", true, spec(json!({})))]);
    report["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["report"] =
        spec(json!({"artifact": spec(json!({"repository": text, "tag": text}))}));
    assert!(kinds(&report).is_empty());
}

#[test]
fn what_says_nothing_of_an_image_adds_no_kind() {
    let mut unserved = definition("Farm", &[("v1", true, template())]);
    unserved["spec"]["versions"][0]["served"] = json!(false);
    assert!(kinds(&unserved).is_empty());
    let mut of_arc = definition("RunnerDeployment", &[("v1alpha1", true, template())]);
    of_arc["spec"]["group"] = json!(super::super::LEGACY_GROUP);
    assert!(kinds(&of_arc).is_empty());
    for object in [
        json!(null),
        json!({"kind": "CustomResourceDefinition", "spec": 1}),
        template(),
    ] {
        assert!(kinds(&object).is_empty());
    }
}

#[test]
fn a_document_of_the_server_follows_its_references_and_no_circle() {
    let reference = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    let document = json!({"openapi": "3.0.0", "components": {"schemas": {
        "com.example.v1.Farm": {"type": "object",
            "x-kubernetes-group-version-kind": [{"group": "example.com", "kind": "Farm", "version": "v1"}],
            "properties": {"spec": {"type": "object", "properties": {
                // Two of them: each way through both is one of 2^48.
                "again": reference("com.example.v1.Farm"), "another": reference("com.example.v1.Farm"),
                "template": {"allOf": [reference("io.k8s.api.core.v1.PodTemplateSpec")], "default": {}}}}}},
        "io.k8s.api.core.v1.PodTemplateSpec": {"type": "object", "properties": {
            "metadata": {"type": "object"}, "spec": reference("io.k8s.api.core.v1.PodSpec")}},
        "io.k8s.api.core.v1.PodSpec": pod_spec(),
        "Shared": {"type": "object", "properties": {"spec": template()},
            "x-kubernetes-group-version-kind": [
                {"group": "a", "kind": "S", "version": "v1"}, {"group": "b", "kind": "S", "version": "v1"}]}}}});
    let text = document.to_string();
    let document: OpenApi<'_> = serde_json::from_str(&text).unwrap();
    let mut kinds = CustomKinds::default();
    kinds.add_openapi(&document);
    let farm = kinds.iter().next().unwrap();
    assert_eq!(farm.api_version(), "example.com/v1");
    assert!(
        farm.pods
            .iter()
            .any(|pod| pod.spec == "/spec/template/spec" && pod.has_metadata)
    );
    assert_eq!(kinds.iter().count(), 1);
}

/// Each schema names the next one twice: of 40, there are 2^40 ways.
#[test]
fn a_document_of_many_ways_is_left_and_its_kind_may_name_images() {
    let schemas: serde_json::Map<String, Value> = (0..40)
        .map(|number| {
            let next = json!({"$ref": format!("#/components/schemas/S{}", number + 1)});
            let schema = json!({"type": "object", "properties": {"spec": next, "other": next}});
            (format!("S{number}"), schema)
        })
        .collect();
    let mut document = json!({"components": {"schemas": schemas}});
    document["components"]["schemas"]["S0"]["x-kubernetes-group-version-kind"] =
        json!([{"group": "example.com", "kind": "Farm", "version": "v1"}]);
    let text = document.to_string();
    let mut kinds = CustomKinds::default();
    kinds.add_openapi(&serde_json::from_str(&text).unwrap());
    assert!(kinds.has_no_pods("example.com", "Farm"));
}
