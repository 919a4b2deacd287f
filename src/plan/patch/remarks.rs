//! What a person should know about a patch that is right all the same.

use serde_json::Value;

use super::SlotChange;
use crate::image_ref::ImageReference;
use crate::object::{LAST_APPLIED, Pointer, text_at, value_at};

/// Remarks on a patch: tags that move under a pull policy that does not look, pods that are not made anew, and a file
/// that would write it back.
pub(super) fn remarks(object: &Value, slots: &[SlotChange]) -> Vec<String> {
    let stale = slots.iter().filter_map(|slot| stale(object, slot));
    let rollout = rollout(object);
    stale
        .chain(rollout)
        .chain(written_back(object, slots))
        .collect()
}

/// `kubectl apply` writes what its file says, and the object keeps what that was: it is not known there what a patch
/// changed.
fn written_back(object: &Value, slots: &[SlotChange]) -> Option<String> {
    let annotation = Pointer::of(["metadata", "annotations", LAST_APPLIED]);
    let text = annotation.get(object)?.as_str()?;
    let mut applied: Value = serde_json::from_str(text).ok()?;
    applied.as_object_mut()?.shift_remove("metadata");
    let is_applied = |slot: &SlotChange| {
        let before = slot.pointer.get(object);
        before.is_some_and(|before| holds(&applied, before))
    };
    slots.iter().any(is_applied).then(|| {
        "kubectl apply of its file would write it back: change the image there, too (arc-setup rewrite does)"
            .to_owned()
    })
}

/// True where `wanted` is the value, or stands in it.
fn holds(value: &Value, wanted: &Value) -> bool {
    value == wanted
        || match value {
            Value::Array(items) => items.iter().any(|item| holds(item, wanted)),
            Value::Object(fields) => fields.values().any(|field| holds(field, wanted)),
            _ => false,
        }
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
    use serde_json::json;

    use super::*;

    fn change(before: &str) -> SlotChange {
        SlotChange {
            pointer: Pointer::new("/spec/containers/0/image"),
            place: "container a".to_owned(),
            before: Some(before.to_owned()),
            after: "r.corp/a:1.0.0".to_owned(),
            rule: "map quay.io".to_owned(),
        }
    }

    #[test]
    fn a_file_that_names_the_old_image_is_told_once_and_no_other() {
        let pod = |image: &str, applied: Option<&str>| {
            let container = |image| json!({"containers": [{"name": "a", "image": image}]});
            let file =
                |image| json!({"metadata": {"name": "quay.io/a:1"}, "spec": container(image)});
            let annotations = applied.map(|image| json!({LAST_APPLIED: file(image).to_string()}));
            json!({"kind": "Pod", "metadata": {"annotations": annotations}, "spec": container(image)})
        };
        let told =
            |object: &Value| remarks(object, &[change("quay.io/a:1"), change("quay.io/a:1")]);
        let notes = told(&pod("quay.io/a:1", Some("quay.io/a:1")));
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert!(notes[0].starts_with("kubectl apply of its file would write it back"));
        assert!(told(&pod("quay.io/a:1", Some("quay.io/a:0"))).is_empty());
        assert!(told(&pod("quay.io/a:1", None)).is_empty());
    }

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
