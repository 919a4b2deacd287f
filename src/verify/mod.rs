//! Ready? Reachable? What stops it? Reads the cluster after the writing, never writes.
//!
//! `readiness`, `classify`, `vantage` and `redact` are pure; `wait` watches and asks them.

pub mod classify;
pub mod readiness;
mod redact;
pub mod vantage;
pub mod wait;
