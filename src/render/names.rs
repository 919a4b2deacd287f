//! Names and labels of what is rendered. Frozen: a change needs a migration.

use std::collections::BTreeMap;

use crate::config::{Config, Mode, RunnerSet};
use crate::object::labels::{INSTALL_LABEL, MANAGED_BY};

/// Its domain: the scale-set controller is told not to copy such labels to what it makes itself, so that
/// those objects are never taken for ours.
pub(super) const LABEL_PREFIX: &str = "arc-setup.dev/";

pub(super) type Labels = BTreeMap<&'static str, String>;

/// Labels of a shared object: it belongs to no install alone.
pub(super) fn shared_labels() -> Labels {
    BTreeMap::from([(MANAGED_BY, "arc-setup".to_owned())])
}

/// What a pod or a selector says of itself.
pub(super) fn identity(config: &Config, name: &str, component: &'static str) -> Labels {
    BTreeMap::from([
        ("app.kubernetes.io/name", name.to_owned()),
        ("app.kubernetes.io/instance", config.name.clone()),
        ("app.kubernetes.io/component", component.to_owned()),
    ])
}

/// Labels of an object of this install.
pub(super) fn labels(config: &Config, name: &str, component: &'static str) -> Labels {
    let mut labels = identity(config, name, component);
    labels.extend(shared_labels());
    labels.insert(
        "app.kubernetes.io/part-of",
        match config.mode {
            Mode::ScaleSet => "gha-rs".to_owned(),
            Mode::Legacy => "actions-runner-controller".to_owned(),
        },
    );
    // The scale-set controller deletes every runner set whose label names another minor release.
    labels.insert("app.kubernetes.io/version", config.version.to_string());
    labels.insert(INSTALL_LABEL, config.name.clone());
    labels
}

/// The controller's Deployment, and its ServiceAccount.
pub(super) fn controller(config: &Config) -> String {
    match config.mode {
        Mode::ScaleSet => format!("{}-controller", config.name),
        Mode::Legacy => format!("{}-controller-manager", config.name),
    }
}

/// What cluster-scoped names begin with: two installs of one name in two namespaces never meet.
pub(super) fn cluster_prefix(config: &Config) -> String {
    format!("{}-{}", config.name, config.controller_namespace())
}

/// The Secret with the GitHub login.
pub(super) fn github_secret(config: &Config) -> String {
    match config.mode {
        Mode::ScaleSet => format!("{}-github", config.name),
        Mode::Legacy => format!("{}-controller-manager", config.name),
    }
}

/// What the objects beside a runner set begin with.
pub(super) fn runner_set_prefix(config: &Config, set: &RunnerSet) -> String {
    format!("{}-{}", config.name, set.name)
}
