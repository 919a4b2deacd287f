//! Checks of each runner set.

use std::collections::BTreeSet;

use crate::config::arc_versions::differences::{Feature, first_with, has};
use crate::config::model::{
    ContainerMode, GithubCredentials, Mode, RunnerKind, RunnerSet, Scope, WorkVolume,
};

use super::install::LOGIN;
use super::{Validator, syntax};

impl Validator<'_> {
    pub(super) fn runner_set(&mut self, at: &str, set: &RunnerSet) {
        let path = |member: &str| format!("{at}.{member}");
        self.label(&path("name"), &set.name, 45);
        if set.namespace != self.config.namespaces.runners {
            self.label(&path("namespace"), &set.namespace, 63);
        }
        if Some(&set.scope) != self.config.github.scope.as_ref()
            && self.knows(&["github.organization"])
        {
            self.scope(at, &set.scope);
        }
        self.image(&path("image"), set.image.as_deref());
        self.image(&path("dindImage"), set.dind_image.as_deref());
        self.counts(at, set);
        self.kind(at, set);
        self.container_mode(at, set);
        self.work_volume(at, set);
        self.runner_labels(at, set);
        self.group(at, set);
        self.scaling(at, set);
        if let Some(secret) = &set.github_secret {
            self.existing_secret(&path("githubSecret"), secret, LOGIN, true);
            self.since(
                &path("githubSecret"),
                Mode::Legacy,
                Feature::CredentialsFrom,
                "a login of its own",
            );
        }
    }

    /// A problem where this mode's release is older than the first one with the feature.
    pub(super) fn since(&mut self, path: &str, mode: Mode, feature: Feature, what: &str) {
        let (config, known) = (self.config, self.knows(&["version", "mode"]));
        if known
            && config.mode == mode
            && let Some(first) = first_with(mode, feature)
            && config.version < first
        {
            self.problem(
                "config-too-old",
                path,
                format!(
                    "{path}: {what} needs ARC {first} or newer, and the version is {}",
                    config.version
                ),
                format!("set version: {first} or newer, or leave it out"),
            );
        }
    }

    fn counts(&mut self, at: &str, set: &RunnerSet) {
        let path = format!("{at}.max");
        if set.kind == RunnerKind::Runner {
            if set.max != 1 || set.min > 1 {
                self.problem(
                    "config-count",
                    &path,
                    format!("{at} is a single Runner, which is always 1"),
                    "leave min and max out, or use kind RunnerDeployment",
                );
            }
        } else if set.max == 0 {
            self.problem(
                "config-count",
                &path,
                format!("{path} is 0: no job would ever run"),
                "use at least 1",
            );
        } else if set.max < set.min {
            self.problem(
                "config-count",
                &path,
                format!("{path} ({}) is less than min ({})", set.max, set.min),
                "raise max or lower min",
            );
        }
    }

    fn kind(&mut self, at: &str, set: &RunnerSet) {
        let path = format!("{at}.kind");
        if !self.knows(&["mode"]) {
            return;
        }
        let scale_set = set.kind == RunnerKind::ScaleSet;
        if scale_set != (self.config.mode == Mode::ScaleSet) {
            self.problem(
                "config-kind",
                &path,
                format!("{path} does not exist in this mode"),
                "scale-set knows ScaleSet; legacy knows Runner, RunnerDeployment and RunnerSet",
            );
        }
        if set.kind == RunnerKind::RunnerSet {
            self.since(&path, Mode::Legacy, Feature::RunnerSet, "kind RunnerSet");
        }
    }

    fn container_mode(&mut self, at: &str, set: &RunnerSet) {
        let path = format!("{at}.containerMode");
        let legacy = self.config.mode == Mode::Legacy;
        match set.container_mode {
            ContainerMode::KubernetesNovolume if legacy && self.knows(&["mode"]) => self.problem(
                "config-container-mode",
                &path,
                format!("{path}: legacy ARC has no kubernetes-novolume"),
                "use kubernetes with workVolume.claim, or mode scale-set",
            ),
            ContainerMode::KubernetesNovolume => {
                self.since(
                    &path,
                    Mode::ScaleSet,
                    Feature::KubernetesNovolume,
                    "kubernetes-novolume",
                );
            }
            ContainerMode::Kubernetes => {
                self.since(&path, Mode::Legacy, Feature::KubernetesMode, "kubernetes");
            }
            ContainerMode::Dind => self.docker_group(at, set),
            ContainerMode::None => {}
        }
    }

    /// The controller guesses the group of the Docker socket from the image's name, and takes that of Ubuntu 20.04
    /// where the name says nothing: then the runner cannot open the socket.
    fn docker_group(&mut self, at: &str, set: &RunnerSet) {
        let Some(image) = &set.image else { return };
        let told = |template: &serde_json::Value| template.to_string().contains("DOCKER_GROUP_GID");
        if self.config.mode != Mode::Legacy
            || !has(Mode::Legacy, self.config.version, Feature::SocketGroup)
            || ["22.04", "20.04"].iter().any(|base| image.contains(base))
            || set.pod_template.as_ref().is_some_and(told)
        {
            return;
        }
        self.warn(
            "config-docker-group",
            &format!("{at}.image"),
            format!("{at}.image names no Ubuntu release, by which ARC chooses the group of the Docker socket; it takes 1001"),
            "keep 22.04 or 20.04 in the tag, or set DOCKER_GROUP_GID for container docker in podTemplate",
        );
    }

    fn work_volume(&mut self, at: &str, set: &RunnerSet) {
        let at = format!("{at}.workVolume");
        let claim = format!("{at}.claim");
        match &set.work_volume {
            WorkVolume::EmptyDir { size_limit } => {
                let path = format!("{at}.emptyDir.sizeLimit");
                self.quantity(&path, size_limit.as_deref());
                if set.container_mode == ContainerMode::Kubernetes {
                    self.problem(
                        "config-work-volume",
                        &claim,
                        format!("container mode kubernetes shares _work between pods: {claim} is missing"),
                        "set workVolume.claim with size (and storageClass), or use kubernetes-novolume",
                    );
                }
            }
            WorkVolume::Claim {
                size,
                storage_class,
                ..
            } => {
                self.quantity(&format!("{claim}.size"), Some(size));
                self.since(
                    &claim,
                    Mode::Legacy,
                    Feature::EphemeralClaim,
                    "a volume claim",
                );
                if storage_class.is_none()
                    && self.config.mode == Mode::Legacy
                    && set.container_mode == ContainerMode::Kubernetes
                {
                    let path = format!("{claim}.storageClass");
                    self.problem(
                        "config-work-volume",
                        &path,
                        format!("{path} is missing: legacy ARC requires it"),
                        "name a storage class of the cluster",
                    );
                }
            }
        }
    }

    fn quantity(&mut self, path: &str, text: Option<&str>) {
        if text.is_some_and(|text| !syntax::is_quantity(text)) {
            self.problem(
                "config-quantity",
                path,
                format!("{path} is not a quantity"),
                "write it as 20Gi",
            );
        }
    }

    fn runner_labels(&mut self, at: &str, set: &RunnerSet) {
        let path = format!("{at}.labels");
        if set
            .labels
            .iter()
            .any(|label| !syntax::is_runner_label(label))
        {
            self.problem(
                "config-label",
                &path,
                format!("{path} has an entry that cannot be a runner label"),
                "labels have at most 256 characters, without commas and white space",
            );
        }
        if !set.labels.is_empty() {
            self.since(
                &path,
                Mode::ScaleSet,
                Feature::ScaleSetLabels,
                "labels beside the name",
            );
        }
    }

    fn group(&mut self, at: &str, set: &RunnerSet) {
        let path = format!("{at}.group");
        if set.group.is_none() {
            return;
        }
        if matches!(set.scope, Scope::Repository(_)) {
            self.warn(
                "config-unused",
                &path,
                format!("{path} has no effect: runners of a repository are in no group"),
                "remove it, or register with the organization",
            );
        }
        let app = matches!(
            self.config.github.credentials,
            GithubCredentials::App { .. }
        );
        if app && self.config.github.is_enterprise_server() && set.github_secret.is_none() {
            self.warn(
                "config-group-app",
                &path,
                format!(
                    "{path}: some GitHub Enterprise Servers let only a token assign runner groups"
                ),
                "use github.token if registration is refused",
            );
        }
    }

    pub(super) fn unique_names(&mut self) {
        let config = self.config;
        let mut seen = BTreeSet::new();
        for (index, set) in config.runner_sets.iter().enumerate() {
            if !seen.insert((&set.namespace, &set.name)) {
                let path = format!("runnerSets[{index}].name");
                self.problem(
                    "config-name",
                    &path,
                    format!(
                        "{path}: namespace '{}' has another runner set of this name",
                        set.namespace
                    ),
                    "give each runner set of a namespace its own name",
                );
            }
        }
    }
}
