//! The checks of whole lists, held against the plain reading of each pair.

use proptest::prelude::*;

use super::pattern::Pattern;
use super::properties::many_rules;
use super::reach::{Asked, Destination};
use super::rule::{CompiledAction, Rule};
use super::target_set::TargetSet;
use super::{Matcher, RuleProblem, RuleSet, RuleSpec, closure, glob};
use crate::origin::Origin;

/// Every question from the start: nothing is known of the one before.
fn reaches(pattern: &Pattern, targets: &TargetSet) -> bool {
    Asked::of(pattern).reaches(&Destination::of(targets.clone()))
}

/// Maker and taker of each problem.
fn problems(rules: &[Rule]) -> Vec<[&str; 2]> {
    let mut found = Vec::new();
    for (index, maker) in rules.iter().enumerate() {
        let Some(targets) = &maker.targets else {
            continue;
        };
        for (other, taker) in rules.iter().enumerate() {
            let own = taker.targets.as_ref();
            let is_harmless = index == other
                || taker.action == CompiledAction::Keep
                || own.is_some_and(|own| own.holds_set(targets));
            if !is_harmless
                && reaches(&taker.pattern, targets)
                && !reaches(&taker.pattern, &targets.elsewhere())
            {
                found.push([maker.spec.id.as_str(), taker.spec.id.as_str()]);
            }
        }
    }
    found
}

/// The first and the second of each warning.
fn warnings(rules: &[Rule]) -> Vec<[&str; 2]> {
    let host = |rule: &Rule| match rule.spec.matcher {
        Matcher::Glob(_) => None,
        _ => rule.pattern.host(),
    };
    let mut found = Vec::new();
    for (index, second) in rules.iter().enumerate() {
        let met = rules[..index].iter().find(|first| {
            let same_host = host(first).is_some() && host(first) == host(second);
            let of_one_source = first.spec.matcher == second.spec.matcher
                || (same_host && first.action == second.action);
            let results = first.results().zip(second.results());
            !of_one_source && results.is_some_and(|(one, other)| glob::meet(&one, &other))
        });
        found.extend(met.map(|first| [first.spec.id.as_str(), second.spec.id.as_str()]));
    }
    found
}

/// Each dead rule, with the one before it.
fn dead(rules: &[Rule]) -> Vec<[&str; 2]> {
    let mut found = Vec::new();
    for (index, later) in rules.iter().enumerate() {
        let one = later.pattern.one();
        let earlier = rules[..index].iter().find(|earlier| {
            let scope = &earlier.spec.scope;
            (scope.is_everywhere() || *scope == later.spec.scope)
                && earlier.pattern.covers(&later.pattern, one.as_ref())
        });
        found.extend(earlier.map(|earlier| [later.spec.id.as_str(), earlier.spec.id.as_str()]));
    }
    found
}

fn ids(problems: &[RuleProblem]) -> Vec<[&str; 2]> {
    problems
        .iter()
        .map(|problem| [problem.rules[0].id.as_str(), problem.rules[1].id.as_str()])
        .collect()
}

fn compiled(specs: &[RuleSpec]) -> RuleSet {
    let in_file = specs.iter().map(|spec| {
        let mut spec = spec.clone();
        spec.origin = Origin::File {
            path: "arc-setup.yaml".to_owned(),
            line: 1,
            column: 1,
        };
        spec
    });
    RuleSet {
        rules: in_file
            .filter_map(|spec| Rule::compile(&spec).ok())
            .collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_whole_list_is_checked_as_each_pair_of_it(specs in many_rules()) {
        let set = compiled(&specs);
        let told = [closure::check(&set.rules), set.warnings(), set.dead()];
        prop_assert_eq!(ids(&told[0]), problems(&set.rules));
        prop_assert_eq!(ids(&told[1]), warnings(&set.rules));
        prop_assert_eq!(ids(&told[2]), dead(&set.rules));
    }
}

/// The property is worth something only where there is something to tell.
#[test]
fn the_generated_lists_have_problems_of_each_kind() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut told = [0; 3];
    for _ in 0..20 {
        let set = compiled(&many_rules().new_tree(&mut runner).unwrap().current());
        told[0] += closure::check(&set.rules).len();
        told[1] += set.warnings().len();
        told[2] += set.dead().len();
    }
    assert!(told.iter().all(|number| *number > 5), "{told:?}");
}

/// No assertion on the clock: with a question of its own for each pair this takes minutes.
#[test]
fn thousands_of_rules_are_checked_in_one_go() {
    use super::samples::{rule, to};

    let matchers: [fn(usize) -> Matcher; 3] = [
        |number| Matcher::Host(format!("r{number}.example.com")),
        |number| Matcher::Glob(format!("*.r{number}.example.com/**")),
        |number| Matcher::Regex(format!(r"r{number}\.example\.com/.*")),
    ];
    for matcher in matchers {
        let specs: Vec<RuleSpec> = (0..1000)
            .map(|number| rule("a", matcher(number), to(&format!("reg.corp/r{number}"))))
            .collect();
        let set = RuleSet::compile(&specs).unwrap();
        assert!(set.warnings().is_empty() && set.dead().is_empty());
    }
}
