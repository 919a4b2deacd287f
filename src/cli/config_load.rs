//! Loading the configuration for a command: flags, environment, file, and questions where someone can answer.

use std::path::PathBuf;

use crate::cli::Session;
use crate::cli::config_args::ConfigArgs;
use crate::config::load::{self, FlagGiven, Loaded, SecretReading, Sources};
use crate::config::problem;
use crate::config::wizard::{self, QuestionKind};
use crate::failure::Failure;
use crate::ui::{output, prompt};

/// Reads the configuration; asks for what is missing where someone can answer.
pub(super) fn load(args: &ConfigArgs, secrets: SecretReading, session: &Session) -> Result<Loaded, Failure> {
    let mut sources = sources(args, secrets, session);
    loop {
        let problems = match load::load(&sources) {
            Ok(loaded) => {
                warn(&loaded.warnings);
                return Ok(loaded);
            }
            Err(problems) => problems,
        };
        let only_missing = problems.iter().all(problem::Problem::is_missing);
        if !session.terminal.interactive || !only_missing {
            return Err(problem::failure(&problems));
        }
        let questions = wizard::questions(&problems, &sources);
        if questions.is_empty() {
            return Err(problem::failure(&problems));
        }
        for question in questions {
            sources.answers.push((question.path.clone(), ask(&question)?));
        }
    }
}

/// What flags, environment and file give, without answers.
pub(super) fn sources(args: &ConfigArgs, secrets: SecretReading, session: &Session) -> Sources {
    Sources {
        file: args.file.clone().or_else(|| session.variables.get("ARC_SETUP_CONFIG").map(PathBuf::from)),
        flags: args
            .given
            .iter()
            .map(|(path, flag, value)| FlagGiven { path: path.clone(), flag: flag.clone(), value: value.clone() })
            .collect(),
        environment: session.variables.clone(),
        secrets,
        ..Sources::default()
    }
}

/// Shows what is allowed but not wise.
pub(super) fn warn(warnings: &[problem::Problem]) {
    for warning in warnings {
        output::talk(&format!("warning: {}", warning.line()));
    }
}

fn ask(question: &wizard::Question) -> Result<String, Failure> {
    output::talk(&question.help);
    match &question.kind {
        QuestionKind::Choice(items) => {
            let index = prompt::choice(&question.text, items, 0)?;
            Ok(items.get(index).cloned().unwrap_or_default())
        }
        QuestionKind::Confirm => Ok(prompt::confirm(&question.text)?.to_string()),
        _ => prompt::text(&question.text, question.default.as_deref()),
    }
}
