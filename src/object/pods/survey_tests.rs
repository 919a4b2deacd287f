use serde_json::{Value, json};

use super::super::{SlotKind, Suspicion, image_slots, pod_specs, suspected, write_slots};
use super::*;

fn found(object: &Value) -> Vec<(String, String)> {
    image_slots(object)
        .into_iter()
        .map(|slot| (slot.pointer.to_string(), slot.text))
        .collect()
}

fn suspects(object: &Value) -> Vec<(String, String, Suspicion)> {
    suspected(object)
        .into_iter()
        .map(|suspect| (suspect.pointer.to_string(), suspect.text, suspect.why))
        .collect()
}

fn pair(at: &str, text: &str) -> (String, String) {
    (at.to_owned(), text.to_owned())
}

#[test]
fn a_template_is_known_by_its_shape() {
    let pod = json!({"containers": [{"name": "c", "image": "quay.io/a/b:1", "args": ["--proxy-image=quay.io/p:1"]}],
        "initContainers": [{"name": "i", "image": "quay.io/i:1"}]});
    let rollout = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "spec": {
        "template": {"metadata": {"labels": {}}, "spec": pod},
        "nodes": [{"podTemplate": {"spec": pod}}]}});
    let found: Vec<String> = found(&rollout).into_iter().map(|(at, _)| at).collect();
    assert_eq!(
        found,
        [
            "/spec/template/spec/initContainers/0/image",
            "/spec/template/spec/containers/0/image",
            "/spec/template/spec/containers/0/args/0",
            "/spec/nodes/0/podTemplate/spec/initContainers/0/image",
            "/spec/nodes/0/podTemplate/spec/containers/0/image",
            "/spec/nodes/0/podTemplate/spec/containers/0/args/0",
        ]
    );
    assert!(suspected(&rollout).is_empty());
    let pods = pod_specs(&rollout);
    assert_eq!(pods[0].shape, Shape::Containers);
    assert_eq!(
        pods[0].metadata.as_ref().unwrap().as_str(),
        "/spec/template/metadata"
    );
    assert_eq!(pods[1].metadata, None);
}

#[test]
fn what_is_called_an_image_in_an_unknown_kind_is_suspected() {
    let image = "quay.io/a/b:1";
    let cases = [
        (
            "Workflow",
            json!({"templates": [{"container": {"image": image}}]}),
            "/templates/0/container/image",
        ),
        (
            "Task",
            json!({"steps": [{"name": "s", "image": image}]}),
            "/steps/0/image",
        ),
        (
            "Service",
            json!({"template": {"spec": {"containers": [{"image": image}]}}}),
            "/template/spec/containers/0/image",
        ),
        ("Prometheus", json!({"image": image}), "/image"),
        ("Cluster", json!({"imageName": image}), "/imageName"),
        (
            "ClusterServiceVersion",
            json!({"relatedImages": [{"name": "a", "image": image}]}),
            "/relatedImages/0/image",
        ),
    ];
    for (kind, spec, at) in cases {
        let object = json!({"apiVersion": "example.com/v1", "kind": kind, "spec": spec,
            "metadata": {"annotations": {"image": image}}, "status": {"image": image}});
        let expected = (format!("/spec{at}"), image.to_owned(), Suspicion::Name);
        assert_eq!(suspects(&object), [expected], "{kind}");
        assert!(image_slots(&object).is_empty(), "{kind}");
    }
    let package = json!({"apiVersion": "pkg.crossplane.io/v1", "kind": "Provider",
        "spec": {"package": "xpkg.upbound.io/a/b:v1", "url": "oci://ghcr.io/c/d", "home": "https://github.com/a/b"}});
    let found: Vec<String> = suspects(&package)
        .into_iter()
        .map(|(_, text, _)| text)
        .collect();
    assert_eq!(found, ["xpkg.upbound.io/a/b:v1", "ghcr.io/c/d"]);
}

/// Groups under Kubernetes' domain belong to many; only an API server's own kinds are known to hold nothing else.
#[test]
fn a_group_of_another_owner_is_custom_under_kubernetes_domain_too() {
    let spark = json!({"apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "SparkApplication", "spec": {
        "image": "quay.io/spark/spark:3", "driver": {"template": {"spec": {"containers": [
            {"name": "driver", "image": "quay.io/spark/driver:3"}]}}}}});
    assert_eq!(
        found(&spark),
        [pair(
            "/spec/driver/template/spec/containers/0/image",
            "quay.io/spark/driver:3"
        )]
    );
    for (object, at, text) in [
        (&spark, "/spec/image", "quay.io/spark/spark:3"),
        (
            &json!({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
                "images": [{"name": "nginx", "newName": "quay.io/bitnami/nginx"}]}),
            "/images/0/newName",
            "quay.io/bitnami/nginx",
        ),
        (
            &json!({"apiVersion": "kubeadm.k8s.io/v1beta4", "kind": "ClusterConfiguration",
                "imageRepository": "quay.io/coreos"}),
            "/imageRepository",
            "quay.io/coreos",
        ),
    ] {
        let found = suspects(object);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].0.as_str(), found[0].1.as_str()), (at, text));
    }
    for api_version in [
        "gateway.networking.k8s.io/v1",
        "snapshot.storage.k8s.io/v1",
        "custom.metrics.k8s.io/v1",
    ] {
        let route = json!({"apiVersion": api_version, "kind": "HTTPRoute", "spec": {
            "parentRefs": [{"name": "gateway"}], "hostnames": ["registry.corp"],
            "rules": [{"backendRefs": [{"name": "registry", "port": 5000}]}]}});
        assert!(found(&route).is_empty() && suspects(&route).is_empty());
    }
    let schema = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "spec": {"image": "quay.io/a/b:1"}});
    assert!(found(&schema).is_empty() && suspects(&schema).is_empty());
}

#[test]
fn parts_are_images_in_custom_kinds_and_in_the_values_of_a_chart() {
    let parts = json!({"repository": "quay.io/a/b", "tag": "v1"});
    let custom = json!({"apiVersion": "example.com/v1", "kind": "Thing", "spec": {"image": parts, "source": parts}});
    assert_eq!(found(&custom), [pair("/spec/image", "quay.io/a/b:v1")]);
    assert_eq!(
        suspects(&custom),
        [(
            "/spec/source".to_owned(),
            "quay.io/a/b:v1".to_owned(),
            Suspicion::Parts
        )]
    );
    // The values of ARC's charts.
    let values = json!({
        "image": {"repository": "summerwind/actions-runner-controller", "pullPolicy": "IfNotPresent",
            "actionsRunnerRepositoryAndTag": "summerwind/actions-runner:latest", "deployRepositoryAndTag": ""},
        "metrics": {"proxy": {"image": {"repository": "quay.io/brancz/kube-rbac-proxy", "tag": "v0.13.1"}}},
        "template": {"spec": {"containers": [{"name": "runner", "image": "ghcr.io/actions/actions-runner:latest"}]}},
        "sidecarImage": "nginx:1", "githubConfigUrl": "https://github.com/robbos/testing-grounds"});
    assert_eq!(
        found(&values),
        [
            pair(
                "/template/spec/containers/0/image",
                "ghcr.io/actions/actions-runner:latest"
            ),
            pair("/image", "summerwind/actions-runner-controller"),
            pair(
                "/image/actionsRunnerRepositoryAndTag",
                "summerwind/actions-runner:latest"
            ),
            pair(
                "/metrics/proxy/image",
                "quay.io/brancz/kube-rbac-proxy:v0.13.1"
            ),
        ]
    );
    assert_eq!(
        suspects(&values),
        [(
            "/sidecarImage".to_owned(),
            "nginx:1".to_owned(),
            Suspicion::Name
        )]
    );
}

#[test]
fn parts_with_a_number_that_yaml_respells_are_told() {
    let parts = json!({"registry": "quay.io", "repository": "a/b", "tag": 1.1});
    let name = "quay.io/a/b".to_owned();
    let custom =
        json!({"apiVersion": "example.com/v1", "kind": "Thing", "spec": {"image": parts.clone()}});
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "c", "image": parts}]}});
    for (object, at) in [
        (custom, "/spec/image"),
        (json!({"image": parts}), "/image"),
        (pod, "/spec/containers/0/image"),
    ] {
        assert!(found(&object).is_empty());
        assert_eq!(
            suspects(&object),
            [(at.to_owned(), name.clone(), Suspicion::Version)]
        );
    }
    let text = "image:\n  registry: quay.io\n  repository: a/b\n  tag: 1.10\n";
    let told = ("/data/file.yaml".to_owned(), name.clone(), Suspicion::File);
    assert_eq!(suspects(&config_map(text)), [told]);
}

#[test]
fn objects_within_a_custom_kind_are_objects() {
    let secret =
        json!({"apiVersion": "v1", "kind": "Secret", "stringData": {"image": "quay.io/a/b:1"}});
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"image": "quay.io/a/b:1"}]}});
    let work = json!({"apiVersion": "work.open-cluster-management.io/v1", "kind": "ManifestWork",
        "spec": {"workload": {"manifests": [secret, pod]}}});
    assert_eq!(
        found(&work),
        [pair(
            "/spec/workload/manifests/1/spec/containers/0/image",
            "quay.io/a/b:1"
        )]
    );
    assert!(suspected(&work).is_empty());
}

#[test]
fn secrets_are_never_looked_at_however_they_are_written() {
    let data = json!({"image": "quay.io/a/b:1", "note": "see quay.io/a/b", "template": {"spec": {"containers": [
        {"name": "c", "image": "quay.io/a/b:1"}]}}});
    for object in [
        json!({"apiVersion": "v1", "kind": "Secret", "stringData": data}),
        json!({"kind": "Secret", "stringData": data}),
        json!({"apiVersion": "v1", "kind": "SecretList", "items": [{"stringData": data}]}),
        json!({"apiVersion": "v1", "kind": "ServiceList", "items": [{"spec": data}]}),
    ] {
        assert!(
            found(&object).is_empty() && suspects(&object).is_empty(),
            "{object}"
        );
    }
    let pods = json!({"apiVersion": "v1", "kind": "PodList", "items": [{"spec": {"containers": [{"image": "a"}]}}]});
    assert_eq!(
        found(&pods),
        [pair("/items/0/spec/containers/0/image", "a")]
    );
}

#[test]
fn annotations_of_a_pod_are_suspected_by_their_names() {
    let object = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{\"image\":\"quay.io/a/b\"}"}},
        "spec": {"template": {"metadata": {"annotations": {
            "sidecar.istio.io/proxyImage": "docker.io/istio/proxyv2:1.20",
            "arc-setup.dev/original-image": "quay.io/a/b:1", "note": "quay.io/a/b"}},
            "spec": {"containers": []}}}});
    let at = "/spec/template/metadata/annotations/sidecar.istio.io~1proxyImage";
    assert_eq!(
        suspects(&object),
        [(
            at.to_owned(),
            "docker.io/istio/proxyv2:1.20".to_owned(),
            Suspicion::Name
        )]
    );
    let rollout = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "spec": {"template": {
        "metadata": {"annotations": {"proxyImage": "a/b:1"}}, "spec": {"containers": [{"name": "c", "image": "c"}]}}}});
    assert_eq!(suspects(&rollout).len(), 1);
}

#[test]
fn a_bottomless_object_is_left_at_some_depth() {
    let mut value = json!({"image": "quay.io/a/b:1"});
    for _ in 0..500 {
        value = Value::Object(Map::from_iter([("a".to_owned(), value)]));
    }
    let mut object = json!({"apiVersion": "example.com/v1", "kind": "Deep"});
    object["spec"] = value;
    assert!(image_slots(&object).is_empty() && suspected(&object).is_empty());
}

const TEMPLATE: &str = "# what the hooks merge\nmetadata:\n  labels: {a: b}\nspec:\n  containers:\n  - name: $job\n    \
    image: \"quay.io/a/b:1\"  # ours\n  - name: side\n    image: 'quay.io/c/d:2'\n    env:\n    - {name: X_IMAGE, value: quay.io/e:3}\n";

fn config_map(text: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"file.yaml": text}})
}

#[test]
fn a_pod_template_in_a_text_is_changed_where_it_stands() {
    let mut object = config_map(TEMPLATE);
    let slots = image_slots(&object);
    let at: Vec<String> = slots
        .iter()
        .map(|slot| match &slot.kind {
            SlotKind::Embedded { pointer } => format!("{} {pointer}", slot.pointer),
            other => panic!("{other:?}"),
        })
        .collect();
    let within = "/data/file.yaml /spec/containers";
    assert_eq!(
        at,
        [
            format!("{within}/0/image"),
            format!("{within}/1/image"),
            format!("{within}/1/env/0/value")
        ]
    );
    let images: Vec<_> = slots
        .into_iter()
        .map(|slot| {
            let image = slot.text.replace("quay.io", "registry.corp:5000/quay");
            (slot, image)
        })
        .collect();
    let edits = write_slots(&mut object, &images);
    assert_eq!(edits.len(), 1);
    assert_eq!(
        edits[0].after,
        TEMPLATE.replace("quay.io", "registry.corp:5000/quay")
    );
    assert!(suspected(&object).is_empty());
}

#[test]
fn several_documents_json_and_texts_within_texts() {
    let pod = r#"{"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "a", "image": "quay.io/a:1"}]}}"#;
    let inner = format!("apiVersion: v1\nkind: ConfigMap\ndata:\n  a: |\n    {pod}\n");
    for (text, count) in [
        (pod.to_owned(), 1),
        (format!("---\n{pod}\n---\n# nothing\n---\n{pod}\n"), 2),
        (inner, 1),
        (
            "apiVersion: v1\nkind: Secret\nstringData: {image: quay.io/a:1}\n".to_owned(),
            0,
        ),
    ] {
        let mut object = config_map(&text);
        let images: Vec<_> = image_slots(&object)
            .into_iter()
            .map(|slot| (slot, "r/a:2".to_owned()))
            .collect();
        assert_eq!(images.len(), count, "{text}");
        write_slots(&mut object, &images);
        let expected = if count == 0 {
            text
        } else {
            text.replace("quay.io/a:1", "r/a:2")
        };
        assert_eq!(object["data"]["file.yaml"], expected);
    }
}

#[test]
fn what_is_no_object_in_a_text_is_suspected() {
    let cases = [
        (
            "[[runners]]\n  [runners.kubernetes]\n    image = \"alpine:latest\"\n    token = \"x/y\"\n",
            vec!["alpine:latest"],
        ),
        (
            "spark.kubernetes.container.image=quay.io/spark/spark:3\nspark.eventLog.dir=s3a://x/y\n",
            vec!["quay.io/spark/spark:3"],
        ),
        (
            "global:\n  proxy:\n    image: docker.io/istio/proxyv2:1\n",
            vec!["docker.io/istio/proxyv2:1"],
        ),
        (
            "image:\n  repository: quay.io/a/b\n  tag: v1\n",
            vec!["quay.io/a/b:v1"],
        ),
        (
            "{{ range . }}\nimage: \"{{ . }}\"\nproxy: ghcr.io/a/b\n{{ end }}\n",
            vec!["ghcr.io/a/b"],
        ),
        (
            "containers:\n- name: a\n  image: quay.io/a:1\n",
            vec!["quay.io/a:1"],
        ),
        // Its bytes are not those of the reference.
        (
            "spec: {containers: [{name: a, image: \"quay.io\\/a:1\"}]}",
            vec!["quay.io/a:1"],
        ),
        ("just a sentence with quay.io/a/b: in it", vec![]),
        ("key: value\nurl: https://quay.io/a/b\n", vec![]),
    ];
    for (text, expected) in cases {
        let object = config_map(text);
        assert!(image_slots(&object).is_empty(), "{text}");
        let found: Vec<String> = suspected(&object).into_iter().map(|one| one.text).collect();
        assert_eq!(found, expected, "{text}");
    }
}

/// One key too few or too many, and nothing would be rewritten in silence.
#[test]
fn what_a_known_kind_has_in_a_wrong_place_is_suspected() {
    let images = |object: &Value| -> Vec<String> {
        assert!(image_slots(object).is_empty(), "{object}");
        let suspects = suspected(object).into_iter();
        suspects.map(|one| one.pointer.to_string()).collect()
    };
    let containers =
        json!([{"name": "c", "image": "quay.io/a/b:1", "resources": {"image": "quay.io/no:1"}}]);
    let deployment =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"containers": containers}});
    assert_eq!(images(&deployment), ["/spec/containers/0/image"]);
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "spec": [{"image": {"repository": "quay.io/a/b", "tag": "1"}}]});
    assert_eq!(images(&pod), ["/spec/0/image"]);
    let template = json!({"apiVersion": "batch/v1", "kind": "CronJob", "spec": {"template": {"spec": {"containers": containers}}}});
    assert_eq!(
        images(&template),
        ["/spec/template/spec/containers/0/image"]
    );
    for nothing in [
        json!({"apiVersion": "v1", "kind": "Pod"}),
        json!({"apiVersion": "v1", "kind": "Pod", "spec": null}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 3}}),
    ] {
        assert!(images(&nothing).is_empty(), "{nothing}");
    }
}
