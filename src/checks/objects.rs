//! What the API server said to the dry-run of every object, and of a Pod for every pod template.

use super::{Finding, rights};
use crate::object::ObjectRef;
use crate::observe::{DryRun, FieldOwner, Observed, ObservedObject, ObservedPod, Refusal, Right};
use crate::plan::counted;

/// The kind that force never reaches.
const CRD: &str = "CustomResourceDefinition";

/// One finding for each refusal, conflict and unanswered question; one `ok` for all that was accepted.
pub(super) fn findings(
    observed: &Observed,
    rights: &[Right],
    force_conflicts: bool,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut accepted = 0;
    let mut unknown: Vec<(&ObjectRef, &str)> = Vec::new();
    for object in &observed.objects {
        match &object.dry_run {
            DryRun::Accepted { .. } => accepted += 1,
            DryRun::Foreign { .. } => {}
            DryRun::Unknown { why } => unknown.push((&object.object, why)),
            // A missing right is told once, by itself.
            DryRun::Refused {
                refusal: Refusal::Forbidden,
                why,
            } if !is_escalation(why) && rights::explains(rights, &object.object) => {}
            DryRun::Refused { refusal, why } => {
                findings.push(refused(&object.object, *refusal, why));
            }
            // A CRD's fields are never taken: other installs live by them.
            DryRun::Conflict { .. } if force_conflicts && object.object.kind != CRD => {
                accepted += 1;
            }
            DryRun::Conflict { owners } => findings.push(conflict(&object.object, owners)),
        }
        findings.extend(pod_security_warnings(object));
    }
    for pod in &observed.pods {
        findings.extend(pod_findings(pod));
    }
    if accepted > 0 {
        findings.push(Finding::ok(
            "object-refused",
            format!("{}, asked of the API server", counted(accepted, "object")),
        ));
    }
    findings.extend(unanswered(&unknown));
    findings
}

/// What is made by this plan cannot be asked before; one line says so for all of them.
fn unanswered(unknown: &[(&ObjectRef, &str)]) -> Option<Finding> {
    let (first, why) = unknown.first()?;
    let others = unknown.len() - 1;
    let subject = if others == 0 {
        first.to_string()
    } else {
        format!("{first} and {} more", counted(others, "object"))
    };
    Some(
        Finding::unknown("object-later", subject)
            .why((*why).to_owned())
            .remedy("nothing: they are asked again when what they need is there"),
    )
}

/// The code of a refusal; `words` are the server's.
pub(crate) fn refusal_code(refusal: Refusal, words: &str) -> &'static str {
    match refusal {
        Refusal::Forbidden if is_escalation(words) => "rights-escalation",
        Refusal::Forbidden => "rights",
        Refusal::Invalid | Refusal::KindMissing | Refusal::Other => "object-refused",
        Refusal::PodSecurity => "pod-security",
        Refusal::Quota => "quota-exceeded",
        Refusal::LimitRange => "limit-range",
        Refusal::Policy => "policy-denied",
    }
}

fn refused(object: &ObjectRef, refusal: Refusal, words: &str) -> Finding {
    let id = refusal_code(refusal, words);
    let finding = Finding::failed(id, object.to_string())
        .why(format!("the API server refuses {object}"))
        .evidence(words);
    match object.group() {
        "cert-manager.io" if refusal == Refusal::KindMissing => finding
            .remedy("install cert-manager first, or let arc-setup issue it: webhookCertificate.issuer: generate"),
        _ => finding,
    }
}

fn is_escalation(words: &str) -> bool {
    words.contains("attempting to grant RBAC permissions")
}

fn conflict(object: &ObjectRef, owners: &[FieldOwner]) -> Finding {
    let finding = owners.iter().fold(
        Finding::failed("object-conflict", object.to_string()),
        |finding, owner| finding.why(format!("{} owns {}", owner.manager, owner.field)),
    );
    if object.kind != CRD {
        return finding
            .remedy("let that owner drop the field, or take it once with --force-conflicts");
    }
    finding.remedy("let that owner give the field up: those of a CustomResourceDefinition are never taken by force")
        .remedy(format!(
            "or leave the definition to them: kubectl label crd {} app.kubernetes.io/managed-by-",
            object.name
        ))
}

/// A Deployment is accepted even where its pods will be refused; the warning header says so.
fn pod_security_warnings(object: &ObservedObject) -> Vec<Finding> {
    object
        .warnings
        .iter()
        .filter(|warning| warning.contains("violate PodSecurity"))
        .map(|warning| {
            Finding::failed("pod-security", object.object.to_string())
                .why("the namespace's pod security level refuses the pods of this object")
                .evidence(warning.clone())
        })
        .collect()
}

fn pod_findings(pod: &ObservedPod) -> Option<Finding> {
    let subject = format!("a pod of {} in namespace {}", pod.object, pod.namespace);
    match &pod.dry_run {
        // This run makes no pod itself, and its controller need not stand in a namespace of the user's: who may not
        // ask has learnt nothing.
        DryRun::Refused {
            refusal: Refusal::Forbidden,
            why,
        } => Some(
            Finding::unknown("pod-security", subject)
                .why("the user of this kubeconfig may not create pods there, so admission could not be asked about them")
                .evidence(why)
                .remedy("nothing: a pod that is refused later ends the wait, with the reason"),
        ),
        DryRun::Refused { refusal, why } => {
            let mut finding = refused(&pod.object, *refusal, why);
            finding.subject = subject;
            if *refusal == Refusal::PodSecurity {
                finding = finding
                    .remedy(format!(
                        "someone with the right: kubectl label namespace {} pod-security.kubernetes.io/enforce=privileged \
                         (on Rancher this needs the right updatepsa)",
                        pod.namespace
                    ))
                    .remedy("or another runner namespace, or containerMode: none or kubernetes");
            }
            Some(finding)
        }
        DryRun::Accepted { .. } => Some(Finding::ok("pod-security", subject)),
        DryRun::Unknown { .. } | DryRun::Foreign { .. } | DryRun::Conflict { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::Verdict;
    use serde_json::Value;

    fn deployment() -> ObjectRef {
        ObjectRef::new("apps/v1", "Deployment", Some("arc-systems"), "arc")
    }

    fn observed(dry_run: DryRun, warnings: Vec<String>) -> Observed {
        let object = ObservedObject {
            object: deployment(),
            live: None,
            dry_run,
            warnings,
            keys: Vec::new(),
        };
        Observed {
            objects: vec![object],
            ..Observed::default()
        }
    }

    fn only(observed: &Observed, force: bool) -> Vec<(String, Verdict)> {
        findings(observed, &[], force)
            .into_iter()
            .map(|finding| (finding.id, finding.verdict))
            .collect()
    }

    #[test]
    fn a_conflict_names_owner_and_field_and_force_takes_it() {
        let owner = FieldOwner {
            manager: "kubectl-set".to_owned(),
            field: ".spec.replicas".to_owned(),
        };
        let conflict = observed(
            DryRun::Conflict {
                owners: vec![owner],
            },
            Vec::new(),
        );
        assert_eq!(
            findings(&conflict, &[], false)[0].why,
            ["kubectl-set owns .spec.replicas"]
        );
        let definition = ObjectRef::new("apiextensions.k8s.io/v1", CRD, None, "runners.example");
        let mut of_definition = conflict.clone();
        of_definition.objects[0].object = definition;
        assert_eq!(
            only(&of_definition, true),
            [("object-conflict".to_owned(), Verdict::Failed)]
        );
        assert_eq!(
            only(&conflict, true),
            [("object-refused".to_owned(), Verdict::Ok)]
        );
    }

    #[test]
    fn a_deployment_that_is_accepted_with_a_pod_security_warning_fails() {
        let accepted = DryRun::Accepted {
            changed: true,
            result: Value::Null,
        };
        let warning = "would violate PodSecurity \"restricted:latest\": privileged".to_owned();
        assert!(
            only(&observed(accepted, vec![warning]), false)
                .contains(&("pod-security".to_owned(), Verdict::Failed))
        );
    }

    #[test]
    fn a_pod_that_the_user_may_not_ask_about_is_unknown_and_what_admission_refuses_blocks() {
        let of = |refusal, why: &str| {
            let pod = ObservedPod {
                object: deployment(),
                pointer: "/spec/template/spec".to_owned(),
                namespace: "arc-systems".to_owned(),
                dry_run: DryRun::Refused {
                    refusal,
                    why: why.to_owned(),
                },
                warnings: Vec::new(),
            };
            let observed = Observed {
                pods: vec![pod],
                ..Observed::default()
            };
            findings(&observed, &[], false).remove(0)
        };
        let words = "pods is forbidden: User \"jo\" cannot create resource \"pods\"";
        let unasked = of(Refusal::Forbidden, words);
        assert_eq!(unasked.verdict, Verdict::Unknown);
        assert_eq!(unasked.id, "pod-security");
        assert_eq!(unasked.evidence, [words]);
        assert_eq!(
            of(Refusal::Quota, "exceeded quota").verdict,
            Verdict::Failed
        );
    }

    #[test]
    fn what_this_plan_makes_is_unknown_and_does_not_block() {
        let unknown = observed(
            DryRun::Unknown {
                why: "its namespace is made by this plan".to_owned(),
            },
            Vec::new(),
        );
        assert_eq!(
            only(&unknown, false),
            [("object-later".to_owned(), Verdict::Unknown)]
        );
    }
}
