//! X.509: what certificates say and how stores find them.
//!
//! A leaf: no input or output; clock and randomness are arguments.

mod subject_hash;

pub use subject_hash::{SubjectHashError, subject_hash};
