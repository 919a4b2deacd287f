//! Registry rules: an ordered list over canonical image references, first match wins.
//!
//! A leaf: pure.

mod closure;
mod mirrors;
mod outline;
mod pattern;
mod problem;
mod rule;
mod set;
mod spec;
mod target;

pub use mirrors::Mirror;
pub use outline::{Does, Outline, Takes};
pub use problem::{Collision, RuleProblem};
pub use set::{Decision, Outcome, RuleSet};
pub use spec::{Action, Matcher, RuleSpec};
pub use target::Target;
