//! Each manifest against the world, as data: what lives, and what a server-side dry-run answers.
//!
//! Reads only. Secret values never reach what is returned here.

mod compose;
mod model;
mod offline;
mod receipt;
mod rights;

pub use compose::ComposeProblem;
pub use model::{
    DryRun, FieldOwner, KeyChange, KeyDifference, Live, Observed, ObservedObject, ObservedPod,
    Refusal,
};
pub use offline::resolve_credentials;
pub use receipt::{Entry, INSTALL_LABEL, RECEIPT_TYPE, Receipt, ReceiptProblem};
pub use rights::{Right, rights};
