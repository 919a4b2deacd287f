//! What hangs on a runner object through owner references: it has to be gone before rights and controller go. Pure.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::object::{ObjectRef, items_at, text_at};

/// By which labels the legacy controller tells the pods of a runner set.
const SET_LABELS: [(&str, &str); 2] = [
    ("RunnerDeployment", "runner-deployment-name"),
    ("RunnerSet", "runnerset-name"),
];
/// Kind and name inside one namespace.
type Owner = (String, String);

/// Adds to `owners` the objects of `found` that hang on them, and theirs; returns those objects.
/// `owners` is kept from look to look: an owner may be gone before what it owns.
pub(super) fn dependents<'a>(owners: &mut BTreeSet<Owner>, found: &'a [Value]) -> Vec<&'a Value> {
    let mut hanging: Vec<&Value> = Vec::new();
    loop {
        let more: Vec<&Value> = found
            .iter()
            .filter(|object| !hanging.iter().any(|known| std::ptr::eq(*known, *object)))
            .filter(|object| owned_by(object, owners))
            .collect();
        if more.is_empty() {
            return hanging;
        }
        for object in more {
            let object_ref = ObjectRef::from_value(object);
            owners.insert((object_ref.kind, object_ref.name));
            hanging.push(object);
        }
    }
}

fn owned_by(object: &Value, owners: &BTreeSet<Owner>) -> bool {
    let references = items_at(object, "/metadata/ownerReferences").iter();
    references
        .map(|owner| {
            let text = |pointer| text_at(owner, pointer).unwrap_or_default().to_owned();
            (text("/kind"), text("/name"))
        })
        .any(|owner| owners.contains(&owner))
}

/// Pods of `owners` that the legacy controller holds by its finalizer until GitHub no longer lists their runners, or
/// still may hold, and that none of `found` owns any more: a Runner goes before its pod does, and may have gone before
/// anybody looked.
///
/// That controller writes the finalizer after it has made the pod, as soon as it sees one that is not being deleted. A
/// pod that it made last, when those before it had left it room under a quota, would be held by nobody who lives.
pub(super) fn abandoned<'a>(
    pods: &'a [Value],
    owners: &BTreeSet<Owner>,
    found: &[Value],
) -> Vec<&'a Value> {
    let found: BTreeSet<Owner> = found
        .iter()
        .map(ObjectRef::from_value)
        .map(|owner| (owner.kind, owner.name))
        .collect();
    let may_be_held = |pod: &Value| {
        let finalizers = items_at(pod, "/metadata/finalizers").iter();
        // One that nobody owns stays for good: nothing will delete it.
        let is_on_its_way = !items_at(pod, "/metadata/ownerReferences").is_empty();
        let is_deleted = pod.pointer("/metadata/deletionTimestamp").is_some();
        is_on_its_way && !is_deleted
            || finalizers
                .filter_map(Value::as_str)
                .any(|finalizer| finalizer.starts_with("actions.summerwind.dev/"))
    };
    let is_labelled = |pod: &Value| {
        SET_LABELS.iter().any(|(kind, label)| {
            let name = text_at(pod, &format!("/metadata/labels/{label}"));
            name.is_some_and(|name| owners.contains(&((*kind).to_owned(), name.to_owned())))
        })
    };
    pods.iter()
        .filter(|pod| may_be_held(pod) && !owned_by(pod, &found))
        .filter(|pod| is_labelled(pod) || owned_by(pod, owners))
        .collect()
}

/// What keeps an object, for a person: `EphemeralRunner r/x (finalizer ephemeralrunner.actions.github.com/finalizer)`,
/// `Namespace r (Some resources are remaining: pods. has 1 resource instances)`.
pub(super) fn keeps(object: &Value) -> String {
    let name = ObjectRef::from_value(object);
    if name.kind == "Namespace" {
        let remaining: Vec<&str> = items_at(object, "/status/conditions")
            .iter()
            .filter(|condition| text_at(condition, "/status") == Some("True"))
            .filter_map(|condition| text_at(condition, "/message"))
            .collect();
        if !remaining.is_empty() {
            return format!("{name} ({})", remaining.join("; "));
        }
    }
    let finalizers: Vec<&str> = items_at(object, "/metadata/finalizers")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    match finalizers.as_slice() {
        [] => name.to_string(),
        some => format!("{name} (finalizer {})", some.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(kind: &str, name: &str, owner: Option<(&str, &str)>) -> Value {
        let mut object = json!({"kind": kind, "metadata": {"name": name, "namespace": "r"}});
        if let Some((kind, name)) = owner {
            object["metadata"]["ownerReferences"] = json!([{"kind": kind, "name": name}]);
        }
        object
    }

    #[test]
    fn the_chain_is_followed_and_remembered() {
        let mut owners = BTreeSet::from([("RunnerDeployment".to_owned(), "a".to_owned())]);
        let found = [
            object("Runner", "a-x-1", Some(("RunnerReplicaSet", "a-x"))),
            object("RunnerReplicaSet", "a-x", Some(("RunnerDeployment", "a"))),
            object("Runner", "other", Some(("RunnerReplicaSet", "b-x"))),
            object("Runner", "alone", None),
        ];
        assert_eq!(dependents(&mut owners, &found).len(), 2);
        let later = &found[..1];
        assert_eq!(
            dependents(&mut owners, later).len(),
            1,
            "its owner is gone, it is not"
        );
    }

    #[test]
    fn a_held_pod_is_waited_for_once_its_runner_is_gone() {
        let held = |name: &str, runner: &str, set: &str| {
            let mut pod = object("Pod", name, Some(("Runner", runner)));
            pod["metadata"]["finalizers"] = json!(["actions.summerwind.dev/runner-pod"]);
            pod["metadata"]["labels"] = json!({"runner-deployment-name": set});
            pod
        };
        let mut not_yet_held = held("not-yet", "gone", "a");
        not_yet_held["metadata"]["finalizers"] = json!([]);
        let mut going = not_yet_held.clone();
        going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        let mut alone = not_yet_held.clone();
        alone["metadata"]["ownerReferences"] = json!([]);
        let owner = |kind: &str, name: &str| (kind.to_owned(), name.to_owned());
        let owners = BTreeSet::from([owner("RunnerDeployment", "a"), owner("Runner", "mine")]);
        let pods = [
            held("mine", "mine", "none"),
            held("labelled", "gone", "a"),
            held("later", "there", "a"),
            held("foreign", "gone", "b"),
            not_yet_held,
            going,
            alone,
        ];
        let found = [object("Runner", "there", None)];
        let waited_for = [&pods[0], &pods[1], &pods[4]];
        assert_eq!(abandoned(&pods, &owners, &found), waited_for);
    }

    #[test]
    fn a_finalizer_is_named() {
        let mut runner = object("Runner", "a", None);
        runner["metadata"]["finalizers"] = json!(["runner.actions.summerwind.dev"]);
        assert_eq!(
            keeps(&runner),
            "Runner r/a (finalizer runner.actions.summerwind.dev)"
        );
    }
}
