//! A rule's regular expression in the syntax of RE2, for the texts that it is asked about: references, which are ASCII
//! and of one line.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

use super::re2;

/// What takes nothing.
const NOTHING: &str = r"[^\x00-\x{10FFFF}]";
/// RE2 counts no further, nested counts multiplied.
const MOST_REPEATED: u32 = 1000;
/// A longer one would cost more than all other rules together.
const LONGEST: usize = 8192;

/// The expression anchored on both sides. The error is a fragment.
pub(super) fn translate(expression: &str) -> Result<String, String> {
    let mut text = String::new();
    write(&parse(expression)?, 1, &mut text)?;
    if text.len() > LONGEST {
        return Err(format!(
            "its regular expression is longer than {LONGEST} bytes in the API server's syntax"
        ));
    }
    Ok(format!(r"^(?:{text})$"))
}

/// A text that the expression may take: whoever asks tries it.
pub(super) fn example(expression: &str) -> Option<String> {
    let mut text = String::new();
    fill(&parse(expression).ok()?, &mut text)?;
    Some(text)
}

fn parse(expression: &str) -> Result<Hir, String> {
    ParserBuilder::new()
        .build()
        .parse(expression)
        .map_err(|error| error.to_string())
}

fn write(hir: &Hir, repeated: u32, text: &mut String) -> Result<(), String> {
    match hir.kind() {
        HirKind::Empty => {}
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(literal) => literal.chars().for_each(|letter| re2::letter(letter, text)),
            Err(_) => text.push_str(NOTHING),
        },
        HirKind::Class(class) => text.push_str(&letters(class)),
        HirKind::Look(look) => text.push_str(place(*look)?),
        HirKind::Repetition(repetition) => repeat(repetition, repeated, text)?,
        HirKind::Capture(capture) => write(&capture.sub, repeated, text)?,
        HirKind::Concat(parts) => {
            for part in parts {
                write(part, repeated, text)?;
            }
        }
        HirKind::Alternation(parts) => {
            text.push_str("(?:");
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    text.push('|');
                }
                write(part, repeated, text)?;
            }
            text.push(')');
        }
    }
    Ok(())
}

/// The letters of a class that a reference can have.
fn letters(class: &Class) -> String {
    let ranges = ascii(class);
    if ranges.is_empty() {
        return NOTHING.to_owned();
    }
    let ranges = ranges
        .iter()
        .map(|(first, last)| format!(r"\x{first:02x}-\x{last:02x}"));
    format!("[{}]", ranges.collect::<String>())
}

fn ascii(class: &Class) -> Vec<(u8, u8)> {
    let clip = |first: u32, last: u32| {
        let last = last.min(0x7f);
        let both = u8::try_from(first).ok().zip(u8::try_from(last).ok());
        both.filter(|(first, last)| first <= last)
    };
    match class {
        Class::Unicode(class) => class
            .iter()
            .filter_map(|range| clip(range.start().into(), range.end().into()))
            .collect(),
        Class::Bytes(class) => class
            .iter()
            .filter_map(|range| clip(range.start().into(), range.end().into()))
            .collect(),
    }
}

/// Lines have no ends within a reference, and its words are ASCII.
fn place(look: Look) -> Result<&'static str, String> {
    Ok(match look {
        Look::Start | Look::StartLF | Look::StartCRLF => r"\A",
        Look::End | Look::EndLF | Look::EndCRLF => r"\z",
        Look::WordAscii | Look::WordUnicode => r"\b",
        Look::WordAsciiNegate | Look::WordUnicodeNegate => r"\B",
        _ => {
            return Err(
                r"the API server has no beginning or end of a word (\b{start}, \<): write \b"
                    .to_owned(),
            );
        }
    })
}

fn repeat(repetition: &Repetition, repeated: u32, text: &mut String) -> Result<(), String> {
    let most = repetition.max.unwrap_or(0).max(repetition.min).max(1);
    let repeated = repeated.saturating_mul(most);
    if repeated > MOST_REPEATED {
        return Err(format!(
            "the API server repeats a part of an expression at most {MOST_REPEATED} times"
        ));
    }
    text.push_str("(?:");
    write(&repetition.sub, repeated, text)?;
    text.push(')');
    let count = match (repetition.min, repetition.max) {
        (0, None) => "*".to_owned(),
        (1, None) => "+".to_owned(),
        (0, Some(1)) => "?".to_owned(),
        (min, None) => format!("{{{min},}}"),
        (min, Some(max)) => format!("{{{min},{max}}}"),
    };
    text.push_str(&count);
    Ok(())
}

fn fill(hir: &Hir, text: &mut String) -> Option<()> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(std::str::from_utf8(&literal.0).ok()?),
        HirKind::Class(class) => {
            let ranges = ascii(class);
            let holds = |letter: &u8| ranges.iter().any(|(a, b)| (a..=b).contains(&letter));
            let usual = (b'a'..=b'z').chain(b'0'..=b'9').find(holds);
            let letter = usual.or_else(|| ranges.first().map(|(first, _)| *first))?;
            text.push(char::from(letter));
        }
        HirKind::Repetition(repetition) => {
            let count = repetition
                .min
                .max(1)
                .min(repetition.max.unwrap_or(u32::MAX));
            for _ in 0..count.min(MOST_REPEATED) {
                fill(&repetition.sub, text)?;
            }
        }
        HirKind::Capture(capture) => fill(&capture.sub, text)?,
        HirKind::Concat(parts) => parts.iter().try_for_each(|part| fill(part, text))?,
        HirKind::Alternation(parts) => fill(parts.first()?, text)?,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_two_syntaxes_read_differently_is_written_out() {
        for (expression, translated) in [
            (r"quay\.io/.*", r"^(?:quay\.io/(?:[\x00-\x09\x0b-\x7f])*)$"),
            (r"a|b{2,3}", r"^(?:(?:a|(?:b){2,3}))$"),
            // Intersection, which RE2 would take for letters, and letters beyond ASCII.
            (r"[a-z&&[^c-z]]", r"^(?:[\x61-\x62])$"),
            (r"(?i)k", r"^(?:[\x4b-\x4b\x6b-\x6b])$"),
            (r"[é-ü]", &format!("^(?:{NOTHING})$")),
            (r"(?P<n>\d+)", r"^(?:(?:[\x30-\x39])+)$"),
        ] {
            assert_eq!(translate(expression).unwrap(), translated, "{expression}");
        }
        for (expression, said) in [
            (r"\b{start}a", "no beginning or end of a word"),
            (r"(?:a{100}){100}", "at most 1000"),
            (&"[a-c]?".repeat(1000), "longer than"),
        ] {
            let error = translate(expression).unwrap_err();
            assert!(error.contains(said), "{expression}: {error}");
        }
    }

    #[test]
    fn an_example_is_one_of_many() {
        assert_eq!(
            example(r"(quay|ghcr)\.io/[a-z]+/.*").unwrap(),
            "quay.io/a/a"
        );
        assert_eq!(
            example(r"reg\.corp:\d{4}/x(:1)?").unwrap(),
            "reg.corp:0000/x:1"
        );
    }
}
