//! Where a Docker daemon finds images of each source registry: the same rules, seen from inside dind.

use super::rule::{CompiledAction, Rule};
use super::target_set::TargetSet;
use super::{RuleName, RuleProblem, RuleSet, Target};

/// Registries that workflows pull from whether or not a rule names them.
const USUAL_HOSTS: [&str; 3] = ["docker.io", "quay.io", "ghcr.io"];

/// A mirror of a whole registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// Where it is.
    pub place: Target,
    /// The rule that says so.
    pub rule: String,
}

impl RuleSet {
    /// The mirror of each source host that has one: a rewriting rule's target, or the `mirror` of any rule.
    /// Rules for a part of a host are passed over, as rules for a part of the objects are: a daemon
    /// redirects whole hosts only.
    pub fn mirrors(&self) -> Vec<(String, Mirror)> {
        self.hosts()
            .into_iter()
            .filter_map(|host| self.mirror_of(&host).map(|mirror| (host, mirror)))
            .collect()
    }

    /// Rules that send images elsewhere and give a daemon no mirror for them, with the reason: jobs would pull those
    /// images from their own registry. A registry that another rule gives a mirror is none of these.
    pub fn without_mirror(&self) -> Vec<RuleProblem> {
        let (hosts, mirrors) = (self.hosts(), self.mirrors());
        let is_mirrored = |host: &&String| mirrors.iter().any(|(mirrored, _)| mirrored == *host);
        let says_where = |rule: &&Rule| rule.targets.is_some() || rule.mirror.is_some();
        let mut without = Vec::new();
        for rule in self.rules.iter().filter(says_where) {
            let taken = |host: &&String| rule.takes_some_of(host);
            let mut taken = hosts.iter().filter(taken).peekable();
            if taken.peek().is_some() && taken.all(|host| is_mirrored(&host) || rule.is_at(host)) {
                continue;
            }
            without.push(RuleProblem {
                rules: vec![RuleName::of(&rule.spec)],
                message: format!(
                    "a Docker daemon gets no mirror from it, since {}",
                    rule.why_no_mirror()
                ),
            });
        }
        without
    }

    /// The usual registries, and those that rules name.
    fn hosts(&self) -> Vec<String> {
        let mut hosts: Vec<String> = USUAL_HOSTS.iter().map(|host| (*host).to_owned()).collect();
        for host in self.rules.iter().filter_map(|rule| rule.pattern.host()) {
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
        hosts
    }

    fn mirror_of(&self, host: &str) -> Option<Mirror> {
        let rule = self
            .rules
            .iter()
            .find(|rule| rule.spec.scope.is_everywhere() && rule.pattern.covers_host(host))?;
        let place = match (&rule.mirror, &rule.action) {
            (_, CompiledAction::Deny) | (None, CompiledAction::Keep | CompiledAction::Pin) => None,
            (Some(mirror), _) => Some(mirror.clone()),
            (None, CompiledAction::Rewrite { target, .. }) => Some(target.clone()),
            (None, CompiledAction::Template(template)) => template.mirror(host),
        }?;
        // A host is no mirror of itself: everything under it would be asked for twice.
        (place.host != host || !place.path.is_empty()).then(|| Mirror {
            place,
            rule: rule.spec.id.clone(),
        })
    }
}

impl Rule {
    fn takes_some_of(&self, host: &str) -> bool {
        let all = Target {
            host: host.to_owned(),
            path: String::new(),
        };
        self.pattern.covers_host(host)
            || self.pattern.host().is_some_and(|own| own == host)
            || self.pattern.reaches(&TargetSet::of(&all))
    }

    /// True where images of the host stay on it.
    fn is_at(&self, host: &str) -> bool {
        let targets = self.targets.as_ref();
        targets.and_then(TargetSet::one_host) == Some(host)
    }

    fn why_no_mirror(&self) -> String {
        let scope = &self.spec.scope;
        if !scope.is_everywhere() {
            return format!("it is for {scope} only, and what a job pulls stands in no object");
        }
        match &self.action {
            CompiledAction::Template(_)
                if self
                    .pattern
                    .host()
                    .is_some_and(|host| self.pattern.covers_host(&host)) =>
            {
                "its template does more than to put something before the path".to_owned()
            }
            _ => format!("{} is not one whole registry", self.spec.matcher),
        }
    }
}

#[cfg(test)]
#[path = "mirrors_tests.rs"]
mod tests;
