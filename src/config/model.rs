//! The validated configuration. Plain values; where each came from stands in [`Origins`].

mod github;
mod proxy;
mod runner_set;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::object::Common;
use crate::object::Credential;
use crate::rules::RuleSpec;

pub use crate::origin::Origin;

pub use github::{ExistingSecret, Github, GithubCredentials, Scope};
pub use proxy::{Proxy, ProxyCredentials, ProxyRunners};
pub use runner_set::{
    BusyScaling, ContainerMode, RunnerKind, RunnerSet, Scaling, Schedule, WorkVolume,
};

/// Everything that the user wants, with defaults filled in. Holds no secret: see `Credentials`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    /// The install's name; part of every cluster-scoped name. A DNS label of at most 30 characters.
    pub name: String,
    /// Which generation of ARC.
    pub mode: Mode,
    /// The release of ARC, without a leading `v`: `0.14.2`.
    pub version: ArcVersion,
    /// The GitHub server and how to log in to it.
    pub github: Github,
    /// Where images come from.
    pub registry: Registry,
    /// The company's proxy.
    pub proxy: Option<Proxy>,
    /// The company's CA bundle: a file or a directory.
    pub ca_bundle: Option<PathBuf>,
    /// SHA-256 of servers' own certificates that this program takes as they are: 64 lower-case hexadecimal digits each.
    pub pins: Vec<String>,
    /// Namespaces.
    pub namespaces: Namespaces,
    /// The controller.
    pub controller: Controller,
    /// Pod template of the listener (scale sets), merged strategically.
    pub listener_pod_template: Option<Value>,
    /// kube-rbac-proxy beside the legacy manager; None leaves it out.
    pub rbac_proxy: Option<RbacProxy>,
    /// Certificate of the legacy admission webhooks.
    pub webhook_certificate: WebhookCertificate,
    /// The runner sets, in the order of the file.
    pub runner_sets: Vec<RunnerSet>,
    /// Labels on every object and pod that is rendered.
    pub common_labels: BTreeMap<String, String>,
    /// Annotations on every object and pod that is rendered.
    pub common_annotations: BTreeMap<String, String>,
    /// Directory with CRDs to use in place of the built-in ones.
    pub crds: Option<PathBuf>,
    /// Where each value came from, by its path in the file (`runnerSets[0].max`).
    pub origins: Origins,
}

/// Where values came from, keyed by the path in arc-setup.yaml (`registry.host`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Origins(pub BTreeMap<String, Origin>);

impl Origins {
    /// The origin of the value at `path`; what nobody gave is a default.
    pub fn of(&self, path: &str) -> Origin {
        self.0.get(path).cloned().unwrap_or(Origin::Default)
    }
}

/// The generation of ARC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// `actions.github.com`: AutoscalingRunnerSet.
    ScaleSet,
    /// `actions.summerwind.dev`: Runner, RunnerDeployment, RunnerSet.
    Legacy,
}

/// A release of ARC, comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ArcVersion {
    /// Major.
    pub major: u32,
    /// Minor.
    pub minor: u32,
    /// Patch.
    pub patch: u32,
}

impl ArcVersion {
    /// The version `major.minor.patch`.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self {
            major,
            minor,
            patch,
        }
    }
}

impl fmt::Display for ArcVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl From<ArcVersion> for String {
    fn from(version: ArcVersion) -> Self {
        version.to_string()
    }
}

impl TryFrom<String> for ArcVersion {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl std::str::FromStr for ArcVersion {
    type Err = String;

    /// Reads `0.14.2`, with or without a leading `v`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text
            .strip_prefix('v')
            .unwrap_or(text)
            .split('.')
            .map(str::parse::<u32>);
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor)), Some(Ok(patch)), None) => {
                Ok(Self::new(major, minor, patch))
            }
            _ => Err(format!("'{text}' is not a version such as 0.14.2")),
        }
    }
}

/// Where images come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Registry {
    /// `HOST[:PORT][/KEY]` of the internal registry; None leaves images where they are.
    pub host: Option<String>,
    /// `keep`: official images keep `library/`.
    pub library: Library,
    /// Ordered rules, made of `registry.rules`, then `registry.map`, then the catch-all of `registry.host`.
    pub rules: Vec<RuleSpec>,
    /// The pull secret.
    pub pull_secret: Option<PullSecret>,
    /// Account for dind's mirrors, sent by header from hosts.toml; every workflow can read it.
    pub mirror_credentials: Option<MirrorCredentials>,
}

/// What becomes of `library/` of official images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Library {
    /// `docker:dind` → `HOST/library/docker:dind`.
    #[default]
    Keep,
    /// `docker:dind` → `HOST/docker:dind`.
    Drop,
}

/// The pull secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PullSecret {
    /// Made from the user's docker configuration ([`Credential::PullSecret`]).
    DockerConfig,
    /// A Secret that is there already, of this name in every namespace that pulls.
    ExistingSecret(ExistingSecret),
}

/// dind's account for mirrors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MirrorCredentials {
    /// [`Credential::MirrorUsername`] and [`Credential::MirrorPassword`].
    Given,
    /// A Secret that is there already, with keys `username` and `password`, in each runner namespace.
    ExistingSecret(ExistingSecret),
}

/// Namespaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Namespaces {
    /// The controller's.
    pub controller: String,
    /// The default for runner sets.
    pub runners: String,
    /// True lets arc-setup label namespaces that exist already.
    pub manage: bool,
}

/// The controller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Controller {
    /// Which namespaces it watches.
    pub watch: Watch,
    /// `NAMESPACE/NAME` of a controller Deployment that is there already: only runner sets are installed.
    pub existing: Option<ExistingController>,
    /// Its image before rewriting; None takes the release's own.
    pub image: Option<String>,
    /// Replicas; above 1 turns leader election on.
    pub replicas: u32,
    /// `debug`, `info`, `warn`, `error`.
    pub log_level: String,
    /// Merged strategically over the rendered pod template.
    pub pod_template: Option<Value>,
}

/// Which namespaces the controller watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Watch {
    /// Only the runner namespace (Roles instead of ClusterRoles). More than one runner namespace needs `cluster`.
    Runners,
    /// Every namespace.
    Cluster,
}

/// A controller Deployment that somebody else installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExistingController {
    /// Its namespace.
    pub namespace: String,
    /// The Deployment's name.
    pub name: String,
}

/// kube-rbac-proxy beside the legacy manager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RbacProxy {
    /// Its image before rewriting; None takes the release's own.
    pub image: Option<String>,
}

/// Certificate of the legacy admission webhooks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WebhookCertificate {
    /// Made by `init` and renewed before it expires.
    Generate,
    /// Brought as files ([`Credential::WebhookCertificate`], `WebhookPrivateKey`, `WebhookAuthority`).
    Given,
    /// A `kubernetes.io/tls` Secret in the controller's namespace with tls.crt, tls.key and ca.crt.
    ExistingSecret(ExistingSecret),
    /// Issued by cert-manager; None makes a self-signed Issuer.
    #[serde(rename_all = "camelCase")]
    CertManager {
        /// Name of a ClusterIssuer to use.
        cluster_issuer: Option<String>,
    },
}

impl Config {
    /// Every namespace that runner sets live in, without repetition, in order.
    pub fn runner_namespaces(&self) -> Vec<&str> {
        let mut namespaces: Vec<&str> = Vec::new();
        for set in &self.runner_sets {
            if !namespaces.contains(&set.namespace.as_str()) {
                namespaces.push(&set.namespace);
            }
        }
        namespaces
    }

    /// What every object carries.
    pub fn common(&self) -> Common {
        Common {
            labels: self.common_labels.clone(),
            annotations: self.common_annotations.clone(),
        }
    }

    /// The namespace that the controller is in: its own, or the existing controller's.
    pub fn controller_namespace(&self) -> &str {
        self.controller
            .existing
            .as_ref()
            .map_or(&self.namespaces.controller, |existing| &existing.namespace)
    }

    /// Where receipt and lock may lie; the first is that of a new install. Beside the controller, or with the runner
    /// sets where the controller, and so its namespace, is another team's.
    pub fn homes(&self) -> Vec<&str> {
        match &self.controller.existing {
            Some(existing) if self.runner_sets.is_empty() => vec![&existing.namespace],
            Some(_) => self.runner_namespaces(),
            None => vec![&self.namespaces.controller],
        }
    }

    /// `githubConfigUrl` of a runner set.
    pub fn github_config_url(&self, set: &RunnerSet) -> String {
        format!("{}/{}", self.github.url, set.scope.path())
    }

    /// True where the credential is part of this configuration.
    pub fn needs(&self, credential: Credential) -> bool {
        match credential {
            Credential::GithubToken => self.github.credentials == GithubCredentials::Token,
            Credential::GithubAppPrivateKey => {
                matches!(self.github.credentials, GithubCredentials::App { .. })
            }
            Credential::PullSecret => self.registry.pull_secret == Some(PullSecret::DockerConfig),
            Credential::ProxyUsername | Credential::ProxyPassword => self
                .proxy
                .as_ref()
                .is_some_and(|proxy| proxy.credentials == Some(ProxyCredentials::Given)),
            Credential::MirrorUsername | Credential::MirrorPassword => {
                self.registry.mirror_credentials == Some(MirrorCredentials::Given)
            }
            Credential::WebhookCertificate
            | Credential::WebhookPrivateKey
            | Credential::WebhookAuthority => {
                self.mode == Mode::Legacy && self.webhook_certificate == WebhookCertificate::Given
            }
        }
    }
}
