//! The template engine: strict, built once, templates embedded.
//!
//! Every template is named `*.yaml.j2`, so the engine writes each `{{ }}` as JSON: one expression makes one scalar
//! (or one flow list or map), and nothing that a user writes can break out of it.

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use crate::failure::{Exit, Failure};

macro_rules! templates {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../templates/", $name)))),+]
    };
}

const TEMPLATES: &[(&str, &str)] = templates![
    "shared/macros.yaml.j2",
    "scale-set/10-namespaces.yaml.j2",
    "scale-set/20-crds.yaml.j2",
    "scale-set/30-controller-rbac.yaml.j2",
    "scale-set/40-github-secrets.yaml.j2",
    "scale-set/50-controller.yaml.j2",
    "scale-set/60-runner-set-rbac.yaml.j2",
    "scale-set/70-runner-set.yaml.j2",
    "legacy/10-namespaces.yaml.j2",
    "legacy/20-crds.yaml.j2",
    "legacy/30-controller-rbac.yaml.j2",
    "legacy/40-secrets.yaml.j2",
    "legacy/50-controller.yaml.j2",
    "legacy/60-webhooks.yaml.j2",
    "legacy/70-runner-set-rbac.yaml.j2",
    "legacy/80-runner-set.yaml.j2",
];

type Built = LazyLock<Result<Environment<'static>, String>>;

// One for each generation: a run renders one, and compiling the other's templates costs as much as rendering.
static SCALE_SET: Built = LazyLock::new(|| build("scale-set/").map_err(|error| error.to_string()));
static LEGACY: Built = LazyLock::new(|| build("legacy/").map_err(|error| error.to_string()));

fn build(generation: &str) -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()?,
    );
    for (name, source) in TEMPLATES {
        if name.starts_with(generation) || name.starts_with("shared/") {
            environment.add_template(name, source)?;
        }
    }
    Ok(environment)
}

/// Expands one template. The failure is a defect of a template, never of the user's input, and
/// carries only the engine's one-line message: its long form would print the values around.
pub(super) fn expand(template: &str, context: &impl Serialize) -> Result<String, Failure> {
    let built = if template.starts_with("legacy/") {
        &LEGACY
    } else {
        &SCALE_SET
    };
    let environment = built.as_ref().map_err(|error| defect(template, error))?;
    environment
        .get_template(template)
        .and_then(|found| found.render(Serde(context)))
        .map_err(|error| defect(template, &error.to_string()))
}

fn defect(template: &str, message: &str) -> Failure {
    Failure::new(
        "template-defect",
        Exit::Unexpected,
        format!("cannot expand the template {template}"),
    )
    .evidence(message)
    .remedy("report this as a bug, with the output of `arc-setup config show`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_and_no_value_is_shown() {
        let failure = expand(
            "scale-set/70-runner-set.yaml.j2",
            &serde_json::json!({"token": "ghp_canary"}),
        )
        .unwrap_err();
        let text = format!("{:?}", failure.details());
        assert!(text.contains("undefined"), "{text}");
        assert!(!text.contains("ghp_canary"), "{text}");
    }
}
