use serde_json::json;

use super::*;

/// What we want of a Deployment: fields, a list by keys, a list of plain values, and things that are owned as a whole.
fn wanted() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "arc", "namespace": "arc-systems", "labels": {"a/b": "c"}, "finalizers": ["x/one", "x/two"]},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "arc"}},
            "template": {"spec": {
                "volumes": [{"name": "tmp", "emptyDir": {}}],
                "containers": [
                    {"name": "manager", "image": "arc:1", "args": ["--a", "--b"],
                        "ports": [{"containerPort": 80, "protocol": "TCP"}]},
                    {"name": "proxy", "image": "proxy:1"},
                ],
            }},
        },
    })
}

/// The server's notes of it.
fn notes() -> Value {
    json!({
        "f:metadata": {"f:labels": {"f:a/b": {}}, "f:finalizers": {"v:\"x/one\"": {}, "v:\"x/two\"": {}}},
        "f:spec": {
            "f:replicas": {},
            "f:selector": {},
            "f:template": {"f:spec": {
                "f:volumes": {"k:{\"name\":\"tmp\"}": {".": {}, "f:emptyDir": {}, "f:name": {}}},
                "f:containers": {
                    "k:{\"name\":\"manager\"}": {".": {}, "f:args": {}, "f:image": {}, "f:name": {},
                        "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}, "f:protocol": {}}}},
                    "k:{\"name\":\"proxy\"}": {".": {}, "f:image": {}, "f:name": {}},
                },
            }},
        },
    })
}

/// The object as it lives: with defaults, with what others own, with the notes about all of them.
fn live() -> Value {
    let mut live = wanted();
    live["metadata"]["uid"] = json!("u");
    live["metadata"]["labels"]["theirs"] = json!("d");
    live["metadata"]["managedFields"] = json!([
        {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status", "fieldsV1": {"f:status": {}}},
        {"manager": "arc-setup", "operation": "Apply", "apiVersion": "apps/v1", "fieldsV1": notes()},
    ]);
    live["spec"]["progressDeadlineSeconds"] = json!(600);
    let containers = &mut live["spec"]["template"]["spec"]["containers"];
    containers[1]["terminationMessagePath"] = json!("/dev/termination-log");
    let injected = json!({"name": "injected", "image": "mesh:1"});
    containers.as_array_mut().unwrap().insert(1, injected);
    live
}

/// Pointers to everything beneath `value` that has nothing beneath itself.
fn leaves(value: &Value, at: &str, into: &mut Vec<String>) {
    let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                leaves(value, &format!("{at}/{}", escaped(key)), into);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, value) in items.iter().enumerate() {
                leaves(value, &format!("{at}/{index}"), into);
            }
        }
        _ => into.push(at.to_owned()),
    }
}

fn all_leaves(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    leaves(value, "", &mut found);
    found
}

/// Takes away what stands at a pointer.
fn remove(value: &mut Value, pointer: &str) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    match value.pointer_mut(parent).unwrap() {
        Value::Object(fields) => drop(fields.shift_remove(&key)),
        Value::Array(items) => drop(items.remove(key.parse().unwrap())),
        other => panic!("nothing is beneath {other}"),
    }
}

#[test]
fn an_object_with_every_field_as_wanted_is_as_wanted_whatever_others_own_of_it() {
    assert!(is_as_wanted(&wanted(), &live()));
}

#[test]
fn no_field_may_be_another_or_missing() {
    let wanted = wanted();
    for leaf in all_leaves(&wanted) {
        let mut another = wanted.clone();
        *another.pointer_mut(&leaf).unwrap() = json!("another");
        let is_name = ["/metadata/name", "/metadata/namespace"].contains(&leaf.as_str());
        assert_eq!(is_as_wanted(&another, &live()), is_name, "{leaf} differs");
        let mut less = wanted.clone();
        remove(&mut less, &leaf);
        assert_eq!(
            is_as_wanted(&less, &live()),
            is_name,
            "{leaf} is not wanted"
        );
    }
    // The same, seen from what lives; the names are how it was found.
    for leaf in all_leaves(&wanted) {
        let leaf = leaf.replace("/containers/1/", "/containers/2/");
        if leaf.starts_with("/metadata/name") {
            continue;
        }
        let mut edited = live();
        *edited.pointer_mut(&leaf).unwrap() = json!("edited");
        assert!(!is_as_wanted(&wanted, &edited), "{leaf} was edited");
        let mut edited = live();
        remove(&mut edited, &leaf);
        assert!(!is_as_wanted(&wanted, &edited), "{leaf} was removed");
    }
}

#[test]
fn no_note_may_be_missing_or_left_over() {
    const NOTES: &str = "/metadata/managedFields/1/fieldsV1";
    let notes = all_leaves(&notes());
    assert!(notes.len() > 15, "{notes:?}");
    for note in notes.iter().filter(|note| !note.ends_with("/.")) {
        let mut taken = live();
        remove(&mut taken, &format!("{NOTES}{note}"));
        assert!(!is_as_wanted(&wanted(), &taken), "{note} is not ours");
        let mut more = live();
        let (parent, _) = note.rsplit_once('/').unwrap();
        more.pointer_mut(&format!("{NOTES}{parent}")).unwrap()["f:more"] = json!({});
        assert!(!is_as_wanted(&wanted(), &more), "beside {note} we own more");
    }
}

#[test]
fn what_is_not_plain_is_not_decided() {
    let mut default_in_a_key = wanted();
    let port = "/spec/template/spec/containers/0/ports/0/protocol";
    remove(&mut default_in_a_key, port);
    assert!(!is_as_wanted(&default_in_a_key, &live()));

    let mut other_order = wanted();
    let containers = &mut other_order["spec"]["template"]["spec"]["containers"];
    containers.as_array_mut().unwrap().reverse();
    assert!(!is_as_wanted(&other_order, &live()));

    let mut other_version = live();
    other_version["metadata"]["managedFields"][1]["apiVersion"] = json!("apps/v1beta1");
    assert!(!is_as_wanted(&wanted(), &other_version));

    let mut ending = live();
    ending["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    assert!(!is_as_wanted(&wanted(), &ending));

    let mut by_place = live();
    by_place["metadata"]["managedFields"][1]["fieldsV1"]["f:metadata"]["f:finalizers"] =
        json!({"i:0": {}, "i:1": {}});
    assert!(!is_as_wanted(&wanted(), &by_place));

    let mut not_applied = live();
    not_applied["metadata"]["managedFields"][1]["operation"] = json!("Update");
    assert!(!is_as_wanted(&wanted(), &not_applied));
}

#[test]
fn two_equal_items_do_not_stand_for_two_different_ones() {
    let mut twice = wanted();
    twice["metadata"]["finalizers"] = json!(["x/one", "x/one"]);
    assert!(!is_as_wanted(&twice, &live()));
}
