//! Strategic merge of pod templates: maps by key, lists of named things by their name, everything else whole.

use serde_json::Value;

/// By what the items of a list are told apart, and whether an item that is given replaces the old one whole
/// (a volume has one source, a variable one value).
const KEYS: [(&str, &str, bool); 12] = [
    ("containers", "name", false),
    ("initContainers", "name", false),
    ("sidecarContainers", "name", false),
    ("ephemeralContainers", "name", false),
    ("volumes", "name", true),
    ("env", "name", true),
    ("dockerEnv", "name", true),
    ("volumeMounts", "mountPath", false),
    ("dockerVolumeMounts", "mountPath", false),
    ("ports", "containerPort", false),
    ("imagePullSecrets", "name", false),
    ("hostAliases", "ip", false),
];

/// Merges `patch` into `base`: null removes, and so does `$patch: delete` in an item.
pub(super) fn merge(base: &mut Value, patch: &Value) {
    let (Value::Object(fields), Value::Object(wanted)) = (&mut *base, patch) else {
        *base = patch.clone();
        return;
    };
    for (key, value) in wanted {
        let list_key = KEYS.iter().find(|(name, ..)| name == key);
        match (value, list_key, fields.get_mut(key)) {
            (Value::Null, ..) => {
                fields.shift_remove(key);
            }
            (Value::Array(items), Some((_, by, whole)), Some(Value::Array(old))) => {
                for item in items {
                    merge_item(old, item, by, *whole);
                }
            }
            (Value::Object(_), _, Some(old)) => merge(old, value),
            _ => {
                fields.insert(key.clone(), without_nulls(value));
            }
        }
    }
}

fn merge_item(list: &mut Vec<Value>, item: &Value, by: &str, whole: bool) {
    let at = item
        .get(by)
        .and_then(|wanted| list.iter().position(|old| old.get(by) == Some(wanted)));
    let delete = item.get("$patch").and_then(Value::as_str) == Some("delete");
    match at {
        Some(at) if delete => {
            list.remove(at);
        }
        Some(at) if whole => list[at] = item.clone(),
        Some(at) => merge(&mut list[at], item),
        None if delete => {}
        None => list.push(without_nulls(item)),
    }
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key.clone(), without_nulls(value)))
            .collect(),
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn named_items_are_merged_and_others_are_added() {
        let mut base = json!({"containers": [
            {"name": "runner", "image": "a", "env": [{"name": "A", "valueFrom": {"x": 1}}, {"name": "B", "value": "b"}],
             "args": ["x"], "volumeMounts": [{"name": "v", "mountPath": "/v"}]}],
            "volumes": [{"name": "v", "emptyDir": {}}], "tolerations": [{"key": "a"}], "hostNetwork": true});
        merge(
            &mut base,
            &json!({"containers": [
                {"name": "runner", "env": [{"name": "A", "value": "1"}, {"name": "C", "value": "c"}], "args": ["y"],
                 "volumeMounts": [{"mountPath": "/v", "readOnly": true}]},
                {"name": "extra", "image": "e", "tty": null}],
                "volumes": [{"name": "v", "hostPath": {"path": "/"}}], "tolerations": [{"key": "b"}], "hostNetwork": null}),
        );
        assert_eq!(
            base,
            json!({"containers": [
                {"name": "runner", "image": "a",
                 "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "b"}, {"name": "C", "value": "c"}],
                 "args": ["y"], "volumeMounts": [{"name": "v", "mountPath": "/v", "readOnly": true}]},
                {"name": "extra", "image": "e"}],
                "volumes": [{"name": "v", "hostPath": {"path": "/"}}], "tolerations": [{"key": "b"}]})
        );
    }

    #[test]
    fn items_can_be_taken_away() {
        let mut base = json!({"env": [{"name": "A"}, {"name": "B"}]});
        merge(
            &mut base,
            &json!({"env": [{"name": "A", "$patch": "delete"}]}),
        );
        assert_eq!(base, json!({"env": [{"name": "B"}]}));
    }
}
