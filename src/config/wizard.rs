//! Questions for what is missing, as data. Who shows them decides how; nothing here prints.

mod conversation;
mod offers;
mod spelled;

use super::problem::Problem;
use super::table::{self, Kind};

pub use conversation::converse;
pub use offers::offers;
pub use spelled::spelled;

/// The answer that leaves something out that nobody needs.
pub const NONE: &str = "none";

/// The order in which a person expects to be asked; everything else comes after.
const ORDER: [&str; 4] = [
    "github.url",
    "github.organization",
    "github.token",
    "runnerSets[].max",
];

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The field that it settles: `github.url`, `runnerSets[].max`.
    pub path: String,
    /// The question.
    pub text: String,
    /// More about it.
    pub help: String,
    /// How it is answered.
    pub kind: QuestionKind,
    /// What an empty answer means.
    pub default: Option<String>,
    /// The flag that answers it without a terminal, with dashes.
    pub flag: Option<String>,
}

/// How a question is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuestionKind {
    /// A line of text.
    Text,
    /// A whole number.
    Number,
    /// The path of a file that holds a secret; the secret itself is never typed.
    SecretFile,
    /// Yes or no, as `true` or `false`.
    Confirm,
    /// One of these.
    Choice(Vec<Choice>),
    /// `ORGANIZATION`, `OWNER/REPOSITORY` or `enterprises/NAME`.
    Scope,
}

/// One way to answer a choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The word.
    pub word: &'static str,
    /// What it means.
    pub label: &'static str,
    /// What is asked next, if it is chosen.
    pub then: Vec<Question>,
    /// True where the word itself is the value; false where the questions that follow make it.
    pub is_value: bool,
}

/// An entry for `Sources::answers`: path and value.
pub type Entry = (String, String);

impl Question {
    /// The entry that an answer makes; none where [`NONE`] was offered and taken.
    ///
    /// # Errors
    /// What is wrong with the answer, for asking again.
    pub fn answer(&self, text: &str) -> Result<Option<Entry>, String> {
        let text = text.trim();
        let text = match (text, &self.default) {
            ("", Some(default)) => default,
            ("", None) => return Err("an answer is needed".to_owned()),
            (text, _) => text,
        };
        if text == NONE && self.default.as_deref() == Some(NONE) {
            return Ok(None);
        }
        match &self.kind {
            QuestionKind::Number if text.parse::<u32>().is_err() => {
                Err("a whole number is needed".to_owned())
            }
            QuestionKind::Choice(choices) if !choices.iter().any(|choice| choice.word == text) => {
                Err("one of the words is needed".to_owned())
            }
            QuestionKind::Scope => {
                let (member, name) = match text.strip_prefix("enterprises/") {
                    Some(name) => ("enterprise", name),
                    None if text.contains('/') => ("repository", text),
                    None => ("organization", text),
                };
                Ok(Some((format!("github.{member}"), name.to_owned())))
            }
            _ => Ok(Some((self.path.clone(), text.to_owned()))),
        }
    }
}

/// The questions that settle everything that is missing. Empty where something else than a missing value is
/// wrong as well, or where no question can help: then the problems are the answer.
pub fn questions(problems: &[Problem]) -> Vec<Question> {
    if !problems.iter().all(Problem::is_missing) {
        return Vec::new();
    }
    let questions: Option<Vec<Question>> = problems.iter().map(question).collect();
    let mut questions = questions.unwrap_or_default();
    questions.sort_by_key(|question| {
        let place = ORDER.iter().position(|path| *path == question.path);
        place.unwrap_or(ORDER.len())
    });
    questions
}

fn question(problem: &Problem) -> Option<Question> {
    match problem.path.as_str() {
        "github.url" => {
            let mut question = plain("github.url", "Which GitHub server?")?;
            question.default = Some("https://github.com".to_owned());
            Some(question)
        }
        "github.organization" => Some(Question {
            path: "github.organization".to_owned(),
            text: "Where do the runners register?".to_owned(),
            help: "ORGANIZATION, OWNER/REPOSITORY or enterprises/NAME".to_owned(),
            kind: QuestionKind::Scope,
            default: None,
            flag: Some("--github-org".to_owned()),
        }),
        "github.token" => login(),
        "proxy.runners" => proxy_runners(),
        "runnerSets[0].max" => plain("runnerSets[].max", "How many runners at most?"),
        path => {
            let general = path.replace("runnerSets[0].", "runnerSets[].");
            table::field_at(&general)?.flag?;
            plain(&general, &format!("{general}?"))
        }
    }
}

fn login() -> Option<Question> {
    Some(Question {
        path: "github.token".to_owned(),
        text: "How do the controllers log in to GitHub?".to_owned(),
        help: "an App has narrower rights and higher limits than a token".to_owned(),
        kind: QuestionKind::Choice(vec![
            Choice {
                word: "app",
                label: "a GitHub App, with its private key in a file",
                then: vec![
                    plain("github.app.id", "App id?")?,
                    plain("github.app.installationId", "Installation id?")?,
                    plain("github.app.privateKey", "File with the App's private key?")?,
                ],
                is_value: false,
            },
            Choice {
                word: "token",
                label: "a personal access token in a file",
                then: vec![plain("github.token", "File with the token?")?],
                is_value: false,
            },
            Choice {
                word: "existing-secret",
                label: "a Secret that is in the cluster already",
                then: vec![plain("github.existingSecret", "Name of the Secret?")?],
                is_value: false,
            },
        ]),
        default: None,
        flag: Some("--github-token-file".to_owned()),
    })
}

fn proxy_runners() -> Option<Question> {
    let value = |word, label| Choice {
        word,
        label,
        then: Vec::new(),
        is_value: true,
    };
    Some(Question {
        path: "proxy.runners".to_owned(),
        text: "Which account of the proxy do runners get?".to_owned(),
        help: "any workflow can read what its runner's pod holds".to_owned(),
        kind: QuestionKind::Choice(vec![
            value(NONE, "none: runners use the proxy without an account"),
            value(
                "same",
                "the same as the controller, and every workflow can read it",
            ),
            Choice {
                word: "existing-secret",
                label: "one of their own, in a Secret that is in the cluster already",
                then: vec![plain("proxy.runnersExistingSecret", "Name of the Secret?")?],
                is_value: false,
            },
        ]),
        default: None,
        flag: Some("--proxy-runners".to_owned()),
    })
}

fn plain(path: &str, text: &str) -> Option<Question> {
    let field = table::field_at(path)?;
    let kind = match field.kind {
        Kind::Secret => QuestionKind::SecretFile,
        Kind::Integer => QuestionKind::Number,
        Kind::Boolean => QuestionKind::Confirm,
        Kind::Choice(words) => QuestionKind::Choice(
            words
                .iter()
                .map(|word| Choice {
                    word,
                    label: "",
                    then: Vec::new(),
                    is_value: true,
                })
                .collect(),
        ),
        _ => QuestionKind::Text,
    };
    Some(Question {
        path: path.to_owned(),
        text: text.to_owned(),
        help: field.doc.to_owned(),
        kind,
        default: None,
        flag: field.flag.map(|flag| format!("--{flag}")),
    })
}

#[cfg(test)]
mod tests;
