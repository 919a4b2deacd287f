//! CA bundles and certificate chains: parse, tidy, lint, and name the issuer that is missing.
//!
//! Pure: bytes and the time come in as arguments. Decides nothing about trust; rustls does.

mod authority;
mod diagnosis;
mod expiry;
mod files;
mod pkcs7;

pub use authority::{Authority, Bundle, Note, NoteKind, bundle, pem};
#[cfg(test)]
pub(in crate::pki) use diagnosis::tests;
pub use diagnosis::{Verdict, diagnose};
pub use expiry::expiring;
pub use files::certificates_of;
