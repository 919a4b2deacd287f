//! The registry rules as admission policies: pods that are made later, whoever makes them, get the same images.
//!
//! Pure: rules in, four cluster-scoped objects out. A MutatingAdmissionPolicy rewrites, a ValidatingAdmissionPolicy
//! tells (or refuses) what could not be rewritten; both hold the same table of rules and the same expressions over it,
//! which agree with [`RuleSet::decide`](crate::rules::RuleSet::decide) on every reference that a pod can hold.

mod expression;
mod expressions;
mod literal;
mod policy;
mod probe;
mod re2;
mod table;

pub use expressions::{IMAGES_BEFORE, LONGEST_TEXT};
pub use policy::{Admission, Api, Failing, policies};
pub use probe::{Probe, Proof, probe};
pub use table::{Unspeakable, unspeakable};

#[cfg(test)]
mod tests;
