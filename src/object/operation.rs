//! JSON patch (RFC 6902).

use serde::Serialize;
use serde_json::Value;

use super::Pointer;

/// One operation of a JSON patch.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Operation {
    /// The patch is refused where another value stands there; null stands for absent, as the API server reads it.
    Test {
        /// Where.
        path: Pointer,
        /// What must stand there.
        value: Value,
    },
    /// Puts a field, or an item into a list: `-` is behind its last one.
    Add {
        /// Where.
        path: Pointer,
        /// What stands there then.
        value: Value,
    },
    /// Puts something in place of what stands there.
    Replace {
        /// Where.
        path: Pointer,
        /// What stands there then.
        value: Value,
    },
    /// Takes away what stands there.
    Remove {
        /// Where.
        path: Pointer,
    },
}

impl Operation {
    /// Where it is done.
    pub fn path(&self) -> &Pointer {
        match self {
            Self::Test { path, .. }
            | Self::Add { path, .. }
            | Self::Replace { path, .. }
            | Self::Remove { path } => path,
        }
    }

    /// True for what changes nothing.
    pub fn is_test(&self) -> bool {
        matches!(self, Self::Test { .. })
    }

    /// An object with all of these done, in their order.
    pub fn all_applied(operations: &[Self], object: &Value) -> Value {
        let mut after = object.clone();
        for operation in operations {
            operation.apply(&mut after);
        }
        after
    }

    /// Does it; a test is not asked. What has no place in the object is left out: the operations of a patch that was
    /// made of this very object have one.
    pub fn apply(&self, object: &mut Value) {
        match self {
            Self::Test { .. } => {}
            Self::Add { path, value } if path.as_str().ends_with("/-") => {
                let list = path
                    .parent()
                    .and_then(|list| list.get_mut(object)?.as_array_mut());
                if let Some(items) = list {
                    items.push(value.clone());
                }
            }
            Self::Add { path, value } => {
                let _ = path.put(object, value.clone());
            }
            Self::Replace { path, value } => {
                if let Some(place) = path.get_mut(object) {
                    *place = value.clone();
                }
            }
            Self::Remove { path } => {
                path.remove(object);
            }
        }
    }
}
