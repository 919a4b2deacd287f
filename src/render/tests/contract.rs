//! Upstream's contract: what we render is accepted by upstream's definitions, and by ours.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::config::{Config, ContainerMode, Mode};
use crate::render::fixtures;

use super::golden::every_legacy_kind;
use super::{rendered, schema};

/// Schemas by kind.
type Schemas = BTreeMap<String, Value>;

fn add(schemas: &mut Schemas, definition: &Value) {
    let kind = definition["spec"]["names"]["kind"].as_str().unwrap();
    let mut schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone();
    // Every object has these, whatever its schema says.
    for name in ["apiVersion", "kind", "metadata"] {
        schema["properties"][name] =
            serde_json::json!({"x-kubernetes-preserve-unknown-fields": true});
    }
    schemas.insert(kind.to_owned(), schema);
}

/// The folder with upstream's definitions; without it the lane is skipped, and says so.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "test data from outside the project; a skipped lane must be seen"
)]
fn upstream_root() -> Option<PathBuf> {
    let root = std::env::var_os("ARC_SETUP_UPSTREAM_CRDS").map(PathBuf::from);
    if root.is_none() {
        eprintln!("skipped: ARC_SETUP_UPSTREAM_CRDS names no folder with upstream's definitions");
    }
    root
}

fn upstream(directory: &Path) -> Schemas {
    let mut schemas = Schemas::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for document in text.split("\n---\n") {
            let definition: Value = serde_yaml::from_str(document).unwrap();
            add(&mut schemas, &definition);
        }
    }
    schemas
}

fn configs(mode: Mode) -> Vec<(String, Config)> {
    let mut configs: Vec<_> = fixtures::matrix()
        .into_iter()
        .filter(|(_, config)| config.mode == mode)
        .collect();
    if mode == Mode::Legacy {
        for release in ["0.20.0", "0.27.6"] {
            let mut config = every_legacy_kind(release);
            configs.push((format!("kinds-{release}"), config.clone()));
            for set in &mut config.runner_sets {
                set.container_mode = ContainerMode::None;
            }
            configs.push((format!("kinds-none-{release}"), config.clone()));
            if release == "0.27.6" {
                for set in &mut config.runner_sets {
                    set.container_mode = ContainerMode::Kubernetes;
                    set.work_volume = fixtures::claim();
                }
                configs.push((format!("kinds-kubernetes-{release}"), config));
            }
        }
    }
    configs
}

fn accepts(schemas: &Schemas, mode: Mode) {
    let mut checked = 0;
    for (name, config) in configs(mode) {
        for manifest in rendered(&config) {
            if let Some(schema) = schemas.get(manifest.kind()) {
                let problems = schema::problems(schema, &manifest.object);
                assert!(
                    problems.is_empty(),
                    "{name}: {}: {problems:#?}",
                    manifest.reference()
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 0);
}

#[test]
fn upstream_definitions_accept_every_object_strictly() {
    let Some(root) = upstream_root() else {
        return;
    };
    accepts(&upstream(&root.join("legacy-v0.27.6")), Mode::Legacy);
    accepts(&upstream(&root.join("scale-set-0.14.2")), Mode::ScaleSet);
}

#[test]
fn our_own_definitions_accept_every_object() {
    for mode in [Mode::Legacy, Mode::ScaleSet] {
        let release = fixtures::releases(mode).last().unwrap();
        let mut schemas = Schemas::new();
        for manifest in rendered(&fixtures::config(mode, release, ContainerMode::None)) {
            if manifest.kind() == "CustomResourceDefinition" {
                add(&mut schemas, &manifest.object);
            }
        }
        accepts(&schemas, mode);
    }
}

#[test]
fn our_definitions_are_called_and_shown_like_upstreams() {
    let Some(root) = upstream_root() else {
        return;
    };
    for (mode, folder) in [
        (Mode::Legacy, "legacy-v0.27.6"),
        (Mode::ScaleSet, "scale-set-0.14.2"),
    ] {
        let release = fixtures::releases(mode).last().unwrap();
        let manifests = rendered(&fixtures::config(mode, release, ContainerMode::None));
        let mut compared = 0;
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            let theirs: Value = serde_yaml::from_str(text.trim_start_matches("---\n")).unwrap();
            let name = theirs["metadata"]["name"].as_str().unwrap();
            let ours = &super::only(&manifests, "CustomResourceDefinition", name).object;
            for pointer in [
                "/spec/names",
                "/spec/scope",
                "/spec/group",
                "/spec/versions/0/name",
                "/spec/versions/0/subresources",
            ] {
                assert_eq!(
                    ours.pointer(pointer),
                    theirs.pointer(pointer),
                    "{name} {pointer}"
                );
            }
            assert_eq!(columns(ours), columns(&theirs), "{name}");
            compared += 1;
        }
        assert!(compared > 3);
    }
}

fn columns(definition: &Value) -> Vec<(String, String, String)> {
    let text = |column: &Value, key: &str| column[key].as_str().unwrap_or_default().to_owned();
    definition["spec"]["versions"][0]["additionalPrinterColumns"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|column| {
            (
                text(column, "name"),
                text(column, "type"),
                text(column, "jsonPath"),
            )
        })
        .collect()
}
