//! The documents of a stream, found by their markers without parsing them.
//!
//! YAML forbids a line that begins with `---` or `...` inside any scalar, so a cut at such a line is always right.

/// Byte-order mark, which may stand before a document.
const MARK: &str = "\u{feff}";

/// One document with what belongs to it: directives and comments before it, its markers, comments behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    /// The bytes, from the stream.
    pub text: &'a str,
    /// Where they begin in the stream.
    pub start: usize,
    /// How many lines of the stream stand before them.
    pub lines_before: usize,
}

/// Cuts a stream into its documents. The parts follow each other without a gap and make up the whole text.
pub fn parts(text: &str) -> Parts<'_> {
    Parts {
        text,
        at: 0,
        lines: 0,
    }
}

/// Iterator over the documents of a stream.
#[derive(Debug, Clone)]
pub struct Parts<'a> {
    text: &'a str,
    at: usize,
    lines: usize,
}

/// What a line says about documents.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    /// `---`.
    Start,
    /// `...`.
    End,
    /// Blank, a comment or a directive: may stand before a document.
    Prefix,
    Content,
}

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        let (start, lines_before) = (self.at, self.lines);
        if start == self.text.len() {
            return None;
        }
        let mut opened = false;
        while self.at < self.text.len() {
            let line = line(&self.text[self.at..], self.at == start, opened);
            if line == Line::Start && opened {
                break;
            }
            opened |= matches!(line, Line::Start | Line::Content);
            self.at = line_end(self.text.as_bytes(), self.at);
            self.lines += 1;
            if line == Line::End {
                break;
            }
        }
        Some(Part {
            text: &self.text[start..self.at],
            start,
            lines_before,
        })
    }
}

fn line(rest: &str, first: bool, opened: bool) -> Line {
    let rest = match rest.strip_prefix(MARK) {
        Some(behind) if first => behind,
        _ => rest,
    };
    let is = |marker: &str| {
        rest.strip_prefix(marker).is_some_and(|behind| {
            matches!(
                behind.as_bytes().first(),
                None | Some(b' ' | b'\t' | b'\n' | b'\r')
            )
        })
    };
    if is("---") {
        return Line::Start;
    }
    if is("...") {
        return Line::End;
    }
    if opened {
        return Line::Content;
    }
    match rest.trim_start_matches([' ', '\t']).as_bytes().first() {
        None | Some(b'#' | b'\n' | b'\r') => Line::Prefix,
        Some(b'%') if rest.starts_with('%') => Line::Prefix,
        Some(_) => Line::Content,
    }
}

/// Behind the line that begins at `from`: `\n`, `\r\n` and `\r` alone end one.
fn line_end(text: &[u8], from: usize) -> usize {
    let Some(found) = memchr::memchr2(b'\n', b'\r', &text[from..]) else {
        return text.len();
    };
    let at = from + found;
    if text[at] == b'\r' && text.get(at + 1) == Some(&b'\n') {
        at + 2
    } else {
        at + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many lines end in `text`.
    fn line_breaks(text: &str) -> usize {
        let bytes = text.as_bytes();
        memchr::memchr2_iter(b'\n', b'\r', bytes)
            .filter(|at| bytes[*at] == b'\n' || bytes.get(at + 1) != Some(&b'\n'))
            .count()
    }

    fn texts(text: &str) -> Vec<&str> {
        let found: Vec<Part<'_>> = parts(text).collect();
        assert_eq!(found.iter().map(|part| part.text).collect::<String>(), text);
        for part in &found {
            assert_eq!(part.lines_before, line_breaks(&text[..part.start]));
        }
        found.iter().map(|part| part.text).collect()
    }

    #[test]
    fn a_cut_is_made_at_each_marker() {
        for (text, expected) in [
            ("", &[][..]),
            ("a: 1\n", &["a: 1\n"]),
            ("a: 1\n---\nb: 2", &["a: 1\n", "---\nb: 2"]),
            (
                "---\na: 1\n--- # c\nb: 2\n",
                &["---\na: 1\n", "--- # c\nb: 2\n"],
            ),
            ("# head\n\n---\na: 1\n", &["# head\n\n---\na: 1\n"]),
            (
                "%YAML 1.2\n---\na: 1\n...\n# c\n%YAML 1.2\n---\nb: 2\n",
                &["%YAML 1.2\n---\na: 1\n...\n", "# c\n%YAML 1.2\n---\nb: 2\n"],
            ),
            ("a: 1\n... # end\nb: 2\n", &["a: 1\n... # end\n", "b: 2\n"]),
            (
                "---\r\na: 1\r\n---\r\nb: 2\r\n",
                &["---\r\na: 1\r\n", "---\r\nb: 2\r\n"],
            ),
            ("a: 1\r---\rb: 2\r", &["a: 1\r", "---\rb: 2\r"]),
            (
                "\u{feff}---\na: 1\n---\n",
                &["\u{feff}---\na: 1\n", "---\n"],
            ),
            ("---\n---\n---", &["---\n", "---\n", "---"]),
            (
                "a: |\n  ---\n  x\n ---\nb: ---x\n",
                &["a: |\n  ---\n  x\n ---\nb: ---x\n"],
            ),
            ("--- |\n%x\n---\n%", &["--- |\n%x\n", "---\n%"]),
        ] {
            assert_eq!(texts(text), expected, "{text:?}");
        }
    }
}
