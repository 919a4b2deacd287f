//! A rule as the configuration states it.

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
    /// Everything that stands under no rule's target.
    Any,
}

/// What a rule does with a reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// `TARGET/{path}` with tag and digest kept; TARGET is `HOST[:PORT][/KEY]`.
    #[serde(rename_all = "camelCase")]
    Rewrite {
        /// Host and optional path.
        target: String,
        /// Official images lose `library/`.
        drop_library: bool,
    },
    /// Left as it is written.
    Keep,
    /// Refused: the gate fails and names the rule.
    Deny,
}
