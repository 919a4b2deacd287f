//! Who wrote a field: `metadata.managedFields`, as the API server keeps them.

use serde_json::Value;

use super::{Pointer, items_at, text_at};

/// Managers that are a person at a terminal or a browser: kubectl's verbs, k9s, Lens (`node-fetch`), the Kubernetes
/// dashboard, Rancher, whose web page's requests carry the browser's name or its own.
const PEOPLE: [&str; 12] = [
    "kubectl-set",
    "kubectl-edit",
    "kubectl-patch",
    "kubectl-replace",
    "oc",
    "k9s",
    "node-fetch",
    "Mozilla",
    "dashboard",
    "rancher",
    "steve",
    "headlamp",
];

/// An entry that holds a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written<'a> {
    /// The field manager.
    pub manager: &'a str,
    /// When it last wrote, RFC 3339.
    pub time: Option<&'a str>,
}

impl Written<'_> {
    /// True for a person's tool, by the name that it gives itself.
    pub fn is_by_hand(&self) -> bool {
        PEOPLE.contains(&self.manager)
    }
}

/// Everyone who holds the field at `at`. A list that is replaced whole (arguments; every list of a kind without a
/// schema) is held whole: who holds it wrote some item of it.
pub fn written_by<'a>(object: &'a Value, at: &Pointer) -> Vec<Written<'a>> {
    let segments = at.segments();
    items_at(object, "/metadata/managedFields")
        .iter()
        .filter(|entry| {
            text_at(entry, "/subresource")
                .unwrap_or_default()
                .is_empty()
        })
        .filter(|entry| {
            let fields = entry.get("fieldsV1");
            fields.is_some_and(|fields| holds(fields, object, &segments))
        })
        .filter_map(|entry| {
            Some(Written {
                manager: text_at(entry, "/manager")?,
                time: text_at(entry, "/time"),
            })
        })
        .collect()
}

fn holds(fields: &Value, object: &Value, segments: &[String]) -> bool {
    let (mut fields, mut place) = (fields, object);
    for (depth, segment) in segments.iter().enumerate() {
        let Some(set) = fields.as_object() else {
            return false;
        };
        if depth > 0 && set.is_empty() {
            return true;
        }
        let next = if let Value::Array(items) = place {
            let index = segment.parse::<usize>().ok();
            let Some(item) = index.and_then(|index| items.get(index)) else {
                return false;
            };
            place = item;
            set.iter()
                .find(|(key, _)| is_item(key, item))
                .map(|(_, fields)| fields)
        } else {
            let Some(value) = place.get(segment) else {
                return false;
            };
            place = value;
            set.get(&format!("f:{segment}"))
        };
        let Some(next) = next else { return false };
        fields = next;
    }
    true
}

/// True where a key of a list (`k:{"name":"manager"}`, `v:"value"`) means this item.
fn is_item(key: &str, item: &Value) -> bool {
    let parsed = |text: &str| serde_json::from_str::<Value>(text).ok();
    if let Some(keys) = key.strip_prefix("k:").and_then(parsed) {
        return keys
            .as_object()
            .is_some_and(|keys| keys.iter().all(|(key, value)| item.get(key) == Some(value)));
    }
    key.strip_prefix("v:").and_then(parsed).as_ref() == Some(item)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_is_found_by_the_keys_of_its_lists() {
        let entry = |manager: &str, fields: Value| json!({"manager": manager, "operation": "Update", "time": "t", "fieldsV1": fields});
        let containers =
            |of: Value| json!({"f:spec": {"f:containers": {"k:{\"name\":\"b\"}": of}}});
        let object = json!({"metadata": {"managedFields": [
                entry("kubectl-create", containers(json!({".": {}, "f:name": {}}))),
                entry("kubectl-set", containers(json!({"f:image": {}}))),
                entry("kubectl-edit", containers(json!({"f:args": {}}))),
                entry("rancher", json!({"f:spec": {"f:other": {}}}))]},
            "spec": {"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y", "args": ["--z"]}]}});
        let managers = |at: &str| -> Vec<&str> {
            let found = written_by(&object, &Pointer::new(at));
            assert!(found.iter().all(|written| written.time == Some("t")));
            found.iter().map(|written| written.manager).collect()
        };
        assert_eq!(managers("/spec/containers/1/image"), ["kubectl-set"]);
        assert_eq!(managers("/spec/containers/1/args/0"), ["kubectl-edit"]);
        assert_eq!(managers("/spec/containers/1/name"), ["kubectl-create"]);
        assert!(managers("/spec/containers/0/image").is_empty());
        assert!(managers("/spec/containers/2/image").is_empty());
    }
}
