//! Makes objects comparable and showable: server noise and secret values go, differences stay. Pure.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::object::{LAST_APPLIED, LateSource, Manifest};

use super::model::{KeyChange, KeyDifference};

/// The field manager of everything that we apply.
pub const MANAGER: &str = "arc-setup";
/// Shown in place of a secret value.
const MASK: &str = "***";
const MASK_CHANGED: &str = "*** (changed)";
const NOISE: [&str; 6] = [
    "managedFields",
    "resourceVersion",
    "generation",
    "uid",
    "creationTimestamp",
    "selfLink",
];

/// Two states of one object, fit to be stored and shown, and whether anything of ours differs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Comparison {
    pub(super) live: Option<Value>,
    pub(super) result: Value,
    pub(super) changed: bool,
    pub(super) keys: Vec<KeyDifference>,
}

/// Compares an object as it lives with the server's dry-run result.
pub(super) fn compare(manifest: &Manifest, live: Option<&Value>, result: &Value) -> Comparison {
    let owned = live.is_some_and(|live| owned_fields(live, None) == owned_fields(result, None));
    let mut live = live.map(stripped);
    let mut result = stripped(result);
    let changed = !owned || live.as_ref() != Some(&result);
    let keys = if manifest.kind() == "Secret" {
        key_differences(live.as_ref(), &result)
    } else {
        Vec::new()
    };
    mask(manifest, live.as_mut(), &mut result);
    Comparison {
        live,
        result,
        changed,
        keys,
    }
}

/// An object as it lives, masked.
pub(super) fn masked(manifest: &Manifest, live: &Value) -> Value {
    let mut live = stripped(live);
    let mut nothing = Value::Null;
    mask(manifest, Some(&mut live), &mut nothing);
    live
}

/// The fields that our apply owns, as the server writes them; of one version alone where one is given.
pub(super) fn owned_fields<'a>(object: &'a Value, version: Option<&Value>) -> Option<&'a Value> {
    object
        .pointer("/metadata/managedFields")?
        .as_array()?
        .iter()
        .find(|entry| {
            let text = |key: &str| entry.get(key).and_then(Value::as_str);
            text("manager") == Some(MANAGER)
                && text("operation") == Some("Apply")
                && text("subresource").is_none_or(str::is_empty)
                && version.is_none_or(|version| entry.get("apiVersion") == Some(version))
        })?
        .get("fieldsV1")
}

fn stripped(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.shift_remove("status");
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for name in NOISE {
            metadata.shift_remove(name);
        }
        if let Some(annotations) = metadata
            .get_mut("annotations")
            .and_then(Value::as_object_mut)
        {
            // It may hold a Secret's values.
            annotations.shift_remove(LAST_APPLIED);
            if annotations.is_empty() {
                metadata.shift_remove("annotations");
            }
        }
    }
    object
}

fn key_differences(live: Option<&Value>, result: &Value) -> Vec<KeyDifference> {
    let empty = Map::new();
    let before = live
        .and_then(|live| live.get("data"))
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let after = result
        .get("data")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    keys.into_iter()
        .filter_map(|key| {
            let change = match (before.get(key), after.get(key)) {
                (None, _) => KeyChange::Added,
                (_, None) => KeyChange::Removed,
                (before, after) if before != after => KeyChange::Changed,
                _ => return None,
            };
            Some(KeyDifference {
                key: key.clone(),
                change,
            })
        })
        .collect()
}

/// Masks every value of a Secret, and in other kinds every late value that is secret.
fn mask(manifest: &Manifest, live: Option<&mut Value>, result: &mut Value) {
    let mut nothing = Value::Null;
    let live = live.unwrap_or(&mut nothing);
    if manifest.kind() == "Secret" {
        for field in ["data", "stringData"] {
            for object in [&mut *live, &mut *result] {
                let values = object.get_mut(field).and_then(Value::as_object_mut);
                for value in values.into_iter().flat_map(Map::values_mut) {
                    *value = Value::String(MASK.to_owned());
                }
            }
        }
    }
    for late in &manifest.lates {
        let public = matches!(
            late.from,
            LateSource::CaBundleOf(_) | LateSource::ResourceVersionOf { .. }
        );
        if public || manifest.kind() == "Secret" {
            continue;
        }
        let same = late.pointer.get(live) == late.pointer.get(result);
        let after = if same { MASK } else { MASK_CHANGED };
        for (object, text) in [(&mut *live, MASK), (&mut *result, after)] {
            if let Some(value) = late.pointer.get_mut(object) {
                *value = Value::String(text.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::{Credential, Late, LateForm, Pointer, Source};

    fn manifest(object: &Value) -> Manifest {
        Manifest::new(object.clone(), Source::Pass("test".to_owned()))
    }

    fn owned(mut object: Value, fields: &Value) -> Value {
        object["metadata"]["managedFields"] = json!([
            {"manager": "kubelet", "operation": "Update", "fieldsV1": {"f:x": {}}},
            {"manager": MANAGER, "operation": "Apply", "time": "2026-01-01T00:00:00Z", "fieldsV1": fields},
        ]);
        object
    }

    #[test]
    fn server_noise_and_status_are_no_change() {
        let fields = json!({"f:data": {}});
        let live = owned(
            json!({"kind": "ConfigMap", "metadata": {"name": "a", "resourceVersion": "1", "generation": 1}, "status": {"a": 1}}),
            &fields,
        );
        let result = owned(
            json!({"kind": "ConfigMap", "metadata": {"name": "a", "resourceVersion": "2", "generation": 2}, "status": {}}),
            &fields,
        );
        assert!(!compare(&manifest(&live), Some(&live), &result).changed);
    }

    #[test]
    fn equal_content_that_we_do_not_own_yet_is_a_change() {
        let live = json!({"kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "1"}});
        let result = owned(live.clone(), &json!({"f:data": {"f:a": {}}}));
        assert!(compare(&manifest(&live), Some(&live), &result).changed);
        let lesser = owned(live.clone(), &json!({}));
        assert!(compare(&manifest(&live), Some(&lesser), &result).changed);
    }

    #[test]
    fn a_secret_shows_names_of_keys_and_nothing_else() {
        let live = json!({"kind": "Secret", "metadata": {"name": "a", "annotations": {LAST_APPLIED: "canary"}},
            "data": {"same": "canary", "other": "canary1", "gone": "canary"}});
        let result = json!({"kind": "Secret", "metadata": {"name": "a"},
            "data": {"same": "canary", "other": "canary2", "new": "canary"}});
        let seen = compare(&manifest(&result), Some(&live), &result);
        assert!(seen.changed);
        let said: Vec<_> = seen
            .keys
            .iter()
            .map(|key| (key.key.as_str(), key.change))
            .collect();
        assert_eq!(
            said,
            [
                ("gone", KeyChange::Removed),
                ("new", KeyChange::Added),
                ("other", KeyChange::Changed)
            ]
        );
        assert!(!format!("{seen:?}").contains("canary"), "{seen:?}");
    }

    #[test]
    fn a_secret_late_value_outside_a_secret_is_masked_and_still_seen_to_change() {
        let late = Late {
            pointer: Pointer::new("/data/url"),
            from: LateSource::Credential(LateForm::Text(Credential::ProxyPassword)),
        };
        let live = json!({"kind": "ConfigMap", "data": {"url": "canary1"}});
        let result = json!({"kind": "ConfigMap", "data": {"url": "canary2"}});
        let seen = compare(&manifest(&result).with_late(late), Some(&live), &result);
        assert!(seen.changed);
        assert_eq!(seen.result["data"]["url"], json!(MASK_CHANGED));
        assert!(!format!("{seen:?}").contains("canary"));
    }
}
