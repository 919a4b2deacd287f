//! What was observed. Serializable, so that a bug report can replay it; masked, so that it holds no secret.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::object::ObjectRef;

use super::{Dropped, Receipt};

/// The manifests of one run against the cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observed {
    /// One entry per manifest, in the order of the manifests.
    pub objects: Vec<ObservedObject>,
    /// One entry per pod template: a dry-run Pod brings in pod security, quota, LimitRange and policies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pods: Vec<ObservedPod>,
    /// What an earlier run of this install left behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// What it notes and the manifests no longer have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<Dropped>,
    /// Secrets whose webhook certificate is in use and is replaced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub renewed: Vec<ObjectRef>,
}

impl Observed {
    /// The entry of an object.
    pub fn of(&self, object: &ObjectRef) -> Option<&ObservedObject> {
        self.objects.iter().find(|entry| &entry.object == object)
    }
}

/// One manifest against the cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObservedObject {
    /// Which.
    pub object: ObjectRef,
    /// What lives there; None where nothing does, or where nobody could look.
    pub live: Option<Live>,
    /// The server's answer to the dry-run.
    pub dry_run: DryRun,
    /// The server's warning headers, such as a Deployment's pod security.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Keys of a Secret that differ; their values are nowhere in here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<KeyDifference>,
}

/// An object as it lives, without status, managedFields and secret values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Live {
    /// `metadata.resourceVersion`.
    pub resource_version: String,
    /// `metadata.uid`.
    pub uid: String,
    /// The object.
    pub object: Value,
}

impl Live {
    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.object.pointer("/metadata/labels")?.get(name)?.as_str()
    }
}

/// The server's answer to a dry-run apply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "answer")]
pub enum DryRun {
    /// It would be taken.
    Accepted {
        /// True where anything that is ours would change, ownership included.
        changed: bool,
        /// The object as it would be, masked like [`Live::object`].
        result: Value,
    },
    /// Nothing can be said from here: its namespace or kind is made by this plan, or a webhook does not answer.
    Unknown {
        /// Why.
        why: String,
    },
    /// It would be refused.
    Refused {
        /// What refuses.
        refusal: Refusal,
        /// The server's words.
        why: String,
    },
    /// Another manager owns a field and wants another value.
    Conflict {
        /// Who, and which field.
        owners: Vec<FieldOwner>,
    },
    /// It was not asked: someone else's, which is never written.
    Foreign {
        /// Whose, or why it is left alone.
        why: String,
    },
}

/// What refuses an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// Rights (RBAC, escalation).
    Forbidden,
    /// The object's own fields.
    Invalid,
    /// Pod security admission.
    PodSecurity,
    /// A ResourceQuota.
    Quota,
    /// A LimitRange.
    LimitRange,
    /// An admission webhook or policy (Kyverno, Gatekeeper, ValidatingAdmissionPolicy).
    Policy,
    /// The server does not serve its kind, and this plan does not make it.
    KindMissing,
    /// Anything else.
    Other,
}

/// The owner of a field in conflict.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FieldOwner {
    /// The field manager's name.
    pub manager: String,
    /// The field, as the server writes it: `.spec.replicas`.
    pub field: String,
}

/// How one key of a Secret differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KeyDifference {
    /// The key in `data`.
    pub key: String,
    /// How it differs.
    pub change: KeyChange,
}

/// What becomes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyChange {
    /// It is not there yet.
    Added,
    /// Its value differs.
    Changed,
    /// It goes.
    Removed,
}

/// The dry-run of a Pod made from a pod template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObservedPod {
    /// The object that holds the template.
    pub object: ObjectRef,
    /// JSON pointer to the pod spec in it.
    pub pointer: String,
    /// The namespace that its pods run in.
    pub namespace: String,
    /// The answer; `Accepted` carries no result.
    pub dry_run: DryRun,
    /// The server's warning headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}
