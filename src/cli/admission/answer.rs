//! What the command says of admission policies.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::apply::admission::{InForce, Writing, Written};
use crate::object::{Manifest, ObjectRef};

/// What was written, or would be.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    pub(super) dry_run: bool,
    pub(super) namespaces: Vec<String>,
    pub(super) objects: Vec<Written>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) in_force: Vec<InForce>,
}

/// What was taken away, or would be.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Removed {
    pub(super) dry_run: bool,
    pub(super) removed: Vec<ObjectRef>,
}

/// The namespaces that any of the objects covers now and then no longer does.
pub(super) fn no_longer_in(objects: &[Written]) -> Vec<String> {
    let names = objects.iter().flat_map(|one| one.no_longer_in.clone());
    let names: BTreeSet<String> = names.collect();
    names.into_iter().collect()
}

/// Without a cluster nothing is there.
pub(super) fn objects_or_new(objects: Vec<Written>, manifests: &[Manifest]) -> Vec<Written> {
    if !objects.is_empty() {
        return objects;
    }
    let new = |manifest: &Manifest| Written::created(manifest.reference());
    manifests.iter().map(new).collect()
}

impl Answer {
    /// For a person.
    pub(super) fn text(&self) -> String {
        let mut lines: Vec<String> = self
            .objects
            .iter()
            .map(|one| {
                let verb = match (self.dry_run, one.writing) {
                    (_, Writing::Unchanged) => "as wanted",
                    (true, Writing::Created) => "would be created",
                    (true, Writing::Changed) => "would be changed",
                    (false, Writing::Created) => "created",
                    (false, Writing::Changed) => "changed",
                    (_, Writing::Unknown) => "you may not write it",
                };
                format!("{}: {verb}", one.object)
            })
            .collect();
        for namespace in &self.in_force {
            let name = &namespace.namespace;
            for proof in &namespace.proven {
                lines.push(format!(
                    "proven in {name}: {} → {} [{}]",
                    proof.image, proof.to, proof.rule
                ));
            }
            if let Some(why) = &namespace.unproven {
                lines.push(format!("not proven in {name}: {why}"));
            }
        }
        let dropped = no_longer_in(&self.objects).join(", ");
        if !dropped.is_empty() {
            lines.push(format!(
                "no longer in {dropped}: new pods there keep their images"
            ));
        }
        let places = self.namespaces.join(", ");
        lines.push(if self.dry_run {
        format!("nothing was written; the objects for {places}, to be read: the same command with -o yaml")
    } else {
        format!("new pods in {places} get their images by the rules; those that run already: the same command without --admission")
    });
        lines.push(String::new());
        lines.join("\n")
    }
}

impl Removed {
    /// For a person; `name` is that of the policy.
    pub(super) fn text(&self, name: &str) -> String {
        let verb = if self.dry_run {
            "would be removed"
        } else {
            "removed"
        };
        let mut lines: Vec<String> = self
            .removed
            .iter()
            .map(|object| format!("{object}: {verb}"))
            .collect();
        if lines.is_empty() {
            lines.push(format!(
                "nothing to do: there is no admission policy {name}"
            ));
        }
        lines.push(String::new());
        lines.join("\n")
    }
}
