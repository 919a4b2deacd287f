//! What will be done, in which order, and how it differs from what is there.
//!
//! Pure: takes manifests and observations, returns data.

mod step;

pub use step::{Difference, Plan, Step, Wave};
