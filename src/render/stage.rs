//! The stage: expand, parse, add what comes late.

use serde_json::{Value, json};

use crate::config::{Config, Mode};
use crate::facts::Facts;
use crate::failure::{Exit, Failure};
use crate::object::{Manifest, Source, text_at};

use super::context::Input;
use super::{documents, engine, lates, support};

/// Templates in apply order. What belongs to the controller is left out where one is there already.
const SCALE_SET: &[(&str, Part)] = &[
    ("scale-set/10-namespaces.yaml.j2", Part::Always),
    ("scale-set/20-crds.yaml.j2", Part::Controller),
    ("scale-set/30-controller-rbac.yaml.j2", Part::Controller),
    ("scale-set/40-github-secrets.yaml.j2", Part::Always),
    ("scale-set/50-controller.yaml.j2", Part::Controller),
    ("scale-set/60-runner-set-rbac.yaml.j2", Part::Always),
    ("scale-set/70-runner-set.yaml.j2", Part::Always),
];

const LEGACY: &[(&str, Part)] = &[
    ("legacy/10-namespaces.yaml.j2", Part::Always),
    ("legacy/20-crds.yaml.j2", Part::Controller),
    ("legacy/30-controller-rbac.yaml.j2", Part::Controller),
    ("legacy/40-secrets.yaml.j2", Part::Controller),
    ("legacy/50-controller.yaml.j2", Part::Controller),
    ("legacy/60-webhooks.yaml.j2", Part::Controller),
    ("legacy/70-runner-set-rbac.yaml.j2", Part::Always),
    ("legacy/80-runner-set.yaml.j2", Part::Always),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Always,
    Controller,
}

/// Renders the install, in apply order: namespaces, definitions, rights, Secrets, the controller, its webhooks,
/// runner sets. Deterministic: equal input gives equal bytes.
///
/// # Errors
/// `arc-unsupported` (exit 2) where the release cannot do what is asked; `template-defect` (exit 1) otherwise.
pub fn render(config: &Config, facts: &Facts) -> Result<Vec<Manifest>, Failure> {
    support::check(config)?;
    let input = Input::new(config, facts);
    let templates = match config.mode {
        Mode::ScaleSet => SCALE_SET,
        Mode::Legacy => LEGACY,
    };
    let mut manifests = Vec::new();
    for (template, part) in templates {
        if *part == Part::Controller && config.controller.existing.is_some() {
            continue;
        }
        let text = engine::expand(template, &input)?;
        manifests.extend(documents::manifests(template, &text)?);
    }
    has_all_definitions(config, facts, &manifests)?;
    for manifest in &mut manifests {
        replace_definition(config, facts, manifest);
        lates::attach(config, facts, manifest);
    }
    Ok(manifests)
}

/// The user's own definitions are all that are needed, or none: some of theirs beside some of ours, or those of the
/// other generation, are a slip.
fn has_all_definitions(
    config: &Config,
    facts: &Facts,
    manifests: &[Manifest],
) -> Result<(), Failure> {
    let (Some(directory), false) = (&config.crds, facts.crds.is_empty()) else {
        return Ok(());
    };
    let own = |name: &str| {
        let mut names = facts.crds.iter().map(|own| text_at(own, "/metadata/name"));
        names.any(|own| own == Some(name))
    };
    let definitions = manifests
        .iter()
        .filter(|manifest| manifest.kind() == "CustomResourceDefinition");
    let lacking = definitions
        .map(|manifest| manifest.reference().name)
        .filter(|name| !own(name));
    let lacking: Vec<String> = lacking.collect();
    if lacking.is_empty() {
        return Ok(());
    }
    let failure = Failure::new(
        "crds",
        Exit::Usage,
        format!(
            "the CRDs in {} are not those of this install",
            directory.display()
        ),
    )
    .why(format!("there is no {}", lacking.join(", ")));
    Err(failure.remedy(
        "give upstream's CRDs of the same generation and release, all of them; or leave --crds out",
    ))
}

/// The user's own CustomResourceDefinition takes the place of ours of the same name, and our label with it:
/// by that label a later run knows that it may write it.
fn replace_definition(config: &Config, facts: &Facts, manifest: &mut Manifest) {
    if manifest.kind() != "CustomResourceDefinition" {
        return;
    }
    let name = manifest.reference().name;
    let own = facts.crds.iter().find(|definition| {
        definition.pointer("/metadata/name").and_then(Value::as_str) == Some(name.as_str())
    });
    if let Some(own) = own {
        manifest.object = own.clone();
        let labels = &mut manifest.object["metadata"]["labels"];
        if !labels.is_object() {
            *labels = json!({});
        }
        labels["app.kubernetes.io/managed-by"] = json!("arc-setup");
        let directory = config.crds.as_ref();
        manifest.source =
            Source::File(directory.map_or_else(|| name.clone(), |path| path.display().to_string()));
    }
}
