//! The compiled list and its decisions.

use crate::image_ref::{DOCKER_HUB, ImageReference, NAME_LIMIT};

use super::closure;
use super::pattern::Pattern;
use super::rule::{CompiledAction, Rule};
use super::{Action, Place, RuleProblem, RuleSpec, Target};

/// Ordered rules, checked. The first that takes a reference decides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleSet {
    pub(super) rules: Vec<Rule>,
}

/// What becomes of a reference, and by which rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The rule's id; None where no rule applies.
    pub rule: Option<String>,
    /// What becomes of it.
    pub outcome: Outcome,
}

/// What becomes of a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is written like this, with tag and digest kept.
    Rewritten(String),
    /// It stays as it is written.
    Kept,
    /// It stands under a rule's target already.
    AlreadyThere,
    /// The rule refuses it.
    Denied,
    /// The rewritten name has more than 255 bytes; it is shown without tag and digest.
    TooLong(String),
    /// No rule applies.
    NoRule,
}

impl RuleSet {
    /// Compiles and checks the rules; every problem names its rules.
    pub fn compile(specs: &[RuleSpec]) -> Result<Self, Vec<RuleProblem>> {
        let mut problems = Vec::new();
        let mut rules: Vec<Rule> = Vec::new();
        for spec in specs {
            let mut problem = |message: String| {
                problems.push(RuleProblem {
                    rules: vec![spec.id.clone()],
                    message,
                });
            };
            let pattern = Pattern::compile(&spec.matcher).map_err(&mut problem).ok();
            let action = match &spec.action {
                Action::Keep => Some(CompiledAction::Keep),
                Action::Deny => Some(CompiledAction::Deny),
                Action::Rewrite {
                    target,
                    drop_library,
                } => Target::parse(target)
                    .map_err(&mut problem)
                    .ok()
                    .map(|target| CompiledAction::Rewrite {
                        target,
                        drop_library: *drop_library,
                    }),
            };
            let mirror = match &spec.mirror {
                None => Some(None),
                Some(mirror) => Target::parse(mirror).map_err(&mut problem).ok().map(Some),
            };
            if let (Some(pattern), Some(action), Some(mirror)) = (pattern, action, mirror) {
                rules.push(Rule {
                    id: spec.id.clone(),
                    pattern,
                    action,
                    mirror,
                    scope: spec.scope.clone(),
                });
            }
        }
        problems.extend(closure::check(&rules));
        if problems.is_empty() {
            Ok(Self { rules })
        } else {
            Err(problems)
        }
    }

    /// True where no rule was given.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Decides about a reference that stands in no object: rules with a scope do not take it.
    pub fn decide(&self, reference: &ImageReference) -> Decision {
        self.decided(reference, None)
    }

    /// Decides about a reference in its place. What stands under any rule's target is done; a catch-all
    /// never sees it.
    pub fn decide_at(&self, reference: &ImageReference, place: &Place<'_>) -> Decision {
        self.decided(reference, Some(place))
    }

    fn decided(&self, reference: &ImageReference, place: Option<&Place<'_>>) -> Decision {
        let under = self.rules.iter().find(|rule| {
            rule.target()
                .is_some_and(|target| target.holds(reference.host(), reference.path()))
        });
        if let Some(rule) = under {
            return Decision {
                rule: Some(rule.id.clone()),
                outcome: Outcome::AlreadyThere,
            };
        }
        let Some(rule) = self
            .rules
            .iter()
            .find(|rule| rule.scope.holds(place) && rule.pattern.matches(reference))
        else {
            return Decision {
                rule: None,
                outcome: Outcome::NoRule,
            };
        };
        let outcome = match &rule.action {
            CompiledAction::Keep => Outcome::Kept,
            CompiledAction::Deny => Outcome::Denied,
            CompiledAction::Rewrite {
                target,
                drop_library,
            } => rewritten(reference, target, *drop_library),
        };
        Decision {
            rule: Some(rule.id.clone()),
            outcome,
        }
    }

    /// The host of every target, without repetition, in order: each needs an entry in the pull secret.
    pub fn target_hosts(&self) -> Vec<&str> {
        let mut hosts = Vec::new();
        for target in self.rules.iter().filter_map(Rule::target) {
            if !hosts.contains(&target.host.as_str()) {
                hosts.push(&target.host);
            }
        }
        hosts
    }
}

fn rewritten(reference: &ImageReference, target: &Target, drop_library: bool) -> Outcome {
    let path = if drop_library && reference.host() == DOCKER_HUB {
        reference.path_without_library()
    } else {
        reference.path()
    };
    let name = format!("{target}/{path}");
    if name.len() > NAME_LIMIT {
        Outcome::TooLong(name)
    } else {
        Outcome::Rewritten(name + &reference.suffix())
    }
}

#[cfg(test)]
#[path = "set_tests.rs"]
mod tests;
