//! The plan as data: one JSON for `plan -o json`, `apply PLAN` and the receipt.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::object::{Change, Manifest, ObjectRef};
use crate::observe::{KeyDifference, Receipt};

/// Everything that a run will do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The install's name.
    pub install: String,
    /// The home of Lease and receipt: the controller's namespace, unless that is another team's.
    pub namespace: String,
    /// The controller's namespace, where it is not the home.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controller_namespace: Option<String>,
    /// SHA-256 of the manifests, in hexadecimal. Late values are no part of it.
    pub inputs: String,
    /// In order of execution; inside one wave the order does not matter.
    pub waves: Vec<Wave>,
    /// What the passes changed in the manifests, and why.
    pub changes: Vec<Change>,
    /// The manifests.
    pub objects: Vec<Manifest>,
    /// What an earlier run of this install wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// What it notes and is not of this install: never written, gone, or somebody else's by now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forgotten: Vec<ObjectRef>,
}

/// Steps that may run at the same time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wave {
    /// What it is about: `namespaces`.
    pub title: String,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "step")]
pub enum Step {
    /// The object is absent and is made.
    #[serde(rename_all = "camelCase")]
    Create {
        /// Which.
        object: ObjectRef,
        /// Why the server could not be asked beforehand; None where its dry-run accepted it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unknown: Option<String>,
    },
    /// The object is there and changes.
    #[serde(rename_all = "camelCase")]
    Update {
        /// Which.
        object: ObjectRef,
        /// Field by field; secret values are masked.
        differences: Vec<Difference>,
        /// Keys of a Secret that change.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        keys: Vec<KeyDifference>,
        /// Why the server could not be asked beforehand; then nothing may change after all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unknown: Option<String>,
        /// True where it was there before us.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        adopted: bool,
    },
    /// As wanted; it is not written.
    Unchanged {
        /// Which.
        object: ObjectRef,
    },
    /// Someone else's; it is never written.
    Keep {
        /// Which.
        object: ObjectRef,
        /// Why.
        why: String,
    },
    /// The webhook configuration trusts the certificate in use and the new one, until the manager serves the new one.
    TrustBoth {
        /// The webhook configuration.
        object: ObjectRef,
    },
    /// The API server serves these kinds.
    #[serde(rename_all = "camelCase")]
    WaitEstablished {
        /// Names of the CRDs.
        definitions: Vec<String>,
    },
    /// The workload is rolled out and available.
    WaitAvailable {
        /// The Deployment.
        object: ObjectRef,
        /// What comes after it and needs it.
        why: String,
    },
    /// The object is removed.
    Delete {
        /// Which.
        object: ObjectRef,
        /// Only the object of this uid.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        uid: Option<String>,
        /// Why.
        why: String,
    },
    /// Objects are gone, finalizers and dependents included.
    WaitGone {
        /// Which.
        objects: Vec<ObjectRef>,
        /// What their finalizers do.
        why: String,
    },
}

/// Why most objects of an uninstall go: it is not repeated for each.
pub const PART_OF_THE_INSTALL: &str = "part of this install";

impl Step {
    /// The object that the step is about; None for waits over several.
    pub fn object(&self) -> Option<&ObjectRef> {
        match self {
            Self::Create { object, .. }
            | Self::Update { object, .. }
            | Self::Unchanged { object }
            | Self::Keep { object, .. }
            | Self::TrustBoth { object }
            | Self::WaitAvailable { object, .. }
            | Self::Delete { object, .. } => Some(object),
            Self::WaitEstablished { .. } | Self::WaitGone { .. } => None,
        }
    }

    /// True where the step changes the cluster.
    pub fn writes(&self) -> bool {
        matches!(
            self,
            Self::Create { .. }
                | Self::Update { .. }
                | Self::TrustBoth { .. }
                | Self::Delete { .. }
        )
    }
}

impl Plan {
    /// The namespace that the controller is in.
    pub fn controller_namespace(&self) -> &str {
        let elsewhere = self.controller_namespace.as_deref();
        elsewhere.unwrap_or(&self.namespace)
    }

    /// True where any step changes the cluster.
    pub fn writes(&self) -> bool {
        self.steps().any(Step::writes)
    }

    /// Every step, in order.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.waves.iter().flat_map(|wave| &wave.steps)
    }

    /// The manifest of an object.
    pub fn manifest(&self, object: &ObjectRef) -> Option<&Manifest> {
        self.objects
            .iter()
            .find(|manifest| &manifest.reference() == object)
    }
}

/// One field that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// JSON pointer; list elements that have a name are written by it: `/spec/containers/[manager]/image`.
    pub path: String,
    /// What stands there; None where nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What will stand there; None where it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}
