//! The command line of a container, as its program will see it.

use serde_json::Value;

/// Flags as Go's `flag` reads them: one dash or two, `=value` or a value of its own; `$(NAME)` filled in from env.
pub fn flags(container: &Value, namespace: &str) -> Vec<(String, String)> {
    let list = |key: &str| {
        container
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
    };
    let mut words = list("command").skip(1).chain(list("args")).peekable();
    let mut flags = Vec::new();
    while let Some(word) = words.next() {
        let Some(flag) = word.strip_prefix("--").or_else(|| word.strip_prefix('-')) else {
            continue;
        };
        let (name, value) = if let Some((name, value)) = flag.split_once('=') {
            (name, value)
        } else {
            (
                flag,
                words
                    .next_if(|next| !next.starts_with('-'))
                    .unwrap_or_default(),
            )
        };
        flags.push((name.to_owned(), expand(container, value, namespace)));
    }
    flags
}

fn expand(container: &Value, text: &str, namespace: &str) -> String {
    let mut text = text.to_owned();
    for variable in container
        .get("env")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let Some(name) = variable.get("name").and_then(Value::as_str) else {
            continue;
        };
        let field = variable
            .pointer("/valueFrom/fieldRef/fieldPath")
            .and_then(Value::as_str);
        let value = match field {
            Some("metadata.namespace") => namespace,
            Some(_) => continue,
            None => variable
                .get("value")
                .and_then(Value::as_str)
                .unwrap_or_default(),
        };
        text = text.replace(&format!("$({name})"), value);
    }
    text
}
