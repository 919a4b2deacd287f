//! Where a Docker daemon finds images of each source registry: the same rules, seen from inside dind.

use super::rule::CompiledAction;
use super::{RuleSet, Target};

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
        let mut hosts: Vec<String> = USUAL_HOSTS.iter().map(|host| (*host).to_owned()).collect();
        for host in self.rules.iter().filter_map(|rule| rule.pattern.host()) {
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
        hosts
            .into_iter()
            .filter_map(|host| self.mirror_of(&host).map(|mirror| (host, mirror)))
            .collect()
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
