//! Fields that another manager holds: nothing is written, and the owner is named.

use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;
use crate::observe::{DryRun, FieldOwner, Observed};

/// The failure for every object in conflict at once; None where there is none.
pub fn conflict(observed: &Observed) -> Option<Failure> {
    let conflicts: Vec<(&ObjectRef, &[FieldOwner])> = observed
        .objects
        .iter()
        .filter_map(|entry| match &entry.dry_run {
            DryRun::Conflict { owners } => Some((&entry.object, owners.as_slice())),
            _ => None,
        })
        .collect();
    (!conflicts.is_empty()).then(|| failure(&conflicts))
}

/// The failure for objects and the owners of their fields.
pub(crate) fn failure(conflicts: &[(&ObjectRef, &[FieldOwner])]) -> Failure {
    let what = match conflicts {
        [(object, _)] => format!("{object} has fields that someone else owns"),
        many => format!("{} objects have fields that someone else owns", many.len()),
    };
    let mut failure = Failure::new("field-conflict", Exit::Conflict, what);
    let mut managers: Vec<&str> = Vec::new();
    let mut definitions = false;
    for (object, owners) in conflicts {
        definitions |= object.kind == "CustomResourceDefinition";
        for owner in *owners {
            failure = failure.evidence(format!(
                "{object}: {} belongs to {}",
                owner.field, owner.manager
            ));
            if !managers.contains(&owner.manager.as_str()) {
                managers.push(&owner.manager);
            }
        }
    }
    failure = failure
        .why(format!("{} set them to other values", managers.join(", ")))
        .remedy("let the owner set the wanted values, or take the fields with --force-conflicts");
    if definitions {
        failure = failure.remedy("--force-conflicts never takes fields of a CustomResourceDefinition: its owner has to give them up");
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::ObservedObject;

    #[test]
    fn owner_and_field_are_named_and_the_exit_code_is_22() {
        let object = ObjectRef::new("apps/v1", "Deployment", Some("ns"), "a");
        let observed = Observed {
            objects: vec![ObservedObject {
                object,
                live: None,
                dry_run: DryRun::Conflict {
                    owners: vec![FieldOwner {
                        manager: "helm".to_owned(),
                        field: ".spec.replicas".to_owned(),
                    }],
                },
                warnings: Vec::new(),
                keys: Vec::new(),
            }],
            ..Observed::default()
        };
        let failure = conflict(&observed).unwrap();
        assert_eq!(failure.exit(), Exit::Conflict);
        assert_eq!(
            failure.details().evidence,
            ["Deployment ns/a: .spec.replicas belongs to helm"]
        );
        assert!(conflict(&Observed::default()).is_none());
    }
}
