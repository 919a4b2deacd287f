//! Texts that others wrote (images, names, logs), made safe to print: no control letter of theirs reaches a terminal, no
//! line of theirs is a command to GitHub's runner, and none fills the screen.

use crate::spelling::visible;

/// The most characters that are shown of a value.
const VALUE: usize = 200;
/// The most characters that are shown of a line.
const LINE: usize = 2000;

/// A value, on one line.
pub fn value(text: &str) -> String {
    shown(text, VALUE, false)
}

/// A whole line.
pub fn line(text: &str) -> String {
    uncommanded(shown(text, LINE, true))
}

/// A line of ours with words of theirs in it, whole.
pub fn own_line(text: &str) -> String {
    uncommanded(shown(text, usize::MAX, true))
}

fn uncommanded(shown: String) -> String {
    // The runner takes a command behind blanks too.
    let command = shown.trim_start();
    if command.starts_with("::") {
        let blanks = shown.len() - command.len();
        return format!("{}\\{command}", &shown[..blanks]);
    }
    shown
}

/// A command to GitHub's runner of level `error`, `warning` or `notice`, on one line. `properties` such as
/// `("file", "a.yaml")` say what it is about; each part of the message is a line of it.
pub fn workflow_command<'a>(
    level: &str,
    properties: &[(&str, &str)],
    message: impl Iterator<Item = &'a str>,
) -> String {
    let properties: Vec<String> = properties
        .iter()
        .map(|(name, value)| {
            let value = of_command(&line(value));
            let value = value.replace(':', "%3A").replace(',', "%2C");
            format!("{name}={value}")
        })
        .collect();
    let message: Vec<String> = message
        .flat_map(str::lines)
        .map(|part| shown(part, LINE, true))
        .collect();
    let message = of_command(&message.join("\n"));
    format!("::{level} {}::{message}", properties.join(","))
}

fn of_command(text: &str) -> String {
    text.replace('%', "%25").replace('\n', "%0A")
}

fn shown(text: &str, most: usize, keeps_tabs: bool) -> String {
    let mut letters = text.chars();
    let seen = |letter| match letter {
        '\t' if keeps_tabs => letter,
        letter => visible(letter),
    };
    let mut shown: String = letters.by_ref().take(most).map(seen).collect();
    // The runner's older commands count wherever they stand in a line.
    if shown.contains("##[") {
        shown = shown.replace("##[", "##\\[");
    }
    if letters.next().is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_line_of_letters() {
        assert_eq!(value("quay.io/a/b:1"), "quay.io/a/b:1");
        assert_eq!(value("a\n::b\r\t\u{1b}[31m\u{9b}é"), "a□::b□□□[31m□é");
        assert_eq!(value("a\u{202e}b"), "a□b");
        let long = value(&"é".repeat(1_000_000));
        assert_eq!(long, "é".repeat(VALUE) + "…");
    }

    #[test]
    fn a_line_is_no_command_and_keeps_its_tabs() {
        assert_eq!(line("\tat x"), "\tat x");
        assert_eq!(line("  ::add-mask::a"), "  \\::add-mask::a");
        assert_eq!(line("::error::a"), "\\::error::a");
        assert_eq!(line("a::b"), "a::b");
        assert_eq!(line("a ##[stop-commands]t"), "a ##\\[stop-commands]t");
        assert_eq!(value("##[add-mask]error"), "##\\[add-mask]error");
        assert!(line(&"x".repeat(1_000_000)).len() < 2 * LINE);
    }

    #[test]
    fn a_command_is_one_line_whatever_it_says() {
        let properties = [("file", "n,a%:b\n::x"), ("line", "3")];
        let message = ["100% \u{1b}[31mred", "a\nb\r"];
        assert_eq!(
            workflow_command("warning", &properties, message.into_iter()),
            "::warning file=n%2Ca%25%3Ab□%3A%3Ax,line=3::100%25 □[31mred%0Aa%0Ab□"
        );
    }
}
