//! Turns evidence — pod statuses, events, log lines, our own look at the registry — into a cause that has
//! a stable id, an explanation and a remedy, and says whether waiting can help. Pure.
//!
//! A node's text alone does not decide between absent, blocked and untrusted: see `pull`. Raw text is kept.

mod admission;
mod cause;
mod crash;
mod evidence;
mod github;
mod pull;
mod schedule;

pub use crate::verify::redact::without_secrets;
pub use admission::{refusal, refused_pod};
pub use cause::{Cause, Classified, Ending, cause, causes};
pub use crash::crash;
pub use evidence::{PodEvidence, container_evidence, pull_evidence, replica_failures};
pub use github::{log_line, unescaped};
pub use pull::{PullProblem, RegistryAnswer, pull, pull_problem};
pub use schedule::unschedulable;

#[cfg(test)]
mod corpus_tests;
