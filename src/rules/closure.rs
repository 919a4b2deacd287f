//! What rules mean for each other: no rule's output may be another rule's input (the second would never apply,
//! or apply twice), and two sources in one target may meet.

use super::rule::{CompiledAction, Rule};
use super::target_set::TargetSet;
use super::{Matcher, RuleName, RuleProblem, RuleSet};

/// Every rule that names what another rule sends away.
pub(super) fn check(rules: &[Rule]) -> Vec<RuleProblem> {
    let mut problems = Vec::new();
    for (index, maker) in rules.iter().enumerate() {
        let Some(targets) = &maker.targets else {
            continue;
        };
        for (other_index, taker) in rules.iter().enumerate() {
            // Keeping what already stands there says the same; a source within the taker's own target
            // (`quay.io` → `quay.io/mirror`) is told apart by that target.
            let harmless = index == other_index
                || taker.action == CompiledAction::Keep
                || taker
                    .targets
                    .as_ref()
                    .is_some_and(|own| own.holds_set(targets));
            if !harmless && names(taker, targets) {
                problems.push(about(
                    &[maker, taker],
                    format!(
                        "images that rule '{}' sends to {targets} would be taken by rule '{}'",
                        maker.spec.id, taker.spec.id
                    ),
                ));
            }
        }
    }
    problems
}

/// True where the rule is meant for something there. One that takes images of every host is not: what stands
/// under a target is done before it is asked.
fn names(taker: &Rule, targets: &TargetSet) -> bool {
    taker.pattern.reaches(targets) && !taker.pattern.reaches(&targets.elsewhere())
}

impl RuleSet {
    /// What is allowed and not wise: two rules that send different sources to one place. Images of the same path
    /// would meet there. A catch-all is no such rule: one place for everything is what it is for.
    pub fn warnings(&self) -> Vec<RuleProblem> {
        let mut warnings = Vec::new();
        for (index, first) in self.rules.iter().enumerate() {
            let Some(targets) = &first.targets else {
                continue;
            };
            if first.spec.matcher == Matcher::Any {
                continue;
            }
            let together: Vec<&Rule> = self.rules[index + 1..]
                .iter()
                .filter(|second| second.targets.as_ref() == Some(targets))
                .filter(|second| second.spec.action == first.spec.action)
                .filter(|second| second.spec.matcher != first.spec.matcher)
                .filter(|second| second.spec.matcher != Matcher::Any)
                .filter(|second| !of_one_source(first, second))
                .collect();
            for second in together {
                warnings.push(about(
                    &[first, second],
                    format!(
                        "{} and {} share the target {targets}: images of the same path would be one there",
                        first.spec.matcher, second.spec.matcher
                    ),
                ));
            }
        }
        warnings
    }
}

/// Two parts of one registry keep their own paths, and so does a template that writes the host down.
fn of_one_source(first: &Rule, second: &Rule) -> bool {
    let telling = |rule: &Rule| matches!(&rule.action, CompiledAction::Template(template) if template.tells_hosts_apart());
    let host = |rule: &Rule| match rule.spec.matcher {
        Matcher::Glob(_) => None,
        _ => rule.pattern.host(),
    };
    telling(first) || (host(first).is_some() && host(first) == host(second))
}

fn about(rules: &[&Rule], message: String) -> RuleProblem {
    RuleProblem {
        rules: rules.iter().map(|rule| RuleName::of(&rule.spec)).collect(),
        message,
    }
}
