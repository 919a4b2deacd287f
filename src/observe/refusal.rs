//! Reads a server's refusal: who said no. Pure text work over answers of Kubernetes 1.25 to 1.36.

use crate::clients::kube::ClusterError;

use super::model::{DryRun, FieldOwner, Refusal};

/// What an error says about one object; `Err` gives it back where it says nothing about the object
/// (no answer, no login, too many requests).
pub(crate) fn classify(error: ClusterError) -> Result<DryRun, ClusterError> {
    let message = error.message().to_owned();
    let refused = |refusal| {
        Ok(DryRun::Refused {
            refusal,
            why: message.clone(),
        })
    };
    match error {
        ClusterError::NotFound { .. } | ClusterError::WebhookFailed { .. } => {
            Ok(DryRun::Unknown { why: message })
        }
        ClusterError::Conflict { owners, .. } if !owners.is_empty() => Ok(DryRun::Conflict {
            owners: owners
                .into_iter()
                .map(|owner| FieldOwner {
                    manager: owner.manager,
                    field: owner.field,
                })
                .collect(),
        }),
        ClusterError::Forbidden { .. } => refused(refusal_of(&message)),
        // Policies choose their own status: 422 is usual, 403 and 400 are not rare.
        ClusterError::Invalid { .. } if refusal_of(&message) == Refusal::Policy => {
            refused(Refusal::Policy)
        }
        ClusterError::Invalid { .. } => refused(Refusal::Invalid),
        ClusterError::Unreachable { .. }
        | ClusterError::Unauthorized { .. }
        | ClusterError::TooManyRequests { .. } => Err(error),
        _ if refusal_of(&message) == Refusal::Policy => refused(Refusal::Policy),
        _ => refused(Refusal::Other),
    }
}

fn refusal_of(message: &str) -> Refusal {
    if message.contains("violates PodSecurity") {
        Refusal::PodSecurity
    } else if message.contains("exceeded quota") || message.contains("failed quota") {
        Refusal::Quota
    } else if message.contains("admission webhook")
        || message.contains("ValidatingAdmissionPolicy")
        || message.contains("security context constraint")
    {
        Refusal::Policy
    } else if message.contains("usage per ") || message.contains("limit to request ratio") {
        Refusal::LimitRange
    } else if message.contains("is forbidden: ") && message.contains("User \"")
        || message.contains("attempting to grant RBAC permissions")
    {
        Refusal::Forbidden
    } else {
        Refusal::Other
    }
}

/// True where every owner is this program, under whatever of its manager names.
pub(crate) fn all_ours(owners: &[FieldOwner]) -> bool {
    !owners.is_empty()
        && owners
            .iter()
            .all(|owner| owner.manager == "arc-setup" || owner.manager.starts_with("arc-setup-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forbidden(message: &str) -> Refusal {
        let error = ClusterError::Forbidden {
            message: message.to_owned(),
        };
        match classify(error) {
            Ok(DryRun::Refused { refusal, .. }) => refusal,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn who_refuses_is_read_from_the_answer() {
        for (message, refusal) in [
            (
                "pods \"x\" is forbidden: violates PodSecurity \"restricted:latest\": privileged",
                Refusal::PodSecurity,
            ),
            (
                "pods \"x\" is forbidden: exceeded quota: q, requested: pods=1",
                Refusal::Quota,
            ),
            (
                "pods \"x\" is forbidden: failed quota: q: must specify limits.cpu",
                Refusal::Quota,
            ),
            (
                "pods \"x\" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi",
                Refusal::LimitRange,
            ),
            (
                "admission webhook \"validate.kyverno.svc\" denied the request: no",
                Refusal::Policy,
            ),
            (
                "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
                Refusal::Policy,
            ),
            (
                "roles is forbidden: User \"jo\" cannot patch resource \"roles\"",
                Refusal::Forbidden,
            ),
            (
                "user \"jo\" is attempting to grant RBAC permissions not currently held",
                Refusal::Forbidden,
            ),
        ] {
            assert_eq!(forbidden(message), refusal, "{message}");
        }
    }

    #[test]
    fn no_answer_says_nothing_about_the_object() {
        let error = ClusterError::Unreachable {
            message: "refused".to_owned(),
        };
        assert!(classify(error).is_err());
    }

    #[test]
    fn only_our_own_managers_are_ours() {
        let owner = |manager: &str| FieldOwner {
            manager: manager.to_owned(),
            field: ".spec".to_owned(),
        };
        assert!(all_ours(&[owner("arc-setup"), owner("arc-setup-patch")]));
        assert!(!all_ours(&[owner("arc-setup"), owner("helm")]));
        assert!(!all_ours(&[owner("arc-setuper")]));
        assert!(!all_ours(&[]));
    }
}
