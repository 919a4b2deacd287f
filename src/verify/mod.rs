//! Ready? Reachable? What stops it? Reads the cluster after the writing, never writes.
//!
//! `readiness` and `classify` are pure; `wait` watches and asks them.

pub mod classify;
pub mod readiness;
pub mod wait;
