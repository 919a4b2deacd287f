//! Questions on a terminal. Never called without one.

use dialoguer::{Confirm, Input, Select};

use crate::failure::{Exit, Failure};

/// Asks yes or no; the default is no.
pub fn confirm(question: &str) -> Result<bool, Failure> {
    Confirm::new()
        .with_prompt(question)
        .default(false)
        .interact()
        .map_err(interrupted)
}

/// An ended input looks like empty answers without end; so many in a row are one.
const EMPTY_ANSWERS: usize = 3;

/// Asks for a text; an empty answer takes the default where there is one.
pub fn text(question: &str, default: Option<&str>) -> Result<String, Failure> {
    for _ in 0..EMPTY_ANSWERS {
        let mut input = Input::<String>::new()
            .with_prompt(question)
            .allow_empty(true);
        if let Some(default) = default {
            input = input.default(default.to_owned());
        }
        let answer = input.interact_text().map_err(interrupted)?;
        if !answer.is_empty() {
            return Ok(answer);
        }
    }
    Err(Failure::new(
        "no-answer",
        Exit::Usage,
        "there was no answer; nothing was written",
    )
    .remedy("give every value by flag or file, and --yes"))
}

/// Asks to choose; returns the index.
pub fn choice(question: &str, items: &[String], default: usize) -> Result<usize, Failure> {
    Select::new()
        .with_prompt(question)
        .items(items)
        .default(default)
        .interact()
        .map_err(interrupted)
}

/// The answer was no.
pub fn declined() -> Failure {
    Failure::new(
        "declined",
        Exit::Interrupted,
        "nothing was written: the answer was no",
    )
}

/// Brings the cursor back: a prompt that a signal ends leaves it hidden.
pub fn restore_cursor() {
    let _ = dialoguer::console::Term::stderr().show_cursor();
}

fn interrupted(error: dialoguer::Error) -> Failure {
    restore_cursor();
    let dialoguer::Error::IO(error) = error;
    if error.kind() == std::io::ErrorKind::Interrupted {
        Failure::new(
            "interrupted",
            Exit::Interrupted,
            "interrupted at a question; nothing was written",
        )
    } else {
        Failure::new(
            "no-answer",
            Exit::Usage,
            "cannot read an answer from the terminal",
        )
        .why(error.to_string())
        .remedy("give every value by flag or file, and --yes")
    }
}
