//! Preflight: findings over what is wanted, what is true and what would be written.
//!
//! Pure. Every finding has an id of the catalogue; only `failed` blocks, and *unknown* is never *ok*.

mod authorities;
pub mod catalogue;
mod controllers;
mod crds;
mod finding;
mod github;
mod images;
mod objects;
mod preflight;
mod reach;
mod rights;
mod secrets;

pub use finding::{Finding, Verdict};
pub use images::Kept;
pub(crate) use objects::refusal_code;
pub use preflight::{Preflight, blocking, preflight};
pub use reach::{FORWARDER, lacks_basic, wanted_login};
