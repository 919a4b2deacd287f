//! Certificates: what a company's bundle holds, and the serving certificate of admission webhooks.
//!
//! A leaf: no input or output, no clock.

pub mod issue;
