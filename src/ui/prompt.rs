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

/// Asks for a text; an empty answer takes the default where there is one.
pub fn text(question: &str, default: Option<&str>) -> Result<String, Failure> {
    let input = Input::<String>::new().with_prompt(question);
    match default {
        Some(default) => input.default(default.to_owned()).interact_text(),
        None => input.interact_text(),
    }
    .map_err(interrupted)
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
