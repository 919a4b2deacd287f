//! What every object of an install carries, because the user wants it so.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Where `kubectl apply` keeps the object as its file has it.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// `commonLabels` and `commonAnnotations`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Common {
    /// Labels; what the program needs for itself stands above them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Common {
    /// True where there is nothing to carry.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.annotations.is_empty()
    }

    /// The metadata of an object that is in no plan: the lock, and the receipt.
    pub fn metadata(&self, name: &str, namespace: &str, labels: &[(&str, &str)]) -> Value {
        let own = labels
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let mut all = self.labels.clone();
        all.extend(own);
        let mut metadata = json!({"name": name, "namespace": namespace, "labels": all});
        if !self.annotations.is_empty() {
            metadata["annotations"] = json!(self.annotations);
        }
        metadata
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_own_labels_stand_above_the_users() {
        let map = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
        let mut common = Common {
            labels: map("team", "ci"),
            annotations: map("contact", "ci@example.com"),
        };
        common
            .labels
            .insert("install".to_owned(), "theirs".to_owned());
        assert_eq!(
            common.metadata("a", "ns", &[("install", "ours")]),
            json!({"name": "a", "namespace": "ns", "labels": {"install": "ours", "team": "ci"},
                "annotations": {"contact": "ci@example.com"}})
        );
        assert_eq!(
            Common::default().metadata("a", "ns", &[]),
            json!({"name": "a", "namespace": "ns", "labels": {}})
        );
    }
}
