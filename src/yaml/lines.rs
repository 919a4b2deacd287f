//! Lines and columns of the bytes of a document.

use super::stream::{Part, line_breaks};

/// Tells lines and columns; bytes that are asked for in order are counted once.
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    part: Part<'a>,
    /// Where the line begins up to which lines are counted.
    counted: usize,
    line: usize,
}

impl<'a> Lines<'a> {
    /// Of the bytes of one document.
    pub fn of(part: Part<'a>) -> Self {
        Self {
            part,
            counted: 0,
            line: part.lines_before + 1,
        }
    }

    /// Line and column, both from 1, of a byte of the stream.
    pub fn position(&mut self, at: usize) -> (usize, usize) {
        let text = self.part.text;
        let offset = at.saturating_sub(self.part.start);
        if offset < self.counted {
            self.counted = 0;
            self.line = self.part.lines_before + 1;
        }
        let before = text.get(self.counted..offset).unwrap_or_default();
        let begin = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
        self.line += line_breaks(&before[..begin]);
        self.counted += begin;
        let of_line = before[begin..].trim_start_matches('\u{feff}');
        (self.line, of_line.chars().count() + 1)
    }
}
