//! `config.json` of Docker's client, and `buildkitd.default.toml` of buildx beside it.
//!
//! buildx (0.12 and later) reads that file for every builder that it makes without another, and copies the authorities
//! named in it into the builder's container. A builder's proxy is not in it: `--driver-opt env.https_proxy=…`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{BUNDLE_PATH, RULE, Steps};
use crate::config::Config;
use crate::object::pods::Site;
use crate::object::{Change, Manifest};
use crate::rewrite::Context;
use crate::rewrite::additions::{config_map, insert, namespaces};
use crate::rewrite::edit::Editor;
use crate::rules::RuleSet;

/// What DOCKER_CONFIG names: the client writes its logins and builders there.
const FOLDER: &str = "/etc/arc-setup/docker-client";
const BUILDKIT_FOLDER: &str = "/etc/arc-setup/buildkit";
const BUILDKIT: &str = "buildkitd.toml";
/// Writes the proxy into the client's configuration. An account that somebody did not percent-encode may hold what JSON
/// must not.
const CONFIGURE: &str = r#"text() { printf '%s' "$1" | sed 's/["\\]/\\&/g'; }
if [ -z "${http_proxy:-}${https_proxy:-}" ]; then :
elif [ -e "${HOME:-/nonexistent}/.docker/config.json" ]; then
  echo 'the image has a config.json of its own: it stays without the proxy' >&2
else (
  umask 077
  printf '{"proxies":{"default":{"httpProxy":"%s","httpsProxy":"%s","noProxy":"%s"}}}\n' \
    "$(text "${http_proxy:-}")" "$(text "${https_proxy:-}")" "$(text "${no_proxy:-}")" > FOLDER/config.json
); fi"#;

#[derive(Debug)]
pub(super) struct DockerClient<'a> {
    config: &'a Config,
    /// Empty where a builder needs nothing of it.
    buildkit: String,
}

impl<'a> DockerClient<'a> {
    pub(super) fn new(context: &Context<'a>, rules: &RuleSet) -> Self {
        Self {
            config: context.config,
            buildkit: buildkitd(rules, !context.facts.ca.is_empty()),
        }
    }

    /// Nothing where there is neither a proxy nor anything for builders.
    pub(super) fn prepare(&self, editor: &mut Editor<'_>, site: &Site, steps: &mut Steps) {
        let has_proxy = self.config.proxy.is_some();
        if (!has_proxy && self.buildkit.is_empty()) || !is_given(editor, site) {
            return;
        }
        steps
            .mounts
            .push(json!({"name": "arc-setup-docker-client", "mountPath": FOLDER}));
        // An image's own plugins, and a configuration, which may name helpers for logins and is not replaced.
        steps.script.push(format!(
            "if [ -d \"${{HOME:-/nonexistent}}/.docker\" ]; then cp -R \"$HOME/.docker/.\" {FOLDER}/ || echo 'not all of the image'\\''s ~/.docker can be read: the rest is left out' >&2; fi"
        ));
        if has_proxy {
            steps.script.push(CONFIGURE.replace("FOLDER", FOLDER));
        }
        if !self.buildkit.is_empty() {
            let volume =
                json!({"name": "arc-setup-buildkit", "configMap": {"name": name(self.config)}});
            editor.append_keyed(&site.volumes(), "name", volume, RULE);
            let mount = json!({"name": "arc-setup-buildkit", "mountPath": BUILDKIT_FOLDER, "readOnly": true});
            steps.mounts.push(mount);
            let builders = format!("{FOLDER}/buildx");
            steps.script.push(format!(
                "mkdir -p {builders}; if [ ! -e {builders}/buildkitd.default.toml ]; then cp {BUILDKIT_FOLDER}/{BUILDKIT} {builders}/buildkitd.default.toml; fi"
            ));
        }
    }

    /// The ConfigMap of builders, wherever a pod reads it.
    pub(super) fn insert(&self, manifests: &mut Vec<Manifest>, changes: &mut Vec<Change>) {
        let name = name(self.config);
        for namespace in namespaces(self.config) {
            let reads = |manifest: &&Manifest| {
                manifest.reference().namespace.as_deref() == Some(namespace)
                    && manifest.object["spec"]
                        .to_string()
                        .contains(&format!("\"{name}\""))
            };
            if self.buildkit.is_empty() || !manifests.iter().any(|one| reads(&one)) {
                continue;
            }
            let data = [(BUILDKIT.to_owned(), self.buildkit.clone())];
            let addition = config_map(self.config, RULE, namespace, &name, &data);
            insert(manifests, addition, changes, RULE);
        }
    }
}

/// False where the user says where the client's configuration lies.
fn is_given(editor: &mut Editor<'_>, site: &Site) -> bool {
    // A login of their own, mostly a Secret at ~/.docker/config.json.
    let mounts = site.mounts.get(&editor.manifest.object);
    let own = mounts.and_then(Value::as_array).and_then(|mounts| {
        mounts.iter().position(|mount| {
            let path = mount.get("mountPath").and_then(Value::as_str);
            path.is_some_and(|path| path.split('/').any(|part| part == ".docker"))
        })
    });
    if let Some(index) = own {
        editor.keep_at(&site.mounts.index(index), RULE);
        return false;
    }
    editor.variable(site, "DOCKER_CONFIG", FOLDER, RULE);
    let is_ours = editor.value_of(site, "DOCKER_CONFIG") == Some(&json!(FOLDER));
    if is_ours {
        let volume = json!({"name": "arc-setup-docker-client", "emptyDir": {}});
        editor.append_keyed(&site.volumes(), "name", volume, RULE);
        let mount = json!({"name": "arc-setup-docker-client", "mountPath": FOLDER});
        editor.append_keyed(&site.mounts, "mountPath", mount, RULE);
    }
    is_ours
}

fn name(config: &Config) -> String {
    format!("{}-buildkit", config.name)
}

/// Mirrors for each registry that the rules send elsewhere as a whole, authorities for each host that is asked. A table
/// stands once: a host may be both.
fn buildkitd(rules: &RuleSet, has_authorities: bool) -> String {
    let mut registries: Vec<(String, Registry)> = Vec::new();
    let mut of = |host: &str, edit: &dyn Fn(&mut Registry)| {
        let known = registries.iter().position(|(known, _)| known == host);
        let at = known.unwrap_or_else(|| {
            registries.push((host.to_owned(), Registry::default()));
            registries.len() - 1
        });
        if let Some((_, registry)) = registries.get_mut(at) {
            edit(registry);
        }
    };
    for (source, mirror) in rules.mirrors() {
        let place = &mirror.place;
        let target = match place.path.as_str() {
            "" => place.host.clone(),
            path => format!("{}/{path}", place.host),
        };
        of(&source, &|registry| registry.mirror = Some(target.clone()));
        of(&place.host, &|registry| registry.is_asked = true);
    }
    for host in rules.target_hosts() {
        of(host, &|registry| registry.is_asked = true);
    }
    let mut text = String::new();
    for (host, registry) in registries {
        let authorities = registry.is_asked && has_authorities;
        if registry.mirror.is_none() && !authorities {
            continue;
        }
        // Writing to a String cannot fail.
        let _ = writeln!(text, "[registry.\"{host}\"]");
        if let Some(mirror) = registry.mirror {
            let _ = writeln!(text, "  mirrors = [\"{mirror}\"]");
        }
        if authorities {
            let _ = writeln!(text, "  ca = [\"{BUNDLE_PATH}\"]");
        }
    }
    text
}

/// A table of buildkitd.toml.
#[derive(Debug, Default)]
struct Registry {
    mirror: Option<String>,
    is_asked: bool,
}
