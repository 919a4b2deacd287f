//! What the passes would have set and the user has set already: it stays, and nobody should have to find out why.

use crate::object::Change;

/// One line for each, in the order of the objects: which object, what, and which pass left it alone.
pub fn kept_as_set(changes: &[Change]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for change in changes {
        let Some(pass) = change.rule.strip_suffix(KEPT) else {
            continue;
        };
        let value = change.after.as_ref();
        let called = |key: &str| value?.pointer(key)?.as_str();
        let name = called("/name").or_else(|| called("/mountPath"));
        let name = match (called("/mountPath"), name) {
            (Some(path), _) => format!("the mount {path}"),
            (None, Some(name)) => name.to_owned(),
            (None, None) => change.pointer.to_string(),
        };
        let line = format!(
            "{}: {name} is set already and stays ({pass})",
            change.object
        );
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

/// How `rewrite` says it.
const KEPT: &str = ": kept, it was set already";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::{ObjectRef, Pointer};

    #[test]
    fn a_variable_is_named_without_its_value() {
        let change = |pointer: &str, after: serde_json::Value, rule: &str| Change {
            object: ObjectRef::new("apps/v1", "Deployment", Some("arc"), "controller"),
            pointer: Pointer::new(pointer),
            before: Some(after.clone()),
            after: Some(after),
            rule: rule.to_owned(),
        };
        let env = "/spec/template/spec/containers/0/env/3";
        let own = json!({"name": "https_proxy", "value": "http://jo:hunter2@p"});
        let mount = json!({"name": "mine", "mountPath": "/etc/arc-setup/ca"});
        let changes = [
            change(env, own.clone(), "proxy: kept, it was set already"),
            change(env, own.clone(), "proxy: kept, it was set already"),
            change(env, own, "proxy"),
            change("/spec/m/0", mount, "trust: kept, it was set already"),
            change("/spec/proxy", json!({}), "proxy: kept, it was set already"),
        ];
        assert_eq!(
            kept_as_set(&changes),
            [
                "Deployment arc/controller: https_proxy is set already and stays (proxy)",
                "Deployment arc/controller: the mount /etc/arc-setup/ca is set already and stays (trust)",
                "Deployment arc/controller: /spec/proxy is set already and stays (proxy)",
            ]
        );
    }
}
