//! X.509: what certificates say, how stores find them, and the serving certificate of admission webhooks.
//!
//! A leaf: no input or output; clock and randomness are arguments.

pub mod chain;
pub mod issue;
mod subject_hash;

pub use subject_hash::{SubjectHashError, subject_hash};
