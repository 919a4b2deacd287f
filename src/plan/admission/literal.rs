//! Texts of CEL: string literals and lists of them.

use std::fmt::Write;

/// A string literal in single quotes.
pub(super) fn text(value: &str) -> String {
    let mut quoted = String::from("'");
    for letter in value.chars() {
        match letter {
            '\'' | '\\' => quoted.extend(['\\', letter]),
            '\n' => quoted.push_str("\\n"),
            control if control.is_control() => {
                // Writing into a String cannot fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}

/// A list of string literals, one below the other.
pub(super) fn list<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    let lines: Vec<String> = values
        .into_iter()
        .map(|value| format!("  {}", text(value)))
        .collect();
    if lines.is_empty() {
        return "[]".to_owned();
    }
    format!("[\n{}\n]", lines.join(",\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_literal_is_escaped() {
        assert_eq!(text(r"it's a\b"), r"'it\'s a\\b'");
        assert_eq!(text("a\nb\u{7}é"), "'a\\nb\\u0007é'");
        assert_eq!(list([]), "[]");
        assert_eq!(list(["a", "b"]), "[\n  'a',\n  'b'\n]");
    }
}
