//! Objects with an image that a person wrote, and what the cluster keeps of how they were.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::workloads::{Kind, is_of_the_platform, programs, resources, workloads};
use crate::clients::kube::{Cluster, ClusterError, Selection};
use crate::object::pods::image_slots;
use crate::object::{Written, items_at, text_at, written_by};

/// An object, and the ReplicaSets and ControllerRevisions that it controls.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The object.
    pub object: Value,
    /// Its history, in no order.
    pub history: Vec<Value>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HandWritten {
    /// Every object with an image that a person wrote.
    pub objects: Vec<Found>,
    /// Every image of every object that was looked at.
    pub images: BTreeSet<String>,
    /// Kinds that could not be looked at, with the server's words.
    pub unlisted: Vec<(String, String)>,
}

/// True for a person's entry; `others` are further field managers that count as one.
pub fn is_by_hand(written: &Written<'_>, others: &[String]) -> bool {
    written.is_by_hand() || others.iter().any(|other| other == written.manager)
}

/// Looks through everything that has pods in one namespace, or in all but the platform's own. What controllers make
/// is passed over: nobody's edit of it lasts.
pub async fn hand_written(
    cluster: &Cluster,
    namespace: Option<&str>,
    others: &[String],
) -> Result<HandWritten, ClusterError> {
    let sources = ["StatefulSet", "DaemonSet", "CronJob"];
    let built_in = workloads()
        .into_iter()
        .filter(|kind| sources.contains(&kind.kind.as_str()));
    let kinds: Vec<Kind> = [programs()]
        .into_iter()
        .chain(built_in)
        .chain(resources())
        .collect();
    let mut found = HandWritten::default();
    let mut first_error = None;
    for kind in &kinds {
        match look(cluster, kind, namespace, others, &mut found).await {
            Ok(()) => {}
            Err(error @ ClusterError::Forbidden { .. }) => {
                found.unlisted.push((kind.kind.clone(), error.to_string()));
                first_error.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    match first_error {
        Some(error) if found.images.is_empty() => return Err(error),
        _ => {}
    }
    read_history(cluster, &mut found).await?;
    Ok(found)
}

async fn look(
    cluster: &Cluster,
    kind: &Kind,
    namespace: Option<&str>,
    others: &[String],
    found: &mut HandWritten,
) -> Result<(), ClusterError> {
    let selection = Selection {
        namespace,
        ..Selection::default()
    };
    let mut pages = cluster.pages(&kind.api_version, &kind.kind, &selection);
    while let Some(page) = pages.next().await {
        let page = match page {
            Err(ClusterError::NotFound { .. }) => return Ok(()),
            page => page?,
        };
        for object in (0..page.len()).filter_map(|number| page.whole_object(number)) {
            keep(object?, namespace, others, found);
        }
    }
    Ok(())
}

fn keep(object: Value, namespace: Option<&str>, others: &[String], found: &mut HandWritten) {
    let of_platform = text_at(&object, "/metadata/namespace").is_some_and(is_of_the_platform);
    let is_made = items_at(&object, "/metadata/ownerReferences")
        .iter()
        .any(|reference| reference.get("controller").and_then(Value::as_bool) == Some(true));
    if is_made || (namespace.is_none() && of_platform) {
        return;
    }
    let mut by_hand = false;
    for slot in image_slots(&object) {
        by_hand = by_hand
            || written_by(&object, &slot.pointer)
                .iter()
                .any(|written| is_by_hand(written, others));
        found.images.insert(slot.text);
    }
    if by_hand {
        found.objects.push(Found {
            object,
            history: Vec::new(),
        });
    }
}

/// Reads what the controllers of Deployments, StatefulSets and DaemonSets keep, namespace by namespace. Without the
/// right to, there is no history.
async fn read_history(cluster: &Cluster, found: &mut HandWritten) -> Result<(), ClusterError> {
    let mut wanted: BTreeMap<(String, &str), Vec<usize>> = BTreeMap::new();
    for (index, known) in found.objects.iter().enumerate() {
        let kept = match text_at(&known.object, "/kind") {
            Some("Deployment") => "ReplicaSet",
            Some("StatefulSet" | "DaemonSet") => "ControllerRevision",
            _ => continue,
        };
        let namespace = text_at(&known.object, "/metadata/namespace").unwrap_or_default();
        let key = (namespace.to_owned(), kept);
        wanted.entry(key).or_default().push(index);
    }
    for ((namespace, kind), indices) in wanted {
        let past = match cluster.list("apps/v1", kind, Some(&namespace), None).await {
            Err(ClusterError::Forbidden { .. } | ClusterError::NotFound { .. }) => continue,
            past => past?,
        };
        for index in indices {
            let known = &mut found.objects[index];
            let uid = text_at(&known.object, "/metadata/uid").map(str::to_owned);
            let owned = past.iter().filter(|past| {
                items_at(past, "/metadata/ownerReferences")
                    .iter()
                    .any(|reference| text_at(reference, "/uid") == uid.as_deref())
            });
            known.history.extend(owned.cloned());
        }
    }
    Ok(())
}
