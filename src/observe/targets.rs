//! Is the image that will be written where it will be pulled from, for the nodes that there are?
//!
//! Each reference is asked for once, however many objects name it, and several at the same time. Only a plain "no"
//! is one: what a registry hides, forbids or does not answer is unknown.

mod pull_secrets;

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::{Mutex, OnceCell, Semaphore};

use self::pull_secrets::PullSecrets;
use super::images::{ImagePresence, is_broken, unknown};
use crate::clients::kube::{Cluster, ClusterError};
use crate::clients::registry::{
    DockerConfig, Platform, PlatformManifest, Presence, Registry, RegistryAccount, is_index,
};
use crate::clients::transport::Http;
use crate::image_ref::ImageReference;
use crate::object::text_at;

/// Questions to registries at the same time; they limit them by address.
const AT_ONCE: usize = 8;
/// Most answers that are remembered; what comes after is asked for again.
const MOST_ANSWERS: usize = 4096;

/// What is known of one reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetAnswer {
    /// What the registry said.
    pub presence: ImagePresence,
    /// What to know of an image that is there: its tag is another image in the mirror, some nodes find nothing in it.
    pub notes: Vec<String>,
}

/// Asks registries for images that will be written. May be asked from many places at the same time.
#[derive(Debug)]
pub struct Targets {
    http: Http,
    accounts: DockerConfig,
    pull_secrets: Option<PullSecrets>,
    permits: Semaphore,
    hosts: Cells<String, Option<ImagePresence>>,
    answers: Cells<(String, u64), TargetAnswer>,
    /// Tells accounts from each other without holding on to them.
    as_whom: RandomState,
    platforms: OnceCell<BTreeSet<Platform>>,
}

/// Answers that are worked out once, each by whoever asks first.
type Cells<K, V> = Mutex<HashMap<K, Arc<OnceCell<V>>>>;

impl Targets {
    /// Asks this way, with these accounts; `cluster_secrets` takes those of the pods' pull secrets, too.
    pub fn new(http: Http, accounts: DockerConfig, cluster_secrets: bool) -> Self {
        Self {
            http,
            accounts,
            pull_secrets: cluster_secrets.then(PullSecrets::default),
            permits: Semaphore::new(AT_ONCE),
            hosts: Mutex::default(),
            answers: Mutex::default(),
            as_whom: RandomState::new(),
            platforms: OnceCell::new(),
        }
    }

    /// True where the pull secrets of pods are read.
    pub fn reads_pull_secrets(&self) -> bool {
        self.pull_secrets.is_some()
    }

    /// What is known of an image that a pod in `namespace` will pull with these pull secrets.
    pub async fn ask(
        &self,
        cluster: &Cluster,
        image: &str,
        namespace: &str,
        pull_secrets: &[String],
    ) -> TargetAnswer {
        let reference = match ImageReference::parse(image) {
            Ok(reference) => reference,
            Err(error) => return plain(unknown("no-reference", error.to_string())),
        };
        let account = self.account(cluster, &reference, namespace, pull_secrets);
        let account = account.await;
        // One name may have a new password in one namespace and the old one in another.
        let as_whom = self.as_whom.hash_one(
            account
                .as_ref()
                .map(|account| (&account.username, account.password.expose())),
        );
        let key = (image.to_owned(), as_whom);
        let cell = cell(&self.answers, key).await;
        let answer = cell.get_or_init(|| self.look(cluster, &reference, account));
        answer.await.clone()
    }

    async fn account(
        &self,
        cluster: &Cluster,
        reference: &ImageReference,
        namespace: &str,
        names: &[String],
    ) -> Option<RegistryAccount> {
        let (host, path) = (reference.host(), reference.path());
        let given = self.accounts.account(host, path).cloned();
        match (&self.pull_secrets, given) {
            (Some(secrets), None) => secrets.account(cluster, namespace, names, host, path).await,
            (_, given) => given,
        }
    }

    async fn look(
        &self,
        cluster: &Cluster,
        reference: &ImageReference,
        account: Option<RegistryAccount>,
    ) -> TargetAnswer {
        let registry = Registry::new(self.http.clone(), reference.host(), account);
        if let Some(broken) = self.broken_host(&registry, reference.host()).await {
            return plain(broken);
        }
        let path = reference.path();
        let wanted = reference.digest().or(reference.tag()).unwrap_or("latest");
        let found = self.manifest(&registry, path, wanted).await;
        match found {
            Presence::Absent { message } => plain(
                self.absent_or_hidden(&registry, path, message.clone(), message)
                    .await,
            ),
            Presence::Present {
                digest,
                ref media_type,
            } => {
                let mut notes = Vec::new();
                let at = digest.as_deref().unwrap_or(wanted);
                let fits = if is_index(media_type) {
                    self.index_fits_nodes(cluster, &registry, path, at).await
                } else {
                    self.image_fits_nodes(cluster, &registry, path, at).await
                };
                match fits {
                    Ok(note) => notes.extend(note),
                    Err(presence) => return plain(presence),
                }
                notes.extend(self.drift(&registry, reference).await);
                TargetAnswer {
                    presence: ImagePresence::Present { digest },
                    notes,
                }
            }
            other => plain(other.into()),
        }
    }

    /// What is wrong with a whole registry, asked once: nobody waits for it once for each image.
    async fn broken_host(&self, registry: &Registry, host: &str) -> Option<ImagePresence> {
        let cell = cell(&self.hosts, host.to_owned()).await;
        let state = cell.get_or_init(|| async {
            let presence = ImagePresence::from(self.asking(registry.ping()).await);
            is_broken(&presence).then_some(presence)
        });
        state.await.clone()
    }

    async fn manifest(&self, registry: &Registry, path: &str, wanted: &str) -> Presence {
        self.asking(registry.manifest(path, wanted)).await
    }

    /// An index must have an image for the nodes: the error says that nobody found one, or may have it. A note where
    /// some nodes have none.
    async fn index_fits_nodes(
        &self,
        cluster: &Cluster,
        registry: &Registry,
        path: &str,
        at: &str,
    ) -> Result<Option<String>, ImagePresence> {
        let nodes = self.nodes(cluster).await;
        let found = self.asking(registry.platforms(path, at)).await;
        let found = found.map_err(not_handed_out)?;
        let held: BTreeSet<&Platform> = found.iter().map(|image| &image.platform).collect();
        let note = fits(nodes, &held, "its index has")?;
        let has = |image: &&PlatformManifest| nodes.contains(&image.platform);
        let mut unknown = None;
        for image in found.iter().filter(has) {
            match self.child(registry, path, image).await {
                None => {}
                Some(absent @ ImagePresence::Absent { .. }) => return Err(absent),
                Some(other) => unknown = unknown.or(Some(other)),
            }
        }
        unknown.map_or(Ok(note), Err)
    }

    /// What is wrong with an image of an index.
    async fn child(
        &self,
        registry: &Registry,
        path: &str,
        image: &PlatformManifest,
    ) -> Option<ImagePresence> {
        let platform = &image.platform;
        match self.asking(registry.download(path, &image.digest)).await {
            Presence::Present { .. } => None,
            Presence::Absent { message } => {
                let why = format!(
                    "its index is there, but not the image for {platform} that it names ({message})"
                );
                Some(self.absent_or_hidden(registry, path, message, why).await)
            }
            other => Some(match other.into() {
                ImagePresence::Unknown { reason, why } => {
                    unknown(&reason, format!("its image for {platform}: {why}"))
                }
                presence => presence,
            }),
        }
    }

    /// A single image is for one platform, which its configuration names; it is asked for also where nobody knows the
    /// nodes, since what is there may still be refused to whoever fetches it.
    async fn image_fits_nodes(
        &self,
        cluster: &Cluster,
        registry: &Registry,
        path: &str,
        at: &str,
    ) -> Result<Option<String>, ImagePresence> {
        let nodes = self.nodes(cluster).await;
        let found = self.asking(registry.platform(path, at)).await;
        let found = found.map_err(not_handed_out)?;
        fits(nodes, &found.iter().collect(), "it is for")
    }

    /// A 404, as the registry put it: of a virtual repository it may only mean that it does not say. `why` is what it
    /// means where it can be believed.
    async fn absent_or_hidden(
        &self,
        registry: &Registry,
        path: &str,
        message: String,
        why: String,
    ) -> ImagePresence {
        match self.asking(registry.may_hide(path)).await {
            Some(hides) => unknown("hidden", format!("{message}; {hides}")),
            None => ImagePresence::Absent { why },
        }
    }

    /// One of [`AT_ONCE`] questions. Whoever asks waits for no other answer meanwhile.
    async fn asking<T>(&self, question: impl Future<Output = T>) -> T {
        // It is never closed.
        let _permit = self.permits.acquire().await.ok();
        question.await
    }

    async fn nodes(&self, cluster: &Cluster) -> &BTreeSet<Platform> {
        self.platforms.get_or_init(|| node_platforms(cluster)).await
    }

    /// Of a reference with tag and digest the digest decides; a tag that is another image in the mirror is told.
    async fn drift(&self, registry: &Registry, reference: &ImageReference) -> Option<String> {
        let (tag, digest) = (reference.tag()?, reference.digest()?);
        let found = self.manifest(registry, reference.path(), tag).await;
        let Presence::Present {
            digest: Some(other),
            ..
        } = found
        else {
            return None;
        };
        (other != digest).then(|| {
            format!("the mirror's {tag} is {other}; the reference says {digest}, which is what is pulled")
        })
    }
}

/// What a HEAD found and a GET does not get.
fn not_handed_out(presence: Presence) -> ImagePresence {
    match presence.into() {
        ImagePresence::Absent { why } => unknown(
            "no-answer",
            format!("it is said to be there, and is not handed out ({why})"),
        ),
        presence => presence,
    }
}

/// The platforms of the nodes; none where they may not be listed.
async fn node_platforms(cluster: &Cluster) -> BTreeSet<Platform> {
    let platform = |node: &Value| {
        let text = |pointer: &str| text_at(node, pointer).map(str::to_owned);
        Some(Platform {
            os: text("/status/nodeInfo/operatingSystem").filter(|text| !text.is_empty())?,
            architecture: text("/status/nodeInfo/architecture").filter(|text| !text.is_empty())?,
        })
    };
    let listed: Result<Vec<Platform>, ClusterError> =
        cluster.list_reduced("v1", "Node", None, platform).await;
    listed.unwrap_or_default().into_iter().collect()
}

/// Whether what is held has something for the nodes; where nobody knows the one or the other, nobody says no.
fn fits(
    nodes: &BTreeSet<Platform>,
    held: &BTreeSet<&Platform>,
    which: &str,
) -> Result<Option<String>, ImagePresence> {
    if nodes.is_empty() || held.is_empty() {
        return Ok(None);
    }
    let lacks: Vec<&Platform> = nodes.iter().filter(|node| !held.contains(node)).collect();
    if lacks.len() == nodes.len() {
        let (held, nodes) = (listed(held.iter().copied()), listed(nodes));
        let why = format!("{which} {held}, and the nodes are {nodes}");
        return Err(ImagePresence::Absent { why });
    }
    Ok((!lacks.is_empty()).then(|| format!("nothing in it for nodes of {}", listed(lacks))))
}

fn listed<'a>(platforms: impl IntoIterator<Item = &'a Platform>) -> String {
    let names: Vec<String> = platforms.into_iter().map(Platform::to_string).collect();
    names.join(", ")
}

fn plain(presence: ImagePresence) -> TargetAnswer {
    TargetAnswer {
        presence,
        notes: Vec::new(),
    }
}

async fn cell<K: Eq + std::hash::Hash, V>(cells: &Cells<K, V>, key: K) -> Arc<OnceCell<V>> {
    let mut cells = cells.lock().await;
    if cells.len() >= MOST_ANSWERS {
        cells.clear();
    }
    Arc::clone(cells.entry(key).or_default())
}

#[cfg(test)]
mod tests;
