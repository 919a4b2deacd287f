//! Each manifest against the world, as data: what lives, and what a server-side dry-run answers.
//!
//! Reads only. Secret values never reach what is returned here.

mod compose;
mod model;
mod receipt;

pub use compose::ComposeProblem;
pub use model::{
    DryRun, FieldOwner, KeyChange, KeyDifference, Live, Observed, ObservedObject, ObservedPod,
    Refusal,
};
pub use receipt::{Entry, INSTALL_LABEL, RECEIPT_TYPE, Receipt, ReceiptProblem};
