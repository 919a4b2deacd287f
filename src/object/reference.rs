//! The identity of an object in a cluster.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Group, version, kind, namespace and name. Ordered, so that reports are too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRef {
    /// `v1`, `apps/v1`, `actions.github.com/v1alpha1`.
    pub api_version: String,
    /// `Deployment`.
    pub kind: String,
    /// None for what is cluster-scoped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// `metadata.name`.
    pub name: String,
}

impl ObjectRef {
    /// Makes a reference; `namespace` is None for what is cluster-scoped.
    pub fn new(api_version: &str, kind: &str, namespace: Option<&str>, name: &str) -> Self {
        Self {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        }
    }

    /// Reads the identity of an object; missing parts are empty.
    pub fn from_value(object: &Value) -> Self {
        // Asked for often, and a pointer is unescaped at each use.
        let text = |within: Option<&Value>, key| -> Option<String> {
            within?.get(key)?.as_str().map(str::to_owned)
        };
        let metadata = object.get("metadata");
        Self {
            api_version: text(Some(object), "apiVersion").unwrap_or_default(),
            kind: text(Some(object), "kind").unwrap_or_default(),
            namespace: text(metadata, "namespace"),
            name: text(metadata, "name").unwrap_or_default(),
        }
    }

    /// The API group; empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version
            .split_once('/')
            .map_or("", |(group, _)| group)
    }

    /// The API version without its group.
    pub fn version(&self) -> &str {
        self.api_version
            .split_once('/')
            .map_or(self.api_version.as_str(), |(_, version)| version)
    }
}

impl fmt::Display for ObjectRef {
    /// `Deployment arc-systems/arc-controller`, or `ClusterRole arc-controller`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(formatter, "{} {namespace}/{}", self.kind, self.name),
            None => write!(formatter, "{} {}", self.kind, self.name),
        }
    }
}
