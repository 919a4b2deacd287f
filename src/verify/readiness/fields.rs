//! Reads fields of live objects; what is missing is empty.

use serde_json::Value;

pub(in crate::verify) use crate::object::items_at as items;

/// The text at a JSON pointer.
pub(in crate::verify) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The integer at a JSON pointer.
pub(in crate::verify) fn number(object: &Value, pointer: &str) -> Option<i64> {
    object.pointer(pointer).and_then(Value::as_i64)
}

/// The condition of this type in `status.conditions`.
pub(in crate::verify) fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    items(object, "/status/conditions")
        .iter()
        .find(|condition| text(condition, "/type") == kind)
}

/// The condition of this type, where its status is `True` or `False` as asked.
pub(in crate::verify) fn condition_is<'a>(
    object: &'a Value,
    kind: &str,
    status: &str,
) -> Option<&'a Value> {
    condition(object, kind).filter(|condition| text(condition, "/status") == status)
}

/// True where the object is being deleted.
pub(in crate::verify) fn is_deleting(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some()
}
