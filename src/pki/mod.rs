//! X.509: what certificates say, how stores find them, and which issuer a chain lacks.
//!
//! A leaf: no input or output; clock and randomness are arguments.

pub mod chain;
mod subject_hash;

pub use subject_hash::{SubjectHashError, subject_hash};
