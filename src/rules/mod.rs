//! Registry rules: an ordered list over canonical image references, first match wins.
//!
//! A leaf: pure.

mod absent;
mod closure;
#[cfg(test)]
mod closure_generated;
mod dead;
mod explain;
mod expression;
mod glob;
mod meeting;
mod mirrors;
mod outline;
mod pattern;
mod place;
mod problem;
#[cfg(test)]
mod properties;
mod reach;
mod results;
mod rule;
#[cfg(test)]
mod samples;
mod set;
mod source;
mod spec;
mod target;
mod target_set;
mod template;

pub use explain::{Asked, Explanation};
pub use meeting::{Collision, Meeting};
pub use mirrors::Mirror;
pub use outline::{Does, Done, Outline, Takes};
pub use place::{Place, Scope};
pub use problem::{RuleName, RuleProblem};
pub use set::{Decision, Outcome, RuleSet};
pub use spec::{Action, Matcher, RuleSpec};
pub use target::Target;
