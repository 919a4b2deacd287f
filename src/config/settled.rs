//! Every value by its path, each with its origin, after file, answers, environment and flags were laid over each other.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::model::Origin;

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Value<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub origin: Origin,
}

impl<T> Value<T> {
    /// The same origin with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Value<U> {
        Value {
            value: change(self.value),
            origin: self.origin,
        }
    }
}

/// Values by path (`runnerSets[0].max`), of the kind that the table says.
#[derive(Debug, Clone, Default)]
pub(super) struct Settled {
    values: BTreeMap<String, Value<Json>>,
    lengths: BTreeMap<String, usize>,
    broken: BTreeSet<String>,
}

/// Members of which a configuration has one; a stronger source's choice removes the others.
const ALTERNATIVES: &[(&str, &[&str])] = &[
    ("github", &["token", "app", "existingSecret"]),
    ("github", &["organization", "repository", "enterprise"]),
    (
        "runnerSets[]",
        &["organization", "repository", "enterprise"],
    ),
    ("registry.pullSecret", &["dockerConfig", "existingSecret"]),
    (
        "registry.mirrorCredentials",
        &["account", "username", "existingSecret"],
    ),
    (
        "registry.mirrorCredentials",
        &["account", "password", "existingSecret"],
    ),
    (
        "proxy.credentials",
        &["account", "username", "existingSecret"],
    ),
    (
        "proxy.credentials",
        &["account", "password", "existingSecret"],
    ),
    (
        "webhookCertificate",
        &["issuer", "existingSecret", "certificate"],
    ),
    (
        "webhookCertificate",
        &["issuer", "existingSecret", "privateKey"],
    ),
    ("proxy", &["runners", "runnersExistingSecret"]),
    ("proxy", &["url", "http"]),
    ("proxy", &["url", "https"]),
];

impl Settled {
    /// Puts a value in place, and takes away what it makes meaningless: the value before it, and
    /// alternatives from weaker sources.
    pub(super) fn put(&mut self, path: &str, value: Json, origin: Origin) {
        for (parent, members) in ALTERNATIVES {
            let Some(chosen) = member_of(path, parent, members) else {
                continue;
            };
            let base = &path[..path.len() - chosen.rest];
            for other in members.iter().filter(|member| **member != chosen.name) {
                self.remove_weaker(&format!("{base}{other}"), &origin);
            }
        }
        self.values.insert(path.to_owned(), Value { value, origin });
        self.broken.remove(path);
    }

    fn remove_weaker(&mut self, path: &str, than: &Origin) {
        self.values.retain(|candidate, value| {
            !is_under(candidate, path) || rank(&value.origin) >= rank(than)
        });
    }

    /// Records that the value at `path` could not be read, so that it is not also called missing.
    pub(super) fn mark_broken(&mut self, path: &str) {
        self.broken.insert(path.to_owned());
    }

    /// Paths whose values could not be read.
    pub(super) fn broken(&self) -> &BTreeSet<String> {
        &self.broken
    }

    /// True where the value at `path`, a part of it, or what holds it could not be read.
    pub(super) fn is_broken(&self, path: &str) -> bool {
        let within = |broken: &String| is_under(broken, path) || is_under(path, broken);
        self.broken.iter().any(within)
    }

    /// Sets the number of items of a list.
    pub(super) fn set_length(&mut self, path: &str, length: usize) {
        self.lengths.insert(path.to_owned(), length);
    }

    /// Number of items of a list.
    pub(super) fn length(&self, path: &str) -> usize {
        self.lengths.get(path).copied().unwrap_or(0)
    }

    /// The value at exactly this path.
    pub(super) fn get(&self, path: &str) -> Option<&Value<Json>> {
        self.values.get(path)
    }

    /// The origin of the value at `path`, or of the first one under it.
    pub(super) fn origin(&self, path: &str) -> Origin {
        self.first_under(path)
            .map_or(Origin::Default, |value| value.origin.clone())
    }

    /// True where anything stands at or under `path`.
    pub(super) fn has(&self, path: &str) -> bool {
        self.first_under(path).is_some()
    }

    /// The origin of the nearest section that was written around `path`.
    pub(super) fn nearest_origin(&self, path: &str) -> Origin {
        parents(path)
            .find_map(|parent| self.values.get(parent))
            .map_or(Origin::Default, |value| value.origin.clone())
    }

    fn first_under(&self, path: &str) -> Option<&Value<Json>> {
        self.values
            .range(path.to_owned()..)
            .take_while(|(candidate, _)| candidate.starts_with(path))
            .find(|(candidate, _)| is_under(candidate, path))
            .map(|(_, value)| value)
    }

    /// Every path with its value.
    pub(super) fn values(&self) -> impl Iterator<Item = (&str, &Value<Json>)> {
        self.values
            .iter()
            .map(|(path, value)| (path.as_str(), value))
    }

    /// Takes away what stands at or under `path`, and the list that it is.
    pub(super) fn remove(&mut self, path: &str) {
        self.values
            .retain(|candidate, _| !is_under(candidate, path));
        self.lengths
            .retain(|candidate, _| !is_under(candidate, path));
    }

    /// Every path with its origin.
    pub(super) fn origins(&self) -> impl Iterator<Item = (&str, &Origin)> {
        self.values
            .iter()
            .map(|(path, value)| (path.as_str(), &value.origin))
    }

    /// Every alternative that was given twice: the paths of two members.
    pub(super) fn rivals(&self) -> Vec<(String, String)> {
        let mut rivals = Vec::new();
        for (parent, members) in ALTERNATIVES {
            for base in self.bases(parent) {
                let given: Vec<String> = members
                    .iter()
                    .map(|member| format!("{base}.{member}"))
                    .filter(|path| self.has(path))
                    .collect();
                if let [first, second, ..] = given.as_slice() {
                    rivals.push((first.clone(), second.clone()));
                }
            }
        }
        rivals.dedup_by(|next, before| next.0 == before.0);
        rivals
    }

    fn bases(&self, parent: &str) -> Vec<String> {
        match parent.strip_suffix("[]") {
            None => vec![parent.to_owned()],
            Some(list) => (0..self.length(list))
                .map(|index| format!("{list}[{index}]"))
                .collect(),
        }
    }
}

struct Chosen {
    name: &'static str,
    /// Bytes of the path from the member's name on.
    rest: usize,
}

fn member_of(path: &str, parent: &str, members: &[&'static str]) -> Option<Chosen> {
    let rest = match parent.strip_suffix("[]") {
        None => path.strip_prefix(parent)?.strip_prefix('.')?,
        Some(list) => {
            let inside = path.strip_prefix(list)?.strip_prefix('[')?;
            inside.split_once("].")?.1
        }
    };
    let head = rest.split('.').next().unwrap_or_default();
    members
        .iter()
        .find(|member| **member == head)
        .map(|name| Chosen {
            name,
            rest: rest.len(),
        })
}

/// `a.b[0].c` → `a.b[0].c`, `a.b[0]`, `a.b`, `a`.
pub(super) fn parents(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| {
        path.rfind(['.', '[']).map(|end| &path[..end])
    })
}

fn is_under(path: &str, parent: &str) -> bool {
    path.strip_prefix(parent)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Flag beats environment beats answer beats file beats default.
fn rank(origin: &Origin) -> u8 {
    match origin {
        Origin::Flag(_) => 4,
        Origin::Environment(_) => 3,
        Origin::Answer => 2,
        Origin::File { .. } => 1,
        Origin::Default => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Origin {
        Origin::File {
            path: "x".into(),
            line: 1,
            column: 1,
        }
    }

    #[test]
    fn a_stronger_choice_removes_weaker_alternatives() {
        let mut settled = Settled::default();
        settled.put("github.app.id", "1".into(), file());
        settled.put("github.organization", "o".into(), file());
        settled.put("github.token", "t".into(), Origin::Flag("--x".into()));
        assert!(!settled.has("github.app"));
        assert!(settled.has("github.organization"));
        assert!(settled.rivals().is_empty());
    }

    #[test]
    fn rivals_of_one_source_are_reported() {
        let mut settled = Settled::default();
        settled.put("runnerSets[0].organization", "o".into(), file());
        settled.put("runnerSets[0].repository", "o/r".into(), file());
        settled.set_length("runnerSets", 1);
        assert_eq!(
            settled.rivals(),
            [(
                "runnerSets[0].organization".to_owned(),
                "runnerSets[0].repository".to_owned()
            )]
        );
    }

    #[test]
    fn parents_of_a_path() {
        let all: Vec<&str> = parents("a.b[0].c").collect();
        assert_eq!(all, ["a.b[0].c", "a.b[0]", "a.b", "a"]);
    }

    #[test]
    fn under_respects_boundaries() {
        let mut settled = Settled::default();
        settled.put("proxy.httpsOnly", "x".into(), file());
        assert!(!settled.has("proxy.https"));
        assert!(settled.has("proxy"));
    }
}
