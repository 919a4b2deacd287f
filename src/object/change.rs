//! What a pass changed, and why.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ObjectRef, Pointer};

/// The answer to "why is this so?": every pass returns one for each value that it touched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The object that was changed.
    pub object: ObjectRef,
    /// Where in it.
    pub pointer: Pointer,
    /// What stood there; None where there was nothing.
    pub before: Option<Value>,
    /// What stands there now; None where it was removed.
    pub after: Option<Value>,
    /// The rule or pass that decided, such as `registry.map[0] quay.io` or `trust: dind certs.d`.
    pub rule: String,
}
