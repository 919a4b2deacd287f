//! Objects of every kind that has images, with everything that a patch may meet in them.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::manifests::text;
use crate::object::pods::CustomKinds;

pub(super) fn image() -> impl Strategy<Value = String> {
    let host = prop_oneof![
        Just("quay.io/"),
        Just("ghcr.io/"),
        Just(""),
        Just("docker.io/"),
        Just("other.example.com/"),
        Just("registry.example.com/mirror/")
    ];
    // Few of them, so that one text has the same image twice, also in two spellings of it.
    let path = prop_oneof![
        4 => "[a-c]{1,2}(/[a-c]){0,2}",
        2 => Just("library/a".to_owned()),
        1 => Just("x/actions-runner-controller".to_owned()),
    ];
    (host, path, "(:[a-z0-9.]{1,3})?")
        .prop_map(|(host, path, tag)| format!("{host}{path}{}", tag.replace(":.", ":1")))
}

fn argument() -> impl Strategy<Value = Vec<String>> {
    prop_oneof![
        image().prop_map(|image| vec![format!("--docker-image={image}")]),
        image().prop_map(|image| vec!["--runner-image".to_owned(), image]),
        (image(), image()).prop_map(|(one, other)| vec![format!("--sidecar-image={one},{other}")]),
        Just(vec!["--v=10".to_owned()]),
        Just(vec!["--metrics-addr=127.0.0.1:8080".to_owned()]),
    ]
}

fn container(name: String) -> BoxedStrategy<Value> {
    let env = prop::collection::vec(
        (
            prop_oneof![
                Just("RELATED_IMAGE_A"),
                Just("ACTIONS_RUNNER_IMAGE"),
                Just("ACTIONS_RUNNER_CONTAINER_HOOKS"),
                Just("X")
            ],
            image(),
        )
            .prop_map(|(name, value)| json!({"name": name, "value": value})),
        0..3,
    );
    (
        image(),
        prop::option::of(prop::collection::vec(argument(), 0..4)),
        prop::option::of(env),
        prop::option::of(prop_oneof![Just("Always"), Just("IfNotPresent")]),
        prop::option::weighted(0.8, Just(())),
    )
        .prop_map(move |(image, args, env, policy, has_image)| {
            let mut container = json!({"name": name});
            if has_image.is_some() {
                container["image"] = json!(image);
            }
            if let Some(policy) = policy {
                container["imagePullPolicy"] = json!(policy);
            }
            if let Some(args) = args {
                container["args"] = json!(args.concat());
            }
            if let Some(env) = env {
                container["env"] = json!(env);
            }
            container
        })
        .boxed()
}

pub(super) fn pod() -> BoxedStrategy<Value> {
    let list = |prefix: &'static str| {
        prop::collection::vec(Just(()), 0..3).prop_flat_map(move |items| {
            let each: Vec<_> = (0..items.len())
                .map(|index| container(format!("{prefix}{index}")))
                .collect();
            each
        })
    };
    let volume = image().prop_map(|image| json!({"name": "v", "image": {"reference": image}}));
    let first = prop_oneof![Just("manager"), Just("runner"), Just("kube-rbac-proxy")]
        .prop_flat_map(|name| container(name.to_owned()));
    (
        first,
        list("c"),
        prop::option::of(list("i")),
        prop::option::of(list("e")),
        prop::option::of(prop::collection::vec(volume, 0..2)),
        prop::option::of(prop::collection::vec(
            "[a-c]".prop_map(|name| json!({"name": name})),
            0..3,
        )),
        prop::option::of(image()),
    )
        .prop_map(
            |(first, mut containers, init, ephemeral, volumes, secrets, image)| {
                containers.insert(0, first);
                let mut pod = json!({"serviceAccountName": "x"});
                for (key, value) in [
                    ("initContainers", init.map(|items| json!(items))),
                    ("containers", Some(json!(containers))),
                    ("ephemeralContainers", ephemeral.map(|items| json!(items))),
                    ("volumes", volumes.map(|items| json!(items))),
                    ("imagePullSecrets", secrets.map(|items| json!(items))),
                    ("image", image.map(|image| json!(image))),
                ] {
                    if let Some(value) = value {
                        pod[key] = value;
                    }
                }
                pod
            },
        )
        .boxed()
}

/// `{registry, repository, tag, digest}` in every way that somebody writes an image.
fn split() -> BoxedStrategy<Value> {
    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let host = prop_oneof![
        Just("quay.io"),
        Just("docker.io"),
        Just("registry.example.com"),
        Just("")
    ];
    let version = prop_oneof![
        Just(json!({"tag": "v1"})),
        Just(json!({"tag": 1})),
        Just(json!({"digest": DIGEST})),
        Just(json!({"tag": "v1", "digest": DIGEST})),
        Just(json!({"tag": "", "digest": ""})),
        Just(json!({"pullPolicy": "Always"})),
    ];
    let apart = any::<bool>();
    (host, "(mirror/)?[a-c](/[a-c])?", version, apart)
        .prop_map(|(host, path, version, apart)| {
            let mut parts = version;
            if apart {
                parts["registry"] = json!(host);
                parts["repository"] = json!(path);
            } else if host.is_empty() {
                parts["repository"] = json!(path);
            } else {
                parts["repository"] = json!(format!("{host}/{path}"));
            }
            parts
        })
        .boxed()
}

/// A kind of the cluster's own: pods where only its schema says, and an operator's fields.
fn farm() -> BoxedStrategy<Value> {
    let lots = prop::collection::btree_map("[a-b]", prop::collection::vec(pod(), 0..2), 0..3);
    (
        lots,
        prop::option::of(pod()),
        split(),
        split(),
        image(),
        image(),
    )
        .prop_map(|(lots, template, one, other, image, name)| {
            let lots = lots.into_iter().map(|(name, pods)| {
                let workers: Vec<Value> = pods
                    .into_iter()
                    .map(|pod| json!({"work": {"metadata": {}, "spec": pod}}))
                    .collect();
                (name, json!({"workers": workers}))
            });
            let lots: serde_json::Map<String, Value> = lots.collect();
            let mut spec = json!({"lots": lots, "image": one, "images": {"proxy": other},
                "proxyImage": image, "imageName": name, "repository": "robbos/testing-grounds"});
            if let Some(template) = template {
                spec["podTemplate"] = json!({"spec": template});
            }
            json!({"apiVersion": "example.com/v1", "kind": "Farm", "metadata": {"name": "o"}, "spec": spec})
        })
        .boxed()
}

/// What the schema of [`farm`] says.
pub(super) fn kinds() -> CustomKinds {
    let text = json!({"type": "string"});
    let list = |items: Value| json!({"type": "array", "items": items});
    let mapping = |fields: Value| json!({"type": "object", "properties": fields});
    let container = mapping(
        json!({"name": text, "image": text, "args": list(text.clone()),
        "command": list(text.clone()), "env": list(json!({"type": "object"}))}),
    );
    let pod = mapping(
        json!({"containers": list(container.clone()), "initContainers": list(container),
        "imagePullSecrets": list(json!({"type": "object"})), "volumes": list(json!({"type": "object"})),
        "serviceAccountName": text}),
    );
    let work = mapping(json!({"metadata": {"type": "object"}, "spec": pod}));
    let lot = mapping(json!({"workers": list(mapping(json!({ "work": work })))}));
    let spec = mapping(json!({"lots": {"type": "object", "additionalProperties": lot}}));
    let schema = json!({"openAPIV3Schema": mapping(json!({"spec": spec}))});
    let mut kinds = CustomKinds::default();
    kinds.read_object(
        &json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "spec": {"group": "example.com", "scope": "Namespaced", "names": {"kind": "Farm"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}]}}),
    );
    kinds
}

fn config_map() -> BoxedStrategy<Value> {
    prop::collection::btree_map("[a-c]\\.yaml", text(), 1..3)
        .prop_map(|data| {
            let metadata = json!({"name": "o"});
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
        })
        .boxed()
}

/// Every kind that has images.
pub(super) fn object() -> impl Strategy<Value = Value> {
    let annotations = prop::option::of(prop_oneof![Just(json!({})), Just(json!({"a": "b"}))]);
    let object = prop_oneof![6 => workload(), 3 => config_map(), 2 => farm()];
    (object, annotations).prop_map(|(mut object, annotations)| {
        if let Some(annotations) = annotations {
            object["metadata"]["annotations"] = annotations;
        }
        object
    })
}

fn workload() -> BoxedStrategy<Value> {
    let kinds = prop_oneof![
        Just(("v1", "Pod", "")),
        Just(("v1", "PodTemplate", "t")),
        Just(("apps/v1", "Deployment", "st")),
        Just(("apps/v1", "StatefulSet", "st")),
        Just(("apps/v1", "DaemonSet", "st")),
        Just(("apps/v1", "ReplicaSet", "st")),
        Just(("batch/v1", "CronJob", "sjst")),
        Just(("actions.summerwind.dev/v1alpha1", "Runner", "")),
        Just(("actions.summerwind.dev/v1alpha1", "RunnerDeployment", "st")),
        Just(("actions.summerwind.dev/v1alpha1", "RunnerSet", "st")),
        Just(("actions.github.com/v1alpha1", "AutoscalingRunnerSet", "st")),
    ];
    (kinds, pod(), any::<bool>(), any::<bool>()).prop_map(|((version, kind, way), pod, listener, hooks)| {
        let mut spec = json!({"replicas": 1});
        if way == "st" {
            spec["template"] = json!({"metadata": {"labels": {"a": "b"}}, "spec": pod});
        }
        if way == "sjst" {
            spec["jobTemplate"] = json!({"spec": {"template": {"spec": pod}}});
        }
        if way.is_empty() {
            spec = pod.clone();
        }
        if hooks && version.starts_with("actions.summerwind.dev") {
            // Job pods' first container has an image that only a variable names.
            let holder = if kind == "RunnerDeployment" { &mut spec["template"]["spec"] } else { &mut spec };
            holder["containerMode"] = json!("kubernetes");
        }
        if kind == "AutoscalingRunnerSet" && listener {
            spec["listenerTemplate"] = json!({"spec": pod});
        }
        let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": "o"}, "spec": spec});
        if way == "t" {
            object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": "o"}, "template": {"spec": pod}});
        }
        object
    })
        .boxed()
}
