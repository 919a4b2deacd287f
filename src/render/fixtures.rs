//! Configurations for the tests of this stage.

use std::collections::BTreeMap;

use crate::config::{
    ArcVersion, Config, ContainerMode, Controller, Github, GithubCredentials, Library, Mode,
    Namespaces, Origins, RbacProxy, Registry, RunnerKind, RunnerSet, Scaling, Scope, Watch,
    WebhookCertificate, WorkVolume,
};
use crate::facts::{Facts, KubernetesVersion};

/// A configuration with one runner set named `build`.
pub(crate) fn config(mode: Mode, version: &str, container_mode: ContainerMode) -> Config {
    Config {
        name: "arc".to_owned(),
        mode,
        version: version.parse::<ArcVersion>().unwrap(),
        github: Github {
            url: "https://ghes.corp.example".to_owned(),
            scope: None,
            credentials: GithubCredentials::Token,
        },
        registry: Registry {
            host: None,
            library: Library::Keep,
            rules: Vec::new(),
            pull_secret: None,
            mirror_credentials: None,
        },
        proxy: None,
        ca_bundle: None,
        pins: Vec::new(),
        namespaces: Namespaces {
            controller: "arc-systems".to_owned(),
            runners: "arc-runners".to_owned(),
            manage: false,
        },
        controller: Controller {
            watch: Watch::Runners,
            existing: None,
            image: None,
            replicas: 1,
            log_level: "info".to_owned(),
            pod_template: None,
        },
        listener_pod_template: None,
        rbac_proxy: Some(RbacProxy { image: None }),
        webhook_certificate: WebhookCertificate::Generate,
        runner_sets: vec![runner_set(mode, container_mode)],
        common_labels: BTreeMap::new(),
        common_annotations: BTreeMap::new(),
        crds: None,
        origins: Origins::default(),
    }
}

/// A runner set named `build`; in kubernetes mode with a claim, which that mode needs.
pub(crate) fn runner_set(mode: Mode, container_mode: ContainerMode) -> RunnerSet {
    RunnerSet {
        name: "build".to_owned(),
        kind: match mode {
            Mode::ScaleSet => RunnerKind::ScaleSet,
            Mode::Legacy => RunnerKind::RunnerDeployment,
        },
        namespace: "arc-runners".to_owned(),
        scope: Scope::Organization("octo".to_owned()),
        labels: vec!["linux".to_owned()],
        group: None,
        image: None,
        dind_image: None,
        min: 0,
        max: 4,
        container_mode,
        work_volume: match container_mode {
            ContainerMode::Kubernetes => claim(),
            _ => WorkVolume::EmptyDir { size_limit: None },
        },
        scaling: Scaling::default(),
        github_secret: None,
        pod_template: None,
    }
}

/// A claim of 20Gi.
pub(crate) fn claim() -> WorkVolume {
    WorkVolume::Claim {
        storage_class: Some("fast".to_owned()),
        size: "20Gi".to_owned(),
        access_mode: "ReadWriteOnce".to_owned(),
    }
}

/// Facts without a cluster.
pub(crate) fn facts() -> Facts {
    Facts::assumed(KubernetesVersion::DEFAULT)
}

/// Releases at the edges of what differs.
pub(crate) fn releases(mode: Mode) -> &'static [&'static str] {
    match mode {
        Mode::Legacy => &["0.18.2", "0.20.0", "0.23.0", "0.24.0", "0.25.0", "0.27.6"],
        Mode::ScaleSet => &["0.9.0", "0.12.1", "0.13.0", "0.14.2"],
    }
}

/// Every mode, release and container mode that goes together, with a name for it.
pub(crate) fn matrix() -> Vec<(String, Config)> {
    let mut found = Vec::new();
    for mode in [Mode::ScaleSet, Mode::Legacy] {
        for release in releases(mode) {
            for container_mode in [
                ContainerMode::None,
                ContainerMode::Dind,
                ContainerMode::Kubernetes,
                ContainerMode::KubernetesNovolume,
            ] {
                let config = config(mode, release, container_mode);
                if crate::render::support::check(&config).is_ok() {
                    let name = format!("{mode:?}-{release}-{container_mode:?}").to_lowercase();
                    found.push((name, config));
                }
            }
        }
    }
    found
}
