use serde_json::{Value, json};

use super::super::{AccountPullSecrets, ORIGINAL_IMAGES, Patch, Wanted, decide};
use super::*;
use crate::rules::{Action, Matcher, RuleSet, RuleSpec};

mod by_hand;
mod generated;
mod manifests;
mod properties;
mod texts;

const TARGET: &str = "registry.example.com/mirror";

fn rewrite(host: &str, target: &str) -> RuleSpec {
    let action = Action::Rewrite {
        target: target.to_owned(),
        drop_library: false,
    };
    RuleSpec::new(host, Matcher::Host(host.to_owned()), action)
}

fn rules() -> RuleSet {
    let rewrite = |host: &str| rewrite(host, TARGET);
    RuleSet::compile(&[rewrite("quay.io"), rewrite("docker.io"), rewrite("ghcr.io")]).unwrap()
}

fn deployment(containers: &Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "n", "uid": "u", "generation": 1},
        "spec": {"template": {"spec": {"containers": containers}}}})
}

fn patched_with(object: &Value, wanted: &Wanted<'_>) -> Value {
    match decide(object, &rules(), wanted).verdict {
        Verdict::Patch(patch) => checked(object, &patch),
        other => panic!("{other:?}"),
    }
}

fn patched(object: &Value) -> Value {
    patched_with(object, &Wanted::default())
}

fn undone(object: &Value) -> (Value, Vec<String>) {
    let decided = undo(object);
    match decided.verdict {
        Verdict::Patch(patch) => (checked(object, &patch), decided.notes),
        other => panic!("{other:?}"),
    }
}

/// What a server would make of the object, which is what the patch says.
fn checked(object: &Value, patch: &Patch) -> Value {
    let mut after = object.clone();
    for operation in &patch.operations {
        let operation = json!(operation);
        apply(&mut after, &operation).unwrap_or_else(|| panic!("{operation} on {after}"));
    }
    assert_eq!(after.to_string(), patch.after(object).to_string());
    after
}

fn apply(object: &mut Value, operation: &Value) -> Option<()> {
    let path = Pointer::new(operation["path"].as_str()?);
    let value = operation["value"].clone();
    match operation["op"].as_str()? {
        "test" => (path.get(object).cloned().unwrap_or_default() == value).then_some(()),
        "remove" => path.remove(object).map(|_| ()),
        "replace" => {
            *path.get_mut(object)? = value;
            Some(())
        }
        "add" if path.as_str().ends_with("/-") => {
            path.parent()?.get_mut(object)?.as_array_mut()?.push(value);
            Some(())
        }
        "add" => path.put(object, value).ok().map(|_| ()),
        _ => None,
    }
}
