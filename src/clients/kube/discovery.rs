//! Which kinds the server knows: aggregated discovery once, one group again where a kind is unknown.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use futures::StreamExt;
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
    namespaced: NamespacedKinds,
    /// Preferred versions of which only the name is known: a server before 1.27.
    unread: BTreeSet<String>,
}

/// The kinds whose objects live in namespaces and can be listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamespacedKinds {
    /// apiVersion and kind, each resource of a group once, by the version that the server prefers.
    pub kinds: BTreeSet<(String, String)>,
    /// API groups whose server does not answer, so that nobody knows their kinds.
    pub silent: BTreeSet<String>,
}

/// Aggregated discovery is stable from 1.30 and on by default from 1.27; older servers answer with their lists of
/// groups instead, and each group is then asked for when it is needed.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// Groups that are asked for at once.
const CONCURRENCY: usize = 8;

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
        self.note(|known| {
            known.groups.insert(group.to_owned());
        });
    }

    fn note(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn insert_namespaced(&self, api_version: &str, kind: &str) {
        let entry = (api_version.to_owned(), kind.to_owned());
        self.note(|known| {
            known.namespaced.kinds.insert(entry);
        });
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

    /// Every kind whose objects live in namespaces and can be listed.
    pub async fn namespaced_kinds(&self) -> Result<NamespacedKinds, ClusterError> {
        self.aggregate().await?;
        let mut unread = BTreeSet::new();
        self.discovery
            .note(|known| unread = std::mem::take(&mut known.unread));
        let lists: Vec<_> = futures::stream::iter(&unread)
            .map(async |version| (version, self.read_version(version).await))
            .buffered(CONCURRENCY)
            .collect()
            .await;
        // A kind of several versions is one kind.
        let mut known_kinds = BTreeSet::new();
        for (version, read) in lists {
            let group = version.rsplit_once('/').map_or("", |(group, _)| group);
            match read {
                Ok(listable) => {
                    for kind in listable {
                        if known_kinds.insert((group, kind.clone())) {
                            self.discovery.insert_namespaced(version, &kind);
                        }
                    }
                }
                Err(ClusterError::Unreachable { message }) => {
                    return Err(ClusterError::Unreachable { message });
                }
                Err(_) => self.discovery.note(|known| {
                    let group = version.split('/').next().unwrap_or_default();
                    known.namespaced.silent.insert(group.to_owned());
                }),
            }
        }
        let mut kinds = NamespacedKinds::default();
        self.discovery
            .note(|known| kinds = known.namespaced.clone());
        Ok(kinds)
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

    /// Reads an APIGroupDiscoveryList, or the group names of an APIGroupList and the versions of APIVersions.
    fn take_groups(&self, list: &Value) {
        for group in array(list, "items") {
            let name = text(group, "/metadata/name");
            self.discovery.insert_group(name);
            // Versions come in the order of preference.
            let mut seen: HashSet<&str> = HashSet::new();
            for version in array(group, "versions") {
                let api_version = match (name, text(version, "/version")) {
                    ("", version) => version.to_owned(),
                    (group, version) => format!("{group}/{version}"),
                };
                if text(version, "/freshness") == "Stale" {
                    self.discovery.note(|known| {
                        known.namespaced.silent.insert(name.to_owned());
                    });
                }
                for resource in array(version, "resources") {
                    let kind = text(resource, "/responseKind/kind");
                    if text(resource, "/scope") == "Namespaced"
                        && can_be_listed(resource)
                        && seen.insert(text(resource, "/resource"))
                    {
                        self.discovery.insert_namespaced(&api_version, kind);
                    }
                    let scope = scope(text(resource, "/scope") == "Namespaced");
                    self.discovery
                        .insert(&api_version, kind, text(resource, "/resource"), scope);
                }
            }
        }
        let mut unread: BTreeSet<String> = array(list, "versions")
            .iter()
            .filter_map(|version| version.as_str().map(str::to_owned))
            .collect();
        for group in array(list, "groups") {
            self.discovery.insert_group(text(group, "/name"));
            // Not the preferred one alone: a kind may exist in another version only.
            let versions = array(group, "versions").iter();
            unread.extend(versions.map(|version| text(version, "/groupVersion").to_owned()));
        }
        self.discovery.note(|known| known.unread.extend(unread));
    }

    /// Reads the APIResourceList of one version; a version that is not served adds nothing. Returns its kinds that
    /// live in namespaces and can be listed.
    async fn read_version(&self, api_version: &str) -> Result<Vec<String>, ClusterError> {
        let answer = match self.call(Call::get(Path::of_version(api_version))).await {
            Ok(answer) => answer,
            Err(ClusterError::NotFound { .. }) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut listable = Vec::new();
        for resource in array(&answer.value, "resources") {
            let plural = text(resource, "/name");
            // Subresources such as deployments/scale carry kinds of their own.
            if !plural.contains('/') {
                let namespaced = resource
                    .get("namespaced")
                    .and_then(Value::as_bool)
                    .unwrap_or_default();
                if namespaced && can_be_listed(resource) {
                    listable.push(text(resource, "/kind").to_owned());
                }
                self.discovery.insert(
                    api_version,
                    text(resource, "/kind"),
                    plural,
                    scope(namespaced),
                );
            }
        }
        Ok(listable)
    }
}

fn can_be_listed(resource: &Value) -> bool {
    array(resource, "verbs").iter().any(|verb| verb == "list")
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
