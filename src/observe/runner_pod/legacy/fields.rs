//! What the controller adds to a container where the user has left it out.

use serde_json::{Value, json};

use crate::object::items_at;

/// Sets a field that the container leaves out.
pub(super) fn fill(container: &mut Value, field: &str, value: Option<Value>) {
    let is_empty = |value: &Value| {
        value.is_null()
            || value.as_str().is_some_and(str::is_empty)
            || value.as_array().is_some_and(Vec::is_empty)
    };
    if container.get(field).is_none_or(is_empty)
        && let Some(value) = value
        && container.is_object()
    {
        container[field] = value;
    }
}

/// Adds a variable unless it is given.
pub(super) fn variable(container: &mut Value, name: &str, value: &str) {
    let known = items_at(container, "/env")
        .iter()
        .any(|variable| variable.get("name").and_then(Value::as_str) == Some(name));
    if !known {
        append(container, "env", json!({"name": name, "value": value}));
    }
}

/// Adds the controller's mounts where nothing is mounted yet.
pub(super) fn mount(container: &mut Value, mounts: &[Value]) {
    for mount in mounts {
        let known = items_at(container, "/volumeMounts")
            .iter()
            .any(|known| known.get("mountPath") == mount.get("mountPath"));
        if !known {
            append(container, "volumeMounts", mount.clone());
        }
    }
}

fn append(container: &mut Value, list: &str, item: Value) {
    let mut all = items_at(container, &format!("/{list}")).to_vec();
    all.push(item);
    if container.is_object() {
        container[list] = Value::Array(all);
    }
}
