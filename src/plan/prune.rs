//! What an earlier run made and this configuration no longer has.

use crate::object::{Manifest, ObjectRef};
use crate::observe::{Entry, Receipt};

use super::order::{Rank, is_runner_object};
use super::{Step, Wave};

const DROPPED: &str = "the configuration no longer has it";

/// Waves of removal: runner objects first, while the controller as it was still clears their finalizers; then the
/// rest, at the end of the plan. Namespaces and CRDs are left to `uninstall`, and adopted objects to their owner.
pub(super) fn prune(receipt: Option<&Receipt>, manifests: &[Manifest]) -> (Vec<Wave>, Vec<Wave>) {
    let Some(receipt) = receipt else {
        return (Vec::new(), Vec::new());
    };
    let wanted: Vec<ObjectRef> = manifests.iter().map(Manifest::reference).collect();
    let mut dropped: Vec<&Entry> = receipt
        .entries
        .iter()
        .filter(|entry| !entry.adopted && !is_wanted(&wanted, &entry.object))
        .filter(|entry| {
            !matches!(
                Rank::of(&entry.object),
                Rank::Namespaces | Rank::Definitions
            )
        })
        .collect();
    dropped.sort_by_key(|entry| std::cmp::Reverse(Rank::of(&entry.object)));
    let (runners, rest): (Vec<&Entry>, Vec<&Entry>) = dropped
        .into_iter()
        .partition(|entry| is_runner_object(&entry.object));
    let mut first = Vec::new();
    if !runners.is_empty() {
        first.push(Wave {
            title: "runner sets that go".to_owned(),
            steps: runners.iter().map(|entry| delete(entry)).collect(),
        });
        first.push(Wave {
            title: "runner sets that go: finalizers".to_owned(),
            steps: vec![Step::WaitGone {
                objects: runners.iter().map(|entry| entry.object.clone()).collect(),
                why: "the controller deregisters their runners from GitHub".to_owned(),
            }],
        });
    }
    let mut last = Vec::new();
    if !rest.is_empty() {
        last.push(Wave {
            title: "what is no longer needed".to_owned(),
            steps: rest.iter().map(|entry| delete(entry)).collect(),
        });
    }
    (first, last)
}

/// The same object under another version of its group is the same object.
fn is_wanted(wanted: &[ObjectRef], object: &ObjectRef) -> bool {
    wanted.iter().any(|one| {
        one.kind == object.kind
            && one.group() == object.group()
            && one.namespace == object.namespace
            && one.name == object.name
    })
}

fn delete(entry: &Entry) -> Step {
    Step::Delete {
        object: entry.object.clone(),
        uid: entry.uid.clone(),
        why: DROPPED.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runner_sets_go_first_and_what_was_adopted_stays() {
        let set = ObjectRef::new(
            "actions.github.com/v1alpha1",
            "AutoscalingRunnerSet",
            Some("r"),
            "a",
        );
        let role = ObjectRef::new("rbac.authorization.k8s.io/v1", "Role", Some("r"), "a");
        let adopted = ObjectRef::new("v1", "ConfigMap", Some("r"), "theirs");
        let namespace = ObjectRef::new("v1", "Namespace", None, "r");
        let mut receipt = Receipt::new("one", "ns", "");
        receipt.note(&namespace, None, false);
        receipt.note(&role, Some("1"), false);
        receipt.note(&adopted, Some("2"), true);
        receipt.note(&set, Some("3"), false);
        let (first, last) = prune(Some(&receipt), &[]);
        assert_eq!(first.len(), 2);
        assert_eq!(first[0].steps[0].object(), Some(&set));
        assert!(matches!(first[1].steps[0], Step::WaitGone { .. }));
        assert_eq!(last.len(), 1);
        assert_eq!(last[0].steps.len(), 1);
        assert_eq!(last[0].steps[0].object(), Some(&role));
    }
}
