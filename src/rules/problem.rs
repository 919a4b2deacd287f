//! What is wrong with a list of rules.

use std::fmt;

/// A problem of the rules themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleProblem {
    /// Ids of the rules that it is about.
    pub rules: Vec<String>,
    /// What is wrong: a lowercase fragment.
    pub message: String,
}

impl fmt::Display for RuleProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.rules.join(" and "), self.message)
    }
}

impl std::error::Error for RuleProblem {}
