//! What a person should know about a patch that is right all the same.

use serde_json::Value;

use super::SlotChange;
use crate::image_ref::ImageReference;
use crate::object::{text_at, value_at};

/// Remarks on a patch: tags that move under a pull policy that does not look, and pods that are not made anew.
pub(super) fn remarks(object: &Value, slots: &[SlotChange]) -> Vec<String> {
    let stale = slots.iter().filter_map(|slot| stale(object, slot));
    stale.chain(rollout(object)).collect()
}

/// A tag that may move, while nodes that have it do not ask again. The policy is left as it is.
fn stale(object: &Value, slot: &SlotChange) -> Option<String> {
    let reference = ImageReference::parse(&slot.after).ok()?;
    if reference.digest().is_some() {
        return None;
    }
    let tag = reference.tag().unwrap_or("latest");
    let holder = slot.pointer.parent()?;
    let policy = holder.get(object)?.get("imagePullPolicy")?.as_str()?;
    let is_field = slot.pointer.as_str().ends_with("/image");
    (is_field && policy == "IfNotPresent" && is_movable(tag)).then(|| {
        format!(
            "{}: the tag {tag} may move, and with imagePullPolicy IfNotPresent a node that has it does not look again: name a digest or a full version, or set Always",
            slot.place
        )
    })
}

/// True for a tag that is no full version (`v0.8.0`, `2.335.1-jammy`), date or commit.
fn is_movable(tag: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let version = tag.strip_prefix('v').unwrap_or(tag);
    let numbers = version
        .split(['.', '-', '_'])
        .take_while(|part| digits(part))
        .count();
    let is_number = |part: &str| digits(part) && part.len() >= 6;
    let is_commit = |part: &str| {
        part.len() >= 7
            && part.bytes().all(|byte| byte.is_ascii_hexdigit())
            && part.bytes().any(|byte| byte.is_ascii_digit())
    };
    let has_fixed_part = tag
        .split(['.', '-', '_'])
        .any(|part| is_number(part) || is_commit(part.strip_prefix('g').unwrap_or(part)));
    numbers < 3 && !has_fixed_part
}

/// Pods that keep what they were made with.
fn rollout(object: &Value) -> Option<String> {
    let strategy = text_at(object, "/spec/updateStrategy/type");
    let partition = value_at(object, "/spec/updateStrategy/rollingUpdate/partition")
        .and_then(Value::as_u64)
        .filter(|partition| *partition > 0);
    match text_at(object, "/kind")? {
        "DaemonSet" | "StatefulSet" if strategy == Some("OnDelete") => Some(
            "its updateStrategy is OnDelete: each pod keeps its images until you delete it".to_owned(),
        ),
        "StatefulSet" => partition.map(|partition| {
            format!("its updateStrategy has partition {partition}: pods with a lower number keep their images")
        }),
        "ReplicaSet" | "ReplicationController" => {
            Some("pods that run keep their images until you delete them".to_owned())
        }
        "Pod" if text_at(object, "/metadata/generateName").is_some() => Some(
            "it was made under a generated name: whoever makes the next one names the images again".to_owned(),
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_stands_still_where_it_is_a_full_version_a_date_or_a_commit() {
        for tag in [
            "latest",
            "dind",
            "v1",
            "1.2",
            "stable-alpine",
            "ubuntu-22.04",
            "27-dind",
        ] {
            assert!(is_movable(tag), "{tag}");
        }
        for tag in [
            "v0.8.0",
            "2.335.1-jammy",
            "1.2.3",
            "20240101",
            "2024-01-02",
            "main-3f2a9c1",
            "v1.2-0-g1a2b3c4",
        ] {
            assert!(!is_movable(tag), "{tag}");
        }
    }
}
