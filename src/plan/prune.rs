//! What an earlier run made and this configuration no longer has.

use crate::object::ObjectRef;
use crate::observe::{Dropped, Observed, Remains};

use super::order::{Rank, is_runner_object};
use super::{Step, Wave};

const DROPPED: &str = "the configuration no longer has it";

/// What becomes of what is no longer wanted.
#[derive(Debug, Default)]
pub(super) struct Pruned {
    /// Runner objects, while the controller as it was still clears their finalizers.
    pub(super) first: Vec<Wave>,
    /// The rest, at the end of the plan.
    pub(super) last: Vec<Wave>,
    /// What the receipt need not tell of any more, although nothing is removed.
    pub(super) forgotten: Vec<ObjectRef>,
}

/// Removes what lives and is of this install, by the uid that was seen; what is somebody else's is kept and said.
pub(super) fn prune(observed: &Observed) -> Pruned {
    let mut dropped: Vec<&Dropped> = observed.dropped.iter().collect();
    dropped.sort_by_key(|dropped| std::cmp::Reverse(Rank::of(&dropped.object)));
    let forgotten = dropped
        .iter()
        .filter(|dropped| matches!(dropped.now, Remains::Absent | Remains::Theirs))
        .map(|dropped| dropped.object.clone())
        .collect();
    let (runners, rest): (Vec<Step>, Vec<Step>) = dropped
        .into_iter()
        .filter_map(|dropped| step(dropped, observed))
        .partition(|step| step.object().is_some_and(is_runner_object));
    let going: Vec<ObjectRef> = runners
        .iter()
        .filter(|step| step.writes())
        .filter_map(|step| step.object().cloned())
        .collect();
    let mut pruned = Pruned {
        forgotten,
        ..Pruned::default()
    };
    if !runners.is_empty() {
        pruned.first.push(wave("runner sets that go", runners));
    }
    if !going.is_empty() {
        let wait = Step::WaitGone {
            objects: going,
            why: "the controller deregisters their runners from GitHub".to_owned(),
        };
        pruned
            .first
            .push(wave("runner sets that go: finalizers", vec![wait]));
    }
    if !rest.is_empty() {
        pruned.last.push(wave("what is no longer needed", rest));
    }
    pruned
}

fn wave(title: &str, steps: Vec<Step>) -> Wave {
    Wave {
        title: title.to_owned(),
        steps,
    }
}

/// None where nothing is there.
fn step(dropped: &Dropped, observed: &Observed) -> Option<Step> {
    let object = dropped.object.clone();
    let receipt = observed.receipt.as_ref();
    let written = receipt.and_then(|receipt| receipt.entry(&object)?.uid.clone());
    let delete = |object, uid: String| {
        let (uid, why) = (Some(uid), DROPPED.to_owned());
        Some(Step::Delete { object, uid, why })
    };
    match (&dropped.now, written) {
        (Remains::Absent, _) => None,
        (Remains::Ours { uid }, _) => delete(object, uid.clone()),
        // Who may not read it still knows which object it was that an earlier run wrote.
        (Remains::Unread { .. }, Some(uid)) => delete(object, uid),
        (Remains::Unread { why }, None) => Some(Step::Keep {
            object,
            why: format!("{DROPPED}, and nobody can tell whose it is: {why}"),
        }),
        (Remains::Theirs, _) => Some(Step::Keep {
            object,
            why: format!("{DROPPED}, and what is there is somebody else's"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Receipt;

    fn observed(entries: &[(&ObjectRef, Option<&str>, Remains)]) -> Observed {
        let mut receipt = Receipt::new("one", "ns", "");
        let mut observed = Observed::default();
        for (object, uid, now) in entries {
            receipt.note(object, *uid, false);
            observed.dropped.push(Dropped {
                object: (*object).clone(),
                now: now.clone(),
            });
        }
        observed.receipt = Some(receipt);
        observed
    }

    fn ours(uid: &str) -> Remains {
        Remains::Ours {
            uid: uid.to_owned(),
        }
    }

    fn set() -> ObjectRef {
        let group = "actions.github.com/v1alpha1";
        ObjectRef::new(group, "AutoscalingRunnerSet", Some("r"), "a")
    }

    fn secret() -> ObjectRef {
        ObjectRef::new("v1", "Secret", Some("r"), "arc-github")
    }

    #[test]
    fn runner_sets_go_first_each_object_by_the_uid_that_was_seen() {
        let role = ObjectRef::new("rbac.authorization.k8s.io/v1", "Role", Some("r"), "a");
        let Pruned {
            first,
            last,
            forgotten,
        } = prune(&observed(&[
            (&role, None, ours("now")),
            (&set(), Some("3"), ours("3")),
        ]));
        assert_eq!(first.len(), 2);
        assert_eq!(first[0].steps[0].object(), Some(&set()));
        assert!(matches!(first[1].steps[0], Step::WaitGone { .. }));
        assert_eq!(last.len(), 1);
        assert!(
            matches!(&last[0].steps[..], [Step::Delete { object, uid: Some(uid), .. }] if *object == role && uid == "now")
        );
        assert_eq!(forgotten, []);
    }

    #[test]
    fn what_is_somebody_elses_stays_and_is_forgotten() {
        let pruned = prune(&observed(&[
            (&secret(), None, Remains::Theirs),
            (&set(), Some("1"), Remains::Absent),
        ]));
        assert!(pruned.first.is_empty(), "{:?}", pruned.first);
        assert!(
            matches!(&pruned.last[0].steps[..], [Step::Keep { object, .. }] if *object == secret())
        );
        assert_eq!(pruned.forgotten, [set(), secret()]);
    }

    #[test]
    fn who_may_not_read_removes_only_what_was_written() {
        let unread = || Remains::Unread {
            why: "cannot get".to_owned(),
        };
        let kept = prune(&observed(&[(&secret(), None, unread())]));
        assert!(matches!(kept.last[0].steps[0], Step::Keep { .. }));
        assert_eq!(kept.forgotten, []);
        let removed = prune(&observed(&[(&secret(), Some("7"), unread())]));
        assert!(
            matches!(&removed.last[0].steps[0], Step::Delete { uid: Some(uid), .. } if uid == "7")
        );
    }
}
