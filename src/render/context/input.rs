//! The whole input of the templates.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::config::{Config, Mode, RunnerKind};
use crate::facts::Facts;
use crate::render::names::{self, Labels};
use crate::render::versions;

use super::controller::Controller;
use super::github::Github;
use super::namespaces::{Namespace, namespaces};
use super::runner_set::RunnerSet;
use super::webhook::Webhook;

#[derive(Debug, Serialize)]
pub(in crate::render) struct Input<'a> {
    /// Features of the release, by name.
    has: BTreeMap<&'static str, bool>,
    shared_labels: Labels,
    namespaces: Vec<Namespace<'a>>,
    controller: Controller<'a>,
    /// The controller's ServiceAccount: ours, or that of the controller that is there already.
    manager_account: Account<'a>,
    github: Github<'a>,
    webhook: Webhook<'a>,
    rbac_proxy_image: Option<&'a str>,
    /// True where the controller reads certificates from ConfigMaps beside the runner sets.
    reads_config_maps: bool,
    /// True where a runner set has a login of its own.
    reads_secrets: bool,
    /// True where a legacy RunnerSet is among the sets.
    uses_runner_sets: bool,
    sets: Vec<RunnerSet<'a>>,
}

#[derive(Debug, Serialize)]
struct Account<'a> {
    name: String,
    namespace: &'a str,
}

impl<'a> Input<'a> {
    pub(in crate::render) fn new(config: &'a Config, facts: &'a Facts) -> Self {
        Self {
            has: versions::features(config.mode, config.version),
            shared_labels: names::shared_labels(),
            namespaces: namespaces(config, facts),
            controller: Controller::new(config),
            manager_account: manager_account(config, facts),
            github: Github::new(config),
            webhook: Webhook::new(config, facts),
            rbac_proxy_image: (config.mode == Mode::Legacy)
                .then_some(config.rbac_proxy.as_ref())
                .flatten()
                .map(|proxy| {
                    proxy
                        .image
                        .as_deref()
                        .unwrap_or_else(|| versions::rbac_proxy_image(config.version))
                }),
            // `githubServerTLS` names one, and it is set for GitHub Enterprise Server alone.
            reads_config_maps: config.ca_bundle.is_some() && config.github.is_enterprise_server(),
            reads_secrets: config
                .runner_sets
                .iter()
                .any(|set| set.github_secret.is_some()),
            uses_runner_sets: config
                .runner_sets
                .iter()
                .any(|set| set.kind == RunnerKind::RunnerSet),
            sets: config
                .runner_sets
                .iter()
                .map(|set| RunnerSet::new(config, facts, set))
                .collect(),
        }
    }
}

fn manager_account<'a>(config: &'a Config, facts: &'a Facts) -> Account<'a> {
    let Some(existing) = &config.controller.existing else {
        return Account {
            name: names::controller(config),
            namespace: &config.namespaces.controller,
        };
    };
    let seen = facts.cluster.controllers.iter().find(|controller| {
        controller.namespace == existing.namespace && controller.name == existing.name
    });
    Account {
        // Without a cluster: upstream's charts name the account like the Deployment.
        name: seen.map_or_else(
            || existing.name.clone(),
            |controller| controller.service_account.clone(),
        ),
        namespace: &existing.namespace,
    }
}
