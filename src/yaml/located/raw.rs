//! Which bytes of a scalar, as it is written, stand for which bytes of its text.
//!
//! Folding, indentation and chomping change blanks only. All other letters stand in the written form in the same order
//! as in the text, once escapes are read, so that both are walked side by side.

use std::ops::Range;

use super::Style;

/// Where each range of `text` stands in `raw`; None where `raw` does not say `text`, or a range begins or ends with a
/// blank and the two differ.
pub(super) fn ranges(
    raw: &str,
    style: Style,
    text: &str,
    ranges: &[Range<usize>],
) -> Option<Vec<Range<usize>>> {
    let quotes = usize::from(matches!(style, Style::SingleQuoted | Style::DoubleQuoted));
    let inner = raw.get(quotes..raw.len().checked_sub(quotes)?)?;
    if inner == text {
        let moved = |range: &Range<usize>| {
            text.get(range.clone())?;
            Some(range.start + quotes..range.end + quotes)
        };
        return ranges.iter().map(moved).collect();
    }
    let mut written = Written {
        text: inner,
        at: 0,
        style,
    };
    let mut wanted = ranges.iter();
    let mut open: Option<(Range<usize>, usize)> = None;
    let mut next = wanted.next();
    let mut found = Vec::new();
    for (at, letter) in text.char_indices() {
        if is_blank(letter) {
            continue;
        }
        let (from, to) = written.next_letter(letter)?;
        if let Some(range) = next
            && range.start == at
            && !range.is_empty()
        {
            open = Some((range.clone(), from));
            next = wanted.next();
        }
        if let Some((range, start)) = &open
            && range.end == at + letter.len_utf8()
        {
            found.push(start + quotes..to + quotes);
            open = None;
        }
    }
    written.ends().then_some(())?;
    (found.len() == ranges.len()).then_some(found)
}

fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\n' | '\r')
}

/// The written form, letter by letter.
struct Written<'a> {
    text: &'a str,
    at: usize,
    style: Style,
}

impl Written<'_> {
    /// The bytes of the next letter that is no blank; None where it is another one.
    fn next_letter(&mut self, expected: char) -> Option<(usize, usize)> {
        loop {
            let from = self.at;
            let letter = self.step()?;
            match letter {
                Some(letter) if letter == expected => return Some((from, self.at)),
                Some(letter) if !is_blank(letter) => return None,
                _ => {}
            }
        }
    }

    /// True where nothing but blanks is left.
    fn ends(&mut self) -> bool {
        while self.at < self.text.len() {
            match self.step() {
                Some(letter) if letter.is_none_or(is_blank) => {}
                _ => return false,
            }
        }
        true
    }

    /// Reads one letter or escape. `Some(None)` is one that stands for nothing: an escaped line break.
    #[expect(
        clippy::option_option,
        reason = "the end of the text, and an escape that stands for nothing, are two things"
    )]
    fn step(&mut self) -> Option<Option<char>> {
        let rest = self.text.get(self.at..)?;
        let letter = rest.chars().next()?;
        self.at += letter.len_utf8();
        match (self.style, letter) {
            (Style::SingleQuoted, '\'') => {
                self.at += 1;
                Some(Some('\''))
            }
            (Style::DoubleQuoted, '\\') => self.escape(),
            _ => Some(Some(letter)),
        }
    }

    #[expect(clippy::option_option, reason = "as above")]
    fn escape(&mut self) -> Option<Option<char>> {
        let code = self.text.get(self.at..)?.chars().next()?;
        self.at += code.len_utf8();
        Some(Some(match code {
            '\n' | '\r' => return Some(None),
            '0' => '\0',
            'a' => '\u{7}',
            'b' => '\u{8}',
            't' | '\t' => '\t',
            'n' => '\n',
            'v' => '\u{b}',
            'f' => '\u{c}',
            'r' => '\r',
            'e' => '\u{1b}',
            'N' => '\u{85}',
            '_' => '\u{a0}',
            'L' => '\u{2028}',
            'P' => '\u{2029}',
            'x' => char::from_u32(self.hex(2)?)?,
            'U' => char::from_u32(self.hex(8)?)?,
            'u' => self.utf16()?,
            other => other,
        }))
    }

    fn hex(&mut self, digits: usize) -> Option<u32> {
        let text = self.text.get(self.at..self.at + digits)?;
        self.at += digits;
        u32::from_str_radix(text, 16).ok()
    }

    /// `\u` as JSON writes it, with a pair of surrogates beyond the first plane.
    fn utf16(&mut self) -> Option<char> {
        let first = self.hex(4)?;
        if !(0xD800..0xDC00).contains(&first) {
            return char::from_u32(first);
        }
        self.text.get(self.at..)?.strip_prefix("\\u")?;
        self.at += 2;
        let second = self.hex(4)?.checked_sub(0xDC00)?;
        char::from_u32(0x10000 + ((first - 0xD800) << 10) + second)
    }
}
