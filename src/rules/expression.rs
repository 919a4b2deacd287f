//! An anchored regular expression over canonical references.
//!
//! The engine takes time linear in the text for every expression; what an expression may cost in memory is bounded.

mod walker;

use regex_automata::hybrid::dfa::DFA;
use regex_automata::meta;
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;

pub(super) use walker::Walker;

/// The most memory that a compiled expression takes, in bytes.
const SIZE_LIMIT: usize = 1 << 20;
/// How deep groups may stand in each other.
const NEST_LIMIT: u32 = 50;

/// A compiled expression. Two are equal where their texts are.
#[derive(Debug, Clone)]
pub(super) struct Expression {
    text: String,
    whole: meta::Regex,
    /// Tells what it can begin with; None for an expression beyond it.
    automaton: Option<DFA>,
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Expression {}

impl Expression {
    /// Compiles it. The error is a fragment.
    pub(super) fn compile(text: &str) -> Result<Self, String> {
        // By itself first: `a)|(b` would be taken for two halves of the frame around it.
        build(text)?;
        let whole = build(&framed(text)).map_err(|_| {
            "the regular expression does not stand within a group: write it without (?x)".to_owned()
        })?;
        // References are ASCII: without Unicode, few expressions are beyond the automaton.
        let automaton = DFA::builder()
            .syntax(syntax_config().unicode(false).utf8(false))
            .thompson(thompson::Config::new().nfa_size_limit(Some(SIZE_LIMIT)))
            .build(&framed(text));
        Ok(Self {
            text: text.to_owned(),
            whole,
            automaton: automaton.ok(),
        })
    }

    /// As it was written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn matches(&self, canonical: &str) -> bool {
        self.whole.is_match(canonical)
    }

    /// The host that it begins with, where it writes one out: `redhat-io.reg.corp` of `redhat-io\.reg\.corp/.*`.
    pub(super) fn host(&self) -> Option<String> {
        let mut host = String::new();
        let mut letters = self.text.chars();
        loop {
            match letters.next()? {
                '/' => return Some(host),
                '\\' => host.push(letters.next().filter(|letter| ".-:".contains(*letter))?),
                letter if letter.is_ascii_alphanumeric() || "-_:.".contains(letter) => {
                    host.push(letter);
                }
                _ => return None,
            }
        }
    }
}

fn framed(text: &str) -> String {
    [r"\A(?:", text, r")\z"].concat()
}

fn syntax_config() -> syntax::Config {
    syntax::Config::new().nest_limit(NEST_LIMIT)
}

fn build(text: &str) -> Result<meta::Regex, String> {
    meta::Regex::builder()
        .syntax(syntax_config())
        .configure(
            meta::Config::new()
                .nfa_size_limit(Some(SIZE_LIMIT))
                .onepass_size_limit(Some(SIZE_LIMIT)),
        )
        .build(text)
        .map_err(|error| match error.syntax_error() {
            Some(syntax) => {
                let line = syntax.to_string();
                let reason = line.lines().last().unwrap_or_default();
                let reason = reason.strip_prefix("error: ").unwrap_or(reason).to_owned();
                format!("no regular expression: {reason}")
            }
            None => "the regular expression is too large".to_owned(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(text: &str) -> Expression {
        Expression::compile(text).unwrap()
    }

    #[test]
    fn it_takes_whole_references_only() {
        let quay = expression(r"quay\.io/.*");
        assert!(
            quay.matches("quay.io/a:1")
                && !quay.matches("my-quay.io/a")
                && !quay.matches("quay.io")
        );
        // An alternative is anchored on both sides too.
        let either = expression("a/b|c/d");
        assert!(either.matches("a/b") && either.matches("c/d"));
        assert!(!either.matches("a/bc") && !either.matches("xc/d"));
    }

    #[test]
    fn what_it_can_begin_with_is_told() {
        let reaches = |expression: &Expression, start: &str| {
            let mut walker = expression.walker().unwrap();
            walker.reaches(start)
        };
        let mirror = expression(r"(quay|mirror)\.(io|corp)/[a-z]+/.*");
        assert!(reaches(&mirror, "mirror.corp/") && reaches(&mirror, "quay.io/x/"));
        assert!(!reaches(&mirror, "other.corp/") && !reaches(&mirror, "mirror.corp/9"));
        assert!(!reaches(&expression(r"mirror\.corp"), "mirror.corp/"));
        assert!(reaches(&expression(".*"), "anything.at.all/"));
    }

    #[test]
    fn what_is_none_or_costs_too_much_is_refused() {
        for (text, said) in [
            ("a(b", "unclosed group"),
            ("a)|(b", "unopened group"),
            ("(?x) a # c", "without (?x)"),
            (r"a{4000}{4000}", "too large"),
            (r"(?:\pL{900}){900}", "too large"),
            (&"(".repeat(1000), "no regular expression"),
            (r"(?P<n", "no regular expression"),
        ] {
            let error = Expression::compile(text).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }
}
