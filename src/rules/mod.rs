//! Registry rules: an ordered list over canonical image references, first match wins.
//!
//! A leaf: pure.

mod spec;

pub use spec::{Action, Matcher, RuleSpec};
