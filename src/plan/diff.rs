//! Field-level differences between two states of an object. Masked values stay masked: both sides come so.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Difference;

/// What differs, in the order of the fields. List elements that carry unique names are matched by them, as the
/// API server does, so that one more container is one difference.
pub fn differences(before: &Value, after: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    walk(String::new(), Some(before), Some(after), &mut found);
    found
}

fn walk(path: String, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Difference>) {
    match (before, after) {
        (Some(one), Some(other)) if one == other => {}
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            let gone = one.keys().filter(|key| !other.contains_key(*key));
            for key in other.keys().chain(gone) {
                let escaped = key.replace('~', "~0").replace('/', "~1");
                walk(
                    format!("{path}/{escaped}"),
                    one.get(key),
                    other.get(key),
                    found,
                );
            }
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) => lists(&path, one, other, found),
        _ => found.push(Difference {
            path,
            before: before.cloned(),
            after: after.cloned(),
        }),
    }
}

fn lists(path: &str, one: &[Value], other: &[Value], found: &mut Vec<Difference>) {
    let key = ["name", "mountPath", "key"]
        .into_iter()
        .find(|key| is_unique(one, key) && is_unique(other, key));
    if let Some(key) = key {
        let names = |list: &[Value]| -> Vec<String> {
            list.iter().filter_map(|item| name_of(item, key)).collect()
        };
        let (names_before, names_after) = (names(one), names(other));
        let known: BTreeSet<&String> = names_after.iter().collect();
        let gone = names_before.iter().filter(|name| !known.contains(name));
        for name in names_after.iter().chain(gone) {
            let item = |list: &'_ [Value]| {
                list.iter()
                    .find(|item| name_of(item, key).as_ref() == Some(name))
                    .cloned()
            };
            walk(
                format!("{path}/[{name}]"),
                item(one).as_ref(),
                item(other).as_ref(),
                found,
            );
        }
        return;
    }
    for index in 0..one.len().max(other.len()) {
        walk(
            format!("{path}/{index}"),
            one.get(index),
            other.get(index),
            found,
        );
    }
}

fn name_of(item: &Value, key: &str) -> Option<String> {
    item.get(key).and_then(Value::as_str).map(str::to_owned)
}

/// True where every element is an object with that key, and no two share a value.
fn is_unique(list: &[Value], key: &str) -> bool {
    let mut seen = BTreeSet::new();
    list.iter()
        .all(|item| name_of(item, key).is_some_and(|name| seen.insert(name)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(before: &Value, after: &Value) -> Vec<String> {
        differences(before, after)
            .into_iter()
            .map(|difference| difference.path)
            .collect()
    }

    #[test]
    fn equal_objects_have_none() {
        assert!(differences(&json!({"a": [1, {"b": 2}]}), &json!({"a": [1, {"b": 2}]})).is_empty());
    }

    #[test]
    fn containers_are_matched_by_name() {
        let before = json!({"containers": [{"name": "manager", "image": "a"}, {"name": "old"}]});
        let after = json!({"containers": [{"name": "proxy"}, {"name": "manager", "image": "b"}]});
        assert_eq!(
            paths(&before, &after),
            [
                "/containers/[proxy]",
                "/containers/[manager]/image",
                "/containers/[old]"
            ]
        );
    }

    #[test]
    fn other_lists_are_matched_by_place() {
        let found = differences(
            &json!({"args": ["a", "b"]}),
            &json!({"args": ["a", "c", "d"]}),
        );
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].path, "/args/1");
        assert_eq!(
            (&found[1].before, &found[1].after),
            (&None, &Some(json!("d")))
        );
    }

    #[test]
    fn keys_are_escaped_as_in_pointers() {
        let found = paths(&json!({"a/b": 1}), &json!({"a/b": 2, "c~d": 1}));
        assert_eq!(found, ["/a~1b", "/c~0d"]);
    }

    #[test]
    fn a_change_of_type_is_one_difference() {
        assert_eq!(paths(&json!({"a": {"b": 1}}), &json!({"a": [1]})), ["/a"]);
    }
}
