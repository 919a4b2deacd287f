//! What a well-formed configuration still gets wrong: names, versions, combinations, credentials. Pure.

mod credentials;
mod install;
mod proxy;
mod runner_sets;
mod scaling;
mod syntax;

use std::collections::BTreeSet;

use crate::image_ref::ImageReference;
use crate::rules::{RuleName, RuleProblem, RuleSet};

use super::model::{Config, Origin};
use super::problem::Problem;
use super::settled::parents;

pub use credentials::credentials;
pub use syntax::{is_dns_label, is_dns_subdomain};

/// What validation found.
#[derive(Debug, Clone, Default)]
pub struct Checked {
    /// What makes the configuration unusable.
    pub problems: Vec<Problem>,
    /// What is allowed but not wise.
    pub warnings: Vec<Problem>,
}

/// Checks a configuration. `broken` are paths that hold stand-in values: nothing is said about them again.
pub fn validate(config: &Config, broken: &BTreeSet<String>) -> Checked {
    let mut validator = Validator {
        config,
        broken,
        checked: Checked::default(),
    };
    validator.install();
    validator.rules();
    for (index, set) in config.runner_sets.iter().enumerate() {
        validator.runner_set(&format!("runnerSets[{index}]"), set);
    }
    validator.unique_names();
    validator.checked
}

/// Checks the names of the install and its namespaces, which what is removed is found by; and whom one trusts.
pub fn names(config: &Config, broken: &BTreeSet<String>) -> Vec<Problem> {
    let mut validator = Validator {
        config,
        broken,
        checked: Checked::default(),
    };
    validator.names();
    validator.pins();
    validator.checked.problems
}

/// What rules that can be used are warned of.
pub fn rule_warnings(config: &Config) -> Vec<Problem> {
    RuleSet::compile(&config.registry.rules)
        .map(|rules| unwise(&rules))
        .unwrap_or_default()
}

fn unwise(rules: &RuleSet) -> Vec<Problem> {
    let shared = "give one of them a target of its own: HOST/KEY, or a template with {host_slug}";
    let dead = "the first that matches decides: put the narrower one first, or take it out";
    let mut told = warned("config-registry-shared-target", &rules.warnings(), shared);
    // The rule that never decides is named first, and is the one to look at.
    told.extend(rules.dead().iter().map(|problem| {
        let at = problem.rules.first();
        rule_problem_at(at, "config-registry-dead-rule", problem).remedy(dead)
    }));
    let unknown = "correct it, or leave it if the cluster has such a kind of its own";
    let code = "config-registry-unknown-kind";
    told.extend(warned(code, &rules.doubtful_kinds(), unknown));
    told
}

/// Rules that the Docker daemons of jobs know nothing of.
fn without_mirror(rules: &RuleSet) -> Vec<Problem> {
    let remedy = "nothing if jobs pull none of these images; otherwise name the registry's mirror, in registry.map: {source: REGISTRY, target: keep, mirror: HOST/KEY}";
    warned(
        "config-registry-unmirrored",
        &rules.without_mirror(),
        remedy,
    )
}

fn warned(code: &'static str, problems: &[RuleProblem], remedy: &str) -> Vec<Problem> {
    let warnings = problems.iter();
    warnings
        .map(|problem| rule_problem(code, problem).remedy(remedy))
        .collect()
}

struct Validator<'a> {
    config: &'a Config,
    broken: &'a BTreeSet<String>,
    checked: Checked,
}

impl Validator<'_> {
    /// True where none of the values is a stand-in.
    fn knows(&self, paths: &[&str]) -> bool {
        paths.iter().all(|path| !self.broken.contains(*path))
    }

    fn make(
        &self,
        code: &'static str,
        path: &str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Problem {
        let origin = parents(path)
            .find_map(|parent| self.config.origins.0.get(parent))
            .cloned()
            .unwrap_or(Origin::Default);
        Problem::new(code, path, what, origin).remedy(remedy)
    }

    fn problem(
        &mut self,
        code: &'static str,
        path: &str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        if self.knows(&[path]) {
            let problem = self.make(code, path, what, remedy);
            self.checked.problems.push(problem);
        }
    }

    fn warn(
        &mut self,
        code: &'static str,
        path: &str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let warning = self.make(code, path, what, remedy);
        self.checked.warnings.push(warning);
    }

    /// A DNS label of at most `limit` characters.
    fn label(&mut self, path: &str, name: &str, limit: usize) {
        if !syntax::is_dns_label(name) || name.len() > limit {
            self.problem(
                "config-name",
                path,
                format!("{path} is not a DNS label of at most {limit} characters"),
                "use lower-case letters, digits and '-', starting and ending with a letter or digit",
            );
        }
    }

    fn image(&mut self, path: &str, image: Option<&str>) {
        let Some(image) = image else { return };
        let Ok(reference) = ImageReference::parse(image) else {
            return self.problem(
                "config-image",
                path,
                format!("{path} is not an image reference"),
                "write [HOST/]PATH:TAG or [HOST/]PATH@sha256:DIGEST",
            );
        };
        if let Some(tag) = syntax::floating_tag(&reference) {
            self.warn(
                "config-floating-tag",
                path,
                format!("{path} has the floating tag '{tag}': two nodes may run different images"),
                "pin a version or a digest",
            );
        }
    }

    /// What compiling the rules says, at the place of the last rule that it is about.
    fn rules(&mut self) {
        match RuleSet::compile(&self.config.registry.rules) {
            Ok(rules) => {
                self.checked.warnings.extend(unwise(&rules));
                if self.has_daemon() {
                    self.checked.warnings.extend(without_mirror(&rules));
                }
            }
            Err(problems) => {
                for problem in &problems {
                    let path = problem.rules.last().map_or("", |rule| rule.id.as_str());
                    let is_broken = |broken: &String| parents(broken).any(|parent| parent == path);
                    if !self.broken.iter().any(is_broken) {
                        let made = rule_problem("config-registry-rule", problem)
                            .remedy("correct the rule; the first that takes an image decides");
                        self.checked.problems.push(made);
                    }
                }
            }
        }
    }
}

/// The place of the last rule is shown before the text, and not again in it.
fn rule_problem(code: &'static str, problem: &RuleProblem) -> Problem {
    rule_problem_at(problem.rules.last(), code, problem)
}

/// The same at the place of another rule.
fn rule_problem_at(at: Option<&RuleName>, code: &'static str, problem: &RuleProblem) -> Problem {
    let (path, origin) = at.map_or(("", Origin::Default), |rule| {
        (rule.id.as_str(), rule.origin.clone())
    });
    let what = match (problem.rules.as_slice(), &origin) {
        ([only], Origin::File { .. }) => format!("{}: {}", only.id, problem.shown()),
        ([only], given) if only.id == given.to_string() => problem.shown(),
        _ => problem.to_string(),
    };
    let path = match origin {
        Origin::File { .. } => path,
        _ => "registry",
    };
    Problem::new(code, path, what, origin)
}
