//! What will be done, in which order, and how it differs from what is there.
//!
//! Pure: takes manifests and observations, returns data.

pub mod admission;
pub mod adopt;
mod build;
mod certificate;
mod conflict;
mod describe;
mod diff;
mod kept;
mod minor;
mod moved;
mod order;
pub mod patch;
mod prune;
mod pull_test;
mod readable;
mod step;
mod summary;
pub mod vantage;

pub use build::{Inputs, build};
pub use conflict::conflict;
pub(crate) use conflict::failure as conflict_failure;
pub use describe::describe;
pub use diff::differences;
pub use kept::kept_as_set;
pub use minor::minor_change;
pub use moved::strip_moved;
pub use order::{Rank, is_runner_object};
pub use pull_test::{PULL_TEST_LABEL, PullTest, idle_sets, invalidates, pull_test};
pub use readable::readable_by_workflows;
pub use step::{Difference, PART_OF_THE_INSTALL, Plan, Step, Wave};
pub use summary::{counted, summary};
