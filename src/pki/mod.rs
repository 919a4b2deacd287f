//! X.509: what certificates say, how stores find them, which issuer a chain lacks, and the webhooks' own certificate.
//!
//! A leaf: no input or output; clock and randomness are arguments.

pub mod chain;
pub mod issue;
mod subject_hash;

pub use subject_hash::{SubjectHashError, subject_hash};
