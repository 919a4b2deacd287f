//! What the release of ARC cannot do at all. The configuration is validated with better messages before; this
//! is the last line, so that nothing is rendered that a controller would misread.

use crate::config::{
    Config, ContainerMode, ExistingSecret, GithubCredentials, Mode, RunnerKind, RunnerSet, Watch,
    WorkVolume, arc_versions,
};
use crate::failure::{Exit, Failure};

use super::versions::{self, Feature};

/// Fails where the configuration asks for what its release lacks.
pub(super) fn check(config: &Config) -> Result<(), Failure> {
    if !arc_versions::is_supported(config.mode, config.version) {
        return Err(
            unsupported(format!("ARC {} cannot be rendered", config.version)).why(format!(
                "in this mode, these can: {}",
                arc_versions::describe(config.mode)
            )),
        );
    }
    let namespaces = config.runner_namespaces();
    if config.controller.existing.is_none()
        && config.controller.watch == Watch::Runners
        && namespaces.len() > 1
    {
        return Err(unsupported(format!(
            "a controller cannot watch {} namespaces without watching all",
            namespaces.len()
        ))
        .remedy("set controller.watch: cluster, or put all runner sets into one namespace"));
    }
    config
        .runner_sets
        .iter()
        .try_for_each(|set| check_set(config, set))
}

fn check_set(config: &Config, set: &RunnerSet) -> Result<(), Failure> {
    if (set.kind == RunnerKind::ScaleSet) != (config.mode == Mode::ScaleSet) {
        return Err(unsupported(format!(
            "runner set {}: its kind belongs to the other generation of ARC",
            set.name
        )));
    }
    let needs = [
        (
            set.kind == RunnerKind::RunnerSet,
            Feature::RunnerSet,
            "a RunnerSet",
        ),
        (
            set.container_mode == ContainerMode::Kubernetes,
            Feature::KubernetesMode,
            "container mode kubernetes",
        ),
        (
            set.container_mode == ContainerMode::KubernetesNovolume,
            Feature::KubernetesNovolume,
            "container mode kubernetes-novolume",
        ),
        (
            config.mode == Mode::Legacy && set.github_secret.is_some(),
            Feature::CredentialsFrom,
            "a GitHub login of its own",
        ),
        (
            matches!(set.work_volume, WorkVolume::Claim { .. }),
            Feature::EphemeralClaim,
            "a claim as work volume",
        ),
    ];
    for (asked, feature, what) in needs {
        if asked && !versions::has(config.mode, config.version, feature) {
            let failure = unsupported(format!("runner set {}: {what} is not possible", set.name));
            return Err(match versions::first_with(config.mode, feature) {
                Some(first) => failure.why(format!("it came with ARC {first}")),
                None => failure.why("this generation of ARC has nothing like it"),
            });
        }
    }
    if set.container_mode == ContainerMode::Kubernetes {
        check_shared_volume(config, set)?;
    }
    match (config.mode, secret_of(config, set)) {
        (Mode::ScaleSet, Some(secret)) if !secret.keys.is_empty() => Err(unsupported(format!(
            "runner set {}: the keys of Secret {} cannot be renamed",
            set.name, secret.name
        ))
        .why("the scale-set controller reads fixed keys")
        .remedy("name the keys github_token, or github_app_id, github_app_installation_id and github_app_private_key")),
        _ => Ok(()),
    }
}

fn secret_of<'a>(config: &'a Config, set: &'a RunnerSet) -> Option<&'a ExistingSecret> {
    match (&set.github_secret, &config.github.credentials) {
        (Some(secret), _) | (None, GithubCredentials::ExistingSecret(secret)) => Some(secret),
        _ => None,
    }
}

/// Job pods mount the runner's claim by its name.
fn check_shared_volume(config: &Config, set: &RunnerSet) -> Result<(), Failure> {
    let problem = match &set.work_volume {
        WorkVolume::EmptyDir { .. } => "needs a claim that job pods can share",
        WorkVolume::Claim {
            storage_class: None,
            ..
        } if config.mode == Mode::Legacy => "needs a storage class by name",
        WorkVolume::Claim { .. } => return Ok(()),
    };
    Err(unsupported(format!(
        "runner set {}: container mode kubernetes {problem}",
        set.name
    ))
    .remedy(format!(
        "give runner set {} a work volume with storageClass, size and accessMode",
        set.name
    )))
}

fn unsupported(what: String) -> Failure {
    Failure::new("arc-unsupported", Exit::Usage, what)
}
