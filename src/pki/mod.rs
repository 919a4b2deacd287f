//! X.509: what certificates say, how stores find them, and the serving certificate of admission webhooks.
//!
//! A leaf: no input or output; clock and randomness are arguments.

mod certificate;
pub mod chain;
pub mod doctor;
mod hashed;
pub mod issue;
pub mod pkcs12;
pub mod programs;
mod subject_hash;

pub use hashed::hashed;
pub use subject_hash::{SubjectHashError, subject_hash};
