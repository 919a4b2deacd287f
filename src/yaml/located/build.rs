//! A document by the pass over its events, or where that is not sure of its meaning, by the reader of values.

use serde_json::Value;

use super::scan::{Broken, NODES_LIMIT, Scan, TOO_MANY, Visit};
use super::{Contents, Document};
use crate::failure::{Exit, Failure};
use crate::yaml::stream::Part;

pub(super) fn read<'a>(part: Part<'a>, origin: &str) -> Result<Option<Document<'a>>, Failure> {
    match read_items(part, origin, &mut None)? {
        Contents::Whole(document) => Ok(Some(*document)),
        Contents::Empty | Contents::Items => Ok(None),
    }
}

/// As [`read`]; each item of a list of objects goes to `visit` as soon as it is read, and is gone then. Where that turns
/// out wrong (an alias leads to an item that is gone), `visit` is None afterwards and the whole document comes back.
pub(super) fn read_items<'a>(
    part: Part<'a>,
    origin: &str,
    visit: &mut Option<Visit<'_, 'a>>,
) -> Result<Contents<'a>, Failure> {
    let mut scan = Scan::new(part, visit.take());
    let scanned = scan.run();
    *visit = scan.visit;
    let document = Document {
        aliases: scan.aliases,
        ..Document::of(part, scan.nodes, scan.said)
    };
    if scan.visited > 0 {
        let kind = document.text(document.root(), "kind");
        let is_list = kind.is_some_and(|kind| kind.ends_with("List"));
        if is_list && scanned.is_ok() && !scan.unsure && visit.is_some() {
            return Ok(Contents::Items);
        }
        *visit = None;
        return read_items(part, origin, visit);
    }
    match scanned {
        Err(broken) if broken.why == TOO_MANY => Err(broken.failure(origin, part)),
        Err(broken) => {
            by_reader(part, origin)?;
            Err(broken.failure(origin, part))
        }
        // Something that the reader of values knows better: what it means, or what is wrong with it.
        Ok(()) if scan.unsure => Ok(document.with_value(by_reader(part, origin)?)),
        Ok(()) => Ok(document.or_empty()),
    }
}

impl<'a> Document<'a> {
    fn with_value(self, value: Value) -> Contents<'a> {
        if value.is_null() {
            return Contents::Empty;
        }
        Contents::Whole(Box::new(Self {
            value: value.into(),
            ..self
        }))
    }

    fn or_empty(self) -> Contents<'a> {
        if self.nodes.len() > 1 || !self.value().is_null() {
            Contents::Whole(Box::new(self))
        } else {
            Contents::Empty
        }
    }
}

fn by_reader(part: Part<'_>, origin: &str) -> Result<Value, Failure> {
    let read: Result<Vec<Value>, _> = crate::yaml::read(part.text, NODES_LIMIT, 2);
    let documents =
        read.map_err(|error| crate::yaml::failure(&error, origin, part.lines_before))?;
    Ok(documents.into_iter().next().unwrap_or_default())
}

impl Broken {
    fn failure(&self, origin: &str, part: Part<'_>) -> Failure {
        let line = part.lines_before + self.line.max(1);
        let place = format!("{origin}:{line}:{}", self.column + 1);
        Failure::new(
            "yaml-invalid",
            Exit::Usage,
            format!("{place}: not valid YAML"),
        )
        .why(self.why)
        .remedy("correct the file at that line; indentation is by spaces")
    }
}
