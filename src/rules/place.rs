//! Where a reference stands, and where a rule applies.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::glob;
use crate::object::{Pointer, text_at};

/// Where a reference stands in an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The object's kind: `Deployment`.
    pub kind: &'a str,
    /// Its namespace, where it names one.
    pub namespace: Option<&'a str>,
    /// The JSON pointer of the text that holds the reference.
    pub field: &'a str,
}

impl<'a> Place<'a> {
    /// The place at `field` of `object`.
    pub fn of(object: &'a Value, field: &'a Pointer) -> Self {
        Self {
            kind: text_at(object, "/kind").unwrap_or_default(),
            namespace: text_at(object, "/metadata/namespace").filter(|name| !name.is_empty()),
            field: field.as_str(),
        }
    }
}

/// Where a rule applies, as globs; an empty list is everywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Scope {
    /// Kinds of objects: `Deployment`, `Runner*`.
    pub kinds: Vec<String>,
    /// Namespaces. An object that names none is in none of them.
    pub namespaces: Vec<String>,
    /// JSON pointers, `**` for any number of steps: `/spec/**/env/**`.
    pub fields: Vec<String>,
}

impl Scope {
    /// True where it is everywhere.
    pub fn is_everywhere(&self) -> bool {
        self.kinds.is_empty() && self.namespaces.is_empty() && self.fields.is_empty()
    }

    /// True where the place is within it. Only the scope of everywhere holds what has no place.
    pub fn holds(&self, place: Option<&Place<'_>>) -> bool {
        let Some(place) = place else {
            return self.is_everywhere();
        };
        one_takes(&self.kinds, |glob| within(glob, place.kind))
            && one_takes(&self.namespaces, |glob| {
                place.namespace.is_some_and(|name| within(glob, name))
            })
            && one_takes(&self.fields, |glob| field_within(glob, place.field))
    }
}

impl Scope {
    /// What of a place is not within it, a fragment each; nothing for a place that is.
    pub(super) fn misses(&self, place: &Place<'_>) -> Vec<String> {
        let kind = Some(place.kind).filter(|kind| !kind.is_empty());
        let field = Some(place.field).filter(|field| !field.is_empty());
        let part =
            |word: &str, said: Option<&str>, globs: &[String], takes: fn(&str, &str) -> bool| {
                let globs_said = globs.join(" or ");
                match said {
                    Some(said) if one_takes(globs, |glob| takes(glob, said)) => None,
                    Some(said) => Some(format!("{word} {said} does not match {globs_said}")),
                    None if globs.is_empty() => None,
                    None => Some(format!("there is no {word} to match {globs_said}")),
                }
            };
        [
            part("kind", kind, &self.kinds, within),
            part("namespace", place.namespace, &self.namespaces, within),
            part("field", field, &self.fields, field_within),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |word: &str, globs: &[String]| {
            (!globs.is_empty()).then(|| format!("{word} {}", globs.join(" or ")))
        };
        let parts: Vec<String> = [
            part("kind", &self.kinds),
            part("namespace", &self.namespaces),
            part("field", &self.fields),
        ]
        .into_iter()
        .flatten()
        .collect();
        if parts.is_empty() {
            return formatter.write_str("everywhere");
        }
        formatter.write_str(&parts.join(", "))
    }
}

fn one_takes(globs: &[String], takes: impl Fn(&str) -> bool) -> bool {
    globs.is_empty() || globs.iter().any(|glob| takes(glob))
}

fn within(glob: &str, name: &str) -> bool {
    glob::component_matches(glob.as_bytes(), name.as_bytes())
}

fn field_within(glob: &str, field: &str) -> bool {
    let pattern: Vec<&str> = glob.split('/').collect();
    let steps: Vec<&str> = field.split('/').collect();
    glob::matches(&pattern, &steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_holds_what_each_of_its_lists_takes() {
        let place = Place {
            kind: "RunnerSet",
            namespace: Some("ci-runners"),
            field: "/spec/template/spec/containers/0/env/1/value",
        };
        let scope = |kinds: &[&str], namespaces: &[&str], fields: &[&str]| {
            let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
            Scope {
                kinds: list(kinds),
                namespaces: list(namespaces),
                fields: list(fields),
            }
        };
        assert!(scope(&[], &[], &[]).holds(Some(&place)));
        assert!(scope(&["Pod", "Runner*"], &["ci-*"], &["/spec/**/env/**"]).holds(Some(&place)));
        assert!(!scope(&["Runner"], &[], &[]).holds(Some(&place)));
        assert!(!scope(&[], &["ci"], &[]).holds(Some(&place)));
        assert!(!scope(&[], &[], &["/spec/**/args/**"]).holds(Some(&place)));
        assert!(scope(&[], &[], &[]).holds(None) && !scope(&["*"], &[], &[]).holds(None));
        let nowhere = Place {
            namespace: None,
            ..place
        };
        assert!(!scope(&[], &["*"], &[]).holds(Some(&nowhere)));
    }
}
