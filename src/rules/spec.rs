//! A rule as the configuration states it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::origin::Origin;

use super::Scope;

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleSpec {
    /// How it is called in reports and errors: `registry.map[0]`, `--registry-map quay.io=…`.
    pub id: String,
    /// What it applies to.
    pub matcher: Matcher,
    /// What it does.
    pub action: Action,
    /// The digest that its images get, `sha256:…`; their tag stays. Stands with `Rewrite` and `Pin` only.
    #[serde(default)]
    pub pin: Option<String>,
    /// Where dind finds images of this source when the action leaves them alone: `HOST[:PORT][/KEY]`.
    /// (A rewriting rule's own target is used without it.)
    pub mirror: Option<String>,
    /// Where it applies; everywhere by default.
    #[serde(default)]
    pub scope: Scope,
    /// Where the rule was given.
    #[serde(default)]
    pub origin: Origin,
}

impl RuleSpec {
    /// A rule for every place, of no known origin.
    pub fn new(id: impl Into<String>, matcher: Matcher, action: Action) -> Self {
        Self {
            id: id.into(),
            matcher,
            action,
            pin: None,
            mirror: None,
            scope: Scope::default(),
            origin: Origin::Default,
        }
    }
}

/// What a rule applies to, over the canonical reference (`docker.io/library/docker:dind`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Matcher {
    /// One reference with its tag or digest.
    Exact(String),
    /// Every tag and digest of one repository: `quay.io/brancz/kube-rbac-proxy`.
    Repository(String),
    /// Everything under a host and path, cut at `/`: `quay.io/brancz`.
    Prefix(String),
    /// Everything of a host: `quay.io`, `localhost:5000`.
    Host(String),
    /// `*` within a path component, `**` over several: `*.gcr.io/**`.
    Glob(String),
    /// A regular expression that takes the whole canonical reference, tag and digest too: `quay\.io/b.*`.
    Regex(String),
    /// Everything that stands under no rule's target.
    Any,
}

impl Matcher {
    /// Its word in the file.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Exact(_) => "exact",
            Self::Repository(_) => "repository",
            Self::Prefix(_) => "prefix",
            Self::Host(_) => "host",
            Self::Glob(_) => "glob",
            Self::Regex(_) => "regex",
            Self::Any => "everything",
        }
    }

    /// What it is compiled from; empty for everything.
    pub fn text(&self) -> &str {
        match self {
            Self::Exact(text)
            | Self::Repository(text)
            | Self::Prefix(text)
            | Self::Host(text)
            | Self::Glob(text)
            | Self::Regex(text) => text,
            Self::Any => "",
        }
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => formatter.write_str(self.word()),
            _ => write!(formatter, "{} {}", self.word(), self.text()),
        }
    }
}

/// What a rule does with a reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Gives the reference another name.
    #[serde(rename_all = "camelCase")]
    Rewrite {
        /// `HOST[:PORT][/KEY]`: the path comes after it, tag and digest stay. With braces it is a template
        /// of the whole reference: `{host_slug}.reg.corp/{path}`.
        target: String,
        /// Official images lose `library/`. Says nothing about templates: they have `{path_nolib}`.
        drop_library: bool,
    },
    /// Left as it is written.
    Keep,
    /// Refused: the gate fails and names the rule.
    Deny,
    /// Keeps its name and gets the rule's digest.
    Pin,
}
