//! Loading the configuration for a command: flags, environment, file, and questions where someone can answer.

use std::path::PathBuf;

use crate::cli::Session;
use crate::cli::config_args::ConfigArgs;
use crate::config::Effective;
use crate::config::load::{self, FlagGiven, Loaded, SecretReading, Sources};
use crate::config::problem::{self, Problem};
use crate::config::wizard::{self, Choice, Entry, Question, QuestionKind};
use crate::failure::Failure;
use crate::ui::{output, prompt};

/// Reads the configuration; asks for what is missing where someone can answer.
pub(super) fn load(
    args: &ConfigArgs,
    secrets: SecretReading,
    session: &Session,
) -> Result<Loaded, Failure> {
    load_with(args, secrets, session, &[])
}

/// The same; what else the command needs is told together with what is wrong in the configuration.
pub(super) fn load_with(
    args: &ConfigArgs,
    secrets: SecretReading,
    session: &Session,
    needs: &[Problem],
) -> Result<Loaded, Failure> {
    let mut sources = sources(args, secrets, session);
    let loaded = if session.terminal.interactive {
        conversation(&mut sources)?
    } else {
        load::load(&sources)
            .map_err(|problems| problem::failure(&[problems.as_slice(), needs].concat()))?
    };
    warn(&loaded.warnings);
    Ok(loaded)
}

/// Reads the configuration as a file would hold it; asks as [`load`] does.
pub(super) fn load_effective(args: &ConfigArgs, session: &Session) -> Result<Effective, Failure> {
    let mut sources = sources(args, SecretReading::Leave, session);
    if session.terminal.interactive {
        conversation(&mut sources)?;
    }
    let (effective, warnings) =
        load::load_effective(&sources).map_err(|problems| problem::failure(&problems))?;
    warn(&warnings);
    Ok(effective)
}

/// Loads, and asks for what is missing. What was answered is told as flags: the next run, and one without a
/// terminal, need not ask again.
fn conversation(sources: &mut Sources) -> Result<Loaded, Failure> {
    let loaded = wizard::converse(sources, &mut ask, &mut output::talk)?;
    if !sources.answers.is_empty() {
        let (flags, others) = wizard::spelled(&sources.answers);
        output::talk(&format!("these answers as flags: {flags}"));
        for other in others {
            output::talk(&format!("  and in arc-setup.yaml: {other}"));
        }
    }
    Ok(loaded)
}

/// Reads a configuration that may lack login, scope and numbers.
pub(super) fn load_unanswered(args: &ConfigArgs, session: &Session) -> Result<Loaded, Failure> {
    let sources = sources(args, SecretReading::Leave, session);
    let loaded = load::load_unanswered(&sources).map_err(|problems| problem::failure(&problems))?;
    warn(&loaded.warnings);
    Ok(loaded)
}

/// What flags, environment and file give, without answers. Flags that the command does not read are told.
pub(super) fn sources(args: &ConfigArgs, secrets: SecretReading, session: &Session) -> Sources {
    if !args.unread.is_empty() {
        let flags: Vec<String> = args.unread.iter().map(|flag| format!("--{flag}")).collect();
        output::talk(&format!(
            "note: this command does not read {}",
            flags.join(", ")
        ));
    }
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
fn ask(question: &Question) -> Result<Vec<Entry>, Failure> {
    if !question.help.is_empty() {
        output::talk(&question.help);
    }
    if let QuestionKind::Choice(choices) = &question.kind {
        let label = |choice: &Choice| match choice.label {
            "" => choice.word.to_owned(),
            label => label.to_owned(),
        };
        let labels: Vec<String> = choices.iter().map(label).collect();
        let chosen = prompt::choice(&question.text, &labels, 0)?;
        let mut entries = Vec::new();
        if let Some(choice) = choices.get(chosen) {
            if choice.is_value {
                entries.push((question.path.clone(), choice.word.to_owned()));
            }
            for next in &choice.then {
                entries.extend(ask(next)?);
            }
        }
        return Ok(entries);
    }
    loop {
        let answer = match question.kind {
            QuestionKind::Confirm => prompt::confirm(&question.text)?.to_string(),
            _ => prompt::text(&question.text, question.default.as_deref())?,
        };
        match question.answer(&answer) {
            Ok(entry) => return Ok(entry.into_iter().collect()),
            Err(wrong) => output::talk(&format!("  {wrong}")),
        }
    }
}
