//! The company's authorities, for everything that opens a connection; no image is built, no public root lost.

mod authorities;
mod daemon;
mod dotnet;

use serde_json::{Value, json};

use super::Context;
use super::additions::{config_map, insert, namespaces};
use super::edit::Editor;
use crate::config::{Config, Mode};
use crate::failure::Failure;
use crate::object::pods::{Role, SCALE_SET_GROUP, Site, may_use_sudo, sites};
use crate::object::{Change, Manifest, Pointer};
use crate::rules::RuleSet;

pub(super) use authorities::Authorities;

/// Where the authorities are mounted: one file, and one for each under its hash.
pub(super) const FOLDER: &str = "/etc/arc-setup/ca";
/// The volume that is mounted there.
pub(super) const VOLUME: &str = "arc-setup-ca";
/// The bundle in it.
const BUNDLE: &str = "ca.crt";
pub(super) const BUNDLE_PATH: &str = "/etc/arc-setup/ca/ca.crt";
/// The image's own roots, one by one.
const PUBLIC_FOLDER: &str = "/etc/ssl/certs";
/// Where `update-ca-certificates` looks, at any depth.
const LOCAL_FOLDER: &str = "/usr/local/share/ca-certificates/arc-setup";
const RULE: &str = "trust";

/// Adds the authorities of `facts.ca`, and the registry hosts of dind.
pub(super) fn run(
    manifests: &mut Vec<Manifest>,
    context: &Context<'_>,
    rules: &RuleSet,
) -> Result<Vec<Change>, Failure> {
    let config = context.config;
    let mut changes = Vec::new();
    let authorities = Authorities::new(&context.facts.ca)?;
    if !authorities.is_empty() {
        for manifest in manifests.iter_mut() {
            let all = sites(&manifest.object);
            let mut editor = Editor {
                manifest,
                changes: &mut changes,
            };
            let of_others =
                |site: &&Site| matches!(site.role, Role::Init | Role::Sidecar | Role::Workload);
            for site in all.iter().filter(|site| !of_others(site)) {
                let source = json!({"name": name(config)});
                trust_in(&mut editor, site, &source, &authorities, true);
            }
            github_server(&mut editor, config);
        }
        for namespace in namespaces(config) {
            let addition = config_map(config, RULE, namespace, &name(config), &authorities.data());
            insert(manifests, addition, &mut changes, RULE);
        }
    }
    daemon::run(
        manifests,
        context,
        rules,
        !authorities.is_empty(),
        &mut changes,
    );
    Ok(changes)
}

/// The ConfigMap with the authorities.
fn name(config: &Config) -> String {
    format!("{}-ca", config.name)
}

/// Whatever program runs in a container. `source` is the `configMap` of a volume, with the authorities. Where the object
/// `is_ours` it is rendered anew with another bundle, so that it may name the keys of this one.
pub(super) fn trust_in(
    editor: &mut Editor<'_>,
    site: &Site,
    source: &Value,
    authorities: &Authorities,
    is_ours: bool,
) {
    let volume = json!({"name": VOLUME, "configMap": source});
    editor.mount(site, &volume, FOLDER, RULE);
    if site.role == Role::Runner && dotnet::reads_one_folder(&editor.manifest.object, site) {
        // The folder stays the default. Not beside SSL_CERT_DIR: with both, curl reads the folders alone. And not for
        // newer runners: programs written in Rust read the file alone.
        editor.variable(site, "SSL_CERT_FILE", BUNDLE_PATH, RULE);
    } else {
        // Both folders: the second alone would hide an image's own roots from some programs.
        let folders = format!("{PUBLIC_FOLDER}:{FOLDER}");
        editor.variable(site, "SSL_CERT_DIR", &folders, RULE);
    }
    // ARC's own programs are of Go.
    if matches!(
        site.role,
        Role::Controller | Role::RbacProxy | Role::Listener | Role::Dind
    ) {
        return;
    }
    editor.variable(site, "NODE_EXTRA_CA_CERTS", BUNDLE_PATH, RULE);
    // Of other images it is not known where git looks: on RHEL the folder has no names by hash, and no public root would
    // be left.
    if site.role != Role::Runner {
        return;
    }
    // git reads neither SSL_CERT_DIR nor SSL_CERT_FILE, and either of these alone takes the public roots away
    // on some distribution: ours as the file, theirs as the folder.
    editor.variable(site, "GIT_SSL_CAINFO", BUNDLE_PATH, RULE);
    editor.variable(site, "GIT_SSL_CAPATH", PUBLIC_FOLDER, RULE);
    if may_use_sudo(&editor.manifest.object, site) && is_ours {
        let mut volume = json!({"name": "arc-setup-ca-local", "configMap": source});
        volume["configMap"]["items"] = Value::Array(authorities.local_items());
        editor.mount(site, &volume, LOCAL_FOLDER, RULE);
        editor.variable(site, "RUNNER_UPDATE_CA_CERTS", "1", RULE);
    }
}

/// The scale-set controller's own client, and its listener's.
fn github_server(editor: &mut Editor<'_>, config: &Config) {
    let reference = editor.manifest.reference();
    let applies = config.mode == Mode::ScaleSet
        && config.github.is_enterprise_server()
        && reference.group() == SCALE_SET_GROUP
        && reference.kind == "AutoscalingRunnerSet";
    if applies {
        let value =
            json!({"certificateFrom": {"configMapKeyRef": {"name": name(config), "key": BUNDLE}}});
        editor.put_absent(&Pointer::new("/spec/githubServerTLS"), value, RULE);
    }
}
