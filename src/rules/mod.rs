//! Registry rules: an ordered list over canonical image references, first match wins.
//!
//! A leaf: pure.

mod closure;
mod glob;
mod meeting;
mod mirrors;
mod outline;
mod pattern;
mod place;
mod problem;
mod rule;
mod set;
mod spec;
mod target;

pub use meeting::{Collision, Meeting};
pub use mirrors::Mirror;
pub use outline::{Does, Outline, Takes};
pub use place::{Place, Scope};
pub use problem::RuleProblem;
pub use set::{Decision, Outcome, RuleSet};
pub use spec::{Action, Matcher, RuleSpec};
pub use target::Target;
