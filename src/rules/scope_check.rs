//! Scopes that can hold nothing.

use super::place::Scope;
use super::rule::Rule;
use super::{RuleName, RuleProblem, RuleSet};
use crate::object::{kind_called, kind_meant};

impl RuleSet {
    /// The rules for a kind that neither Kubernetes nor ARC has, and that is called almost as one of theirs.
    pub fn doubtful_kinds(&self) -> Vec<RuleProblem> {
        let of_rule = |rule: &Rule| {
            let kinds = rule.spec.scope.kinds.iter();
            let doubtful = kinds.filter_map(|kind| Some((kind, kind_meant(kind)?)));
            let told = doubtful.map(|(kind, meant)| RuleProblem {
                rules: vec![RuleName::of(&rule.spec)],
                message: format!("no kind '{kind}' is known: did you mean {meant}?"),
            });
            told.collect::<Vec<_>>()
        };
        self.rules.iter().flat_map(of_rule).collect()
    }
}

impl Scope {
    /// Refuses what no object's kind, namespace or field can be.
    pub(super) fn check(&self) -> Result<(), String> {
        self.fields
            .iter()
            .try_for_each(|field| check_field(field))?;
        self.kinds.iter().try_for_each(|kind| check_kind(kind))?;
        self.namespaces
            .iter()
            .try_for_each(|name| check_namespace(name))
    }
}

fn check_field(field: &str) -> Result<(), String> {
    if !field.starts_with('/') {
        return Err(format!(
            "the field '{field}' does not begin with /: write a JSON pointer such as /spec/**/env/**"
        ));
    }
    let mut steps = field.split('/');
    if steps.any(|step| step.contains("**") && step != "**") {
        return Err(format!("in the field '{field}' `**` is not a whole step"));
    }
    Ok(())
}

fn check_kind(kind: &str) -> Result<(), String> {
    if let Some((name, group)) = kind.split_once('.') {
        let meant = kind_called(name).unwrap_or(name);
        return Err(format!(
            "the kind '{kind}' names its group: write {meant}, which is of any group, and not .{group}"
        ));
    }
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "*-".contains(letter);
    if kind.is_empty() || !kind.chars().all(allowed) {
        return Err(format!(
            "'{kind}' takes no kind: write it as in an object, with * for any letters"
        ));
    }
    if kind.starts_with(|letter: char| letter.is_ascii_lowercase()) {
        let meant = kind_called(kind).or_else(|| kind_meant(kind));
        return Err(format!(
            "the kind '{kind}' begins with a small letter, and no kind of an object does: write {}",
            meant.unwrap_or("it as in an object, such as Deployment")
        ));
    }
    Ok(())
}

fn check_namespace(name: &str) -> Result<(), String> {
    let allowed = |letter: char| {
        letter.is_ascii_lowercase() || letter.is_ascii_digit() || "*-".contains(letter)
    };
    let is_bounded = !name.starts_with('-') && !name.ends_with('-');
    if name.is_empty() || !is_bounded || !name.chars().all(allowed) {
        return Err(format!(
            "'{name}' takes no namespace: its name has small letters, digits and '-', here with * for any of them"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_object_can_have_is_refused_and_what_one_may_have_is_not() {
        for (kind, said) in [
            ("deployments", "write Deployment"),
            ("rollout", "such as Deployment"),
            ("deployments.apps", "write Deployment,"),
            ("", "takes no kind"),
            ("Dep?oyment", "takes no kind"),
        ] {
            let why = check_kind(kind).unwrap_err();
            assert!(why.contains(said), "{kind}: {why}");
        }
        for kind in ["Deployment", "Runner*", "*", "*set", "Rollout", "Deploymnt"] {
            assert_eq!(check_kind(kind), Ok(()), "{kind}");
        }
        for name in ["Shop", "shop.eu", "-shop", "shop-", "", "sh_op"] {
            assert!(check_namespace(name).is_err(), "{name}");
        }
        for name in ["shop", "ci-*", "*", "*-prod", "2024"] {
            assert_eq!(check_namespace(name), Ok(()), "{name}");
        }
    }
}
