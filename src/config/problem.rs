//! What is wrong with a configuration, one problem each, all shown together. Never holds a value of a secret.

use serde::Serialize;

use crate::failure::{Exit, Failure};

use super::model::Origin;

/// One problem, or one warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Stable identifier, kebab-case.
    pub code: &'static str,
    /// The field that it is about, with indices: `runnerSets[0].max`. Empty for a whole file.
    pub path: String,
    /// What is wrong: a lowercase fragment.
    pub what: String,
    /// What to do.
    pub remedy: Option<String>,
    /// Where the value came from; [`Origin::Default`] where nobody gave one.
    pub origin: Origin,
    /// Flags that would give a missing value, with dashes.
    pub flags: Vec<String>,
}

/// The code of a value that is needed and that nobody gave.
pub const MISSING: &str = "config-missing";

impl Problem {
    /// A problem with the value at `path`.
    pub fn new(code: &'static str, path: &str, what: impl Into<String>, origin: Origin) -> Self {
        Self {
            code,
            path: path.to_owned(),
            what: what.into(),
            remedy: None,
            origin,
            flags: Vec::new(),
        }
    }

    /// A value that is needed and that any of `flags` would give.
    pub fn missing(path: &str, what: impl Into<String>, flags: &[&str]) -> Self {
        let flags: Vec<String> = flags.iter().map(|flag| format!("--{flag}")).collect();
        let mut problem = Self::new(MISSING, path, what, Origin::Default);
        problem.remedy = Some(if flags.is_empty() {
            format!("set {path} in arc-setup.yaml")
        } else {
            format!(
                "give {}, or set {path} in arc-setup.yaml",
                flags.join(" or ")
            )
        });
        problem.flags = flags;
        problem
    }

    /// Adds what to do.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// True where only a value is missing, so that a question can settle it.
    pub fn is_missing(&self) -> bool {
        self.code == MISSING
    }

    /// `place: what; remedy` in one line.
    pub fn line(&self) -> String {
        let place = match &self.origin {
            Origin::Default => String::new(),
            origin => format!("{origin}: "),
        };
        let remedy = self
            .remedy
            .as_ref()
            .map_or_else(String::new, |remedy| format!("; {remedy}"));
        format!("{place}{}{remedy}", self.what)
    }
}

/// All problems as one failure with exit code 2, one line each.
pub fn failure(problems: &[Problem]) -> Failure {
    let (code, what) = match problems {
        [only] => (only.code, "the configuration cannot be used".to_owned()),
        many => (
            "config-invalid",
            format!("the configuration has {} problems", many.len()),
        ),
    };
    let mut sorted: Vec<&Problem> = problems.iter().collect();
    sorted.sort_by_key(|problem| problem.origin.clone());
    sorted
        .into_iter()
        .fold(Failure::new(code, Exit::Usage, what), |failure, problem| {
            failure.why(problem.line())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_for_each_problem_with_place_and_remedy() {
        let file = Origin::File {
            path: "arc-setup.yaml".into(),
            line: 3,
            column: 5,
        };
        let failure = failure(&[
            Problem::missing(
                "github.url",
                "the GitHub server is not named",
                &["github-url"],
            ),
            Problem::new("config-unknown-key", "nme", "unknown key 'nme'", file)
                .remedy("did you mean 'name'?"),
        ]);
        assert_eq!(failure.exit(), Exit::Usage);
        assert_eq!(
            failure.details().why,
            [
                "arc-setup.yaml:3:5: unknown key 'nme'; did you mean 'name'?",
                "the GitHub server is not named; give --github-url, or set github.url in arc-setup.yaml",
            ]
        );
    }
}
