//! No rule's output may be another rule's input: the second would never apply, or apply twice.

use super::RuleProblem;
use super::rule::{CompiledAction, Rule};

pub(super) fn check(rules: &[Rule]) -> Vec<RuleProblem> {
    let mut problems = Vec::new();
    for (index, maker) in rules.iter().enumerate() {
        let Some(target) = maker.target() else {
            continue;
        };
        for (other_index, taker) in rules.iter().enumerate() {
            // Keeping what already stands there says the same; a source within the taker's own target
            // (`quay.io` → `quay.io/mirror`) is told apart by that target.
            let harmless = index == other_index
                || taker.action == CompiledAction::Keep
                || taker.target().is_some_and(|own| own.holds_target(target));
            if !harmless && taker.pattern.reaches(target) {
                problems.push(RuleProblem {
                    rules: vec![maker.id.clone(), taker.id.clone()],
                    message: format!(
                        "images that rule '{}' sends to {target} would be taken by rule '{}'",
                        maker.id, taker.id
                    ),
                });
            }
        }
    }
    problems
}
