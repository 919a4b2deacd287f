//! What is true outside before anything is decided: read once, then only passed on.
//!
//! Reads cluster, GitHub server and local files; decides nothing.

pub mod host;
pub mod model;

pub use model::*;
