//! The compiled rules as plain data, for what says them in another language (admission policies).

use super::pattern::Pattern;
use super::rule::{CompiledAction, Rule};
use super::target_set::{Hosts, TargetSet};
use super::{Action, RuleName, RuleSet, Scope, Target};

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline<'a> {
    /// How it is called in reports.
    pub name: RuleName,
    /// What it takes.
    pub takes: Takes<'a>,
    /// Where it applies.
    pub scope: &'a Scope,
    /// What it does.
    pub does: Does<'a>,
    /// The digest that replaces a reference's own, or is added.
    pub pin: Option<&'a str>,
}

/// What a rule takes, over canonical references.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Takes<'a> {
    /// One `host/path:tag@digest`, as it is pulled: `:latest` stands there too.
    Reference(&'a str),
    /// Every tag and digest of one `host/path`.
    Name(String),
    /// Every name below a host and path.
    Below(&'a Target),
    /// Every name whose components the glob takes: `*` within one, `**` for any number of them.
    Components(&'a [String]),
    /// Every `host/path:tag@digest` that the regular expression takes as a whole; `:latest` written or not.
    Expression(&'a str),
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
    /// What the template makes of it.
    Template {
        /// As it is written: `{host_slug}.reg.corp/{path}`.
        text: &'a str,
        /// The tag is added behind it.
        tag: bool,
        /// The digest is added behind it.
        digest: bool,
    },
    /// Adds the pinned digest and changes nothing else.
    Pin,
    /// Leaves it as it is written.
    Keep,
    /// Refuses it.
    Deny,
}

/// Where an image is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done<'a> {
    /// Below one host and path.
    Below(String),
    /// Below a path of every host with something between these texts.
    Between {
        /// What the host begins with.
        before: &'a str,
        /// What it ends with.
        after: &'a str,
        /// The path; empty for all of the host.
        path: &'a str,
    },
}

impl RuleSet {
    /// Every rule, in order.
    pub fn outline(&self) -> impl Iterator<Item = Outline<'_>> {
        self.rules.iter().map(Rule::outline)
    }

    /// The places under which an image is done: every rule's target, in order.
    pub fn done(&self) -> impl Iterator<Item = Done<'_>> {
        let targets = self.rules.iter().filter_map(|rule| rule.targets.as_ref());
        targets.map(done)
    }
}

fn done(targets: &TargetSet) -> Done<'_> {
    match &targets.host {
        Hosts::One(host) if targets.path.is_empty() => Done::Below(format!("{host}/")),
        Hosts::One(host) => Done::Below(format!("{host}/{}/", targets.path)),
        Hosts::Between { before, after } => Done::Between {
            before,
            after,
            path: &targets.path,
        },
    }
}

impl Rule {
    fn outline(&self) -> Outline<'_> {
        Outline {
            name: RuleName::of(&self.spec),
            takes: match &self.pattern {
                Pattern::Exact { pulled, .. } => Takes::Reference(pulled),
                Pattern::Repository { host, path } if host.is_empty() => Takes::Name(path.clone()),
                Pattern::Repository { host, path } => Takes::Name(format!("{host}/{path}")),
                Pattern::Below(place) => Takes::Below(place),
                Pattern::Glob(components) => Takes::Components(components),
                Pattern::Regex(expression) => Takes::Expression(expression.text()),
                Pattern::Any => Takes::Everything,
            },
            scope: &self.spec.scope,
            does: self.does(),
            pin: self.spec.pin.as_deref(),
        }
    }

    fn does(&self) -> Does<'_> {
        match (&self.action, &self.spec.action) {
            (
                CompiledAction::Rewrite {
                    target,
                    drop_library,
                },
                _,
            ) => Does::Rewrite {
                target,
                drop_library: *drop_library,
            },
            (CompiledAction::Template(template), Action::Rewrite { target, .. }) => {
                let (tag, digest) = template.adds();
                Does::Template {
                    text: target,
                    tag,
                    digest,
                }
            }
            (CompiledAction::Pin, _) => Does::Pin,
            (CompiledAction::Keep, _) => Does::Keep,
            // A template is always made from a rewriting action.
            (CompiledAction::Deny | CompiledAction::Template(_), _) => Does::Deny,
        }
    }
}
