//! How a new text is spelled within a scalar, so that the scalar says exactly it.

use crate::yaml::{Style, is_plain_text};

/// What part of a scalar is written anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Spelled {
    /// Only the bytes of the reference.
    Part(String),
    /// The whole scalar, between quotes: without them it would say something else.
    Quoted(String),
}

/// Spells `new` as a part of a scalar that then says `whole`. None where no spelling is safe.
pub(super) fn spell(style: Style, new: &str, whole: &str) -> Option<Spelled> {
    if new.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
        return None;
    }
    match style {
        Style::Block => Some(Spelled::Part(new.to_owned())),
        Style::SingleQuoted => Some(Spelled::Part(new.replace('\'', "''"))),
        Style::DoubleQuoted => {
            let escaped = new.replace('\\', "\\\\").replace('"', "\\\"");
            Some(Spelled::Part(escaped))
        }
        Style::Plain if stays_plain(new, whole) => Some(Spelled::Part(new.to_owned())),
        Style::Plain => quoted(whole).map(Spelled::Quoted),
    }
}

/// Spells a whole text where an alias stood; None where it has several lines.
pub(super) fn alone(text: &str) -> Option<String> {
    let is_safe = |letter: u8| letter.is_ascii_alphanumeric() || b"._-/:@=".contains(&letter);
    let begins = text
        .bytes()
        .next()
        .is_some_and(|letter| letter.is_ascii_alphanumeric());
    let stays_plain =
        begins && text.bytes().all(is_safe) && !text.ends_with(':') && is_plain_text(text);
    if stays_plain {
        return Some(text.to_owned());
    }
    quoted(text)
}

/// `text` between single quotes; None where it has several lines.
fn quoted(text: &str) -> Option<String> {
    let is_one_line = !text.contains(|letter: char| letter.is_control());
    is_one_line.then(|| format!("'{}'", text.replace('\'', "''")))
}

/// True where the letters of a reference are safe without quotes, in lists and mappings of one line too.
fn stays_plain(new: &str, whole: &str) -> bool {
    let is_safe = |letter: u8| letter.is_ascii_alphanumeric() || b"._-/:@".contains(&letter);
    let begins = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'-' || letter >= 0x80;
    new.bytes().all(is_safe)
        && !whole.ends_with(':')
        && (whole.bytes().next().is_some_and(begins) || !whole.starts_with(new))
        && is_plain_text(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_spelled_as_its_scalar_is() {
        let part = |text: &str| Some(Spelled::Part(text.to_owned()));
        let image = "reg.corp:5000/a/b:v1@sha256:00";
        for style in [
            Style::Plain,
            Style::SingleQuoted,
            Style::DoubleQuoted,
            Style::Block,
        ] {
            assert_eq!(spell(style, image, image), part(image), "{style:?}");
        }
        assert_eq!(spell(Style::SingleQuoted, "it's", "it's"), part("it''s"));
        assert_eq!(
            spell(Style::DoubleQuoted, "a\\\"", "a\\\""),
            part("a\\\\\\\"")
        );
    }

    #[test]
    fn a_whole_text_is_plain_where_that_is_safe() {
        for text in ["reg.corp/a:1", "reg.corp:5000/a@sha256:00"] {
            assert_eq!(alone(text).as_deref(), Some(text));
        }
        for text in [
            "[fc00::1]/a",
            "--image=a",
            "123",
            "a,b",
            "a: b",
            "a #b",
            "yes",
            "é",
            "",
        ] {
            assert_eq!(alone(text), Some(format!("'{text}'")));
        }
        assert_eq!(alone("it's").as_deref(), Some("'it''s'"));
        assert_eq!(alone("a\nb"), None);
    }

    #[test]
    fn what_would_say_something_else_is_quoted() {
        for text in ["[fc00::1]:5000/a", "123", "yes", "1.5", "a:", "null"] {
            assert_eq!(
                spell(Style::Plain, text, text),
                Some(Spelled::Quoted(format!("'{text}'")))
            );
        }
        let long = "--image=[fc00::1]/a";
        assert_eq!(
            spell(Style::Plain, "[fc00::1]/a", long),
            Some(Spelled::Quoted(format!("'{long}'")))
        );
        assert_eq!(spell(Style::Plain, "a b", "a b"), None);
        assert_eq!(spell(Style::Plain, "[x", "one\n[x"), None);
    }
}
