//! Whether an object is as wanted already, told by what lives alone. Pure.
//!
//! An apply changes nothing where every field of the wanted object has its value already, and the fields that the
//! server has noted as ours are exactly those: nothing to set, to take or to give up. This is compared field by field
//! against what was just read, never against a hash or a copy of an earlier run. What is not plain (a default inside a
//! key, another version, another order) is not decided here: then the server is asked.
//!
//! The notes are `metadata.managedFields[].fieldsV1`: `f:NAME` is a field, `k:{…}` an item of a list by its keys,
//! `v:…` an item of a set, `.` the thing itself; what has nothing beneath it is owned as a whole.

use serde_json::{Map, Value};

use super::mask::owned_fields;

/// What the server never notes: it is the object's address.
const ADDRESS: [&str; 2] = ["apiVersion", "kind"];
const NAME: [&str; 2] = ["name", "namespace"];

type Fields = Map<String, Value>;

/// True where an apply of `wanted` would surely change nothing of `live`, ownership included.
pub(super) fn is_as_wanted(wanted: &Value, live: &Value) -> bool {
    let (Some(wanted), Some(fields)) = (wanted.as_object(), live.as_object()) else {
        return false;
    };
    let ends = live.pointer("/metadata/deletionTimestamp").is_some();
    let same_kind = ADDRESS
        .iter()
        .all(|key| wanted.get(*key) == fields.get(*key));
    let Some(owned) = owned_fields(live, wanted.get("apiVersion")).and_then(Value::as_object)
    else {
        return false;
    };
    same_kind && !ends && object_is_kept(&without_address(wanted), fields, owned)
}

/// The fields that an apply owns.
fn without_address(wanted: &Fields) -> Fields {
    let mut wanted = wanted.clone();
    wanted.retain(|key, _| !ADDRESS.contains(&key.as_str()));
    if let Some(metadata) = wanted.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|key, _| !NAME.contains(&key.as_str()));
        if metadata.is_empty() {
            wanted.shift_remove("metadata");
        }
    }
    wanted
}

fn object_is_kept(wanted: &Fields, live: &Fields, owned: &Fields) -> bool {
    beneath(owned).count() == wanted.len()
        && wanted.iter().all(
            |(key, value)| match (live.get(key), owned.get(&format!("f:{key}"))) {
                (Some(live), Some(owned)) => is_kept(value, live, owned),
                _ => false,
            },
        )
}

fn is_kept(wanted: &Value, live: &Value, owned: &Value) -> bool {
    let Some(owned) = owned.as_object() else {
        return false;
    };
    match (wanted, live) {
        _ if owned.is_empty() => wanted == live,
        (Value::Object(wanted), Value::Object(live)) => object_is_kept(wanted, live, owned),
        (Value::Array(wanted), Value::Array(live)) => list_is_kept(wanted, live, owned),
        _ => false,
    }
}

/// Every wanted item is there, in the same order, and no other is noted as ours.
fn list_is_kept(wanted: &[Value], live: &[Value], owned: &Fields) -> bool {
    let Some(mut noted) = beneath(owned)
        .map(|(note, beneath)| Some((Item::read(note)?, beneath)))
        .collect::<Option<Vec<_>>>()
    else {
        return false;
    };
    let mut rest = live.iter();
    let each_is_kept = wanted.iter().all(|wanted| {
        let Some(at) = noted.iter().position(|(item, _)| item.is(wanted)) else {
            return false;
        };
        let (item, owned) = noted.swap_remove(at);
        rest.find(|live| item.is(live))
            .is_some_and(|live| is_kept(wanted, live, owned))
    });
    each_is_kept && noted.is_empty()
}

/// What is noted beneath a field, without the field itself.
fn beneath(owned: &Fields) -> impl Iterator<Item = (&str, &Value)> {
    let notes = owned.iter().map(|(note, beneath)| (note.as_str(), beneath));
    notes.filter(|(note, _)| *note != ".")
}

/// Which item of a list is meant.
enum Item {
    Keyed(Fields),
    Valued(Value),
}

impl Item {
    /// None for what is no such note, and for a place in a list: places move.
    fn read(note: &str) -> Option<Self> {
        if let Some(keys) = note.strip_prefix("k:") {
            serde_json::from_str(keys).ok().map(Self::Keyed)
        } else {
            let value = note.strip_prefix("v:")?;
            serde_json::from_str(value).ok().map(Self::Valued)
        }
    }

    fn is(&self, item: &Value) -> bool {
        match self {
            Self::Keyed(keys) => keys.iter().all(|(key, value)| item.get(key) == Some(value)),
            Self::Valued(value) => value == item,
        }
    }
}

#[cfg(test)]
#[path = "as_wanted_tests.rs"]
mod tests;
