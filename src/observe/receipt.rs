//! What an install has in the cluster, kept in a Secret: identities, never values.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::object::{Manifest, ObjectRef};

/// Type of the Secret.
pub const RECEIPT_TYPE: &str = "arc-setup.dev/receipt";
/// The label that names the install, on the receipt and on every object of it.
pub const INSTALL_LABEL: &str = "arc-setup.dev/install";
/// The key in its data.
const KEY: &str = "receipt.json";
/// Largest receipt, in bytes.
const LIMIT: usize = 512 * 1024;
/// The format that this release writes and reads.
const FORMAT: &str = "arc-setup/receipt/v1";

/// The inventory of one install.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The format's name.
    pub format: String,
    /// The install.
    pub install: String,
    /// Where the receipt lies: the controller's namespace, or one of the runner sets under another team's controller.
    pub namespace: String,
    /// The controller's namespace, where it is not that of the receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controller_namespace: Option<String>,
    /// Hash of the inputs of the plan that was applied last.
    pub plan: String,
    /// True when every wave of that plan was done.
    pub complete: bool,
    /// Every object, in the order of apply.
    pub entries: Vec<Entry>,
    /// What pull tests have shown, one entry for each runner set, for as long as it holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pull_tests: Vec<PullTested>,
}

/// A pod of a runner set that started every container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PullTested {
    /// The runner set.
    pub set: ObjectRef,
    /// Hash of the pod.
    pub pod: String,
    /// When, RFC 3339.
    pub at: String,
    /// What was shown.
    pub proof: String,
}

/// One object of the inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Which.
    pub object: ObjectRef,
    /// Its uid; None until it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// True where it was there before us: it is never deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adopted: bool,
}

/// Why a receipt cannot be written or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptProblem {
    /// More than 512 KiB.
    #[error("the inventory has {0} bytes, more than a receipt may hold (524288)")]
    TooLarge(usize),
    /// Not what this release wrote.
    #[error("the receipt cannot be read: {0}")]
    Unreadable(String),
}

impl Receipt {
    /// An empty receipt.
    pub fn new(install: &str, namespace: &str, plan: &str) -> Self {
        Self {
            format: FORMAT.to_owned(),
            install: install.to_owned(),
            namespace: namespace.to_owned(),
            controller_namespace: None,
            plan: plan.to_owned(),
            complete: false,
            entries: Vec::new(),
            pull_tests: Vec::new(),
        }
    }

    /// Name of the Secret (and of the Lease beside it).
    pub fn name_of(install: &str) -> String {
        format!("arc-setup-{install}")
    }

    /// The Secret's identity.
    pub fn reference(&self) -> ObjectRef {
        ObjectRef::new(
            "v1",
            "Secret",
            Some(&self.namespace),
            &Self::name_of(&self.install),
        )
    }

    /// True where it lies in one of these namespaces, or its controller does; none of them is any.
    pub fn is_of(&self, namespaces: &[&str]) -> bool {
        let controller = self.controller_namespace.as_deref();
        namespaces.is_empty()
            || namespaces
                .iter()
                .any(|name| *name == self.namespace || Some(*name) == controller)
    }

    /// The entry of an object.
    pub fn entry(&self, object: &ObjectRef) -> Option<&Entry> {
        self.entries.iter().find(|entry| &entry.object == object)
    }

    /// What it notes and `manifests` no longer have. Namespaces and CRDs are left to `uninstall`, and adopted objects
    /// to their owner. The same object under another version of its group is the same object.
    pub fn dropped(&self, manifests: &[Manifest]) -> impl Iterator<Item = &ObjectRef> {
        let wanted: BTreeSet<[String; 4]> = manifests
            .iter()
            .map(|manifest| place(&manifest.reference()))
            .collect();
        self.entries
            .iter()
            .filter(|entry| !entry.adopted)
            .map(|entry| &entry.object)
            .filter(|object| {
                !matches!(
                    object.kind.as_str(),
                    "Namespace" | "CustomResourceDefinition"
                )
            })
            .filter(move |object| !wanted.contains(&place(object)))
    }

    /// Notes an object: a new entry, or the uid of one that is there. What was adopted once stays adopted; what was
    /// noted and never written is adopted when somebody else has made it since.
    pub fn note(&mut self, object: &ObjectRef, uid: Option<&str>, adopted: bool) {
        match self
            .entries
            .iter_mut()
            .find(|entry| &entry.object == object)
        {
            Some(entry) => match uid {
                Some(uid) => entry.uid = Some(uid.to_owned()),
                None if entry.uid.is_none() => entry.adopted |= adopted,
                None => {}
            },
            None => self.entries.push(Entry {
                object: object.clone(),
                uid: uid.map(str::to_owned),
                adopted,
            }),
        }
    }

    /// Drops an object that is gone.
    pub fn forget(&mut self, object: &ObjectRef) {
        self.entries.retain(|entry| &entry.object != object);
        self.pull_tests.retain(|tested| &tested.set != object);
    }

    /// Notes what a pull test has shown, in place of what an earlier one has.
    pub fn note_pull_test(&mut self, tested: PullTested) {
        self.pull_tests.retain(|known| known.set != tested.set);
        self.pull_tests.push(tested);
    }

    /// What was shown by a pod of this runner set with this hash.
    pub fn pull_test(&self, set: &ObjectRef, pod: &str) -> Option<&PullTested> {
        self.pull_tests
            .iter()
            .find(|known| &known.set == set && known.pod == pod)
    }

    /// The Secret that holds it.
    pub fn to_secret(&self) -> Result<Value, ReceiptProblem> {
        let bytes = serde_json::to_vec(self)
            .map_err(|error| ReceiptProblem::Unreadable(error.to_string()))?;
        if bytes.len() > LIMIT {
            return Err(ReceiptProblem::TooLarge(bytes.len()));
        }
        let data = BTreeMap::from([(KEY, STANDARD.encode(bytes))]);
        Ok(json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": Self::name_of(&self.install),
                "namespace": self.namespace,
                "labels": {"app.kubernetes.io/managed-by": "arc-setup", INSTALL_LABEL: self.install},
            },
            "type": RECEIPT_TYPE,
            "data": data,
        }))
    }

    /// Reads the Secret; None where it is no receipt at all.
    pub fn from_secret(secret: &Value) -> Result<Option<Self>, ReceiptProblem> {
        if secret.get("type").and_then(Value::as_str) != Some(RECEIPT_TYPE) {
            return Ok(None);
        }
        let unreadable = |why: String| ReceiptProblem::Unreadable(why);
        let text = secret
            .pointer("/data")
            .and_then(|data| data.get(KEY))
            .and_then(Value::as_str)
            .ok_or_else(|| unreadable(format!("it has no key {KEY}")))?;
        let bytes = STANDARD
            .decode(text)
            .map_err(|error| unreadable(error.to_string()))?;
        let receipt: Self =
            serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
        if receipt.format != FORMAT {
            return Err(unreadable(format!("its format is {}", receipt.format)));
        }
        Ok(Some(receipt))
    }
}

/// Group, kind, namespace and name.
fn place(object: &ObjectRef) -> [String; 4] {
    let namespace = object.namespace.as_deref().unwrap_or_default();
    [object.group(), &object.kind, namespace, &object.name].map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config_map(name: &str) -> ObjectRef {
        ObjectRef::new("v1", "ConfigMap", Some("ns"), name)
    }

    #[test]
    fn a_receipt_survives_its_secret() {
        let mut receipt = Receipt::new("one", "ns", "hash");
        receipt.note(&config_map("a"), None, false);
        receipt.note(&config_map("a"), Some("uid"), true);
        let tested = |pod: &str| PullTested {
            set: config_map("set"),
            pod: pod.to_owned(),
            at: "2026-01-01T00:00:00Z".to_owned(),
            proof: "all".to_owned(),
        };
        receipt.note_pull_test(tested("old"));
        receipt.note_pull_test(tested("new"));
        assert_eq!(receipt.pull_test(&config_map("set"), "old"), None);
        assert!(receipt.pull_test(&config_map("set"), "new").is_some());
        let secret = receipt.to_secret().unwrap();
        assert_eq!(Receipt::from_secret(&secret), Ok(Some(receipt.clone())));
        assert_eq!(receipt.entries.len(), 1);
        assert!(!receipt.entries[0].adopted, "made once is made");
    }

    #[test]
    fn what_somebody_else_made_before_it_was_written_is_adopted() {
        let mut receipt = Receipt::new("one", "ns", "hash");
        receipt.note(&config_map("a"), None, false);
        receipt.note(&config_map("a"), None, true);
        receipt.note(&config_map("b"), Some("uid"), false);
        receipt.note(&config_map("b"), None, true);
        let adopted: Vec<bool> = receipt.entries.iter().map(|entry| entry.adopted).collect();
        assert_eq!(adopted, [true, false]);
    }

    #[test]
    fn a_receipt_from_before_pull_tests_is_read() {
        let mut value = serde_json::to_value(Receipt::new("one", "ns", "hash")).unwrap();
        assert_eq!(value.get("pullTests"), None);
        value["entries"] = json!([]);
        assert!(
            serde_json::from_value::<Receipt>(value)
                .unwrap()
                .pull_tests
                .is_empty()
        );
    }

    #[test]
    fn another_secret_of_that_name_is_no_receipt() {
        assert_eq!(Receipt::from_secret(&json!({"type": "Opaque"})), Ok(None));
    }

    #[test]
    fn a_spoilt_receipt_and_a_newer_format_are_said() {
        let broken = json!({"type": RECEIPT_TYPE, "data": {KEY: "!"}});
        assert!(Receipt::from_secret(&broken).is_err());
        let mut newer = Receipt::new("one", "ns", "");
        newer.format = "arc-setup/receipt/v9".to_owned();
        assert!(Receipt::from_secret(&newer.to_secret().unwrap()).is_err());
    }

    #[test]
    fn a_receipt_of_more_than_half_a_mebibyte_is_refused() {
        let mut receipt = Receipt::new("one", "ns", "");
        for index in 0..8000 {
            receipt.note(
                &config_map(&format!("a-rather-long-name-{index}")),
                Some("2f0d"),
                false,
            );
        }
        assert!(matches!(
            receipt.to_secret(),
            Err(ReceiptProblem::TooLarge(_))
        ));
    }
}
