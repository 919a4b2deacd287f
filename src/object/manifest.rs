//! One object that we want in the cluster.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Late, ObjectRef, text_at};

/// Where a manifest came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A template, by its path under templates/.
    Template(String),
    /// A pass that added it, such as `trust`.
    Pass(String),
    /// The user's own file (`--crds`).
    File(String),
}

/// One object as a JSON value, with what is only known at apply time. Never holds secret bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The object; the order of its keys is the order in which it is shown.
    pub object: Value,
    /// Where it came from.
    pub source: Source,
    /// Values that exist only at apply. Nothing stands in `object` at their pointers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lates: Vec<Late>,
}

impl Manifest {
    /// A manifest without late values.
    pub fn new(object: Value, source: Source) -> Self {
        Self {
            object,
            source,
            lates: Vec::new(),
        }
    }

    /// Adds a value that exists only at apply.
    #[must_use]
    pub fn with_late(mut self, late: Late) -> Self {
        self.lates.push(late);
        self
    }

    /// Its identity.
    pub fn reference(&self) -> ObjectRef {
        ObjectRef::from_value(&self.object)
    }

    /// Its kind.
    pub fn kind(&self) -> &str {
        self.object
            .get("kind")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// The text at a JSON pointer.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        text_at(&self.object, pointer)
    }
}
