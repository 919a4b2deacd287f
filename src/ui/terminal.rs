//! What kind of place the program runs in: a person's terminal, or a pipe in CI.

use std::io::IsTerminal;

/// Where output goes and whether anyone can answer. Decided once, by `cli`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terminal {
    /// stdin and stderr are terminals and no CI is running: questions may be asked.
    pub interactive: bool,
    /// stderr may be animated.
    pub animated: bool,
    /// Colour on stderr.
    pub color: bool,
}

/// What the environment says about terminals.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hints {
    /// `CI` is set: never a prompt, no animation.
    pub ci: bool,
    /// `NO_COLOR` is set.
    pub no_color: bool,
    /// `TERM` is `dumb`.
    pub dumb: bool,
}

impl Terminal {
    /// Looks at the standard streams.
    pub fn detect(hints: Hints) -> Self {
        let person = std::io::stderr().is_terminal() && !hints.ci;
        Self {
            interactive: person && std::io::stdin().is_terminal(),
            animated: person && !hints.dumb,
            color: person && !hints.dumb && !hints.no_color,
        }
    }

    /// Wraps `text` in an ANSI style where colour is wanted.
    pub fn paint(self, style: Style, text: &str) -> String {
        if self.color {
            format!("\u{1b}[{}m{text}\u{1b}[0m", style.code())
        } else {
            text.to_owned()
        }
    }
}

/// The few styles that are used; nothing is said by colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Headings.
    Bold,
    /// Failures.
    Red,
    /// Done.
    Green,
    /// Warnings and unknowns.
    Yellow,
    /// Detail.
    Dim,
}

impl Style {
    const fn code(self) -> &'static str {
        match self {
            Self::Bold => "1",
            Self::Red => "31",
            Self::Green => "32",
            Self::Yellow => "33",
            Self::Dim => "2",
        }
    }
}
