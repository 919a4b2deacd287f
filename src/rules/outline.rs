//! The compiled rules as plain data, for what says them in another language (admission policies).

use super::pattern::Pattern;
use super::rule::{CompiledAction, Rule};
use super::{RuleSet, Scope, Target};

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline<'a> {
    /// How it is called in reports.
    pub id: &'a str,
    /// What it takes.
    pub takes: Takes<'a>,
    /// Where it applies.
    pub scope: &'a Scope,
    /// What it does.
    pub does: Does<'a>,
}

/// What a rule takes, over canonical references.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Takes<'a> {
    /// One `host/path:tag@digest`.
    Reference(&'a str),
    /// Every tag and digest of one `host/path`.
    Name(String),
    /// Every name below a host and path.
    Below(&'a Target),
    /// Every name whose components the glob takes: `*` within one, `**` for any number of them.
    Components(&'a [String]),
    /// Every reference.
    Everything,
}

/// What a rule does with a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does<'a> {
    /// `TARGET/{path}` with tag and digest kept.
    Rewrite {
        /// Host and optional path.
        target: &'a Target,
        /// Official images lose `library/`.
        drop_library: bool,
    },
    /// Leaves it as it is written.
    Keep,
    /// Refuses it.
    Deny,
}

impl RuleSet {
    /// Every rule, in order.
    pub fn outline(&self) -> impl Iterator<Item = Outline<'_>> {
        self.rules.iter().map(Rule::outline)
    }

    /// The places under which an image is done: every rule's target, in order.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        self.rules.iter().filter_map(Rule::target)
    }
}

impl Rule {
    fn outline(&self) -> Outline<'_> {
        Outline {
            id: &self.id,
            takes: match &self.pattern {
                Pattern::Exact(canonical) => Takes::Reference(canonical),
                Pattern::Repository { host, path } if host.is_empty() => Takes::Name(path.clone()),
                Pattern::Repository { host, path } => Takes::Name(format!("{host}/{path}")),
                Pattern::Below(place) => Takes::Below(place),
                Pattern::Glob(components) => Takes::Components(components),
                Pattern::Any => Takes::Everything,
            },
            scope: &self.scope,
            does: match &self.action {
                CompiledAction::Rewrite {
                    target,
                    drop_library,
                } => Does::Rewrite {
                    target,
                    drop_library: *drop_library,
                },
                CompiledAction::Keep => Does::Keep,
                CompiledAction::Deny => Does::Deny,
            },
        }
    }
}
