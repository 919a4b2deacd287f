//! One result of one check.

use serde::{Deserialize, Serialize};

use super::catalogue;

/// What a check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Cannot be told from here; does not block.
    Unknown,
    /// Works, but will hurt; blocks under `--strict` alone.
    Warning,
    /// Will not work; blocks.
    Failed,
}

/// One result, with all that a person needs to act on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Id of the catalogue.
    pub id: String,
    /// Title of the catalogue.
    pub title: String,
    /// The verdict.
    pub verdict: Verdict,
    /// What it is about: an object, an image, a host.
    pub subject: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<String>,
    /// Raw text that shows it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// What to do; the catalogue's remedy where nothing more exact is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remedy: Vec<String>,
}

impl Finding {
    /// A finding about `subject`. An id that the catalogue lacks keeps the id as its title (a test holds that none does).
    pub fn new(id: &str, verdict: Verdict, subject: impl Into<String>) -> Self {
        let title = match verdict {
            Verdict::Ok => passed(id),
            Verdict::Unknown => "could not be checked",
            Verdict::Warning | Verdict::Failed => {
                catalogue::entry(id).map_or(id, |entry| entry.title)
            }
        };
        Self {
            id: id.to_owned(),
            title: title.to_owned(),
            verdict,
            subject: subject.into(),
            why: Vec::new(),
            evidence: Vec::new(),
            remedy: Vec::new(),
        }
    }

    /// All is well with `subject`.
    pub fn ok(id: &str, subject: impl Into<String>) -> Self {
        Self::new(id, Verdict::Ok, subject)
    }

    /// Blocks; starts with the catalogue's remedy, which [`Finding::remedy`] replaces.
    pub fn failed(id: &str, subject: impl Into<String>) -> Self {
        Self::new(id, Verdict::Failed, subject)
    }

    /// Cannot be told from here.
    pub fn unknown(id: &str, subject: impl Into<String>) -> Self {
        Self::new(id, Verdict::Unknown, subject)
    }

    /// Will hurt later.
    pub fn warning(id: &str, subject: impl Into<String>) -> Self {
        Self::new(id, Verdict::Warning, subject)
    }

    /// Adds a cause.
    #[must_use]
    pub fn why(mut self, why: impl Into<String>) -> Self {
        self.why.push(why.into());
        self
    }

    /// Adds raw evidence.
    #[must_use]
    pub fn evidence(mut self, evidence: impl Into<String>) -> Self {
        self.evidence.push(evidence.into());
        self
    }

    /// Adds a step to take.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy.push(remedy.into());
        self
    }

    /// The same, with its steps to take written out.
    #[must_use]
    pub fn complete(mut self) -> Self {
        self.remedy = self.remedies().into_iter().map(str::to_owned).collect();
        self
    }

    /// The steps to take: its own, else the catalogue's unless all is well.
    pub fn remedies(&self) -> Vec<&str> {
        if self.remedy.is_empty() && self.verdict != Verdict::Ok {
            catalogue::entry(&self.id)
                .map(|entry| entry.remedy)
                .into_iter()
                .collect()
        } else {
            self.remedy.iter().map(String::as_str).collect()
        }
    }
}

/// What a check says when all is well; the catalogue's titles speak of what is not.
fn passed(id: &str) -> &'static str {
    match id {
        "controller-existing" => "the controller fits",
        "controller-overlap" => "no other controller watches it",
        "crd-too-old" => "the definition has room for every field",
        "github-credentials" => "GitHub hands out a registration token",
        "github-server-version" => "the server's version fits",
        "image-absent" => "found there",
        "kubernetes-version" => "the API server answers",
        "object-refused" => "accepted",
        "pod-security" => "its pods are accepted",
        "rights" => "may write everything",
        "secret-missing" => "there",
        "tls-untrusted" => "its certificate is trusted",
        _ => "as it should be",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_well_says_what_to_do() {
        assert!(Finding::ok("tls-unreachable", "host").remedies().is_empty());
        for finding in [
            Finding::unknown("tls-unreachable", "host"),
            Finding::warning("image-denied", "host"),
            Finding::failed("tls-untrusted", "host"),
        ] {
            assert_eq!(finding.remedies().len(), 1, "{finding:?}");
        }
        let own = Finding::unknown("tls-unreachable", "host").remedy("nothing");
        assert_eq!(own.remedies(), ["nothing"]);
    }
}
