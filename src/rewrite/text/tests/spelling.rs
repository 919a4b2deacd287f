//! A writer that spells a value in any of the ways of YAML.

use serde_json::{Map, json};

use super::*;

/// Writes a value in YAML whose spelling is chosen by `dice`.
pub(super) struct Writer {
    pub(super) dice: u64,
    pub(super) newline: &'static str,
}

impl Writer {
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.dice = self
            .dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.dice >> 33) % sides
    }

    /// A value behind a key or a dash, with what ends its line.
    fn value(&mut self, value: &Value, indent: usize, out: &mut String) {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                if self.roll(8) == 0 {
                    out.push(' ');
                    self.flow(value, out);
                    self.end(out);
                } else {
                    self.end(out);
                    self.fields(fields, indent, out);
                }
            }
            Value::Array(items) if !items.is_empty() => {
                if self.roll(6) == 0 {
                    out.push(' ');
                    self.flow(value, out);
                    self.end(out);
                } else {
                    self.end(out);
                    for item in items {
                        out.push_str(&" ".repeat(indent));
                        out.push('-');
                        self.value(item, indent + 2, out);
                    }
                }
            }
            Value::String(text) => self.text(text, indent, out),
            other => {
                out.push(' ');
                out.push_str(&other.to_string());
                self.end(out);
            }
        }
    }

    pub(super) fn fields(&mut self, fields: &Map<String, Value>, indent: usize, out: &mut String) {
        for (key, value) in fields {
            if self.roll(9) == 0 {
                out.push_str("# image: quay.io/comment:1");
                out.push_str(self.newline);
            }
            out.push_str(&" ".repeat(indent));
            match self.roll(5) {
                0 => out.push_str(&json!(key).to_string()),
                _ => out.push_str(key),
            }
            out.push(':');
            let deeper = indent + 1 + usize::try_from(self.roll(4)).unwrap();
            self.value(value, deeper, out);
        }
    }

    pub(super) fn end(&mut self, out: &mut String) {
        if self.roll(7) == 0 {
            out.push_str("   # quay.io/comment");
        }
        out.push_str(self.newline);
    }

    fn flow(&mut self, value: &Value, out: &mut String) {
        let breaks = |writer: &mut Self, out: &mut String| {
            if writer.roll(5) == 0 {
                out.push_str(writer.newline);
                out.push_str(&" ".repeat(40));
            }
        };
        match value {
            Value::Object(fields) => {
                out.push('{');
                for (index, (key, value)) in fields.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    breaks(self, out);
                    out.push_str(&json!(key).to_string());
                    out.push_str(": ");
                    self.flow(value, out);
                }
                out.push('}');
            }
            Value::Array(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    breaks(self, out);
                    self.flow(item, out);
                }
                out.push(']');
            }
            Value::String(text) => self.one_line(text, out),
            other => out.push_str(&other.to_string()),
        }
    }

    /// A text on one line: without quotes where that is surely the same, else between quotes.
    fn one_line(&mut self, text: &str, out: &mut String) {
        let is_simple = yaml::is_plain_text(text)
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_./:@=".contains(&byte))
            && !text.ends_with(':');
        match self.roll(4) {
            0 if is_simple => out.push_str(text),
            1 if !text.contains('\n') => {
                out.push('\'');
                out.push_str(&text.replace('\'', "''"));
                out.push('\'');
            }
            2 => {
                out.push('"');
                for letter in text.chars() {
                    match (self.roll(9), letter) {
                        (0, _) => out.extend([format!("\\U{:08x}", u32::from(letter))]),
                        (1, letter) if u32::from(letter) < 256 => {
                            out.extend([format!("\\x{:02x}", u32::from(letter))]);
                        }
                        (_, '"' | '\\') => out.extend(['\\', letter]),
                        (_, '\n') => out.push_str("\\n"),
                        _ => out.push(letter),
                    }
                }
                out.push('"');
            }
            _ => out.push_str(&json!(text).to_string()),
        }
    }

    fn text(&mut self, text: &str, indent: usize, out: &mut String) {
        let fits_block = !text.is_empty() && !text.starts_with([' ', '\n']) && !text.contains('\r');
        if self.roll(4) == 0 && fits_block {
            let breaks = text.len() - text.trim_end_matches('\n').len();
            let chomping = match breaks {
                0 => "-",
                1 => "",
                _ => "+",
            };
            let is_one_line = !text.trim_end_matches('\n').contains('\n') && breaks < 2;
            let header = if is_one_line && self.roll(2) == 0 {
                '>'
            } else {
                '|'
            };
            out.extend([format!(" {header}{chomping}{}", self.newline)]);
            let body = text.strip_suffix('\n').unwrap_or(text);
            for line in body.split('\n') {
                if !line.is_empty() {
                    out.push_str(&" ".repeat(indent));
                    out.push_str(line);
                }
                out.push_str(self.newline);
            }
            return;
        }
        match self.roll(6) {
            // Folded over two lines within quotes or without.
            0 if text.contains(' ')
                && !text.contains(['\n', '#', '\'', ':'])
                && !text.contains("  ")
                && text.trim() == text =>
            {
                out.push_str(" '");
                let broken = format!("{}{}", self.newline, " ".repeat(indent + 1));
                out.push_str(&text.replacen(' ', &broken, 1));
                out.push('\'');
            }
            _ => {
                out.push(' ');
                self.one_line(text, out);
            }
        }
        self.end(out);
    }
}
