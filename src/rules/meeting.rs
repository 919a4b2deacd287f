//! Different images that rules would make one.

use std::collections::BTreeMap;

use crate::failure::{Exit, Failure};
use crate::image_ref::ImageReference;

use super::{Decision, Outcome, RuleName};

/// Different images that would be one after rewriting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collision {
    /// The reference that they would share.
    pub target: String,
    /// Each canonical source with the rule that sends it there, in order.
    pub sources: BTreeMap<String, RuleName>,
}

impl Collision {
    /// What every command says of it.
    pub fn failure(&self) -> Failure {
        let failure = Failure::new(
            "image-collision",
            Exit::Usage,
            format!("different images would become {}", self.target),
        )
        .remedy("give one of their sources a target of its own: `--registry-map HOST=TARGET/KEY`");
        self.sources
            .iter()
            .fold(failure, |failure, (source, rule)| {
                failure.evidence(format!("{source} by rule {rule}"))
            })
    }
}

/// What tells an image that becomes `target` from another one that does. One digest of one repository is one image,
/// whatever tags and digests lead there: that is what a pin is for.
fn identity(reference: &ImageReference, target: &str) -> String {
    if target.contains('@') {
        reference.name()
    } else {
        reference.pulled()
    }
}

/// What is pulled of a target: with a tag or without, `latest` is one image.
fn pulled(target: &str) -> String {
    let parsed = ImageReference::parse(target);
    parsed.map_or_else(|_| target.to_owned(), |target| target.pulled())
}

/// Gathers decisions, one image at a time, and tells which images meet in one target.
#[derive(Debug, Clone, Default)]
pub struct Meeting {
    targets: BTreeMap<String, BTreeMap<String, Source>>,
}

/// Who comes to a target, as it was first seen.
#[derive(Debug, Clone)]
struct Source {
    canonical: String,
    rule: RuleName,
}

impl Meeting {
    /// Takes note of what was decided about a reference.
    pub fn note(&mut self, reference: &ImageReference, decision: &Decision) {
        if let (Outcome::Rewritten(target), Some(rule)) = (&decision.outcome, decision.name()) {
            let sources = self.targets.entry(pulled(target)).or_default();
            let canonical = reference.canonical();
            sources
                .entry(identity(reference, target))
                .or_insert(Source { canonical, rule });
        }
    }

    /// Takes note of all that another one noted, which comes after this one.
    pub fn extend(&mut self, other: Self) {
        for (target, sources) in other.targets {
            let known = self.targets.entry(target).or_default();
            for (identity, source) in sources {
                known.entry(identity).or_insert(source);
            }
        }
    }

    /// Every target that two different images share.
    pub fn collisions(self) -> Vec<Collision> {
        self.targets
            .into_iter()
            .filter(|(_, sources)| sources.len() > 1)
            .map(|(target, sources)| {
                let sources = sources.into_values();
                let sources = sources.map(|source| (source.canonical, source.rule));
                Collision {
                    target,
                    sources: sources.collect(),
                }
            })
            .collect()
    }

    /// Fails on the first of them.
    pub fn check(self) -> Result<(), Failure> {
        match self.collisions().first() {
            None => Ok(()),
            Some(collision) => Err(collision.failure()),
        }
    }
}
