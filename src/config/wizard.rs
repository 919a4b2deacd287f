//! Questions for what is missing, as data. Who shows them decides how; nothing here reads or prints.

use super::problem::Problem;
use super::table::{self, Kind};

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
    /// What is asked next, if it is chosen. Empty: the word is the answer.
    pub then: Vec<Question>,
}

impl Question {
    /// The entry for `Sources::answers` that an answer makes.
    ///
    /// # Errors
    /// What is wrong with the answer, for asking again.
    pub fn answer(&self, text: &str) -> Result<(String, String), String> {
        let text = text.trim();
        let text = match (text, &self.default) {
            ("", Some(default)) => default,
            ("", None) => return Err("an answer is needed".to_owned()),
            (text, _) => text,
        };
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
                Ok((format!("github.{member}"), name.to_owned()))
            }
            _ => Ok((self.path.clone(), text.to_owned())),
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
    questions.unwrap_or_default()
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
            },
            Choice {
                word: "token",
                label: "a personal access token in a file",
                then: vec![plain("github.token", "File with the token?")?],
            },
            Choice {
                word: "existing-secret",
                label: "a Secret that is in the cluster already",
                then: vec![plain("github.existingSecret", "Name of the Secret?")?],
            },
        ]),
        default: None,
        flag: Some("--github-token-file".to_owned()),
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
mod tests {
    use super::*;
    use crate::config::load::{SecretReading, Sources, load};
    use crate::config::model::Scope;

    #[test]
    fn answers_complete_a_configuration() {
        let mut sources = Sources {
            directory: "/nonexistent".into(),
            secrets: SecretReading::Leave,
            ..Sources::default()
        };
        let questions = questions(&load(&sources).unwrap_err());
        for question in questions {
            let asked = match &question.kind {
                QuestionKind::Choice(choices) => choices[0].then.clone(),
                _ => vec![question],
            };
            for question in asked {
                let text = match question.kind {
                    QuestionKind::Scope => "acme/shop",
                    QuestionKind::Number => "5",
                    _ if question.default.is_some() => "",
                    _ => "12345678",
                };
                sources.answers.push(question.answer(text).unwrap());
            }
        }
        let loaded = load(&sources).unwrap();
        assert_eq!(loaded.config.github.url, "https://github.com");
        assert_eq!(
            loaded.config.github.scope,
            Some(Scope::Repository("acme/shop".into()))
        );
        assert_eq!(loaded.config.runner_sets[0].max, 5);
        assert_eq!(
            loaded.config.origins.of("runnerSets[0].max"),
            crate::config::Origin::Answer
        );
    }

    #[test]
    fn no_questions_where_something_is_wrong() {
        let wrong = Problem::new("config-type", "name", "x", crate::config::Origin::Default);
        assert!(questions(&[wrong]).is_empty());
    }
}
