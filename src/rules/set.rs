//! The compiled list and its decisions.

use std::collections::HashSet;

use crate::image_ref::ImageReference;
use crate::origin::Origin;

use super::rule::{CompiledAction, Rule};
use super::target_set::TargetSet;
use super::{Place, RuleName, RuleProblem, RuleSpec, closure};

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
    /// Where the rule was given.
    pub origin: Origin,
    /// What becomes of it.
    pub outcome: Outcome,
}

/// What becomes of a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is written like this.
    Rewritten(String),
    /// It stays as it is written.
    Kept,
    /// It stands under a rule's target already, or has the rule's digest.
    AlreadyThere,
    /// The rule refuses it.
    Denied,
    /// The rewritten name has more than 255 bytes; it is shown without tag and digest.
    TooLong(String),
    /// The rule makes nothing of it that can be written.
    Unusable {
        /// What it would be; empty where a field of the template has no value.
        result: String,
        /// Why that cannot be: a fragment.
        why: String,
    },
    /// No rule applies.
    NoRule,
}

impl Decision {
    /// The rule as messages call it.
    pub fn name(&self) -> Option<RuleName> {
        Some(RuleName {
            id: self.rule.clone()?,
            origin: self.origin.clone(),
        })
    }
}

impl RuleSet {
    /// Compiles and checks the rules; every problem names its rules.
    pub fn compile(specs: &[RuleSpec]) -> Result<Self, Vec<RuleProblem>> {
        let mut problems = Vec::new();
        let mut rules: Vec<Rule> = Vec::new();
        for spec in specs {
            match Rule::compile(spec) {
                Ok(rule) => rules.push(rule),
                Err(messages) => problems.extend(messages.into_iter().map(|message| RuleProblem {
                    rules: vec![RuleName::of(spec)],
                    message,
                })),
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

    pub(super) fn decided(
        &self,
        reference: &ImageReference,
        place: Option<&Place<'_>>,
    ) -> Decision {
        let (rule, outcome) = self.first(reference, place);
        let outcome = match (rule, outcome) {
            // A plain target holds whatever is sent there, which the checks when loading rely on.
            (Some(rule), Outcome::Rewritten(result))
                if !matches!(rule.action, CompiledAction::Rewrite { .. }) =>
            {
                self.settled(result, place)
            }
            (_, outcome) => outcome,
        };
        Decision {
            rule: rule.map(|rule| rule.spec.id.clone()),
            origin: rule.map_or(Origin::Default, |rule| rule.spec.origin.clone()),
            outcome,
        }
    }

    /// A result that the rules would change again is refused, so that rewriting twice is rewriting once.
    fn settled(&self, result: String, place: Option<&Place<'_>>) -> Outcome {
        let again = match ImageReference::parse(&result) {
            Ok(reference) => self.first(&reference, place),
            Err(error) => {
                let why = format!("no image reference: {}", error.reason);
                return Outcome::Unusable { result, why };
            }
        };
        match again {
            (_, Outcome::AlreadyThere | Outcome::Kept) => Outcome::Rewritten(result),
            (Some(rule), _) => Outcome::Unusable {
                why: format!("rule '{}' would take it again", rule.spec.id),
                result,
            },
            (None, _) => Outcome::Unusable {
                why: "it stands under no target".to_owned(),
                result,
            },
        }
    }

    /// The rule that decides, and what it makes of the reference.
    fn first(
        &self,
        reference: &ImageReference,
        place: Option<&Place<'_>>,
    ) -> (Option<&Rule>, Outcome) {
        if let Some(rule) = self.holder(reference) {
            return (Some(rule), Outcome::AlreadyThere);
        }
        match self.rules.iter().find(|rule| rule.takes(reference, place)) {
            Some(rule) => (Some(rule), rule.outcome(reference)),
            None => (None, Outcome::NoRule),
        }
    }

    /// The rule under whose target the reference stands.
    pub(super) fn holder(&self, reference: &ImageReference) -> Option<&Rule> {
        let holds = |rule: &&Rule| {
            let targets = rule.targets.as_ref();
            targets.is_some_and(|targets| targets.holds(reference.host(), reference.path()))
        };
        self.rules.iter().find(holds)
    }

    /// True where the reference stands under a rule's target.
    pub fn is_target(&self, reference: &ImageReference) -> bool {
        self.holder(reference).is_some()
    }

    /// True where no rule sends anything anywhere.
    pub fn has_no_targets(&self) -> bool {
        self.rules.iter().all(|rule| rule.targets.is_none())
    }

    /// The host of every target that is known without its images, without repetition, in order: each needs an
    /// entry in the pull secret. A template with a field in the host has as many as there are sources.
    pub fn target_hosts(&self) -> Vec<&str> {
        let mut known = HashSet::new();
        let targets = self.rules.iter().filter_map(|rule| rule.targets.as_ref());
        let hosts = targets.filter_map(TargetSet::one_host);
        hosts.filter(|host| known.insert(*host)).collect()
    }
}

#[cfg(test)]
#[path = "set_tests.rs"]
mod tests;
