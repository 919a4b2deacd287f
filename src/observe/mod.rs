//! Each manifest against the world, as data: what lives, and what a server-side dry-run answers.
//!
//! Reads only. Secret values never reach what is returned here.

mod as_wanted;
mod compose;
mod custom_kinds;
mod dropped;
mod hand_written;
mod images;
mod late;
mod mask;
mod model;
mod object;
mod objects;
mod offline;
mod pods;
mod receipt;
mod refusal;
mod rights;
mod runner_pod;
mod secrets;
mod surroundings;
mod targets;
pub mod workloads;

pub use compose::ComposeProblem;
pub use custom_kinds::{CustomKindsReport, custom_kinds};
pub use dropped::{Dropped, Remains};
pub use hand_written::{Found, HandWritten, hand_written, is_by_hand};
pub use images::{ImagePresence, ImageReport, accounts, read_images};
pub use late::Resolver;
pub use mask::MANAGER;
pub use model::{
    DryRun, FieldOwner, KeyChange, KeyDifference, Live, Observed, ObservedObject, ObservedPod,
    Refusal,
};
pub use objects::{
    Options, home, namesakes, observe, observe_again, read_receipt, receipt_secrets,
};
pub use offline::resolve_credentials;
pub use pods::pods;
pub use receipt::{Entry, PullTested, RECEIPT_TYPE, Receipt, ReceiptProblem};
pub use rights::{Right, rights, rights_to_probe, rights_to_remove};
pub use runner_pod::{LegacyManager, names_every_image, pod_of};
pub use secrets::{SecretPresence, SecretReport, read_secrets};
pub use surroundings::is_ours;
pub use targets::{TargetAnswer, Targets};

pub(crate) use refusal::{all_ours, classify};
