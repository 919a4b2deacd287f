//! Loading the configuration for a command: flags, environment, file, and questions where someone can answer.

use std::path::PathBuf;

use crate::cli::Session;
use crate::cli::config_args::ConfigArgs;
use crate::config::load::{self, FlagGiven, Loaded, SecretReading, Sources};
use crate::config::problem::{self, Problem};
use crate::config::wizard::{self, Question, QuestionKind};
use crate::failure::Failure;
use crate::ui::{output, prompt};

/// Reads the configuration; asks for what is missing where someone can answer.
pub(super) fn load(
    args: &ConfigArgs,
    secrets: SecretReading,
    session: &Session,
) -> Result<Loaded, Failure> {
    let mut sources = sources(args, secrets, session);
    loop {
        let problems = match load::load(&sources) {
            Ok(loaded) => {
                warn(&loaded.warnings);
                return Ok(loaded);
            }
            Err(problems) => problems,
        };
        let questions = if session.terminal.interactive {
            wizard::questions(&problems)
        } else {
            Vec::new()
        };
        if questions.is_empty() {
            return Err(problem::failure(&problems));
        }
        for question in &questions {
            ask(question, &mut sources.answers)?;
        }
    }
}

/// What flags, environment and file give, without answers.
pub(super) fn sources(args: &ConfigArgs, secrets: SecretReading, session: &Session) -> Sources {
    let named = || session.variables.get("ARC_SETUP_CONFIG").map(PathBuf::from);
    Sources {
        file: args.file.clone().or_else(named),
        flags: args.given.iter().map(FlagGiven::clone).collect(),
        environment: session.variables.clone(),
        secrets,
        ..Sources::default()
    }
}

/// Shows what is allowed but not wise.
pub(super) fn warn(warnings: &[Problem]) {
    for warning in warnings {
        output::talk(&format!("warning: {}", warning.line()));
    }
}

/// Asks until the answer can be used; a choice may lead to further questions.
fn ask(question: &Question, answers: &mut Vec<(String, String)>) -> Result<(), Failure> {
    if !question.help.is_empty() {
        output::talk(&question.help);
    }
    if let QuestionKind::Choice(choices) = &question.kind {
        let labels: Vec<String> = choices
            .iter()
            .map(|choice| choice.label.to_owned())
            .collect();
        let chosen = prompt::choice(&question.text, &labels, 0)?;
        let Some(choice) = choices.get(chosen) else {
            return Ok(());
        };
        if choice.then.is_empty() {
            answers.push((question.path.clone(), choice.word.to_owned()));
        }
        return choice.then.iter().try_for_each(|next| ask(next, answers));
    }
    loop {
        let answer = match question.kind {
            QuestionKind::Confirm => prompt::confirm(&question.text)?.to_string(),
            _ => prompt::text(&question.text, question.default.as_deref())?,
        };
        match question.answer(&answer) {
            Ok(entry) => {
                answers.push(entry);
                return Ok(());
            }
            Err(wrong) => output::talk(&format!("  {wrong}")),
        }
    }
}
