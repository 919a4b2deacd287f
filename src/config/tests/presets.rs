//! What each preset makes of keys.

use super::super::load::load;
use super::{flag, sources, write};
use crate::image_ref::ImageReference;
use crate::rules::{Outcome, RuleSet};

const HEAD: &str = "github: {url: https://github.com, organization: o, token: {env: T}}\n\
    runnerSets: [{max: 2}]\n";

/// What the rules of this `registry` section make of images.
fn made(registry: &str, flags: &[(&str, &str, &str)], images: &[&str]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("arc-setup.yaml");
    write(file.clone(), &[HEAD, registry].concat());
    let mut sources = sources(&file);
    sources.flags = flags
        .iter()
        .map(|(path, name, value)| flag(path, name, value))
        .collect();
    let config = load(&sources)
        .unwrap_or_else(|problems| panic!("{problems:#?}"))
        .config;
    let rules = RuleSet::compile(&config.registry.rules).unwrap();
    images
        .iter()
        .map(
            |image| match rules.decide(&ImageReference::parse(image).unwrap()).outcome {
                Outcome::Rewritten(result) => result,
                outcome => format!("{outcome:?}"),
            },
        )
        .collect()
}

#[test]
fn every_preset_puts_the_key_where_its_registry_has_it() {
    for (preset, keys, [official, quay]) in [
        (
            "artifactory-path",
            ["hub", "quay"],
            ["reg.corp/hub/library/nginx:1", "reg.corp/quay/a/b"],
        ),
        (
            "artifactory-subdomain",
            ["hub", "quay"],
            ["hub.reg.corp/library/nginx:1", "quay.reg.corp/a/b"],
        ),
        (
            "artifactory-port",
            ["5001", "5002"],
            ["reg.corp:5001/library/nginx:1", "reg.corp:5002/a/b"],
        ),
        (
            "harbor",
            ["hub", "quay"],
            ["reg.corp/hub/library/nginx:1", "reg.corp/quay/a/b"],
        ),
        (
            "nexus-path",
            ["hub", "quay"],
            ["reg.corp/hub/library/nginx:1", "reg.corp/quay/a/b"],
        ),
        (
            "nexus-subdomain",
            ["hub", "quay"],
            ["hub.reg.corp/library/nginx:1", "quay.reg.corp/a/b"],
        ),
        (
            "nexus-port",
            ["5001", "5002"],
            ["reg.corp:5001/library/nginx:1", "reg.corp:5002/a/b"],
        ),
        (
            "ecr",
            ["hub", "quay"],
            ["reg.corp/hub/library/nginx:1", "reg.corp/quay/a/b"],
        ),
        (
            "acr",
            ["hub", "quay"],
            ["reg.corp/hub/library/nginx:1", "reg.corp/quay/a/b"],
        ),
    ] {
        let registry = format!(
            "registry: {{host: reg.corp, preset: {preset}, keys: \
             [{{source: docker.io, key: {}}}, {{source: quay.io, key: {}}}]}}\n",
            keys[0], keys[1]
        );
        let made = made(&registry, &[], &["nginx:1", "quay.io/a/b", "ghcr.io/x"]);
        // A registry without a key is not guessed at: the gate tells.
        assert_eq!(made, [official, quay, "NoRule"], "{preset}");
    }
    let made = made(
        "registry: {host: reg.corp, preset: artifactory-virtual}\n",
        &[],
        &["nginx:1", "quay.io/a/b"],
    );
    assert_eq!(made, ["reg.corp/library/nginx:1", "reg.corp/a/b"]);
}

#[test]
fn flags_name_preset_and_keys_too_and_their_keys_come_first() {
    let flags = [
        ("registry.host", "registry", "reg.corp"),
        ("registry.preset", "registry-preset", "harbor"),
        ("registry.keys", "registry-key", "quay.io=mine, ghcr.io=gh"),
    ];
    let file =
        "registry: {keys: [{source: quay.io, key: theirs}, {source: docker.io, key: hub}]}\n";
    let made = made(file, &flags, &["quay.io/a", "ghcr.io/a", "a"]);
    assert_eq!(
        made,
        ["reg.corp/mine/a", "reg.corp/gh/a", "reg.corp/hub/library/a"]
    );
}
