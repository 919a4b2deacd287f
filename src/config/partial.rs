//! The part of a configuration that needs no answer.

use std::path::PathBuf;

use super::credentials::Credentials;
use super::model::{ArcVersion, Config, Mode, Namespaces, Origins, Proxy, Registry};
use super::problem::Problem;
use crate::object::Common;

/// What `patch-images` and `uninstall` read: everything but GitHub and what controller and runner sets are.
#[derive(Debug, Clone)]
pub struct Partial {
    /// The install's name.
    pub name: String,
    /// Generation of ARC.
    pub mode: Mode,
    /// Release of ARC.
    pub version: ArcVersion,
    /// Namespaces.
    pub namespaces: Namespaces,
    /// Where receipt and lock may lie; none where nothing says it.
    pub homes: Vec<String>,
    /// The namespace that the controller is in.
    pub controller_namespace: String,
    /// Where runner sets are; none where nothing says it.
    pub runner_namespaces: Vec<String>,
    /// What the user wants on every object.
    pub common: Common,
    /// Where images come from.
    pub registry: Registry,
    /// The company's proxy.
    pub proxy: Option<Proxy>,
    /// The company's CA bundle.
    pub ca_bundle: Option<PathBuf>,
    /// SHA-256 of servers' own certificates that this program takes as they are.
    pub pins: Vec<String>,
    /// Where each value came from.
    pub origins: Origins,
    /// The secret values.
    pub credentials: Credentials,
    /// What is allowed but not wise.
    pub warnings: Vec<Problem>,
}

impl Partial {
    pub(super) fn new(config: Config, credentials: Credentials, warnings: Vec<Problem>) -> Self {
        let is_said = config.controller.existing.is_some()
            || config.origins.0.contains_key("namespaces.controller");
        let homes = config.homes().into_iter().filter(|_| is_said);
        let homes = homes.map(str::to_owned).collect();
        let says = |path: &String| path.starts_with("runnerSets") || path == "namespaces.runners";
        let runner_namespaces = if config.origins.0.keys().any(says) {
            config.runner_namespaces()
        } else {
            Vec::new()
        };
        Self {
            homes,
            controller_namespace: config.controller_namespace().to_owned(),
            runner_namespaces: runner_namespaces.into_iter().map(str::to_owned).collect(),
            common: config.common(),
            name: config.name,
            mode: config.mode,
            version: config.version,
            namespaces: config.namespaces,
            registry: config.registry,
            proxy: config.proxy,
            ca_bundle: config.ca_bundle,
            pins: config.pins,
            origins: config.origins,
            credentials,
            warnings,
        }
    }
}
