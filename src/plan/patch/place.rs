//! A place in an object, in words for a person.

use serde_json::Value;

use crate::object::Pointer;

/// `container manager`, `container manager --docker-image`, `container runner ACTIONS_RUNNER_IMAGE`; the pointer
/// where that says nothing.
pub(in crate::plan) fn place(object: &Value, at: &Pointer) -> String {
    let Some((holder, container)) = container(object, at) else {
        return at.to_string();
    };
    let inner = at
        .as_str()
        .strip_prefix(holder.as_str())
        .unwrap_or_default();
    let mut segments = inner.split('/').skip(1);
    let list = segments.next().unwrap_or_default();
    let index = segments
        .next()
        .and_then(|index| index.parse::<usize>().ok());
    let words = match (list, index) {
        ("image", _) => String::new(),
        ("args" | "command", Some(index)) => flag(&holder, object, list, index),
        ("env", Some(index)) => {
            let variable = holder.child("env").index(index).child("name");
            let name = variable.get(object).and_then(Value::as_str);
            name.unwrap_or(inner).to_owned()
        }
        _ => inner.to_owned(),
    };
    if words.is_empty() {
        return format!("container {container}");
    }
    format!("container {container} {words}")
}

/// The innermost container around a place, and its name.
fn container(object: &Value, at: &Pointer) -> Option<(Pointer, String)> {
    let mut parent = at.parent();
    while let Some(holder) = parent {
        let is_container = |value: &&Value| {
            ["image", "args", "command"]
                .iter()
                .any(|key| value.get(key).is_some())
        };
        let value = holder.get(object).filter(is_container);
        if let Some(name) = value
            .and_then(|value| value.get("name"))
            .and_then(Value::as_str)
        {
            return Some((holder, name.to_owned()));
        }
        parent = holder.parent();
    }
    None
}

/// The flag of an argument: its own, or that of the item before it.
fn flag(holder: &Pointer, object: &Value, list: &str, index: usize) -> String {
    let list = holder.child(list);
    let word = |index: usize| list.index(index).get(object).and_then(Value::as_str);
    let own = word(index).filter(|word| word.starts_with('-'));
    let flag = own.or_else(|| index.checked_sub(1).and_then(word));
    flag.and_then(|flag| flag.split('=').next())
        .unwrap_or_default()
        .to_owned()
}
