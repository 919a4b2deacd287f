//! CA bundles and certificate chains: parse, tidy, lint, and name the issuer that is missing.
//!
//! Pure: bytes and the time come in as arguments. Decides nothing about trust; rustls does.

mod authority;
mod diagnosis;

pub use authority::{Authority, Bundle, Note, NoteKind, bundle};
pub use diagnosis::{Verdict, diagnose};
