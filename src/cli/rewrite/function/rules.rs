//! The rules that a functionConfig holds, at the lines and columns where the user wrote them.

use std::borrow::Cow;
use std::ops::Range;
use std::path::PathBuf;

use serde_json::Value;

use super::wrong;
use crate::config::load::GivenText;
use crate::failure::Failure;
use crate::yaml::{self, Document, Lines, Place, Style};

pub(super) enum Rules {
    /// None: those of flags, environment and file.
    None,
    /// The content of a configuration file.
    Text(GivenText),
    /// The path of one.
    File(PathBuf),
}

impl Rules {
    /// Those of `config`, the functionConfig that stands at `at`: `spec` with the content of a configuration file, or its path as
    /// `spec.config`; of a ConfigMap the same in `data`, the content under the file's name. `origin` is what errors call
    /// the document's text.
    pub(super) fn of(
        config: &Value,
        document: &Document<'_>,
        at: Place,
        origin: &str,
    ) -> Result<Self, Failure> {
        let is_map = config["kind"] == "ConfigMap";
        let holder = if is_map { "data" } else { "spec" };
        let Value::Object(held) = &config[holder] else {
            return Ok(Self::None);
        };
        let text = |key| held.get(key).and_then(Value::as_str);
        match (text("config"), text("arc-setup.yaml"), held.len()) {
            (Some(path), _, 1) => Ok(Self::File(PathBuf::from(path))),
            (None, Some(text), 1) => {
                let place = document.find(at, &format!("/{holder}/arc-setup.yaml"));
                let laid = place.and_then(|place| block(document, place, text));
                Ok(given(laid, origin, || text.to_owned()))
            }
            (None, None, 0) => Ok(Self::None),
            (None, None, _) if !is_map => {
                let place = document.find(at, "/spec");
                let laid = place.and_then(|place| laid(document, document.bytes(place)));
                let again = || yaml::to_string(&Value::Object(held.clone()));
                Ok(given(laid, origin, again))
            }
            _ => Err(wrong("the functionConfig cannot be read").remedy(
                "write the rules under spec as in arc-setup.yaml (spec: {registry: {map: …}}), or spec: {config: PATH}; \
                 in a ConfigMap data: {arc-setup.yaml: …} or data: {config: PATH}",
            )),
        }
    }
}

/// What stands at its place is told by the name of its file. What is written again has places of its own.
fn given(laid: Option<String>, origin: &str, again: impl Fn() -> String) -> Rules {
    Rules::Text(match laid {
        Some(text) => GivenText {
            name: origin.to_owned(),
            text,
        },
        None => GivenText {
            name: "functionConfig".to_owned(),
            text: again(),
        },
    })
}

/// These bytes of the document, behind as many line breaks and blanks that each keeps its line and column. None where
/// they say less than the whole document does, or stand too far down.
fn laid(document: &Document<'_>, bytes: Range<usize>) -> Option<String> {
    if document.has_aliases() {
        return None;
    }
    let part = document.part();
    let (line, column) = Lines::of(part).position(bytes.start);
    let within = bytes.start.checked_sub(part.start)?..bytes.end.checked_sub(part.start)?;
    let text = part.text.get(within)?;
    (line + column + text.len() <= yaml::CONFIGURATION_LIMIT).then(|| {
        [
            "\n".repeat(line - 1),
            " ".repeat(column - 1),
            text.to_owned(),
        ]
        .concat()
    })
}

/// The same of a block of lines (`|`) that says `text`.
fn block(document: &Document<'_>, place: Place, text: &str) -> Option<String> {
    let scalar = document.scalar(place)?;
    if scalar.style != Style::Block {
        return None;
    }
    let laid = laid(document, scalar.bytes)?;
    let lines = || laid.lines().filter(|line| !line.trim().is_empty());
    let indent = lines().next()?.find(|letter| letter != ' ')?;
    // What is folded (`>`) says something else than its lines.
    let said = text.lines().filter(|line| !line.trim().is_empty());
    if !lines().map(|line| line.get(indent..)).eq(said.map(Some)) {
        return None;
    }
    // Markers are ones at the beginning of a line only.
    let is_marker = |line: &&str| ["---", "...", "%"].iter().any(|one| line.starts_with(one));
    match text
        .lines()
        .filter(is_marker)
        .collect::<Vec<_>>()
        .as_slice()
    {
        [] => Some(laid),
        ["---"] => Some(without_marker(&laid)),
        _ => None,
    }
}

fn without_marker(laid: &str) -> String {
    let lines = laid.split_inclusive('\n').map(|line| match line.trim() {
        "---" => Cow::Owned(line.replace("---", "   ")),
        _ => Cow::Borrowed(line),
    });
    lines.collect()
}
