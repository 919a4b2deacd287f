//! What holds for every configuration.

use serde_json::Value;

use crate::config::{ContainerMode, Mode, Watch};
use crate::object::Source;
use crate::object::labels::INSTALL_LABEL;
use crate::render::{fixtures, render, versions};

use super::golden::every_legacy_kind;
use super::{containers, names, rendered};

const CLUSTER_SCOPED: [&str; 4] = [
    "ClusterRole",
    "ClusterRoleBinding",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

#[test]
fn no_flag_beyond_its_release() {
    for (name, config) in fixtures::matrix() {
        for manifest in rendered(&config) {
            if manifest.kind() != "Deployment" {
                continue;
            }
            let args = manifest
                .object
                .pointer("/spec/template/spec/containers/0/args")
                .unwrap();
            for arg in args.as_array().unwrap() {
                let flag = arg.as_str().unwrap().split('=').next().unwrap();
                assert!(
                    versions::has_flag(config.mode, config.version, flag),
                    "{name}: {flag}"
                );
            }
        }
    }
}

#[test]
fn every_container_has_requests_and_limits() {
    for (name, config) in fixtures::matrix() {
        for manifest in rendered(&config) {
            for container in containers(&manifest.object) {
                for pointer in [
                    "/resources/requests/cpu",
                    "/resources/requests/memory",
                    "/resources/limits/cpu",
                    "/resources/limits/memory",
                ] {
                    assert!(
                        container.pointer(pointer).is_some(),
                        "{name}: {} {container}",
                        manifest.reference()
                    );
                }
            }
        }
    }
}

#[test]
fn legacy_fields_that_feed_generated_containers_have_resources() {
    for release in ["0.24.0", "0.27.6"] {
        let config = fixtures::config(Mode::Legacy, release, ContainerMode::Dind);
        let manifests = rendered(&config);
        let spec = super::only(&manifests, "RunnerDeployment", "build").object["spec"]["template"]
            ["spec"]
            .clone();
        for field in ["resources", "dockerdContainerResources"] {
            assert!(spec[field]["requests"]["cpu"].is_string(), "{field}");
            assert!(spec[field]["limits"]["memory"].is_string(), "{field}");
        }
        assert!(spec.get("dockerEnabled").is_none());
        assert!(spec.get("dockerdWithinRunnerContainer").is_none());
    }
}

#[test]
fn nothing_floats_and_nothing_belongs_to_a_pass() {
    for (name, config) in fixtures::matrix() {
        for manifest in rendered(&config) {
            let text = manifest.object.to_string();
            for word in [
                ":latest",
                "docker:dind",
                "imagePullSecrets",
                "SSL_CERT",
                "certs.d",
                "_proxy\"",
                "_PROXY\"",
            ] {
                assert!(
                    !text.contains(word),
                    "{name}: {word} in {}",
                    manifest.reference()
                );
            }
            assert!(matches!(manifest.source, Source::Template(_)));
        }
    }
}

#[test]
fn cluster_scoped_names_carry_the_install() {
    for (name, mut config) in fixtures::matrix() {
        config.name = "zebra".to_owned();
        for watch in [Watch::Runners, Watch::Cluster] {
            config.controller.watch = watch;
            for manifest in rendered(&config) {
                let reference = manifest.reference();
                if CLUSTER_SCOPED.contains(&manifest.kind()) {
                    assert!(
                        reference.name.starts_with("zebra-arc-systems-"),
                        "{name}: {reference}"
                    );
                    assert!(reference.namespace.is_none());
                } else if !matches!(manifest.kind(), "Namespace" | "CustomResourceDefinition") {
                    assert!(reference.namespace.is_some(), "{name}: {reference}");
                }
            }
        }
    }
}

#[test]
fn every_object_is_labelled_and_shared_ones_belong_to_no_install() {
    for (name, config) in fixtures::matrix() {
        for manifest in rendered(&config) {
            let labels = &manifest.object["metadata"]["labels"];
            assert_eq!(
                labels["app.kubernetes.io/managed-by"],
                "arc-setup",
                "{name}: {}",
                manifest.reference()
            );
            let shared = manifest.kind() == "CustomResourceDefinition";
            assert_eq!(labels.get(INSTALL_LABEL).is_none(), shared, "{name}");
        }
    }
}

#[test]
fn identities_are_unique() {
    let mut configs = fixtures::matrix();
    configs.push(("kinds".to_owned(), every_legacy_kind("0.27.6")));
    for (name, config) in configs {
        let manifests = rendered(&config);
        let mut references: Vec<_> = manifests
            .iter()
            .map(crate::object::Manifest::reference)
            .collect();
        references.sort();
        references.dedup();
        assert_eq!(references.len(), manifests.len(), "{name}");
    }
}

#[test]
fn twice_is_byte_identical() {
    for (name, config) in fixtures::matrix() {
        let text = || serde_json::to_string(&rendered(&config)).unwrap();
        assert_eq!(text(), text(), "{name}");
    }
}

#[test]
fn volumes_and_mounts_belong_together() {
    for (name, config) in fixtures::matrix() {
        for manifest in rendered(&config) {
            check_mounts(&name, &manifest.object);
        }
    }
}

fn check_mounts(name: &str, value: &Value) {
    if let Value::Object(fields) = value {
        if let (Some(containers), Some(volumes)) = (fields.get("containers"), fields.get("volumes"))
        {
            let known = names(volumes, "name");
            let init = fields.get("initContainers").unwrap_or(&Value::Null);
            for container in containers
                .as_array()
                .into_iter()
                .flatten()
                .chain(init.as_array().into_iter().flatten())
            {
                for mount in names(&container["volumeMounts"], "name") {
                    assert!(known.contains(&mount), "{name}: {mount}");
                }
            }
        }
        for field in fields.values() {
            check_mounts(name, field);
        }
    } else if let Value::Array(items) = value {
        for item in items {
            check_mounts(name, item);
        }
    }
}

#[test]
fn user_text_stays_one_scalar() {
    let hostile = "a\": {x}\n---\nkind: Evil # {{ 7*7 }} {% raw %}";
    for mode in [Mode::ScaleSet, Mode::Legacy] {
        let release = fixtures::releases(mode).last().unwrap();
        let mut config = fixtures::config(mode, release, ContainerMode::Dind);
        let before = rendered(&config).len();
        config.runner_sets[0].group = Some(hostile.to_owned());
        config.runner_sets[0].image = Some(hostile.to_owned());
        config.runner_sets[0].labels = vec![hostile.to_owned()];
        config.controller.image = Some(hostile.to_owned());
        let manifests = render(&config, &fixtures::facts()).unwrap();
        assert_eq!(manifests.len(), before);
        let deployment = manifests.iter().find(|found| found.kind() == "Deployment");
        assert_eq!(
            deployment
                .unwrap()
                .text("/spec/template/spec/containers/0/image"),
            Some(hostile)
        );
    }
}
