//! Rules that tests are made of.

use super::{Action, Matcher, RuleSpec};

/// The registry of the story.
pub(super) const TARGET: &str = "registry.artifactory.mydomain.com";

pub(super) fn rule(id: &str, matcher: Matcher, action: Action) -> RuleSpec {
    RuleSpec::new(id, matcher, action)
}

pub(super) fn to(target: &str) -> Action {
    Action::Rewrite {
        target: target.to_owned(),
        drop_library: false,
    }
}

pub(super) fn host(id: &str, source: &str, action: Action) -> RuleSpec {
    rule(id, Matcher::Host(source.to_owned()), action)
}

pub(super) fn template(id: &str, matcher: Matcher, target: &str) -> RuleSpec {
    rule(id, matcher, to(target))
}
