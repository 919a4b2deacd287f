//! Different images that rules would make one.

use std::collections::BTreeMap;

use crate::image_ref::ImageReference;

use super::{Decision, Outcome};

/// Different images that would be one after rewriting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collision {
    /// The reference that they would share.
    pub target: String,
    /// Each canonical source with the rule that sends it there, in order.
    pub sources: BTreeMap<String, String>,
}

/// Gathers decisions, one image at a time, and tells which images meet in one target.
#[derive(Debug, Clone, Default)]
pub struct Meeting {
    targets: BTreeMap<String, BTreeMap<String, String>>,
}

impl Meeting {
    /// Takes note of what was decided about a reference.
    pub fn note(&mut self, reference: &ImageReference, decision: &Decision) {
        if let Outcome::Rewritten(target) = &decision.outcome {
            let sources = self.targets.entry(target.clone()).or_default();
            sources
                .entry(reference.canonical())
                .or_insert_with(|| decision.rule.clone().unwrap_or_default());
        }
    }

    /// Every target that two different images share.
    pub fn collisions(self) -> Vec<Collision> {
        self.targets
            .into_iter()
            .filter(|(_, sources)| sources.len() > 1)
            .map(|(target, sources)| Collision { target, sources })
            .collect()
    }
}
