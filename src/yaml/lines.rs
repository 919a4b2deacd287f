//! Lines and columns of the bytes of a document.

use super::stream::Part;

/// Tells lines and columns; bytes that are asked for in order are counted once, however long their line is.
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    part: Part<'a>,
    /// The byte of the part that was asked for last, with its place.
    at: usize,
    line: usize,
    /// Characters between the line's beginning and there.
    before: usize,
    /// Bytes that were looked at, which a test bounds.
    #[cfg(test)]
    counted: usize,
}

impl<'a> Lines<'a> {
    /// Of the bytes of one document.
    pub fn of(part: Part<'a>) -> Self {
        Self {
            part,
            at: 0,
            line: part.lines_before + 1,
            before: 0,
            #[cfg(test)]
            counted: 0,
        }
    }

    /// Line and column, both from 1, of a byte of the stream.
    pub fn position(&mut self, at: usize) -> (usize, usize) {
        let offset = at.saturating_sub(self.part.start);
        if offset < self.at {
            self.at = 0;
            self.line = self.part.lines_before + 1;
            self.before = 0;
        }
        self.count(offset);
        (self.line, self.before + 1)
    }

    /// Goes on to a byte behind.
    fn count(&mut self, to: usize) {
        let text = self.part.text;
        let Some(between) = text.get(self.at..to) else {
            return;
        };
        let mut of_line = between;
        for at in memchr::memchr2_iter(b'\n', b'\r', between.as_bytes()) {
            let next = text.as_bytes().get(self.at + at + 1);
            if between.as_bytes()[at] == b'\n' || next != Some(&b'\n') {
                self.line += 1;
                self.before = 0;
                of_line = &between[at + 1..];
            }
        }
        // A byte order mark at the beginning of a line takes no column.
        if self.before == 0 {
            of_line = of_line.trim_start_matches('\u{feff}');
        }
        self.before += of_line.chars().count();
        self.at = to;
        #[cfg(test)]
        {
            self.counted += between.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::yaml::parts;

    /// The same by counting from the beginning.
    fn naive(text: &str, at: usize) -> (usize, usize) {
        let is_break = |(index, letter): &(usize, char)| match letter {
            '\n' => true,
            '\r' => !text[index + 1..].starts_with('\n'),
            _ => false,
        };
        let breaks = || text.char_indices().filter(is_break);
        let begin = breaks().map(|(index, _)| index + 1).rfind(|end| *end <= at);
        let line = breaks().filter(|(index, _)| *index < at).count();
        let of_line = text[begin.unwrap_or(0)..at].trim_start_matches('\u{feff}');
        (line + 1, of_line.chars().count() + 1)
    }

    fn text() -> impl Strategy<Value = String> {
        const LETTERS: [&str; 9] = ["a", "é", "𝄞", " ", "\n", "\r", "\r\n", "\n\n", "\u{feff}"];
        prop::collection::vec(prop::sample::select(&LETTERS[..]), 0..40)
            .prop_map(|letters| letters.concat())
    }

    proptest! {
        #[test]
        fn places_are_those_that_counting_from_the_beginning_finds(
            text in text(),
            asked in prop::collection::vec(any::<prop::sample::Index>(), 1..12),
        ) {
            let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let part = Part { text: &text, start: 7, lines_before: 0 };
            let mut lines = Lines::of(part);
            for at in asked.iter().map(|index| *index.get(&ends)) {
                prop_assert_eq!(lines.position(7 + at), naive(&text, at), "{:?} {}", text, at);
            }
        }
    }

    #[test]
    fn a_line_without_end_is_counted_once() {
        let text = "[é, ".repeat(10_000);
        let mut lines = Lines::of(parts(&text).next().unwrap());
        for column in (0..40_000).step_by(4) {
            let at = column / 4 * "[é, ".len();
            assert_eq!(lines.position(at), (1, column + 1));
        }
        assert!(lines.counted <= text.len(), "{}", lines.counted);
    }
}
