//! Rules that never decide: an earlier one takes all that they would.

use std::collections::HashMap;

use crate::image_ref::ImageReference;
use crate::origin::Origin;

use super::pattern::Pattern;
use super::rule::Rule;
use super::{RuleName, RuleProblem, RuleSet};

impl RuleSet {
    /// The rules of a file that an earlier one of the same file leaves nothing to, each with that one. A flag before a
    /// file, or a file before the defaults, is there to win. What two regular expressions have in common is not
    /// known: such a rule may be dead without a word.
    pub fn dead(&self) -> Vec<RuleProblem> {
        let mut dead = Vec::new();
        // By number, earlier rules of one host, and those that may take images of several.
        let mut of_host: HashMap<String, Vec<usize>> = HashMap::new();
        let mut others: Vec<usize> = Vec::new();
        for (number, later) in self.rules.iter().enumerate() {
            let one = later.pattern.one();
            let first_of = |numbers: &[usize]| {
                let mut numbers = numbers.iter().copied();
                numbers.find(|number| {
                    let earlier = &self.rules[*number];
                    is_of_one_file(earlier, later) && reaches_as_far(earlier, later, one.as_ref())
                })
            };
            let host = later.pattern.host();
            let of_its_host = host.as_ref().and_then(|host| of_host.get(host));
            let of_its_host = of_its_host.and_then(|numbers| first_of(numbers));
            let first = of_its_host.into_iter().chain(first_of(&others)).min();
            if let Some(earlier) = first.map(|first| &self.rules[first]) {
                dead.push(RuleProblem {
                    rules: vec![RuleName::of(&later.spec), RuleName::of(&earlier.spec)],
                    message: format!(
                        "{} never decides: {} stands before it and takes all of that",
                        later.spec.matcher, earlier.spec.matcher
                    ),
                });
            }
            match host {
                Some(host) if !matches!(later.pattern, Pattern::Glob(_)) => {
                    of_host.entry(host).or_default().push(number);
                }
                _ => others.push(number),
            }
        }
        dead
    }
}

fn is_of_one_file(one: &Rule, other: &Rule) -> bool {
    match (&one.spec.origin, &other.spec.origin) {
        (Origin::File { path, .. }, Origin::File { path: other, .. }) => path == other,
        _ => false,
    }
}

fn reaches_as_far(earlier: &Rule, later: &Rule, one: Option<&ImageReference>) -> bool {
    let scope = &earlier.spec.scope;
    (scope.is_everywhere() || *scope == later.spec.scope)
        && earlier.pattern.covers(&later.pattern, one)
}

impl Pattern {
    /// The one reference, or name, that it takes.
    pub(super) fn one(&self) -> Option<ImageReference> {
        match self {
            Self::Exact { pulled, .. } => ImageReference::parse(pulled).ok(),
            Self::Repository { host, path } => {
                ImageReference::parse(&format!("{host}/{path}")).ok()
            }
            _ => None,
        }
    }

    /// True where it is known to take all that the other one does, which is all of `one` where it takes one.
    pub(super) fn covers(&self, other: &Self, one: Option<&ImageReference>) -> bool {
        match (self, other) {
            (Self::Any, _) => true,
            (_, Self::Exact { .. }) => one.is_some_and(|one| self.matches(one)),
            // Only an exact pattern and an expression look at more than the name.
            (Self::Below(_) | Self::Glob(_), Self::Repository { .. }) => {
                one.is_some_and(|one| self.matches(one))
            }
            (Self::Below(place), Self::Below(other)) => {
                place == other || place.holds(&other.host, &other.path)
            }
            (Self::Glob(_), Self::Below(place)) => self.covers_host(&place.host),
            (Self::Below(place), Self::Glob(components)) => {
                place.path.is_empty() && components.first() == Some(&place.host)
            }
            _ => self == other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{host, rule, to};
    use super::super::{Action, Matcher, RuleSpec, Scope};
    use super::*;

    fn at(line: usize, mut spec: RuleSpec) -> RuleSpec {
        spec.origin = Origin::File {
            path: "arc-setup.yaml".to_owned(),
            line,
            column: 3,
        };
        spec
    }

    fn told(first: RuleSpec, second: RuleSpec) -> Vec<String> {
        let rules = RuleSet::compile(&[at(2, first), at(5, second)]).unwrap();
        rules.dead().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_rule_behind_a_wider_one_is_told_with_both_places() {
        let all = host("all", "quay.io", to("reg.corp"));
        let part = rule(
            "part",
            Matcher::Prefix("quay.io/brancz".into()),
            Action::Keep,
        );
        assert_eq!(
            told(all.clone(), part.clone()),
            [
                "part (arc-setup.yaml:5:3) and all (arc-setup.yaml:2:3): prefix quay.io/brancz never decides: host quay.io stands before it and takes all of that"
            ]
        );
        assert!(told(part, all.clone()).is_empty());
        // A flag is there to win.
        let flag = RuleSet::compile(&[all.clone(), at(2, host("b", "quay.io", Action::Keep))]);
        assert!(flag.unwrap().dead().is_empty());
        // So is a rule for some places.
        let mut scoped = all.clone();
        scoped.scope = Scope {
            kinds: vec!["Job".to_owned()],
            ..Scope::default()
        };
        let other = host("b", "quay.io", Action::Keep);
        assert!(told(scoped.clone(), other.clone()).is_empty());
        assert_eq!(told(other, scoped).len(), 1);
    }

    #[test]
    fn what_one_pattern_takes_of_another_is_known() {
        use Matcher::{Any, Exact, Glob, Host, Prefix, Regex, Repository};
        let pattern = |matcher: &Matcher| Pattern::compile(matcher).unwrap();
        for (wide, narrow, is_covered) in [
            (Any, Regex("x.*".into()), true),
            (Host("docker.io".into()), Exact("nginx:1".into()), true),
            (Repository("nginx".into()), Exact("nginx:1".into()), true),
            (Exact("nginx:1".into()), Repository("nginx".into()), false),
            (Prefix("a.io/x".into()), Repository("a.io/x/y".into()), true),
            (Prefix("a.io/x".into()), Repository("a.io/xy".into()), false),
            (Prefix("a.io/x".into()), Prefix("a.io/x/y".into()), true),
            (Prefix("a.io/x".into()), Host("a.io".into()), false),
            (Glob("*.io/**".into()), Host("a.io".into()), true),
            (Glob("*.io/x/**".into()), Host("a.io".into()), false),
            (Host("a.io".into()), Glob("a.io/*/y".into()), true),
            (Host("a.io".into()), Glob("*.io/y".into()), false),
            (Regex("a.*".into()), Exact("a.io/x:1".into()), true),
            (Regex("a.*".into()), Host("a.io".into()), false),
        ] {
            let other = pattern(&narrow);
            assert_eq!(
                pattern(&wide).covers(&other, other.one().as_ref()),
                is_covered,
                "{wide} {narrow}"
            );
        }
    }
}
