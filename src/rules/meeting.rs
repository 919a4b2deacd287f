//! Different images that rules would make one.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use crate::failure::{Exit, Failure};
use crate::image_ref::{ImageReference, pulled};

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

/// Gathers decisions, one image at a time, and tells which images meet in one target.
#[derive(Debug, Clone, Default)]
pub struct Meeting {
    targets: BTreeMap<String, Sources>,
    /// The rule that was noted last: the next image is mostly another one of it.
    last: Option<Arc<RuleName>>,
}

/// Who comes to a target, by identity: one for most of tens of thousands.
#[derive(Debug, Clone)]
enum Sources {
    One(String, Source),
    Several(BTreeMap<String, Source>),
}

/// Who comes to a target, as it was first seen.
#[derive(Debug, Clone)]
struct Source {
    canonical: String,
    rule: Arc<RuleName>,
}

impl Sources {
    fn add(&mut self, identity: String, source: Source) {
        match self {
            Self::One(known, _) if *known == identity => {}
            Self::One(..) => {
                let before = std::mem::replace(self, Self::Several(BTreeMap::new()));
                for (identity, source) in before.into_all() {
                    self.add(identity, source);
                }
                self.add(identity, source);
            }
            Self::Several(all) => {
                all.entry(identity).or_insert(source);
            }
        }
    }

    fn into_all(self) -> BTreeMap<String, Source> {
        match self {
            Self::One(identity, source) => BTreeMap::from([(identity, source)]),
            Self::Several(all) => all,
        }
    }
}

impl Meeting {
    /// Takes note of what was decided about a reference.
    pub fn note(&mut self, reference: &ImageReference, decision: &Decision) {
        if let (Outcome::Rewritten(target), Some(rule)) = (&decision.outcome, decision.name()) {
            let known = self.last.take().filter(|last| **last == rule);
            let rule = known.unwrap_or_else(|| Arc::new(rule));
            self.last = Some(Arc::clone(&rule));
            let canonical = reference.canonical();
            let source = Source { canonical, rule };
            self.add(pulled(target), identity(reference, target), source);
        }
    }

    fn add(&mut self, target: String, identity: String, source: Source) {
        match self.targets.entry(target) {
            Entry::Vacant(vacant) => {
                vacant.insert(Sources::One(identity, source));
            }
            Entry::Occupied(mut known) => known.get_mut().add(identity, source),
        }
    }

    /// Takes note of all that another one noted, which comes after this one.
    pub fn extend(&mut self, other: Self) {
        for (target, sources) in other.targets {
            for (identity, source) in sources.into_all() {
                self.add(target.clone(), identity, source);
            }
        }
    }

    /// Every target that two different images share.
    pub fn collisions(self) -> Vec<Collision> {
        self.targets
            .into_iter()
            .filter_map(|(target, sources)| match sources {
                Sources::One(..) => None,
                Sources::Several(all) => Some((target, all)),
            })
            .map(|(target, sources)| {
                let sources = sources.into_values();
                let sources =
                    sources.map(|source| (source.canonical, Arc::unwrap_or_clone(source.rule)));
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
