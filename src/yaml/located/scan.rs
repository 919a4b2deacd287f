//! One pass over the parser's events: the place of every node, and what each scalar says.

use std::borrow::Cow;
use std::collections::HashSet;

use granit_parser::{Event, Parser, ScalarStyle};

use super::values::{Said, is_plain_text, other, simple, written};
use super::{Document, Meaning, Node, Place, Shape, Style};
use crate::yaml::stream::Part;

/// Nodes of one document; the reader of values has the same bound.
pub(super) const NODES_LIMIT: usize = 1_000_000;
pub(super) const TOO_MANY: &str = "too many nodes in one document";
/// Keys of one mapping that are compared each with each; more go through a table.
const FEW_KEYS: usize = 16;

/// Takes the items of a list, one by one.
pub(super) type Visit<'v, 'a> = &'v mut dyn FnMut(Document<'a>);

/// Where the text cannot be read.
pub(super) struct Broken {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) why: &'static str,
}

/// What the pass finds of one document.
pub(super) struct Scan<'a, 'v> {
    part: Part<'a>,
    text: &'a str,
    /// Who takes the items of a list; None where nobody does, or no longer can.
    pub(super) visit: Option<Visit<'v, 'a>>,
    pub(super) visited: usize,
    pub(super) nodes: Vec<Node>,
    pub(super) said: Said,
    pub(super) aliases: bool,
    /// What is found here is not what the reader of values would make of it.
    pub(super) unsure: bool,
    /// Scalars that were read alone, which a test bounds.
    #[cfg(test)]
    pub(super) read_alone: usize,
    /// Node of each anchor, by the parser's number.
    anchors: Vec<u32>,
    frames: Vec<Frame>,
    /// The keys of every mapping that is open, the innermost one's last.
    keys: Vec<Cow<'a, str>>,
}

/// A list or a mapping that is open.
struct Frame {
    node: u32,
    within: Within,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    List,
    /// `first` of all keys is its first; a key comes next, or the value of one.
    Mapping {
        first: usize,
        expects_key: bool,
    },
}

impl<'a, 'v> Scan<'a, 'v> {
    pub(super) fn new(part: Part<'a>, visit: Option<Visit<'v, 'a>>) -> Self {
        Self {
            part,
            text: part.text,
            visit,
            visited: 0,
            nodes: Vec::new(),
            said: Said::default(),
            aliases: false,
            unsure: false,
            #[cfg(test)]
            read_alone: 0,
            anchors: Vec::new(),
            frames: Vec::new(),
            keys: Vec::new(),
        }
    }

    /// Reads the document to its end.
    pub(super) fn run(&mut self) -> Result<(), Broken> {
        let options = granit_parser::options! {
            emit_comments: false,
            flow_nesting_limit: 2 * crate::yaml::DEPTH_LIMIT,
            block_nesting_limit: 2 * crate::yaml::DEPTH_LIMIT,
        };
        let mut parser = Parser::new_from_str_with_options(self.text, options);
        let mut documents = 0;
        while let Some(next) = parser.next_event() {
            let (event, span) = next.map_err(|error| Broken {
                line: error.marker().line(),
                column: error.marker().col(),
                why: "the structure cannot be read (indentation, quotes, brackets or a tab)",
            })?;
            let start = offset(span.start.byte_offset());
            let end = offset(span.end.byte_offset());
            let broken = |why| Broken {
                line: span.start.line(),
                column: span.start.col(),
                why,
            };
            if self.nodes.len() >= NODES_LIMIT {
                return Err(broken(TOO_MANY));
            }
            match event {
                Event::DocumentStart(..) => {
                    documents += 1;
                    if documents > 1 {
                        return Err(broken("a second document begins within a line"));
                    }
                }
                Event::Alias(anchor) => self.alias(start, end, anchor),
                Event::Scalar(text, style, anchor, tag) => {
                    self.unsure |= tag.is_some();
                    self.scalar(start, end, text, style, anchor);
                }
                Event::SequenceStart(_, anchor, tag) => {
                    self.open(start, Shape::List, anchor, tag.is_some());
                }
                Event::MappingStart(_, anchor, tag) => {
                    self.open(start, Shape::Mapping, anchor, tag.is_some());
                }
                Event::SequenceEnd | Event::MappingEnd => self.close(end),
                _ => {}
            }
        }
        Ok(())
    }

    fn push(&mut self, start: u32, end: u32, shape: Shape, anchor: usize) -> u32 {
        let number = offset(Some(self.nodes.len()));
        self.nodes.push(Node {
            start,
            end,
            next: number + 1,
            shape,
        });
        if anchor > 0 {
            if self.anchors.len() <= anchor {
                self.anchors.resize(anchor + 1, u32::MAX);
            }
            self.anchors[anchor] = number;
        }
        number
    }

    fn open(&mut self, start: u32, shape: Shape, anchor: usize, tagged: bool) {
        // Too deep or not, and what a list or mapping means as a key, the reader of values says.
        self.unsure |=
            tagged || self.expects_key() || self.frames.len() >= crate::yaml::DEPTH_LIMIT;
        let node = self.push(start, start, shape, anchor);
        let within = match shape {
            Shape::Mapping => Within::Mapping {
                first: self.keys.len(),
                expects_key: true,
            },
            _ => Within::List,
        };
        self.frames.push(Frame { node, within });
    }

    fn close(&mut self, end: u32) {
        let Some(Frame { node, within }) = self.frames.pop() else {
            return;
        };
        let next = offset(Some(self.nodes.len()));
        if let Some(node) = self.nodes.get_mut(node as usize) {
            node.end = end;
            node.next = next;
        }
        if let Within::Mapping { first, .. } = within {
            self.unsure |= has_twins(&self.keys[first..]);
            self.keys.truncate(first);
        }
        self.hand_over(node);
        self.complete();
    }

    /// A node is there whole: the next one in its mapping is a key after a value, a value after a key.
    fn complete(&mut self) {
        if let Some(Frame {
            within: Within::Mapping { expects_key, .. },
            ..
        }) = self.frames.last_mut()
        {
            *expects_key = !*expects_key;
        }
    }

    /// Hands over an item of a list: its nodes go with it, and nothing stays in its place.
    fn hand_over(&mut self, node: u32) {
        let of_items = match self.frames.as_slice() {
            [Frame { within, .. }, list] => {
                list.within == Within::List
                    && matches!(within, Within::Mapping { .. })
                    && self.keys.last().is_some_and(|key| key == "items")
            }
            _ => false,
        };
        if !of_items || self.visit.is_none() {
            return;
        }
        if self.unsure || !self.is_object(node) {
            self.visit = None;
            return;
        }
        let mut nodes = self.nodes.split_off(node as usize);
        for one in &mut nodes {
            one.next -= node;
        }
        let said = self.said.split_off(node);
        if let Some(visit) = &mut self.visit {
            self.visited += 1;
            visit(Document::of(self.part, nodes, said));
        }
    }

    /// True for an item that says what it is, whatever list it stands in.
    fn is_object(&mut self, node: u32) -> bool {
        let nodes = std::mem::take(&mut self.nodes);
        let read = Document::of(self.part, nodes, std::mem::take(&mut self.said));
        let says = |key: &str| read.text(Place(node), key).is_some();
        let is_object = says("apiVersion") && says("kind");
        (self.nodes, self.said) = (read.nodes, read.said);
        is_object
    }

    fn alias(&mut self, start: u32, end: u32, anchor: usize) {
        self.aliases = true;
        self.unsure = true;
        let target = self.anchors.get(anchor).copied().unwrap_or(u32::MAX);
        self.push(start, end, Shape::Alias(target), 0);
        self.complete();
    }

    fn scalar(
        &mut self,
        start: u32,
        end: u32,
        text: Cow<'a, str>,
        style: ScalarStyle,
        anchor: usize,
    ) {
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::SingleQuoted,
            ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
            _ => Style::Block,
        };
        let number = offset(Some(self.nodes.len()));
        let is_key = self.expects_key();
        let is_text = style != Style::Plain || is_plain_text(&text);
        let meaning = if !is_key && !is_text {
            self.other(number, &text);
            Meaning::Other
        } else if written(self.text, start, end, style) == Some(&text) {
            Meaning::Written
        } else {
            self.said.keep(number, text.to_string());
            Meaning::Kept
        };
        if is_key {
            self.unsure |= !is_text;
            // A merge key stands for other mappings; quoted, it is a key like others.
            if style == Style::Plain && text == "<<" {
                self.aliases = true;
                self.unsure = true;
            }
            self.keys.push(text);
        }
        self.push(start, end, Shape::Scalar(style, meaning), anchor);
        self.complete();
    }

    /// What an unquoted scalar means that may be a number, a boolean or null: the plain cases are read when they are
    /// asked for, the others here by the reader of values.
    fn other(&mut self, number: u32, text: &str) {
        // The reader of values reads a whole document once more: of what is left, each scalar would be read twice.
        if self.unsure || simple(text).is_some() {
            return;
        }
        #[cfg(test)]
        {
            self.read_alone += 1;
        }
        match other(text) {
            Some(value) => self.said.keep_other(number, value),
            None => self.unsure = true,
        }
    }

    fn expects_key(&self) -> bool {
        let last = self.frames.last().map(|frame| frame.within);
        matches!(last, Some(Within::Mapping { expects_key, .. }) if expects_key)
    }
}

fn has_twins(keys: &[Cow<'_, str>]) -> bool {
    if keys.len() > FEW_KEYS {
        let mut known = HashSet::with_capacity(keys.len());
        return !keys.iter().all(|key| known.insert(key));
    }
    let mut rest = keys;
    while let Some((key, behind)) = rest.split_first() {
        if behind.contains(key) {
            return true;
        }
        rest = behind;
    }
    false
}

fn offset(at: Option<usize>) -> u32 {
    at.and_then(|at| u32::try_from(at).ok()).unwrap_or(u32::MAX)
}
