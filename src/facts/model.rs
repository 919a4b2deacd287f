//! The facts. Serializable, so that a bug report can replay them; public data only.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::ArcVersion;
use crate::object::ObjectRef;
use crate::pki::chain::Note;

/// Everything that was read before deciding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// Seconds since 1970-01-01T00:00:00Z at the start of the run; 0 when assumed.
    pub now: i64,
    /// The cluster.
    pub cluster: ClusterFacts,
    /// PEM of each certificate of the CA bundle, in order, without duplicates, authorities only.
    pub ca: Vec<String>,
    /// What is worth knowing about that bundle: what expires, what was left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ca_notes: Vec<Note>,
    /// The user's own CRDs (`--crds`), as objects.
    pub crds: Vec<Value>,
    /// The GitHub server, where it was asked.
    pub github: Option<GithubFacts>,
}

impl Facts {
    /// Facts for rendering without a cluster of this Kubernetes version.
    pub fn assumed(kubernetes: KubernetesVersion) -> Self {
        Self {
            now: 0,
            cluster: ClusterFacts {
                assumed: true,
                kubernetes,
                api_server_hosts: Vec::new(),
                service_cidrs: Vec::new(),
                domain: "cluster.local".to_owned(),
                namespaces: BTreeMap::new(),
                crds: BTreeMap::new(),
                controllers: Vec::new(),
                openshift: false,
                incomplete: Vec::new(),
                read: BTreeMap::new(),
            },
            ca: Vec::new(),
            ca_notes: Vec::new(),
            crds: Vec::new(),
            github: None,
        }
    }
}

/// A Kubernetes version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KubernetesVersion {
    /// Major.
    pub major: u32,
    /// Minor.
    pub minor: u32,
}

impl KubernetesVersion {
    /// What `render` assumes when nothing is said.
    pub const DEFAULT: Self = Self {
        major: 1,
        minor: 33,
    };
}

/// The cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterFacts {
    /// True when nothing was read (`render`).
    pub assumed: bool,
    /// The API server's version.
    pub kubernetes: KubernetesVersion,
    /// Every name and address of the API server: kubeconfig host, ClusterIP of default/kubernetes, its endpoints.
    pub api_server_hosts: Vec<String>,
    /// Service ranges.
    pub service_cidrs: Vec<String>,
    /// The cluster domain, without a dot in front.
    pub domain: String,
    /// The namespaces of the configuration that exist, with their labels.
    pub namespaces: BTreeMap<String, BTreeMap<String, String>>,
    /// ARC's CRDs that exist, by name, as read (without managedFields).
    pub crds: BTreeMap<String, Value>,
    /// Every ARC controller in the cluster, whoever installed it.
    pub controllers: Vec<ControllerFacts>,
    /// True where the cluster serves `security.openshift.io`.
    pub openshift: bool,
    /// What could not be read, and why: `Deployments of every namespace: deployments.apps is forbidden …`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incomplete: Vec<String>,
    /// Namespaces and CRDs as the server sent them (None: absent), so that observation need not read them again.
    /// Never recorded.
    #[serde(skip)]
    pub read: BTreeMap<ObjectRef, Option<Value>>,
}

impl ClusterFacts {
    /// Native sidecars (initContainers with restartPolicy Always): on by default from 1.29.
    pub fn has_native_sidecars(&self) -> bool {
        self.kubernetes
            >= KubernetesVersion {
                major: 1,
                minor: 29,
            }
    }
}

/// A running ARC controller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ControllerFacts {
    /// Its namespace.
    pub namespace: String,
    /// The Deployment's name.
    pub name: String,
    /// The release it says it is (label, else image tag).
    pub version: Option<ArcVersion>,
    /// True for the scale-set generation.
    pub scale_set: bool,
    /// The namespace that it watches alone; None watches all.
    pub watches: Option<String>,
    /// The `arc-setup` install that made it; None for anyone else's.
    pub install: Option<String>,
    /// Its ServiceAccount's name.
    pub service_account: String,
    /// `namespace/name` of every runner set in its scope.
    pub runner_sets: Vec<String>,
}

/// The GitHub server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GithubFacts {
    /// `installed_version` of GET /meta; None on github.com.
    pub enterprise_version: Option<String>,
}
