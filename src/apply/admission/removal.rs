//! Takes the admission policies away again.

use serde_json::Value;

use super::KINDS;
use crate::clients::interrupt::Interrupt;
use crate::clients::kube::{Cluster, ClusterError};
use crate::failure::{Exit, Failure};
use crate::object::labels::INSTALL_LABEL;
use crate::object::{ObjectRef, text_at};
use crate::plan::admission::Api;

/// Takes away every policy and binding of the install with this name. What tells goes before what rewrites, and
/// bindings before policies: nothing is refused meanwhile.
pub async fn remove(
    cluster: &Cluster,
    install: &str,
    name: &str,
    dry_run: bool,
    interrupt: &Interrupt,
) -> Result<Vec<ObjectRef>, Failure> {
    let found = of_install(cluster, install)
        .await
        .map_err(|error| may_not(&error, "cannot look for admission policies"))?;
    let mut removed = Vec::new();
    for live in found {
        interrupt.check()?;
        let object = ObjectRef::from_value(&live);
        if object.name != name {
            continue;
        }
        if !dry_run {
            match cluster
                .delete(&object, text_at(&live, "/metadata/uid"))
                .await
            {
                Ok(()) | Err(ClusterError::NotFound { .. }) => {}
                Err(error) => return Err(may_not(&error, &format!("cannot remove {object}"))),
            }
        }
        removed.push(object);
    }
    Ok(removed)
}

/// Policies and bindings with the label of the install, in the order in which they go. A mutating kind that is served
/// in two versions is one.
async fn of_install(cluster: &Cluster, install: &str) -> Result<Vec<Value>, ClusterError> {
    let selector = format!("{INSTALL_LABEL}={install}");
    let mut found: Vec<Value> = Vec::new();
    for kind in KINDS.iter().rev() {
        for suffix in ["Binding", ""] {
            for api in Api::ALL {
                let kind = format!("{kind}{suffix}");
                match cluster
                    .list(&api.version(), &kind, None, Some(&selector))
                    .await
                {
                    Ok(objects) => {
                        found.extend(objects);
                        break;
                    }
                    Err(ClusterError::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
    Ok(found)
}

/// A refusal, with what to hand to whom where rights are missing.
pub fn may_not(error: &ClusterError, what: &str) -> Failure {
    let failure = error.failure(what, Exit::Preflight);
    match error {
        ClusterError::Forbidden { .. } => failure.remedy("use a login that may get, list and delete mutatingadmissionpolicies, validatingadmissionpolicies and their bindings (admissionregistration.k8s.io): they are of the whole cluster"),
        _ => failure,
    }
}
