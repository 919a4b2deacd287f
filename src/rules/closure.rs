//! What rules mean for each other: no rule's output may be another rule's input (the second would never apply,
//! or apply twice), and two sources in one target may meet.

use super::glob;
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
    /// What is allowed and not wise: two rules that can make one image of two. A rule for images of every host is no
    /// such rule: one place for everything is what it is for. Each rule is told of once, with the first that it meets.
    pub fn warnings(&self) -> Vec<RuleProblem> {
        let mut sending: Vec<(&Rule, Vec<String>)> = Vec::new();
        let mut warnings = Vec::new();
        for second in &self.rules {
            let Some(results) = second.results() else {
                continue;
            };
            let met = sending.iter().find(|(first, others)| {
                !of_one_source(first, second) && glob::meet(others, &results)
            });
            if let Some((first, _)) = met {
                warnings.push(about(&[first, second], would_meet(first, second)));
            }
            sending.push((second, results));
        }
        warnings
    }
}

/// Parts of one registry keep their own paths within one target.
fn of_one_source(first: &Rule, second: &Rule) -> bool {
    let host = |rule: &Rule| match rule.spec.matcher {
        Matcher::Glob(_) => None,
        _ => rule.pattern.host(),
    };
    let same_host = host(first).is_some() && host(first) == host(second);
    first.spec.matcher == second.spec.matcher || (same_host && first.action == second.action)
}

fn would_meet(first: &Rule, second: &Rule) -> String {
    let (one, other) = (&first.spec.matcher, &second.spec.matcher);
    let (Some(here), Some(there)) = (&first.targets, &second.targets) else {
        return String::new();
    };
    if here == there {
        return format!(
            "{one} and {other} share the target {here}: images of the same path would be one there"
        );
    }
    let within = match (here.rest_of(there), there.rest_of(here)) {
        (Some(rest), _) => format!("{rest}/X of {one} and X of {other} would be one"),
        (_, Some(rest)) => format!("X of {one} and {rest}/X of {other} would be one"),
        _ => "images whose paths end alike would be one".to_owned(),
    };
    format!("{one} goes to {here}, and {other} to {there}: {within}")
}

fn about(rules: &[&Rule], message: String) -> RuleProblem {
    RuleProblem {
        rules: rules.iter().map(|rule| RuleName::of(&rule.spec)).collect(),
        message,
    }
}

#[cfg(test)]
#[path = "closure_tests.rs"]
mod tests;
