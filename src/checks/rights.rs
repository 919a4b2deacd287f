//! Missing rights, from the API server's own answers.

use super::Finding;
use crate::object::ObjectRef;
use crate::observe::{DryRun, Observed, ObservedObject, Right};
use crate::plan::counted;

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
    // Lock and receipt are in no manifest, and are written as soon as anything is.
    if concerned.peek().is_none() || matches!(right.kind.as_str(), "Lease" | "Secret") {
        return observed.objects.iter().any(written);
    }
    concerned.any(|entry| written(entry) && (right.verb != "create" || entry.live.is_none()))
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
    Finding::failed("rights", format!("{} {resource} {place}", right.verb))
        .why(format!(
            "the user of this kubeconfig may not {} {resource} {place}",
            right.verb
        ))
        .remedy(format!(
            "verify with: kubectl auth can-i {} {resource}{flag}",
            right.verb
        ))
        .remedy(format!("ask an administrator to grant it {place}"))
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
