//! What matters of rendered objects in a few lines: kinds and names, arguments, variables, images, mounts and
//! rights. Two releases are compared by the lines that one has and the other has not.

use std::collections::BTreeSet;

use serde_json::Value;

/// The lines of a `List`.
pub(crate) fn lines(list: &Value) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for object in list["items"].as_array().into_iter().flatten() {
        let text = |pointer| {
            object
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or("-")
        };
        let head = format!(
            "{} {}/{}",
            text("/kind"),
            text("/metadata/namespace"),
            text("/metadata/name")
        );
        lines.insert(format!("{head} ({})", text("/apiVersion")));
        if text("/kind") == "CustomResourceDefinition" {
            continue;
        }
        rights(object, &head, &mut lines);
        webhooks(object, &head, &mut lines);
        fields(object, &head, &mut lines);
        pods(object, &head, &mut lines);
    }
    lines
}

/// `- gone` and `+ new`, in the order of the lines.
pub(crate) fn difference(own: &BTreeSet<String>, other: &BTreeSet<String>) -> String {
    let mut marked: Vec<(&String, char)> = own.difference(other).map(|line| (line, '-')).collect();
    marked.extend(other.difference(own).map(|line| (line, '+')));
    marked.sort();
    marked.iter().fold(String::new(), |text, (line, mark)| {
        text + &format!("{mark} {line}\n")
    })
}

/// The objects alone, for the first release of a generation.
pub(crate) fn heads(lines: &BTreeSet<String>) -> String {
    let objects = lines
        .iter()
        .filter(|line| line.ends_with(')') && !line.contains(": "));
    objects.fold(String::new(), |text, line| text + line + "\n")
}

fn strings(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn rights(object: &Value, head: &str, lines: &mut BTreeSet<String>) {
    for rule in object["rules"].as_array().into_iter().flatten() {
        let verbs = strings(&rule["verbs"]).join(",");
        for group in strings(&rule["apiGroups"]) {
            for resource in strings(&rule["resources"]) {
                lines.insert(format!("{head}: may {verbs} {resource}.{group}"));
            }
        }
    }
}

fn webhooks(object: &Value, head: &str, lines: &mut BTreeSet<String>) {
    for webhook in object["webhooks"].as_array().into_iter().flatten() {
        let name = webhook["name"].as_str().unwrap_or_default();
        let reviews = strings(&webhook["admissionReviewVersions"]).join(",");
        lines.insert(format!(
            "{head}: webhook {name} ({reviews}, {})",
            webhook["failurePolicy"]
        ));
    }
}

/// The fields of a custom resource's spec, and of the runner spec in it.
fn fields(object: &Value, head: &str, lines: &mut BTreeSet<String>) {
    if !object["apiVersion"]
        .as_str()
        .unwrap_or_default()
        .starts_with("actions.")
    {
        return;
    }
    for (path, spec) in [
        ("spec", "/spec"),
        ("spec.template.spec", "/spec/template/spec"),
    ] {
        for key in object
            .pointer(spec)
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(|map| map.keys())
        {
            lines.insert(format!("{head}: {path}.{key}"));
        }
    }
}

fn pods(value: &Value, head: &str, lines: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                if matches!(key.as_str(), "containers" | "initContainers") {
                    for container in inner.as_array().into_iter().flatten() {
                        one_container(container, key, head, lines);
                    }
                }
                if key == "env" || key == "dockerEnv" {
                    variables(inner, head, key, lines);
                }
                pods(inner, head, lines);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| pods(item, head, lines)),
        _ => {}
    }
}

fn one_container(container: &Value, list: &str, head: &str, lines: &mut BTreeSet<String>) {
    let name = container["name"].as_str().unwrap_or_default();
    let at = format!("{head}: {list} {name}");
    lines.insert(format!(
        "{at}: image {}",
        container["image"].as_str().unwrap_or("-")
    ));
    for argument in strings(&container["args"]) {
        lines.insert(format!("{at}: argument {argument}"));
    }
    for mount in container["volumeMounts"].as_array().into_iter().flatten() {
        lines.insert(format!(
            "{at}: mounts {}",
            mount["mountPath"].as_str().unwrap_or_default()
        ));
    }
    variables(&container["env"], &at, "env", lines);
}

fn variables(list: &Value, at: &str, key: &str, lines: &mut BTreeSet<String>) {
    for variable in list.as_array().into_iter().flatten() {
        lines.insert(format!(
            "{at}: {key} {}",
            variable["name"].as_str().unwrap_or_default()
        ));
    }
}
