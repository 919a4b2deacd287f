//! The closed list of causes that a wait can find.

use serde::Serialize;

use crate::checks::catalogue;
use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;

/// When a cause ends a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// After two looks that found the same: waiting does not change it.
    SeenTwice,
    /// At once: the evidence itself is a repetition (two restarts, a minute without scale-up).
    AtOnce,
    /// Only at the timeout: it may pass.
    Timeout,
}

/// One cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// Stable, kebab-case.
    pub id: &'static str,
    /// What is the matter, in a few words.
    pub title: &'static str,
    /// What is behind it.
    pub cause: &'static str,
    /// What to do.
    pub remedy: &'static str,
    /// When it ends a wait.
    pub ending: Ending,
}

/// A cause found at an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Classified {
    /// Which.
    pub cause: Cause,
    /// Where: the object that shows it.
    pub object: ObjectRef,
    /// The case in one sentence: container, image, policy.
    pub detail: String,
    /// Raw texts, each saying where it comes from.
    pub evidence: Vec<String>,
}

impl Classified {
    /// A cause at an object; an id that the table lacks is `unknown-cause`.
    pub fn new(id: &str, object: &ObjectRef, detail: impl Into<String>) -> Self {
        Self {
            cause: cause(id),
            object: object.clone(),
            detail: detail.into(),
            evidence: Vec::new(),
        }
    }

    /// Adds raw text; secrets in it are masked.
    #[must_use]
    pub fn evidence(mut self, text: impl AsRef<str>) -> Self {
        let text = super::without_secrets(text.as_ref().trim());
        if !text.is_empty() && !self.evidence.contains(&text) {
            self.evidence.push(text);
        }
        self
    }

    /// The failure that a person reads: `waited_for` is the object that does not become ready.
    pub fn failure(&self, waited_for: &ObjectRef, exit: Exit) -> Failure {
        let mut failure = Failure::new(
            self.cause.id,
            exit,
            format!("{waited_for} does not become ready: {}", self.cause.title),
        )
        .why(&self.detail)
        .why(self.cause.cause);
        for text in &self.evidence {
            failure = failure.evidence(text);
        }
        failure.remedy(self.cause.remedy)
    }
}

/// The cause with this id; what a person reads of it is the catalogue's.
pub fn cause(id: &str) -> Cause {
    let (id, ending) = ENDINGS
        .iter()
        .find(|(known, _)| *known == id)
        .copied()
        .unwrap_or(("unknown-cause", Timeout));
    let entry = catalogue::entry(id);
    Cause {
        id,
        title: entry.map_or(id, |entry| entry.title),
        cause: entry.map_or("", |entry| entry.cause),
        remedy: entry.map_or("", |entry| entry.remedy),
        ending,
    }
}

/// All causes, in alphabetical order.
pub fn causes() -> Vec<Cause> {
    ENDINGS.iter().map(|(id, _)| cause(id)).collect()
}

use Ending::{AtOnce, SeenTwice, Timeout};

/// Ids of the catalogue, in alphabetical order. Any other is `unknown-cause`.
const ENDINGS: &[(&str, Ending)] = &[
    ("controller-rights", SeenTwice),
    ("crash-loop", AtOnce),
    ("crash-out-of-memory", AtOnce),
    ("crash-unknown-flag", AtOnce),
    ("github-credentials", SeenTwice),
    ("github-forbidden", SeenTwice),
    ("github-not-found", SeenTwice),
    ("github-transient", Timeout),
    ("github-untrusted", SeenTwice),
    ("image-absent", SeenTwice),
    ("image-denied", SeenTwice),
    ("image-invalid-reference", SeenTwice),
    ("image-never-pull", SeenTwice),
    ("image-platform", SeenTwice),
    ("image-short-name", SeenTwice),
    ("image-transient", Timeout),
    ("image-unauthorized", SeenTwice),
    ("image-untrusted", SeenTwice),
    ("limit-range", SeenTwice),
    ("object-missing", Timeout),
    ("object-refused", SeenTwice),
    ("pod-security", SeenTwice),
    ("policy-denied", SeenTwice),
    ("proxy-refused", SeenTwice),
    ("quota-exceeded", SeenTwice),
    ("security-context-constraint", SeenTwice),
    ("unschedulable", AtOnce),
    ("webhook-unreachable", Timeout),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_sorted_unique_and_every_cause_says_what_to_do() {
        assert!(ENDINGS.is_sorted_by(|one, other| one.0 < other.0));
        for cause in causes() {
            assert!(!cause.remedy.is_empty(), "{}", cause.id);
        }
        assert_eq!(cause("no-such").id, "unknown-cause");
    }

    #[test]
    fn a_failure_reads_from_object_to_remedy_without_secrets() {
        let pod = ObjectRef::new("v1", "Pod", Some("arc"), "manager-1");
        let deployment = ObjectRef::new("apps/v1", "Deployment", Some("arc"), "manager");
        let failure = Classified::new("image-denied", &pod, "container manager, image r/x:1")
            .evidence("Authorization: Basic Y2FuYXJ5OmNhbmFyeQ== 403 Forbidden")
            .failure(&deployment, Exit::ApplyFailed);
        let details = failure.details();
        assert_eq!(details.code, "image-denied");
        assert!(details.what.starts_with("Deployment arc/manager"));
        assert!(!details.evidence[0].contains("Y2FuYXJ5"));
        assert!(!details.remedy.is_empty());
    }
}
