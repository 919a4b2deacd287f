//! `adopt`: images that a person put right by hand in a cluster become rules of the configuration.
//!
//! Pure. Who wrote a field is read from managedFields, what stood there before from what the cluster still knows of
//! it. A fix that keeps the image's path says where a whole registry went; one rule then stands for many fixes.

mod before;
mod edits;
mod insert;
mod rule;

use serde::Serialize;

use crate::object::{ObjectRef, Pointer};
use crate::spelling::visible;
use crate::yaml;

pub use edits::hand_edits;
pub use insert::insert;
pub use rule::offer;

/// An image that a person wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HandEdit {
    /// The object.
    pub object: ObjectRef,
    /// Where in it.
    pub pointer: Pointer,
    /// The place for a person: `container manager`.
    pub place: String,
    /// The field manager that holds it: `kubectl-set`.
    pub manager: String,
    /// When it last wrote, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// What stood there before, as it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Where that is known from: `revision 1`, `last-applied-configuration`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_from: Option<String>,
    /// What stands there now.
    pub after: String,
}

/// A rule of `registry.rules` that does what people did by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OfferedRule {
    /// `host`, `repository`.
    pub matcher: &'static str,
    /// What it takes: `quay.io`.
    pub source: String,
    /// Where it sends it: `HOST[:PORT][/KEY]`, or a template.
    pub rewrite: String,
    /// The edits that it stands for.
    pub edits: Vec<HandEdit>,
    /// Images of the same host that stand as they came, and that a rule for the whole host would take, too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub untouched: Vec<String>,
}

/// An edit, or several, for which no rule is offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Passed {
    /// Why, as a sentence without a full stop.
    pub why: String,
    /// True where two edits contradict each other.
    pub is_conflict: bool,
    /// The edits.
    pub edits: Vec<HandEdit>,
}

/// What can be adopted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Adoption {
    /// The rules, in the order in which they belong into `registry.rules`.
    pub rules: Vec<OfferedRule>,
    /// What no rule is offered for.
    pub passed: Vec<Passed>,
    /// How many edits the configuration's rules say already.
    pub known: usize,
}

impl Adoption {
    /// True where two edits contradict each other.
    pub fn has_conflicts(&self) -> bool {
        self.passed.iter().any(|passed| passed.is_conflict)
    }
}

impl HandEdit {
    /// Before → after, in one line.
    pub fn line(&self) -> String {
        let before = self.before.as_deref().unwrap_or("(not known)");
        format!("{}, {}: {before} → {}", self.object, self.place, self.after)
    }

    /// Who wrote it when, and where the rest is known from, in one line.
    pub fn origin(&self) -> String {
        let mut line = format!("by {}", self.manager);
        if let Some(time) = &self.time {
            line = format!("{line} at {time}");
        }
        if let Some(known_from) = &self.known_from {
            line = format!("{line}; what stood there is known from {known_from}");
        }
        line
    }
}

impl OfferedRule {
    /// The rule as an item of `registry.rules`, with comments that say where it is from; `indent` blanks before each line.
    pub fn item(&self, indent: usize) -> String {
        let mut lines = Vec::new();
        for edit in self.edits.iter().take(MOST_COMMENTS) {
            lines.push(comment(&edit.line()));
            lines.push(comment(&format!("  {}", edit.origin())));
        }
        if self.edits.len() > MOST_COMMENTS {
            let more = self.edits.len() - MOST_COMMENTS;
            lines.push(comment(&format!("and {more} more like these")));
        }
        if let Some(first) = self.untouched.first() {
            let more = self.untouched.len() - 1;
            let stands = match more {
                0 => " stands as it came".to_owned(),
                _ => format!(" and {more} more stand as they came"),
            };
            lines.push(comment(&format!(
                "not the whole host: {first}{stands}; `host: {}` would take that, too",
                self.source.split('/').next().unwrap_or_default()
            )));
        }
        let scalar = |text: &str| {
            let value = serde_json::Value::String(text.to_owned());
            yaml::to_string(&value).trim_end().to_owned()
        };
        lines.push(format!("- {}: {}", self.matcher, scalar(&self.source)));
        lines.push(format!("  rewrite: {}", scalar(&self.rewrite)));
        let indent = " ".repeat(indent);
        lines.into_iter().fold(String::new(), |mut item, line| {
            item.extend([indent.as_str(), &line, "\n"]);
            item
        })
    }
}

/// Comments of one rule name so many edits.
const MOST_COMMENTS: usize = 3;
/// The most characters of one comment.
const COMMENT: usize = 400;

/// A comment on one line. Images, flags and names in it were written by others: none of them ends the comment, or is
/// obeyed by a terminal.
fn comment(text: &str) -> String {
    let mut letters = text.chars().map(visible);
    let mut comment = "# ".to_owned();
    comment.extend(letters.by_ref().take(COMMENT));
    if letters.next().is_some() {
        comment.push('…');
    }
    comment
}

/// The rules as a configuration to paste.
pub fn snippet(rules: &[OfferedRule]) -> String {
    let items: String = rules.iter().map(|rule| rule.item(4)).collect();
    format!("registry:\n  rules:\n{items}")
}
