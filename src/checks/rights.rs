//! Missing rights, from the API server's own answers.

use super::Finding;
use crate::object::ObjectRef;
use crate::observe::{Dropped, DryRun, Observed, ObservedObject, Remains, Right};
use crate::plan::{counted, is_runner_object};

/// One finding for each right that is denied and that something to be written needs; one `ok` when none is.
pub(super) fn findings(rights: &[Right], observed: &Observed, user: &str) -> Vec<Finding> {
    let mut findings: Vec<Finding> = rights
        .iter()
        .filter(|right| right.allowed == Some(false) && needed(right, observed))
        .map(denied)
        .collect();
    let unanswered = rights
        .iter()
        .filter(|right| right.allowed.is_none())
        .count();
    if unanswered > 0 {
        let asked = counted(unanswered, "question");
        findings.push(
            Finding::unknown("rights", user)
                .why(format!("no answer to {asked} about rights"))
                .remedy("nothing: what may not be written ends the run at that object, and the same command goes on from there"),
        );
    }
    if findings.is_empty() {
        findings.push(Finding::ok("rights", user));
    }
    findings
}

/// True where a denied right says already why `object` is refused.
pub(super) fn explains(rights: &[Right], object: &ObjectRef) -> bool {
    rights
        .iter()
        .any(|right| right.allowed == Some(false) && concerns(right, object))
}

fn concerns(right: &Right, object: &ObjectRef) -> bool {
    right.kind == object.kind
        && right.group == object.group()
        && right.namespace == object.namespace
}

/// Nothing needs the right to write what stays as it is; what lives is not created.
fn needed(right: &Right, observed: &Observed) -> bool {
    let mut concerned = observed
        .objects
        .iter()
        .filter(|entry| concerns(right, &entry.object))
        .peekable();
    let removes = observed.dropped.iter().any(goes);
    match (right.verb.as_str(), right.kind.as_str()) {
        // Those of pull tests: a due test starts a pod though nothing is written.
        (_, "Pod") => {
            return removes || observed.objects.iter().any(written) || is_untried(observed);
        }
        // Asked for what goes alone.
        ("delete", kind) if kind != "Lease" => return true,
        // Lock and receipt are in no manifest, and are written as soon as anything is.
        (_, "Lease" | "Secret") => return removes || observed.objects.iter().any(written),
        _ if concerned.peek().is_none() => return removes || observed.objects.iter().any(written),
        _ => {}
    }
    concerned.any(|entry| written(entry) && (right.verb != "create" || entry.live.is_none()))
}

/// True where a runner set has no pull test in the receipt.
fn is_untried(observed: &Observed) -> bool {
    let tried = |set: &ObjectRef| {
        let receipt = observed.receipt.as_ref();
        receipt.is_some_and(|receipt| receipt.pull_tests.iter().any(|test| &test.set == set))
    };
    let mut sets = observed.objects.iter().map(|entry| &entry.object);
    sets.any(|object| is_runner_object(object) && !tried(object))
}

fn goes(dropped: &Dropped) -> bool {
    matches!(dropped.now, Remains::Ours { .. } | Remains::Unread { .. })
}

fn written(entry: &ObservedObject) -> bool {
    !matches!(
        entry.dry_run,
        DryRun::Accepted { changed: false, .. } | DryRun::Foreign { .. }
    )
}

fn denied(right: &Right) -> Finding {
    let resource = match right.group.as_str() {
        "" => right.resource.clone(),
        group => format!("{}.{group}", right.resource),
    };
    let place = right
        .namespace
        .as_deref()
        .map_or("in the whole cluster".to_owned(), |namespace| {
            format!("in namespace {namespace}")
        });
    let flag = right
        .namespace
        .as_deref()
        .map(|namespace| format!(" -n {namespace}"))
        .unwrap_or_default();
    let subject = format!("{} {resource} {place}", right.verb);
    if right.verb == "delete" && right.kind == "Lease" {
        return Finding::warning("rights", subject)
            .why("the lock cannot be given back: each run then waits until that of the run before it has expired")
            .remedy(format!("ask an administrator to grant it {place}"));
    }
    let finding = Finding::failed("rights", subject)
        .why(format!(
            "the user of this kubeconfig may not {} {resource} {place}",
            right.verb
        ))
        .remedy(format!(
            "verify with: kubectl auth can-i {} {resource}{flag}",
            right.verb
        ))
        .remedy(format!("ask an administrator to grant it {place}"));
    match right.kind.as_str() {
        "Pod" => finding.remedy(
            "or go on without starting a pod of the runner sets to test them: --no-pull-test",
        ),
        _ => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::Verdict;
    use serde_json::Value;

    fn right(verb: &str, namespace: Option<&str>, allowed: Option<bool>) -> Right {
        Right {
            verb: verb.to_owned(),
            group: "rbac.authorization.k8s.io".to_owned(),
            resource: "roles".to_owned(),
            kind: "Role".to_owned(),
            namespace: namespace.map(str::to_owned),
            allowed,
        }
    }

    fn observed(dry_run: DryRun) -> Observed {
        let object = ObjectRef::new(
            "rbac.authorization.k8s.io/v1",
            "Role",
            Some("team"),
            "manager",
        );
        let object = ObservedObject {
            object,
            live: None,
            dry_run,
            warnings: Vec::new(),
            keys: Vec::new(),
        };
        Observed {
            objects: vec![object],
            ..Observed::default()
        }
    }

    fn accepted(changed: bool) -> Observed {
        observed(DryRun::Accepted {
            changed,
            result: Value::Null,
        })
    }

    #[test]
    fn each_denied_right_is_one_finding_that_names_verb_resource_and_namespace() {
        let rights = [
            right("create", Some("team"), Some(false)),
            right("patch", None, Some(true)),
        ];
        let findings = findings(&rights, &accepted(true), "u");
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].verdict, Verdict::Failed);
        assert_eq!(
            findings[0].subject,
            "create roles.rbac.authorization.k8s.io in namespace team"
        );
        assert!(
            findings[0].remedy[0].ends_with("can-i create roles.rbac.authorization.k8s.io -n team")
        );
    }

    #[test]
    fn what_is_not_written_needs_no_right() {
        let denied = [right("patch", Some("team"), Some(false))];
        for kept in [
            accepted(false),
            observed(DryRun::Foreign { why: String::new() }),
        ] {
            let findings = findings(&denied, &kept, "u");
            assert_eq!(findings[0].verdict, Verdict::Ok, "{findings:?}");
        }
    }

    #[test]
    fn a_removal_that_is_denied_blocks_and_a_lock_that_stays_is_a_warning() {
        let lease = Right {
            group: "coordination.k8s.io".to_owned(),
            resource: "leases".to_owned(),
            kind: "Lease".to_owned(),
            ..right("delete", Some("team"), Some(false))
        };
        let rights = [right("delete", Some("team"), Some(false)), lease];
        let mut observed = accepted(false);
        let role = observed.objects[0].object.clone();
        observed.dropped = vec![Dropped {
            object: ObjectRef {
                name: "other".to_owned(),
                ..role
            },
            now: Remains::Ours {
                uid: "u".to_owned(),
            },
        }];
        let verdicts = |observed: &Observed, rights: &[Right]| -> Vec<Verdict> {
            let findings = findings(rights, observed, "u");
            findings.iter().map(|finding| finding.verdict).collect()
        };
        assert_eq!(
            verdicts(&observed, &rights),
            [Verdict::Failed, Verdict::Warning]
        );
        // Nothing goes and nothing is written: no lock is taken either.
        assert_eq!(verdicts(&accepted(false), &rights[1..]), [Verdict::Ok]);
    }

    #[test]
    fn no_answer_is_unknown_and_never_ok() {
        let findings = findings(&[right("create", None, None)], &accepted(true), "u");
        assert_eq!(
            findings
                .iter()
                .map(|finding| finding.verdict)
                .collect::<Vec<_>>(),
            [Verdict::Unknown]
        );
    }
}
