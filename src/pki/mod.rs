<<<<<<< HEAD
<<<<<<< HEAD
//! X.509: what certificates say and how stores find them.
//!
//! A leaf: no input or output; clock and randomness are arguments.

mod subject_hash;

pub use subject_hash::{SubjectHashError, subject_hash};
=======
//! X.509: reading bundles and explaining chains.

pub mod chain;
>>>>>>> clients
=======
//! Certificates: what a company's bundle holds, and the serving certificate of admission webhooks.
//!
//! A leaf: no input or output, no clock.

pub mod issue;
>>>>>>> apply
