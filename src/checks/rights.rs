//! Missing rights, from the API server's own answers.

use super::Finding;
use crate::observe::Right;

/// One finding for each right that is denied; one `ok` when none is.
pub(super) fn findings(rights: &[Right], user: &str) -> Vec<Finding> {
    let mut findings: Vec<Finding> = rights
        .iter()
        .filter(|right| right.allowed == Some(false))
        .map(denied)
        .collect();
    let unanswered = rights
        .iter()
        .filter(|right| right.allowed.is_none())
        .count();
    if unanswered > 0 {
        findings.push(Finding::unknown("rights", user).why(format!(
            "{unanswered} questions about rights were not answered"
        )));
    }
    if findings.is_empty() {
        findings.push(Finding::ok("rights", user));
    }
    findings
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

    fn right(verb: &str, namespace: Option<&str>, allowed: Option<bool>) -> Right {
        Right {
            verb: verb.to_owned(),
            group: "rbac.authorization.k8s.io".to_owned(),
            resource: "roles".to_owned(),
            namespace: namespace.map(str::to_owned),
            allowed,
        }
    }

    #[test]
    fn each_denied_right_is_one_finding_that_names_verb_resource_and_namespace() {
        let findings = findings(
            &[
                right("create", Some("team"), Some(false)),
                right("patch", None, Some(true)),
            ],
            "u",
        );
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
    fn no_answer_is_unknown_and_never_ok() {
        let findings = findings(&[right("create", None, None)], "u");
        assert_eq!(
            findings
                .iter()
                .map(|finding| finding.verdict)
                .collect::<Vec<_>>(),
            [Verdict::Unknown]
        );
    }
}
