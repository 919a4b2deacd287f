//! Which kinds the server knows: aggregated discovery once, one group again where a kind is unknown.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::OnceCell;

use super::query::Path;
use super::request::Call;
use super::{Cluster, ClusterError};

/// Where a kind's objects live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// In namespaces.
    Namespaced,
    /// In the cluster itself.
    Cluster,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resource {
    pub(super) plural: String,
    pub(super) scope: Scope,
}

/// Known kinds by (apiVersion, kind), and the groups.
#[derive(Debug, Default)]
pub(super) struct Discovery {
    known: Mutex<Known>,
    aggregated: OnceCell<()>,
}

#[derive(Debug, Default)]
struct Known {
    resources: HashMap<(String, String), Resource>,
    groups: HashSet<String>,
}

/// Aggregated discovery is stable from 1.30 and on by default from 1.27; older servers answer with their lists of
/// groups instead, and each group is then asked for when it is needed.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

impl Discovery {
    fn find(&self, api_version: &str, kind: &str) -> Option<Resource> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .resources
            .get(&(api_version.to_owned(), kind.to_owned()))
            .cloned()
    }

    fn insert(&self, api_version: &str, kind: &str, plural: &str, scope: Scope) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.resources.insert(
            (api_version.to_owned(), kind.to_owned()),
            Resource {
                plural: plural.to_owned(),
                scope,
            },
        );
    }

    fn insert_group(&self, group: &str) {
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .groups
            .insert(group.to_owned());
    }
}

impl Cluster {
    /// Tells plural and scope of a kind whose CRD is ours, so that no request is needed to learn it.
    pub fn seed(&self, api_version: &str, kind: &str, plural: &str, scope: Scope) {
        self.discovery.insert(api_version, kind, plural, scope);
    }

    /// The plural of a kind that is known already, from discovery or [`Cluster::seed`]; asks nothing.
    pub fn plural_of(&self, api_version: &str, kind: &str) -> Option<String> {
        self.discovery
            .find(api_version, kind)
            .map(|resource| resource.plural)
    }

    /// True where the server serves an API group such as `security.openshift.io`.
    pub async fn serves_group(&self, group: &str) -> Result<bool, ClusterError> {
        self.aggregate().await?;
        let known = self
            .discovery
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Ok(known.groups.contains(group))
    }

    pub(super) async fn resource(
        &self,
        api_version: &str,
        kind: &str,
    ) -> Result<Resource, ClusterError> {
        if let Some(resource) = self.discovery.find(api_version, kind) {
            return Ok(resource);
        }
        self.aggregate().await?;
        if let Some(resource) = self.discovery.find(api_version, kind) {
            return Ok(resource);
        }
        // CRDs appear while we run, and a server before 1.27 tells one group at a time.
        self.read_version(api_version).await?;
        self.discovery
            .find(api_version, kind)
            .ok_or_else(|| not_served(api_version, kind))
    }

    async fn aggregate(&self) -> Result<(), ClusterError> {
        self.discovery
            .aggregated
            .get_or_try_init(|| async {
                let call = |path| Call {
                    accept: AGGREGATED,
                    ..Call::get(Path::new(path))
                };
                let (core, groups) =
                    futures::try_join!(self.call(call("/api")), self.call(call("/apis")))?;
                self.take_groups(&core.value);
                self.take_groups(&groups.value);
                Ok(())
            })
            .await
            .copied()
    }

    /// Reads an APIGroupDiscoveryList, or the group names of an APIGroupList.
    fn take_groups(&self, list: &Value) {
        for group in array(list, "items") {
            let name = text(group, "/metadata/name");
            self.discovery.insert_group(name);
            for version in array(group, "versions") {
                let api_version = match (name, text(version, "/version")) {
                    ("", version) => version.to_owned(),
                    (group, version) => format!("{group}/{version}"),
                };
                for resource in array(version, "resources") {
                    let kind = text(resource, "/responseKind/kind");
                    let scope = scope(text(resource, "/scope") == "Namespaced");
                    self.discovery
                        .insert(&api_version, kind, text(resource, "/resource"), scope);
                }
            }
        }
        for group in array(list, "groups") {
            self.discovery.insert_group(text(group, "/name"));
        }
    }

    /// Reads the APIResourceList of one version; a version that is not served adds nothing.
    async fn read_version(&self, api_version: &str) -> Result<(), ClusterError> {
        let answer = match self.call(Call::get(Path::of_version(api_version))).await {
            Ok(answer) => answer,
            Err(ClusterError::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        for resource in array(&answer.value, "resources") {
            let plural = text(resource, "/name");
            // Subresources such as deployments/scale carry kinds of their own.
            if !plural.contains('/') {
                let namespaced = resource
                    .get("namespaced")
                    .and_then(Value::as_bool)
                    .unwrap_or_default();
                self.discovery.insert(
                    api_version,
                    text(resource, "/kind"),
                    plural,
                    scope(namespaced),
                );
            }
        }
        Ok(())
    }
}

fn not_served(api_version: &str, kind: &str) -> ClusterError {
    ClusterError::NotFound {
        message: format!("the server knows no kind {kind} in {api_version}"),
    }
}

fn scope(namespaced: bool) -> Scope {
    if namespaced {
        Scope::Namespaced
    } else {
        Scope::Cluster
    }
}

fn array<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}
