//! The live objects that a judgement may look at: kept current by watches, or built by a test.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fields::{items, text};
use crate::object::ObjectRef;

/// Live objects by identity.
#[derive(Debug, Clone, Default)]
pub struct World {
    objects: BTreeMap<ObjectRef, Value>,
}

impl World {
    /// Takes the newest state of an object and returns the one before.
    pub fn insert(&mut self, object: Value) -> Option<Value> {
        self.objects.insert(ObjectRef::from_value(&object), object)
    }

    /// Forgets an object that is gone.
    pub fn remove(&mut self, object: &ObjectRef) -> Option<Value> {
        self.objects.remove(object)
    }

    /// One object.
    pub fn get(&self, object: &ObjectRef) -> Option<&Value> {
        self.objects.get(object)
    }

    /// Everything, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&ObjectRef, &Value)> {
        self.objects.iter()
    }

    /// Every object of a kind; all namespaces where `namespace` is None.
    pub fn of_kind<'a>(
        &'a self,
        kind: &'a str,
        namespace: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Value> {
        self.objects
            .iter()
            .filter(move |(reference, _)| {
                reference.kind == kind
                    && namespace.is_none_or(|name| reference.namespace.as_deref() == Some(name))
            })
            .map(|(_, object)| object)
    }

    /// Every object of a kind that `owner` owns.
    pub fn owned<'a>(&'a self, kind: &'a str, owner: &'a Value) -> impl Iterator<Item = &'a Value> {
        let uid = text(owner, "/metadata/uid");
        self.of_kind(kind, None).filter(move |object| {
            !uid.is_empty()
                && items(object, "/metadata/ownerReferences")
                    .iter()
                    .any(|reference| text(reference, "/uid") == uid)
        })
    }

    /// The pods of a Deployment's newest ReplicaSet: those of older ones say nothing about it.
    pub fn newest_pods<'a>(&'a self, deployment: &'a Value) -> Vec<&'a Value> {
        self.newest_replica_set(deployment)
            .map(|replica_set| self.owned("Pod", replica_set).collect())
            .unwrap_or_default()
    }

    /// The ReplicaSet that a Deployment rolls out now.
    pub fn newest_replica_set<'a>(&'a self, deployment: &'a Value) -> Option<&'a Value> {
        const REVISION: &str = "/metadata/annotations/deployment.kubernetes.io~1revision";
        let revision = text(deployment, REVISION);
        self.owned("ReplicaSet", deployment)
            .find(|replica_set| !revision.is_empty() && text(replica_set, REVISION) == revision)
    }
}
