//! What is wrong with a list of rules, or not wise.

use std::fmt;

use crate::origin::Origin;
use crate::spelling::visible;

use super::RuleSpec;

/// A rule as messages call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleName {
    /// Its id.
    pub id: String,
    /// Where it was given.
    pub origin: Origin,
}

impl RuleName {
    pub(super) fn of(spec: &RuleSpec) -> Self {
        Self {
            id: spec.id.clone(),
            origin: spec.origin.clone(),
        }
    }
}

impl fmt::Display for RuleName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.id)?;
        match &self.origin {
            // A flag's or variable's name stands in the id.
            Origin::File { .. } => write!(formatter, " ({})", self.origin),
            _ => Ok(()),
        }
    }
}

/// A problem of the rules themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleProblem {
    /// The rules that it is about.
    pub rules: Vec<RuleName>,
    /// What is wrong: a lowercase fragment.
    pub message: String,
}

impl RuleProblem {
    /// The message for a person: of a rule's own text nothing that a terminal would obey.
    pub fn shown(&self) -> String {
        self.message.chars().map(visible).collect()
    }
}

impl fmt::Display for RuleProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.rules.iter().map(RuleName::to_string).collect();
        write!(formatter, "{}: {}", names.join(" and "), self.shown())
    }
}

impl std::error::Error for RuleProblem {}
