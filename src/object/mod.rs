//! Kubernetes objects as values: what is rendered, named, pointed into and changed.
//!
//! A leaf: no input or output, no clock.

mod change;
mod common;
mod digest;
mod kind_names;
pub mod labels;
mod late;
mod managed_fields;
mod manifest;
mod operation;
pub mod pods;
mod pointer;
mod reference;

pub use change::Change;
pub use common::{Common, LAST_APPLIED};
pub use digest::{sha256, sha256_as_written};
pub use kind_names::{kind_called, kind_meant};
pub use late::{Credential, Late, LateForm, LateSource, SecretKey};
pub use managed_fields::{Written, written_by};
pub use manifest::{Manifest, Source};
pub use operation::Operation;
pub use pointer::{Pointer, items_at, text_at, value_at};
pub use reference::ObjectRef;
