//! Other controllers in the same scope, and the controller that runner sets are to be installed under.
//!
//! Two controllers over one runner set delete it in turns (actions-runner-controller, `IsVersionAllowed`).

use super::Finding;
use crate::config::arc_versions::keeps;
use crate::config::{Config, ExistingController, Mode, Watch};
use crate::facts::{ControllerFacts, Facts};

/// Overlap with every other controller of the same generation; under `controller.existing` the fitness of that one.
pub(super) fn findings(config: &Config, facts: &Facts) -> Vec<Finding> {
    let generation =
        |controller: &&ControllerFacts| controller.scale_set == (config.mode == Mode::ScaleSet);
    let mut findings = Vec::new();
    if let Some(existing) = &config.controller.existing {
        findings.extend(existing_findings(config, facts, existing));
    }
    for other in facts.cluster.controllers.iter().filter(generation) {
        if !is_ours(config, other) && overlaps(config, other) {
            findings.push(overlap(config, other));
        }
    }
    if findings.is_empty() {
        let scope = match scope(config).as_slice() {
            ["*"] => "every namespace".to_owned(),
            namespaces => namespaces.join(", "),
        };
        let unread = facts.cluster.incomplete.iter();
        let mut unread = unread.filter(|gap| gap.starts_with("Deployments of "));
        findings.push(match unread.next() {
            None => Finding::ok("controller-overlap", scope),
            Some(gap) => Finding::unknown("controller-overlap", scope)
                .why("not all Deployments may be read: another controller could stand there unseen")
                .evidence(gap.clone())
                .remedy(
                    "ask an administrator whether another ARC controller watches these namespaces",
                ),
        });
    }
    findings
}

/// True for this install's own controller, and for the one that the runner sets are installed under.
fn is_ours(config: &Config, other: &ControllerFacts) -> bool {
    match &config.controller.existing {
        Some(existing) => existing.namespace == other.namespace && existing.name == other.name,
        None => {
            other.install.as_deref() == Some(config.name.as_str())
                && other.namespace == config.namespaces.controller
        }
    }
}

/// The namespaces that our controller watches (or our sets live in); `*` is every namespace.
fn scope(config: &Config) -> Vec<&str> {
    if config.controller.existing.is_none() && config.controller.watch == Watch::Cluster {
        vec!["*"]
    } else {
        config.runner_namespaces()
    }
}

fn overlaps(config: &Config, other: &ControllerFacts) -> bool {
    let ours = scope(config);
    match other.watches.as_deref() {
        None => true,
        Some(namespace) => ours.contains(&"*") || ours.contains(&namespace),
    }
}

fn overlap(config: &Config, other: &ControllerFacts) -> Finding {
    let version = other
        .version
        .map_or("of an unknown version".to_owned(), |version| {
            version.to_string()
        });
    let watches = other
        .watches
        .as_deref()
        .map_or("every namespace".to_owned(), |namespace| {
            format!("namespace {namespace}")
        });
    let mut at_risk: Vec<String> = other.runner_sets.clone();
    at_risk.extend(
        config
            .runner_sets
            .iter()
            .map(|set| format!("{}/{}", set.namespace, set.name)),
    );
    at_risk.sort();
    at_risk.dedup();
    Finding::failed("controller-overlap", format!("Deployment {}/{}", other.namespace, other.name))
        .why(format!(
            "the controller {}/{} ({version}) watches {watches}: it and this install would delete each other's runner sets",
            other.namespace, other.name
        ))
        .why(format!("at risk: {}", at_risk.join(", ")))
        .remedy(format!(
            "install only runner sets under it: controller.existing: {}/{}",
            other.namespace, other.name
        ))
        .remedy("or uninstall it, or narrow its watch to other namespaces")
}

fn existing_findings(
    config: &Config,
    facts: &Facts,
    existing: &ExistingController,
) -> Vec<Finding> {
    let name = format!("Deployment {}/{}", existing.namespace, existing.name);
    let controllers = &facts.cluster.controllers;
    let found = controllers.iter().find(|controller| {
        controller.namespace == existing.namespace && controller.name == existing.name
    });
    let Some(found) = found else {
        return vec![no_such_controller(name, controllers)];
    };
    let finding = Finding::failed("controller-existing", name.clone());
    if found.scale_set != (config.mode == Mode::ScaleSet) {
        let finding = finding.why("it is of the other generation of ARC");
        return vec![finding.remedy("set mode to its generation")];
    }
    let wrong: Vec<Finding> = [
        other_release(config, found, finding.clone()),
        outside_its_watch(config, found, finding),
    ]
    .into_iter()
    .flatten()
    .collect();
    if wrong.is_empty() {
        return vec![Finding::ok("controller-existing", name)];
    }
    wrong
}

fn no_such_controller(name: String, controllers: &[ControllerFacts]) -> Finding {
    let known: Vec<String> = controllers
        .iter()
        .map(|controller| format!("{}/{}", controller.namespace, controller.name))
        .collect();
    let finding = Finding::failed("controller-existing", name)
        .why("there is no ARC controller of this name and namespace");
    if known.is_empty() {
        finding.remedy("leave controller.existing out, so that a controller is installed")
    } else {
        finding.remedy(format!("controllers in this cluster: {}", known.join(", ")))
    }
}

/// A scale-set controller keeps only sets that are labelled with what it takes for its own release.
fn other_release(config: &Config, found: &ControllerFacts, finding: Finding) -> Option<Finding> {
    if config.mode != Mode::ScaleSet {
        return None;
    }
    let Some(version) = found.version else {
        return Some(Finding::unknown(&finding.id, finding.subject)
            .why("neither its labels nor the tag of its image tell its release, and it deletes every runner set that is labelled with another one")
            .remedy(format!("make sure that it is {}, or set version: to what it is", config.version)));
    };
    (!keeps(version, config.version)).then(|| {
        finding
            .why(format!(
                "it is {version}, and deletes every runner set that is labelled {}",
                config.version
            ))
            .remedy(format!("version: {version}"))
    })
}

fn outside_its_watch(
    config: &Config,
    found: &ControllerFacts,
    finding: Finding,
) -> Option<Finding> {
    let watched = found.watches.as_deref()?;
    let mut outside = config.runner_namespaces();
    outside.retain(|namespace| *namespace != watched);
    (!outside.is_empty()).then(|| {
        finding
            .why(format!(
                "it watches only {watched}, not {}",
                outside.join(", ")
            ))
            .remedy(format!("namespaces.runners: {watched}"))
    })
}
