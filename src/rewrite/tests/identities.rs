//! What an install is known by in a cluster: names, selectors, and fields that Kubernetes never lets change.
//!
//! `tests/fixtures/identities` holds them, a file per generation and container mode. Elsewhere a change of what is
//! rendered is an update; here it leaves objects behind, runs two controllers at once, or is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::whole::every_install;
use super::{facts, locked_down, passes};
use crate::config::{Config, Mode, Watch, WebhookCertificate};
use crate::object::labels::{INSTALL_LABEL, MANAGED_BY};
use crate::object::pods::pod_specs;
use crate::observe::{MANAGER, RECEIPT_TYPE, Receipt};
use crate::plan::patch;

/// What to do when this test fails.
const ADVICE: &str = "An install that is there does not follow by itself:
- another name: the plan removes the old object and makes a new one. Right for what holds no state; a controller
  would run twice until the old one is gone, a runner set would be registered anew and lose its queued jobs.
- another selector, roleRef, type of a Secret, or field of a StatefulSet: the API server refuses the update.
- another name of a container or volume: the podTemplate of users who name it adds a second one.
If it has to be: add the step to src/plan that takes a live install across (remove before make, or keep the old name
where the receipt has it), with a test that starts from the old state; say so in CHANGELOG.md; then put the .new
file in the fixture's place.";

/// Fields that are immutable, or by which something else finds the object.
const FIELDS: [&str; 18] = [
    "/type",
    "/roleRef",
    "/spec/selector",
    "/spec/serviceName",
    "/spec/volumeClaimTemplates",
    "/spec/group",
    "/spec/scope",
    "/spec/names/kind",
    "/spec/names/plural",
    "/spec/runnerScaleSetName",
    "/spec/scaleTargetRef",
    "/spec/secretName",
    "/spec/issuerRef",
    "/spec/template/spec/serviceAccountName",
    "/spec/serviceAccountName",
    "/spec/ports",
    "/metadata/finalizers",
    "/metadata/ownerReferences",
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/identities")
}

/// The object's identity, one line for each part.
fn identity(object: &Value) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let kind = text("/kind").unwrap_or_default();
    let name = text("/metadata/name").unwrap_or_default();
    let mut lines = match text("/metadata/namespace") {
        Some(namespace) => format!("{kind} {namespace}/{name}\n"),
        None => format!("{kind} {name}\n"),
    };
    for field in FIELDS {
        if let Some(value) = object.pointer(field) {
            writeln!(lines, "  {field} {value}").unwrap();
        }
    }
    for webhook in names(object.get("webhooks")) {
        writeln!(lines, "  webhook {webhook}").unwrap();
    }
    for pod in pod_specs(object) {
        for list in ["initContainers", "containers", "volumes"] {
            let names = names(pod.pointer.child(list).get(object));
            if !names.is_empty() {
                writeln!(lines, "  {}/{list} {}", pod.pointer, names.join(", ")).unwrap();
            }
        }
    }
    lines
}

fn names(items: Option<&Value>) -> Vec<&str> {
    let items = items.and_then(Value::as_array).into_iter().flatten();
    items
        .filter_map(|item| item.get("name")?.as_str())
        .collect()
}

/// The configuration itself, and what brings further objects with it.
fn variants(config: &Config) -> Vec<Config> {
    let mut cluster = config.clone();
    cluster.controller.watch = Watch::Cluster;
    cluster.controller.replicas = 2;
    let mut issued = config.clone();
    issued.webhook_certificate = WebhookCertificate::CertManager {
        cluster_issuer: None,
    };
    issued.rbac_proxy = None;
    let mut variants = vec![config.clone(), cluster];
    if config.mode == Mode::Legacy {
        variants.push(issued);
    }
    variants
}

/// Each identity of a generation and container mode, with the releases that have it.
type Identities = BTreeMap<String, BTreeSet<String>>;

fn text(identities: &Identities) -> String {
    let all: BTreeSet<&String> = identities.values().flatten().collect();
    let mut text = String::new();
    for (identity, releases) in identities {
        text.push_str(identity);
        if releases.len() < all.len() {
            let releases: Vec<&str> = releases.iter().map(String::as_str).collect();
            writeln!(text, "  only in {}", releases.join(", ")).unwrap();
        }
    }
    text
}

fn every_identity() -> BTreeMap<String, String> {
    let facts = facts();
    let mut files: BTreeMap<String, Identities> = BTreeMap::new();
    for (_, config) in every_install() {
        let words = (config.mode, config.runner_sets[0].container_mode);
        let words: [String; 2] = serde_json::from_value(json!(words)).unwrap();
        let file = words.join("-");
        let identities = files.entry(file).or_default();
        for variant in variants(&config) {
            for manifest in passes(&locked_down(variant), &facts).manifests {
                let releases = identities.entry(identity(&manifest.object)).or_default();
                releases.insert(config.version.to_string());
            }
        }
    }
    let texts = files
        .iter()
        .map(|(file, found)| (file.clone(), text(found)));
    texts
        .chain([("install".to_owned(), own_traces())])
        .collect()
}

/// What the program itself leaves beside the objects of an install.
fn own_traces() -> String {
    let receipt = Receipt::new("arc", "arc-systems", "");
    let secret = receipt.to_secret().unwrap();
    let keys: Vec<&String> = secret["data"].as_object().unwrap().keys().collect();
    format!(
        "receipt {}, and a Lease of that name\n  type {RECEIPT_TYPE}\n  keys {keys:?}\n  format {}\n\
         label {INSTALL_LABEL}\nlabel {MANAGED_BY}\nfield manager {MANAGER}\nfield manager {}\nannotation {}\n",
        receipt.reference(),
        receipt.format,
        patch::MANAGER,
        patch::ORIGINAL_IMAGES,
    )
}

#[test]
fn identities_are_as_installs_out_there_have_them() {
    let found = every_identity();
    let mut changed = Vec::new();
    for (name, text) in &found {
        let file = folder().join(format!("{name}.txt"));
        let known = std::fs::read_to_string(&file).unwrap_or_default();
        if known != *text {
            let new = file.with_extension("txt.new");
            let mut new = std::fs::File::create(new).unwrap();
            std::io::Write::write_all(&mut new, text.as_bytes()).unwrap();
            let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
            let (old, new) = (lines(&known), lines(text));
            changed.push(format!("{}:", file.display()));
            changed.extend(old.difference(&new).map(|line| format!("- {line}")));
            changed.extend(new.difference(&old).map(|line| format!("+ {line}")));
        }
    }
    for file in std::fs::read_dir(folder()).unwrap() {
        let file = file.unwrap().path();
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        if file.extension().is_some_and(|end| end == "txt") && !found.contains_key(&name) {
            changed.push(format!(
                "{}: nothing is rendered that belongs there",
                file.display()
            ));
        }
    }
    assert!(changed.is_empty(), "{}\n\n{ADVICE}", changed.join("\n"));
}
