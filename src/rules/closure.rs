//! What rules mean for each other: no rule's output may be another rule's input (the second would never apply,
//! or apply twice), and two sources in one target may meet.

use std::collections::HashMap;

use super::glob;
use super::pattern::Pattern;
use super::reach::{Asked, Destination};
use super::rule::{CompiledAction, Rule};
use super::target_set::{Hosts, TargetSet};
use super::{Matcher, RuleName, RuleProblem, RuleSet};

/// Every rule that names what another rule sends away.
pub(super) fn check(rules: &[Rule]) -> Vec<RuleProblem> {
    let destinations = Destinations::of(rules);
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for (taker, rule) in rules.iter().enumerate() {
        for sent in destinations.named_by(rule) {
            pairs.extend(sent.makers.iter().map(|maker| (*maker, taker)));
        }
    }
    pairs.sort_unstable();
    let problem = |(maker, taker): (usize, usize)| {
        let (maker, taker) = (&rules[maker], &rules[taker]);
        let targets = maker.targets.as_ref().map(TargetSet::to_string);
        about(
            &[maker, taker],
            format!(
                "images that rule '{}' sends to {} would be taken by rule '{}'",
                maker.spec.id,
                targets.unwrap_or_default(),
                taker.spec.id
            ),
        )
    };
    pairs.into_iter().map(problem).collect()
}

/// Each target once, however many rules send images there.
struct Destinations<'a> {
    all: Vec<Sent>,
    /// By number, those on one host.
    of_host: HashMap<&'a str, Vec<usize>>,
    /// By number, those on hosts that a template makes.
    between: Vec<usize>,
}

/// A target, and who sends images there.
struct Sent {
    there: Destination,
    /// The same path on a host that nobody has.
    elsewhere: Destination,
    /// Rules by their number.
    makers: Vec<usize>,
}

impl<'a> Destinations<'a> {
    fn of(rules: &'a [Rule]) -> Self {
        let mut known: HashMap<&TargetSet, usize> = HashMap::new();
        let mut destinations = Self {
            all: Vec::new(),
            of_host: HashMap::new(),
            between: Vec::new(),
        };
        for (maker, rule) in rules.iter().enumerate() {
            let Some(targets) = &rule.targets else {
                continue;
            };
            let number = *known
                .entry(targets)
                .or_insert_with(|| destinations.add(targets));
            destinations.all[number].makers.push(maker);
        }
        destinations
    }

    fn add(&mut self, targets: &'a TargetSet) -> usize {
        let number = self.all.len();
        match &targets.host {
            Hosts::One(host) => self.of_host.entry(host).or_default().push(number),
            Hosts::Between { .. } => self.between.push(number),
        }
        self.all.push(Sent {
            there: Destination::of(targets.clone()),
            elsewhere: Destination::of(targets.elsewhere()),
            makers: Vec::new(),
        });
        number
    }

    /// Those that the rule is meant for. One that takes images of every host is not: what stands under a target is done
    /// before it is asked. Keeping what already stands there says the same; a source within the rule's own target
    /// (`quay.io` → `quay.io/mirror`) is told apart by that target.
    fn named_by<'b>(&'b self, rule: &'b Rule) -> Vec<&'b Sent> {
        let is_for_all = || matches!(rule.pattern, Pattern::Glob(_) | Pattern::Any);
        if rule.action == CompiledAction::Keep || (is_for_all() && rule.pattern.takes_every_host())
        {
            return Vec::new();
        }
        let own = rule.targets.as_ref();
        let mut asked = Asked::of(&rule.pattern);
        let mut names = |sent: &&Sent| {
            asked.reaches(&sent.there)
                && !asked.reaches(&sent.elsewhere)
                && !own.is_some_and(|own| own.holds_set(&sent.there.set))
        };
        let Some(host) = rule.pattern.host() else {
            return self.all.iter().filter(names).collect();
        };
        let of_host = self.of_host.get(host.as_str()).into_iter().flatten();
        let numbers = of_host.chain(&self.between);
        let sent = numbers.map(|number| &self.all[*number]);
        sent.filter(|sent| names(sent)).collect()
    }
}

impl RuleSet {
    /// What is allowed and not wise: two rules that can make one image of two. A rule for images of every host is no
    /// such rule: one place for everything is what it is for. Each rule is told of once, with the first that it meets.
    pub fn warnings(&self) -> Vec<RuleProblem> {
        let mut before = Senders::default();
        let mut warnings = Vec::new();
        for rule in &self.rules {
            let Some(results) = rule.results() else {
                continue;
            };
            let second = Sender {
                rule,
                results,
                host: source_host(rule),
            };
            if let Some(first) = before.first_met(&second) {
                let first = first.rule;
                warnings.push(about(&[first, rule], would_meet(first, rule)));
            }
            before.add(second);
        }
        warnings
    }
}

/// A rule that sends images away.
struct Sender<'a> {
    rule: &'a Rule,
    /// Where its images come to stand.
    results: Vec<String>,
    /// The registry that they come from, where it is one.
    host: Option<String>,
}

/// Rules that send images away, in their order.
#[derive(Default)]
struct Senders<'a> {
    all: Vec<Sender<'a>>,
    /// By number, those whose results begin so.
    of_beginning: HashMap<[String; 2], Vec<usize>>,
    /// By number, all others.
    others: Vec<usize>,
}

impl<'a> Senders<'a> {
    fn add(&mut self, sender: Sender<'a>) {
        let number = self.all.len();
        match beginning(&sender.results) {
            Some(beginning) => self.of_beginning.entry(beginning).or_default(),
            None => &mut self.others,
        }
        .push(number);
        self.all.push(sender);
    }

    /// The first whose images can be one with those of `second`.
    fn first_met(&self, second: &Sender<'_>) -> Option<&Sender<'a>> {
        let meets = |first: &Sender<'_>| {
            glob::meet(&first.results, &second.results) && !first.is_of_one_source(second)
        };
        let Some(beginning) = beginning(&second.results) else {
            return self.all.iter().find(|first| meets(first));
        };
        let first_of = |numbers: &[usize]| {
            let mut numbers = numbers.iter().copied();
            numbers.find(|number| meets(&self.all[*number]))
        };
        let alike = self.of_beginning.get(&beginning);
        let alike = alike.and_then(|numbers| first_of(numbers));
        let first = alike.into_iter().chain(first_of(&self.others)).min()?;
        self.all.get(first)
    }
}

/// Host and first component of the path, where both are written out: results that begin in two such ways do not meet.
fn beginning(results: &[String]) -> Option<[String; 2]> {
    let [host, first, ..] = results else {
        return None;
    };
    let is_written = !host.contains('*') && !first.contains('*');
    is_written.then(|| [host.clone(), first.clone()])
}

fn source_host(rule: &Rule) -> Option<String> {
    match rule.spec.matcher {
        Matcher::Glob(_) => None,
        _ => rule.pattern.host(),
    }
}

impl Sender<'_> {
    /// Parts of one registry keep their own paths within one target.
    fn is_of_one_source(&self, second: &Self) -> bool {
        let (one, other) = (self.rule, second.rule);
        let same_host = self.host.is_some() && self.host == second.host;
        one.spec.matcher == other.spec.matcher || (same_host && one.action == other.action)
    }
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
