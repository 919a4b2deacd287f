//! What need not be asked: namespaces and kinds that this plan makes, and what belongs to someone else. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::facts::Facts;
use crate::object::{Manifest, ObjectRef, text_at};

use super::mask::masked;
use super::model::{DryRun, Live};
use crate::object::labels::{INSTALL_LABEL, MANAGED_BY};

/// True where an object says that this program manages it.
pub fn is_ours(object: &Value) -> bool {
    object
        .pointer("/metadata/labels")
        .and_then(|labels| labels.get(MANAGED_BY))
        .and_then(Value::as_str)
        == Some("arc-setup")
}

/// Nobody has read the object in this run yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotRead;

/// Namespaces and kinds, as far as the facts tell them.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    absent_namespaces: BTreeSet<String>,
    /// (group, kind) of CRDs that this plan makes.
    absent_kinds: BTreeSet<(String, String)>,
    foreign: BTreeMap<ObjectRef, (Live, String)>,
    /// What the facts hold of objects as they live.
    read: BTreeMap<ObjectRef, Option<Value>>,
}

impl Surroundings {
    pub(super) fn of(
        manifests: &[Manifest],
        facts: &Facts,
        install: &str,
        manage_namespaces: bool,
    ) -> Self {
        let mut found = Self {
            read: facts.cluster.read.clone(),
            ..Self::default()
        };
        for manifest in manifests {
            let object = manifest.reference();
            match object.kind.as_str() {
                "Namespace" => match facts.cluster.namespaces.get(&object.name) {
                    None => {
                        found.absent_namespaces.insert(object.name);
                    }
                    Some(labels) => {
                        let live = json!({
                            "apiVersion": "v1",
                            "kind": "Namespace",
                            "metadata": {"name": object.name, "labels": labels},
                        });
                        let ours = labels.get(INSTALL_LABEL).map(String::as_str) == Some(install);
                        if !manage_namespaces && !ours {
                            let why = "it was there before; its labels are left alone unless namespaces.manage is true";
                            found.keep(manifest, &live, why);
                        }
                    }
                },
                "CustomResourceDefinition" => match facts.cluster.crds.get(&object.name) {
                    None => {
                        let text = |pointer| manifest.text(pointer).unwrap_or_default().to_owned();
                        found
                            .absent_kinds
                            .insert((text("/spec/group"), text("/spec/names/kind")));
                    }
                    Some(live) if !is_ours(live) => {
                        let why = "someone else installed it; it is never changed";
                        found.keep(manifest, live, why);
                    }
                    Some(_) => {}
                },
                _ => {}
            }
        }
        found
    }

    fn keep(&mut self, manifest: &Manifest, live: &Value, why: &str) {
        let text = |pointer| text_at(live, pointer).unwrap_or_default();
        let entry = Live {
            resource_version: text("/metadata/resourceVersion").to_owned(),
            uid: text("/metadata/uid").to_owned(),
            object: masked(manifest, live),
        };
        self.foreign
            .insert(manifest.reference(), (entry, why.to_owned()));
    }

    /// What was read of an object before; `Ok(None)` where it is known to be absent, `Err` where nobody looked.
    pub(super) fn read(&self, object: &ObjectRef) -> Result<Option<Value>, NotRead> {
        self.read.get(object).cloned().ok_or(NotRead)
    }

    /// What is known of an object without a request.
    pub(super) fn answer(&self, object: &ObjectRef) -> Option<(Option<Live>, DryRun)> {
        if let Some((live, why)) = self.foreign.get(object) {
            let dry_run = DryRun::Foreign { why: why.clone() };
            return Some((Some(live.clone()), dry_run));
        }
        if let Some(namespace) = object.namespace.as_deref()
            && let Some(dry_run) = self.namespace(namespace)
        {
            return Some((None, dry_run));
        }
        let kind = (object.group().to_owned(), object.kind.clone());
        if self.absent_kinds.contains(&kind) {
            let why = format!("this run makes the kind {}", object.kind);
            return Some((None, DryRun::Unknown { why }));
        }
        None
    }

    /// `Unknown` for a namespace that this plan makes.
    pub(super) fn namespace(&self, namespace: &str) -> Option<DryRun> {
        self.absent_namespaces
            .contains(namespace)
            .then(|| DryRun::Unknown {
                why: format!("this run makes the namespace {namespace}"),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::KubernetesVersion;
    use crate::object::Source;

    fn manifest(object: Value) -> Manifest {
        Manifest::new(object, Source::Pass("test".to_owned()))
    }

    fn manifests() -> Vec<Manifest> {
        vec![
            manifest(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "old"}})),
            manifest(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "new"}})),
            manifest(
                json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "metadata": {"name": "things.x"}, "spec": {"group": "x", "names": {"kind": "Thing"}}}),
            ),
        ]
    }

    fn facts() -> Facts {
        let mut facts = Facts::assumed(KubernetesVersion::DEFAULT);
        facts
            .cluster
            .namespaces
            .insert("old".to_owned(), BTreeMap::new());
        facts
    }

    fn answer(surroundings: &Surroundings, object: &ObjectRef) -> Option<DryRun> {
        surroundings.answer(object).map(|(_, answer)| answer)
    }

    #[test]
    fn what_this_plan_makes_is_unknown_without_a_request() {
        let surroundings = Surroundings::of(&manifests(), &facts(), "one", false);
        let config_map = |namespace| ObjectRef::new("v1", "ConfigMap", Some(namespace), "a");
        assert!(matches!(
            answer(&surroundings, &config_map("new")),
            Some(DryRun::Unknown { .. })
        ));
        assert_eq!(answer(&surroundings, &config_map("old")), None);
        let thing = ObjectRef::new("x/v1", "Thing", Some("old"), "a");
        assert!(matches!(
            answer(&surroundings, &thing),
            Some(DryRun::Unknown { .. })
        ));
        let definition = manifests()[2].reference();
        assert_eq!(answer(&surroundings, &definition), None, "it is asked");
    }

    #[test]
    fn a_namespace_that_exists_is_left_alone_unless_managed_or_ours() {
        let old = manifests()[0].reference();
        let foreign = Surroundings::of(&manifests(), &facts(), "one", false);
        assert!(matches!(
            answer(&foreign, &old),
            Some(DryRun::Foreign { .. })
        ));
        let managed = Surroundings::of(&manifests(), &facts(), "one", true);
        assert_eq!(answer(&managed, &old), None);
        let mut ours = facts();
        ours.cluster.namespaces.insert(
            "old".to_owned(),
            BTreeMap::from([(INSTALL_LABEL.to_owned(), "one".to_owned())]),
        );
        assert_eq!(
            answer(&Surroundings::of(&manifests(), &ours, "one", false), &old),
            None
        );
    }

    #[test]
    fn a_foreign_definition_is_kept_even_when_namespaces_are_managed() {
        let mut facts = facts();
        facts.cluster.crds.insert(
            "things.x".to_owned(),
            json!({"metadata": {"name": "things.x"}}),
        );
        let surroundings = Surroundings::of(&manifests(), &facts, "one", true);
        let definition = manifests()[2].reference();
        assert!(matches!(
            answer(&surroundings, &definition),
            Some(DryRun::Foreign { .. })
        ));
        let thing = ObjectRef::new("x/v1", "Thing", Some("old"), "a");
        assert_eq!(answer(&surroundings, &thing), None, "its kind is there");
    }
}
