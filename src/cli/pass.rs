//! The pure middle of every command: rules, render, rewrite.

use crate::config::Config;
use crate::facts::Facts;
use crate::failure::{Exit, Failure};
use crate::object::{Change, Manifest};
use crate::rules::{RuleSet, RuleSpec};
use crate::{render, rewrite};

/// What rendering and rewriting made.
#[derive(Debug, Clone)]
pub(super) struct Rendered {
    /// Objects in the order in which they are applied.
    pub(super) manifests: Vec<Manifest>,
    /// What the passes changed, and why.
    pub(super) changes: Vec<Change>,
    /// The compiled rules.
    pub(super) rules: RuleSet,
}

/// Compiles the rules of a configuration; every problem at once.
pub(super) fn rules(config: &Config) -> Result<RuleSet, Failure> {
    compiled(&config.registry.rules)
}

/// Compiles rules; every problem at once.
pub(super) fn compiled(rules: &[RuleSpec]) -> Result<RuleSet, Failure> {
    RuleSet::compile(rules).map_err(|problems| {
        problems.into_iter().fold(
            Failure::new(
                "rules-invalid",
                Exit::Usage,
                "the registry rules cannot be used",
            ),
            |failure, problem| failure.why(problem.to_string()),
        )
    })
}

/// Renders and rewrites; the gate's refusal is a failure.
pub(super) fn rendered(config: &Config, facts: &Facts) -> Result<Rendered, Failure> {
    let rules = rules(config)?;
    let mut manifests = render::render(config, facts)?;
    let changes = rewrite::run(&mut manifests, &rewrite::Context { config, facts }, &rules)?;
    Ok(Rendered {
        manifests,
        changes,
        rules,
    })
}
