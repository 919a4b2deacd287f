//! The API server takes every object that the examples render to: strictly, under our definitions and under
//! upstream's, and each pod at the pod-security level of its namespace.

mod server;
mod variations;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use arc_setup::object::{Manifest, Source};
use serde_json::Value;

use server::Server;
use variations::{LEGACY, Rendered, SCALE_SET, rendered};

const ARC_GROUPS: [&str; 2] = ["actions.github.com", "actions.summerwind.dev"];
/// Not ours, and not installed here.
const FOREIGN_GROUPS: [&str; 1] = ["cert-manager.io"];

fn group(object: &Value) -> &str {
    let version = object["apiVersion"].as_str().unwrap_or_default();
    version.split_once('/').map_or("", |(group, _)| group)
}

fn is_definition(object: &Value) -> bool {
    object["kind"] == "CustomResourceDefinition"
}

/// Renderings with the same definitions, which one API server can hold.
fn by_definitions(rendered: &[Rendered]) -> BTreeMap<String, Vec<&Rendered>> {
    let mut found: BTreeMap<String, Vec<&Rendered>> = BTreeMap::new();
    for one in rendered {
        let definitions = one.objects.iter().filter(|object| is_definition(object));
        // Labels tell the release; schemas do not differ for it.
        let schemas: Vec<String> = definitions
            .map(|object| object["spec"].to_string())
            .collect();
        found.entry(schemas.concat()).or_default().push(one);
    }
    found
}

async fn under_our_definitions(mode: &'static str, least: usize) {
    let all = rendered(mode).await;
    assert!(all.len() >= least, "{} renderings", all.len());
    let mut refused = BTreeSet::new();
    for renderings in by_definitions(all).into_values() {
        let definitions: Vec<&Value> = renderings[0]
            .objects
            .iter()
            .filter(|object| is_definition(object))
            .collect();
        assert!(!definitions.is_empty());
        let mut server = Server::start(&definitions).await;
        for one in renderings {
            let objects = one
                .objects
                .iter()
                .filter(|object| !FOREIGN_GROUPS.contains(&group(object)));
            for object in objects {
                refused.extend(server.object(&one.name, object).await);
                let manifest = Manifest::new(object.clone(), Source::Pass("test".to_owned()));
                refused.extend(server.pods(one, &manifest).await);
            }
        }
        assert!(server.asked() > 50, "{} objects and pods", server.asked());
    }
    let refused: Vec<String> = refused.into_iter().collect();
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

#[tokio::test]
async fn scale_set_objects_are_accepted_strictly() {
    under_our_definitions(SCALE_SET, 80).await;
}

#[tokio::test]
async fn legacy_objects_are_accepted_strictly() {
    under_our_definitions(LEGACY, 50).await;
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "upstream's definitions lie outside of the project, where the lane says"
)]
async fn custom_resources_are_accepted_under_upstreams_definitions() {
    let Some(root) = std::env::var_os("ARC_SETUP_UPSTREAM_CRDS").map(PathBuf::from) else {
        // Not by a macro, whose words are shown for failed tests only.
        let text = "\nSKIPPED: ARC_SETUP_UPSTREAM_CRDS names no folder with upstream's definitions; custom resources were not held against them\n";
        std::io::stderr().write_all(text.as_bytes()).unwrap();
        return;
    };
    for (mode, folder) in [(SCALE_SET, "scale-set-0.14.2"), (LEGACY, "legacy-v0.27.6")] {
        let definitions = definitions(&root.join(folder));
        let mut server = Server::start(&definitions.iter().collect::<Vec<_>>()).await;
        let mut refused = BTreeSet::new();
        for one in rendered(mode).await {
            for object in &one.objects {
                if ARC_GROUPS.contains(&group(object)) {
                    refused.extend(server.object(&one.name, object).await);
                }
            }
        }
        assert!(server.asked() > 5, "{} objects of {mode}", server.asked());
        let refused: Vec<String> = refused.into_iter().collect();
        assert!(refused.is_empty(), "{}", refused.join("\n"));
    }
}

fn definitions(folder: &Path) -> Vec<Value> {
    let entries = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
        .iter()
        .map(|file| serde_yaml::from_str(&std::fs::read_to_string(file).unwrap()).unwrap())
        .collect()
}
