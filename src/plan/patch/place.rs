//! A place in an object, in words for a person.

use serde_json::Value;

use crate::object::Pointer;

/// `container manager`, `container manager --docker-image`, `container runner ACTIONS_RUNNER_IMAGE`; the pointer
/// where that says nothing. No value of an argument is in it: that may be a secret.
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
        ("args" | "command", Some(_)) => flag(object, at).unwrap_or_else(|| inner.to_owned()),
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

/// What an argument is called: its own flag, else the flag whose value it is, else the key of its `key=value`. None for
/// whatever is no item of `args` or `command`, and for one that nothing names.
pub(super) fn flag(object: &Value, at: &Pointer) -> Option<String> {
    let list = at.parent()?;
    let lists = ["args", "command"];
    let in_list = list.segments().pop();
    in_list.filter(|name| lists.contains(&name.as_str()))?;
    let index: usize = at.segments().pop()?.parse().ok()?;
    let word = |index: usize| list.index(index).get(object).and_then(Value::as_str);
    let own = word(index)?;
    let name = |text: &str| text.split('=').next().unwrap_or_default().to_owned();
    if own.starts_with('-') {
        return Some(name(own)).filter(|name| is_word(name));
    }
    // A flag with a value of its own does not take the next word for it.
    let before = index.checked_sub(1).and_then(word);
    let before = before.filter(|word| word.starts_with('-') && !word.contains('='));
    let key = || own.contains('=').then(|| name(own));
    before
        .map(str::to_owned)
        .or_else(key)
        .filter(|name| is_word(name))
}

/// True for a name that can be shown: a script is none.
fn is_word(text: &str) -> bool {
    let of_name = |letter: char| letter.is_ascii_alphanumeric() || "._-/".contains(letter);
    !text.is_empty() && text.len() <= 100 && text.chars().all(of_name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_place_names_flags_and_keys_and_no_value() {
        let cases = [
            (
                json!(["--docker-image=quay.io/a:1"]),
                0,
                "container c --docker-image",
            ),
            (
                json!(["--x-image", "quay.io/a:1"]),
                1,
                "container c --x-image",
            ),
            (
                json!(["--password", "hunter2", "image=quay.io/c:1"]),
                2,
                "container c image",
            ),
            (
                json!(["--password", "hunter2", "quay.io/c:1"]),
                2,
                "container c /args/2",
            ),
            (
                json!(["--password=hunter2", "quay.io/c:1"]),
                1,
                "container c /args/1",
            ),
            (
                json!(["-p hunter2 --image=quay.io/c:1"]),
                0,
                "container c /args/0",
            ),
            (
                json!(["hunter2 image=quay.io/c:1"]),
                0,
                "container c /args/0",
            ),
            (
                json!(["root:hunter2,image=quay.io/c:1"]),
                0,
                "container c /args/0",
            ),
            (json!(["--x\n-image=quay.io/c:1"]), 0, "container c /args/0"),
        ];
        for (args, index, expected) in cases {
            let object = json!({"spec": {"containers": [{"name": "c", "args": args}]}});
            let at = Pointer::of(["spec", "containers"]).index(0).child("args");
            assert_eq!(place(&object, &at.index(index)), expected, "{args}");
        }
    }
}
