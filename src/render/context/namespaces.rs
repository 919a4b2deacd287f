//! Namespaces that may be created, with the pod security that their pods need.

use serde::Serialize;

use crate::config::{Config, ContainerMode, Mode};
use crate::facts::Facts;
use crate::object::labels::INSTALL_LABEL;
use crate::render::names::{self, Labels};

#[derive(Debug, Serialize)]
pub(super) struct Namespace<'a> {
    name: &'a str,
    labels: Labels,
}

/// The levels of pod security, strictest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Restricted,
    Baseline,
    Privileged,
}

/// A namespace that is there already belongs to somebody: it is left out unless this install made it, or is told
/// to manage it.
pub(super) fn namespaces<'a>(config: &'a Config, facts: &Facts) -> Vec<Namespace<'a>> {
    let mut wanted: Vec<(&str, Level)> = Vec::new();
    if config.controller.existing.is_none() {
        wanted.push((&config.namespaces.controller, Level::Restricted));
    }
    for set in &config.runner_sets {
        let level = match set.container_mode {
            ContainerMode::Dind => Level::Privileged,
            // Not `restricted`: the runner image is built around sudo.
            _ => Level::Baseline,
        };
        match wanted.iter_mut().find(|(name, _)| *name == set.namespace) {
            Some((_, least)) => *least = level.max(*least),
            None => wanted.push((&set.namespace, level)),
        }
    }
    wanted
        .into_iter()
        .filter(|(name, _)| {
            let live = facts.cluster.namespaces.get(*name);
            let ours = live.is_none_or(|labels| labels.get(INSTALL_LABEL) == Some(&config.name));
            config.namespaces.manage || ours
        })
        .map(|(name, level)| Namespace {
            name,
            labels: labels(config, level),
        })
        .collect()
}

fn labels(config: &Config, level: Level) -> Labels {
    let component = match config.mode {
        Mode::ScaleSet => "gha-rs",
        Mode::Legacy => "actions-runner-controller",
    };
    let mut labels = names::labels(config, component, "namespace");
    // A namespace outlives releases.
    labels.remove("app.kubernetes.io/version");
    labels.insert(
        "pod-security.kubernetes.io/enforce",
        match level {
            Level::Restricted => "restricted",
            Level::Baseline => "baseline",
            Level::Privileged => "privileged",
        }
        .to_owned(),
    );
    labels
}
