//! One runner set, in either generation.

use serde::Serialize;
use serde_json::{Value, json};

use crate::config::{
    self, Config, ContainerMode, GithubCredentials, Mode, RunnerKind, Scope, WorkVolume,
};
use crate::facts::Facts;
use crate::render::names::{self, Labels};
use crate::render::versions::{self, Feature};

use super::images;
use super::scaling::{Scaling, is_autoscaled};

#[derive(Debug, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one question that a template asks"
)]
pub(super) struct RunnerSet<'a> {
    name: &'a str,
    kind: &'static str,
    namespace: &'a str,
    /// What the objects beside it begin with.
    prefix: String,
    labels: Labels,
    pod_labels: Labels,
    selector: Labels,
    mode: ContainerMode,
    /// True where jobs run in pods of their own.
    runs_job_pods: bool,
    /// The container hooks of the runner image.
    hooks: &'static str,
    github_config_url: String,
    github_secret: String,
    /// Legacy: a login of its own.
    own_secret: Option<&'a str>,
    scope: ScopeField<'a>,
    group: Option<&'a str>,
    runner_labels: &'a [String],
    image: &'a str,
    dind_image: &'a str,
    /// True where it is not what the manager was told.
    own_dind_image: bool,
    min: u32,
    max: u32,
    service_account: String,
    native_sidecar: bool,
    /// Legacy: containers are listed in full.
    writes_containers: bool,
    /// Legacy: the Docker daemon is among them.
    docker_written_out: bool,
    /// A whole volume, with its name.
    work_volume: Value,
    has_claim: bool,
    /// Legacy `workVolumeClaimTemplate`.
    work_claim: Value,
    autoscaled: bool,
    scaling: Scaling,
}

#[derive(Debug, Serialize)]
struct ScopeField<'a> {
    field: &'static str,
    name: &'a str,
}

impl<'a> RunnerSet<'a> {
    pub(super) fn new(config: &'a Config, facts: &Facts, set: &'a config::RunnerSet) -> Self {
        let prefix = names::runner_set_prefix(config, set);
        let runs_job_pods = matches!(
            set.container_mode,
            ContainerMode::Kubernetes | ContainerMode::KubernetesNovolume
        );
        let has = |feature| versions::has(config.mode, config.version, feature);
        let writes_containers = config.mode == Mode::Legacy && !has(Feature::GeneratedDocker);
        let is_dind = set.container_mode == ContainerMode::Dind;
        let mut selector = names::identity(config, &set.name, "runner");
        selector.insert("app.kubernetes.io/part-of", part_of(config).to_owned());
        Self {
            name: &set.name,
            kind: set.kind.object_kind(),
            namespace: &set.namespace,
            labels: labels(config, set),
            pod_labels: pod_labels(set, &selector),
            selector,
            mode: set.container_mode,
            runs_job_pods,
            hooks: match set.container_mode {
                ContainerMode::KubernetesNovolume => "/home/runner/k8s-novolume/index.js",
                _ => "/home/runner/k8s/index.js",
            },
            github_config_url: config.github_config_url(set),
            github_secret: github_secret(config, set),
            own_secret: set
                .github_secret
                .as_ref()
                .map(|secret| secret.name.as_str()),
            scope: scope(&set.scope),
            group: set.group.as_deref(),
            runner_labels: &set.labels,
            image: images::runner(config, set),
            dind_image: images::dind(set),
            own_dind_image: images::dind(set) != images::fallback_dind(config),
            min: set.min,
            max: set.max,
            service_account: if runs_job_pods {
                format!("{prefix}-kube-mode")
            } else {
                format!("{prefix}-no-permission")
            },
            native_sidecar: facts.cluster.has_native_sidecars() && has(Feature::NativeSidecar),
            writes_containers,
            docker_written_out: writes_containers && is_dind,
            work_volume: work_volume(set, work_volume_name(config, set)),
            has_claim: matches!(set.work_volume, WorkVolume::Claim { .. })
                && set.container_mode != ContainerMode::KubernetesNovolume,
            work_claim: work_claim(&set.work_volume),
            autoscaled: is_autoscaled(set),
            scaling: Scaling::new(set),
            prefix,
        }
    }
}

fn part_of(config: &Config) -> &'static str {
    match config.mode {
        Mode::ScaleSet => "gha-rs",
        Mode::Legacy => "actions-runner-controller",
    }
}

fn labels(config: &Config, set: &config::RunnerSet) -> Labels {
    let component = match config.mode {
        Mode::ScaleSet => "autoscaling-runner-set",
        Mode::Legacy => "runner-set",
    };
    let mut labels = names::labels(config, &set.name, component);
    if config.mode == Mode::ScaleSet {
        labels.insert("actions.github.com/scale-set-name", set.name.clone());
        labels.insert(
            "actions.github.com/scale-set-namespace",
            set.namespace.clone(),
        );
    }
    labels
}

/// The pod webhook, which hands a RunnerSet's pods their token, selects by a label that not every release sets.
fn pod_labels(set: &config::RunnerSet, selector: &Labels) -> Labels {
    let mut labels = selector.clone();
    if set.kind == RunnerKind::RunnerSet {
        labels.insert(
            "actions-runner-controller/inject-registration-token",
            "true".to_owned(),
        );
    }
    labels
}

fn scope(scope: &Scope) -> ScopeField<'_> {
    let (field, name) = match scope {
        Scope::Organization(name) => ("organization", name),
        Scope::Repository(name) => ("repository", name),
        Scope::Enterprise(name) => ("enterprise", name),
    };
    ScopeField { field, name }
}

fn github_secret(config: &Config, set: &config::RunnerSet) -> String {
    match (&set.github_secret, &config.github.credentials) {
        (Some(own), _) => own.name.clone(),
        (None, GithubCredentials::ExistingSecret(existing)) => existing.name.clone(),
        (None, _) => names::github_secret(config),
    }
}

/// A legacy controller that generates the daemon takes a volume named `work` in place of its own, and in every
/// other mode removes the wrong volume when it meets that name.
fn work_volume_name(config: &Config, set: &config::RunnerSet) -> &'static str {
    let generates = versions::has(config.mode, config.version, Feature::GeneratedDocker)
        && set.container_mode == ContainerMode::Dind;
    if config.mode == Mode::ScaleSet || generates {
        "work"
    } else {
        "workspace"
    }
}

fn work_volume(set: &config::RunnerSet, name: &str) -> Value {
    match &set.work_volume {
        WorkVolume::EmptyDir { size_limit: None } => json!({"name": name, "emptyDir": {}}),
        WorkVolume::EmptyDir {
            size_limit: Some(limit),
        } => json!({"name": name, "emptyDir": {"sizeLimit": limit}}),
        claim @ WorkVolume::Claim { .. } => json!({
            "name": name,
            "ephemeral": {"volumeClaimTemplate": {"spec": work_claim(claim)}},
        }),
    }
}

fn work_claim(volume: &WorkVolume) -> Value {
    let WorkVolume::Claim {
        storage_class,
        size,
        access_mode,
    } = volume
    else {
        return Value::Null;
    };
    let mut claim = json!({
        "accessModes": [access_mode],
        "resources": {"requests": {"storage": size}},
    });
    if let Some(class) = storage_class {
        claim["storageClassName"] = json!(class);
    }
    claim
}
