//! What is wrong with a list of rules, or with the images that meet in one target.

use std::collections::BTreeMap;
use std::fmt;

use crate::image_ref::ImageReference;

use super::{Outcome, RuleSet};

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

/// Different images that would be one after rewriting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collision {
    /// The reference that they would share.
    pub target: String,
    /// Each canonical source with the rule that sends it there, in order.
    pub sources: BTreeMap<String, String>,
}

impl RuleSet {
    /// Every target that two different images of `references` would share.
    pub fn collisions(&self, references: &[ImageReference]) -> Vec<Collision> {
        let mut meeting: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for reference in references {
            let decision = self.decide(reference);
            if let Outcome::Rewritten(target) = decision.outcome {
                let sources = meeting.entry(target).or_default();
                sources.insert(reference.canonical(), decision.rule.unwrap_or_default());
            }
        }
        meeting
            .into_iter()
            .filter(|(_, sources)| sources.len() > 1)
            .map(|(target, sources)| Collision { target, sources })
            .collect()
    }
}
