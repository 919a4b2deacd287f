//! How a failure looks: what → why → evidence → what to do → code, on one screen.

use std::ffi::OsString;

use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::secret::looks_like_a_secret;
use crate::ui::format::Format;
use crate::ui::terminal::{Style, Terminal};
use crate::ui::{foreign, output};

/// A screen holds this many lines of each part; the rest is counted.
const LINES_OF_A_PART: usize = 12;

/// Shows a failure on stderr and, where stdout is data for a machine, as a document there.
pub fn show(failure: &Failure, format: Format, terminal: Terminal) {
    output::talk(&text(failure, terminal));
    for_machines(failure, format);
}

/// The failure as a format wants it beside the text.
fn for_machines(failure: &Failure, format: Format) {
    match format {
        Format::Text => {}
        Format::Github => output::talk(&command(failure)),
        Format::Json | Format::Yaml => {
            // The document goes where the answer would have gone; a broken stdout was told above.
            let _ = output::answer(format, "Failure", failure.details(), String::new);
        }
    }
}

/// Shows what is wrong with a command line, or the help that it asked for. clap repeats arguments: one that
/// looks like a secret is taken out.
pub fn show_usage(error: &clap::Error, arguments: &[OsString]) {
    if !error.use_stderr() {
        // Help and version go to stdout; a broken pipe there is nobody's concern.
        let _ = error.print();
        return;
    }
    let texts: Vec<&str> = arguments.iter().filter_map(|one| one.to_str()).collect();
    let values = texts.iter().map(|text| {
        let value = text
            .strip_prefix("--")
            .and_then(|flag| flag.split_once('='));
        value.map_or(*text, |(_, value)| value)
    });
    let secrets: Vec<&str> = values.filter(|value| looks_like_a_secret(value)).collect();
    if secrets.is_empty() {
        let _ = error.print();
    }
    let said = secrets
        .iter()
        .fold(error.render().to_string(), |said, secret| {
            said.replace(secret, "***")
        });
    if !secrets.is_empty() {
        output::talk(said.trim_end());
    }
    for_machines(&usage(&said), asked_for(&texts));
}

/// What clap said: its first line is what is wrong, the rest how it is meant.
fn usage(said: &str) -> Failure {
    let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let what = first.strip_prefix("error: ").unwrap_or(first);
    lines.fold(Failure::new("usage", Exit::Usage, what), Failure::remedy)
}

/// The format that a command line asks for which is otherwise not understood.
fn asked_for(arguments: &[&str]) -> Format {
    let after = arguments.iter().skip(1).map(Some).chain([None]);
    let asked = arguments
        .iter()
        .zip(after)
        .find_map(|(argument, next)| match *argument {
            "-o" | "--output" => next.copied(),
            other => other
                .strip_prefix("--output=")
                .or_else(|| other.strip_prefix("-o")),
        });
    asked
        .and_then(|word| word.trim_start_matches('=').parse().ok())
        .unwrap_or_default()
}

/// The failure as text.
pub fn text(failure: &Failure, terminal: Terminal) -> String {
    let details = failure.details();
    let what: Vec<String> = details.what.lines().map(foreign::line).collect();
    let mut lines = vec![format!(
        "{} {}",
        terminal.paint(Style::Red, "error:"),
        what.join("\n")
    )];
    // The same sentence twice helps nobody: parts that the heading contains are left out.
    let said = |part: &String| !details.what.contains(part.as_str());
    part(
        &mut lines,
        "why:",
        details.why.iter().filter(|why| said(why)),
        terminal,
    );
    part(&mut lines, "evidence:", details.evidence.iter(), terminal);
    part(&mut lines, "what to do:", details.remedy.iter(), terminal);
    lines.push(format!(
        "  {} {} (exit code {})",
        terminal.paint(Style::Bold, "code:"),
        details.code,
        details.exit as u8
    ));
    lines.join("\n")
}

fn part<'a>(
    lines: &mut Vec<String>,
    title: &str,
    items: impl Iterator<Item = &'a String>,
    terminal: Terminal,
) {
    let text: Vec<&str> = items.flat_map(|item| item.lines()).collect();
    if text.is_empty() {
        return;
    }
    lines.push(format!("  {}", terminal.paint(Style::Bold, title)));
    lines.extend(
        text.iter()
            .take(LINES_OF_A_PART)
            .map(|line| format!("    {}", foreign::line(line))),
    );
    if text.len() > LINES_OF_A_PART {
        lines.push(format!(
            "    … {} more lines with -o json",
            text.len() - LINES_OF_A_PART
        ));
    }
}

/// `::error title=…::…` as GitHub's runner reads it.
fn command(failure: &Failure) -> String {
    let details = failure.details();
    let parts = std::iter::once(&details.what)
        .chain(&details.why)
        .chain(&details.remedy)
        .map(String::as_str);
    let title = format!("arc-setup {}", details.code);
    foreign::workflow_command("error", &[("title", &title)], parts)
}

/// The failure as a JSON value, for events and logs.
pub fn value(failure: &Failure) -> serde_json::Value {
    json!({"failure": failure.details()})
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Terminal = Terminal {
        interactive: false,
        animated: false,
        color: false,
    };

    #[test]
    fn parts_stand_in_the_fixed_order_without_repetition() {
        let failure = Failure::new(
            "config-invalid",
            Exit::Usage,
            "arc-setup.yaml: name is empty",
        )
        .why("name is empty")
        .why("a label needs a character")
        .evidence("arc-setup.yaml:1:7")
        .remedy("name: arc");
        assert_eq!(
            text(&failure, PLAIN),
            "error: arc-setup.yaml: name is empty\n  why:\n    a label needs a character\n  evidence:\n    \
             arc-setup.yaml:1:7\n  what to do:\n    name: arc\n  code: config-invalid (exit code 2)"
        );
    }

    #[test]
    fn what_others_wrote_moves_no_cursor_and_commands_no_runner() {
        let failure = Failure::new("x", Exit::Usage, "pod a\u{1b}[2J crashes")
            .evidence("first\n::add-mask::a\u{7}");
        assert_eq!(
            text(&failure, PLAIN),
            "error: pod a□[2J crashes\n  evidence:\n    first\n    \\::add-mask::a□\n  code: x (exit code 2)"
        );
    }

    #[test]
    fn a_long_part_stays_on_one_screen() {
        let log = (0..40)
            .map(|line| format!("line {line}"))
            .collect::<Vec<_>>()
            .join("\n");
        let shown = text(
            &Failure::new("x", Exit::ApplyFailed, "the manager crashes").evidence(log),
            PLAIN,
        );
        assert!(shown.contains("line 11\n    … 28 more lines"), "{shown}");
    }

    #[test]
    fn a_command_line_that_is_not_understood_still_says_which_format_it_wants() {
        for (arguments, format) in [
            ("a init -o json --no-such", Format::Json),
            ("a init -ojson", Format::Json),
            ("a -o=yaml init", Format::Yaml),
            ("a --output github", Format::Github),
            ("a --output=yaml", Format::Yaml),
            ("a init -o", Format::Text),
            ("a init -o nonsense", Format::Text),
            ("a init", Format::Text),
        ] {
            let arguments: Vec<&str> = arguments.split(' ').collect();
            assert_eq!(asked_for(&arguments), format, "{arguments:?}");
        }
    }

    #[test]
    fn what_clap_says_is_a_failure_with_what_to_do() {
        let said = "error: unexpected argument '--x' found\n\n  tip: a similar one: '--y'\n\nUsage: a [OPTIONS]\n";
        let failure = usage(said);
        let details = failure.details();
        assert_eq!(details.what, "unexpected argument '--x' found");
        assert_eq!(
            details.remedy,
            ["tip: a similar one: '--y'", "Usage: a [OPTIONS]"]
        );
    }

    #[test]
    fn workflow_commands_are_one_line() {
        let failure = Failure::new("x", Exit::Usage, "100% wrong").remedy("do this\nthen that");
        assert_eq!(
            command(&failure),
            "::error title=arc-setup x::100%25 wrong%0Ado this%0Athen that"
        );
    }
}
