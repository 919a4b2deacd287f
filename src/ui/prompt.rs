//! Questions on a terminal. Never called without one.

use dialoguer::{Input, Select};

use super::output;
use crate::failure::{Exit, Failure};

/// Asks yes or no; the default is no. The answer is a whole line, and what was typed before the question stood there
/// is no answer to it.
pub fn confirm(question: &str) -> Result<bool, Failure> {
    loop {
        drop_typed_ahead();
        let answer = Input::<String>::new()
            .with_prompt(format!("{question} [y/N]"))
            .allow_empty(true)
            .interact_text()
            .map_err(interrupted)?;
        if let Some(answer) = yes_or_no(&answer) {
            return Ok(answer);
        }
        output::talk("  answer yes or no");
    }
}

/// None for anything but yes, no and nothing.
fn yes_or_no(answer: &str) -> Option<bool> {
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Some(true),
        "" | "n" | "no" => Some(false),
        _ => None,
    }
}

/// Forgets keys that nobody has read yet. A terminal that cannot do that keeps them.
fn drop_typed_ahead() {
    #[cfg(unix)]
    let _ = rustix::termios::tcflush(std::io::stdin(), rustix::termios::QueueSelector::IFlush);
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

#[cfg(test)]
mod tests {
    use super::yes_or_no;

    #[test]
    fn only_a_whole_yes_is_one() {
        for (answer, meant) in [
            ("y", Some(true)),
            (" YES ", Some(true)),
            ("", Some(false)),
            ("n", Some(false)),
            ("No", Some(false)),
            ("typo", None),
            ("maybe", None),
            ("yy", None),
            ("yes please", None),
        ] {
            assert_eq!(yes_or_no(answer), meant, "{answer}");
        }
    }
}
