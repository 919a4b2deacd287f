//! A document together with the bytes that each of its scalars stands in, so that a few bytes can be changed and all
//! others kept: comments, order, quoting, line endings.
//!
//! The value is what [`super::parse_documents`] reads from the same text. Documents with tags, aliases or merge keys are
//! read by it; all others are made of what one pass over the parser's events finds, and only as much as is asked for.

mod build;
mod raw;
mod scan;
mod values;
mod ways;

pub use values::is_plain_text;

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use serde_json::Value;

use super::stream::{Part, parts};
use crate::failure::Failure;

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// Between `'`.
    SingleQuoted,
    /// Between `"`.
    DoubleQuoted,
    /// After `|` or `>`.
    Block,
}

/// A node of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(u32);

/// A scalar as it stands in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar {
    /// The same for each use of one anchor.
    pub place: Place,
    /// Its bytes in the stream, quotes included; of a block scalar its lines without the header.
    pub bytes: Range<usize>,
    /// How it is written.
    pub style: Style,
}

/// A document with the bytes of its scalars. `Debug` shows no value: it may be a secret.
#[derive(Clone)]
pub struct Document<'a> {
    part: Part<'a>,
    nodes: Vec<Node>,
    said: values::Said,
    /// Made when it is asked for; of a document that the reader of values has read, there from the start.
    value: OnceCell<Value>,
    aliases: bool,
    /// The items of long lists, of which one is asked for after the other.
    items: RefCell<HashMap<Place, Vec<Place>>>,
    /// Keys and values of wide mappings, in the order of the keys.
    entries: RefCell<HashMap<Place, Vec<(Place, Place)>>>,
}

/// What [`Document::read_by_item`] has found.
#[derive(Debug)]
pub enum Contents<'a> {
    /// Nothing.
    Empty,
    /// A document.
    Whole(Box<Document<'a>>),
    /// A list, of which each item was given.
    Items,
}

/// A node in the order of the text. Of a mapping, keys and values are its children in turn.
#[derive(Clone, Copy)]
struct Node {
    start: u32,
    end: u32,
    /// Where the next node stands that is not within this one.
    next: u32,
    shape: Shape,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Scalar(Style, Meaning),
    List,
    Mapping,
    /// Of the node with this number; `u32::MAX` where the anchor is unknown.
    Alias(u32),
}

/// How it is known what a scalar says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// A text: its bytes, without quotes.
    Written,
    /// A text that its bytes spell in another way, kept beside.
    Kept,
    /// A number, a boolean, null, or what the reader of values has made of it.
    Other,
}

/// Reads every document of `text`; empty ones are left out. `origin` is what errors call the text.
pub fn located_documents<'a>(text: &'a str, origin: &str) -> Result<Vec<Document<'a>>, Failure> {
    super::limit_size(text, origin, super::DOCUMENTS_LIMIT)?;
    parts(text)
        .filter_map(|part| Document::read(part, origin).transpose())
        .collect()
}

impl<'a> Document<'a> {
    /// Reads one document; None where it is empty.
    pub fn read(part: Part<'a>, origin: &str) -> Result<Option<Self>, Failure> {
        build::read(part, origin)
    }

    /// As [`Self::read`]. Where the document is a list (`kind: List`, `items`) of objects, each goes to `visit` as a
    /// document of its own as soon as it is read, and only one is in memory. Where a list cannot be taken apart (an alias,
    /// a tag), it comes back whole, and what `visit` was given before is void.
    pub fn read_by_item(
        part: Part<'a>,
        origin: &str,
        visit: &mut dyn FnMut(Document<'a>),
    ) -> Result<Contents<'a>, Failure> {
        build::read_items(part, origin, &mut Some(visit))
    }

    fn of(part: Part<'a>, nodes: Vec<Node>, said: values::Said) -> Self {
        Self {
            part,
            nodes,
            said,
            value: OnceCell::new(),
            aliases: false,
            items: RefCell::default(),
            entries: RefCell::default(),
        }
    }

    /// What the document says.
    pub fn value(&self) -> &Value {
        self.value.get_or_init(|| self.built(self.root(), &[]))
    }

    /// The same, where the fields called as in `unread`, wherever they stand, may be left out.
    pub fn value_without(&self, unread: &[&str]) -> Cow<'_, Value> {
        if unread.is_empty() || self.value.get().is_some() {
            return Cow::Borrowed(self.value());
        }
        Cow::Owned(self.built(self.root(), unread))
    }

    /// What one field of the outermost mapping says.
    pub fn field(&self, field: &str) -> Option<Value> {
        match self.value.get() {
            Some(value) => value.get(field).cloned(),
            None => Some(self.built(self.field_of(self.root(), field)?, &[])),
        }
    }

    /// The text of a field that is written in the mapping at `of`.
    pub fn text(&self, of: Place, field: &str) -> Option<&str> {
        self.said(self.field_of(of, field)?)
    }

    fn field_of(&self, of: Place, field: &str) -> Option<Place> {
        let is_mapping = self.nodes.get(of.0 as usize)?.shape == Shape::Mapping;
        is_mapping.then(|| self.entry(of, field)).flatten()
    }

    /// The document's bytes, with directives and comments before it.
    pub fn part(&self) -> Part<'a> {
        self.part
    }

    /// True where an alias or a merge key lets one scalar stand at several pointers.
    pub fn has_aliases(&self) -> bool {
        self.aliases
    }

    /// Every alias, by the node that it stands for.
    pub fn aliases(&self) -> BTreeMap<Place, Vec<Place>> {
        let mut aliases: BTreeMap<Place, Vec<Place>> = BTreeMap::new();
        if self.aliases {
            for (node, number) in self.nodes.iter().zip(0..) {
                if let Shape::Alias(target) = node.shape {
                    aliases
                        .entry(Place(target))
                        .or_default()
                        .push(Place(number));
                }
            }
        }
        aliases
    }

    /// True where an alias is written.
    pub fn is_alias(&self, place: Place) -> bool {
        let node = self.nodes.get(place.0 as usize);
        node.is_some_and(|node| matches!(node.shape, Shape::Alias(_)))
    }

    /// The value of a key of the mapping at `place`, and whether it comes by `<<`.
    pub fn value_of(&self, place: Place, key: &str) -> Option<(Place, bool)> {
        let mapping = self.resolved(place)?;
        if self.nodes[mapping.0 as usize].shape != Shape::Mapping {
            return None;
        }
        let merged = || Some((self.merged(mapping, key, 0)?, true));
        let own = self.entry(mapping, key).map(|value| (value, false));
        own.or_else(merged)
    }

    /// The key that a value of a mapping stands behind.
    pub fn key_of(&self, value: Place) -> Place {
        // A key that is found by its text is one node.
        Place(value.0.saturating_sub(1))
    }

    /// The outermost node.
    pub fn root(&self) -> Place {
        Place(0)
    }

    /// The node at a JSON pointer below `from`, aliases and merge keys followed.
    pub fn find(&self, from: Place, pointer: &str) -> Option<Place> {
        let mut place = from;
        for segment in pointer.split('/').skip(1) {
            place = if segment.contains('~') {
                self.child(place, &segment.replace("~1", "/").replace("~0", "~"), 0)?
            } else {
                self.child(place, segment, 0)?
            };
        }
        Some(place)
    }

    /// The items of the list at `place`, in order.
    pub fn items(&self, place: Place) -> Vec<Place> {
        match self.resolved(place) {
            Some(list) if self.nodes[list.0 as usize].shape == Shape::List => {
                self.children(list).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The scalar at `place`; None for lists and mappings.
    pub fn scalar(&self, place: Place) -> Option<Scalar> {
        let place = self.resolved(place)?;
        let node = self.nodes.get(place.0 as usize)?;
        match node.shape {
            Shape::Scalar(style, _) => Some(Scalar {
                place,
                bytes: self.part.start + node.start as usize..self.part.start + node.end as usize,
                style,
            }),
            _ => None,
        }
    }

    /// Which bytes of the stream stand for these ranges of the scalar's text. Ranges are in order, do not overlap, and
    /// begin and end with what is no blank. None where `text` is not what the scalar says.
    pub fn bytes_of(
        &self,
        scalar: &Scalar,
        text: &str,
        ranges: &[Range<usize>],
    ) -> Option<Vec<Range<usize>>> {
        let start = self.part.start;
        let within = scalar.bytes.start.checked_sub(start)?..scalar.bytes.end.checked_sub(start)?;
        let raw = self.part.text.get(within)?;
        let found = raw::ranges(raw, scalar.style, text, ranges)?;
        let moved =
            |range: Range<usize>| scalar.bytes.start + range.start..scalar.bytes.start + range.end;
        Some(found.into_iter().map(moved).collect())
    }

    /// The byte of the stream at which a node begins; an alias stands where it is used.
    pub fn start(&self, place: Place) -> usize {
        self.bytes(place).start
    }

    /// The bytes of the stream that a node takes; of an alias its `*` and name.
    pub fn bytes(&self, place: Place) -> Range<usize> {
        let node = self.nodes.get(place.0 as usize);
        let within = node.map_or(0..0, |node| node.start as usize..node.end as usize);
        self.part.start + within.start..self.part.start + within.end
    }
}

impl std::fmt::Debug for Document<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Document")
            .field("start", &self.part.start)
            .field("nodes", &self.nodes.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "located/tests.rs"]
mod tests;
