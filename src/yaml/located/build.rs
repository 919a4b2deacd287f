//! One pass over the parser's events: the value and the place of every node.

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Number, Value};

use super::{Contents, Document, Node, Shape, Style};
use crate::failure::{Exit, Failure};
use crate::yaml::stream::Part;

/// Nodes of one document; the reader of values has the same bound.
const NODES_LIMIT: usize = 1_000_000;
const TOO_MANY: &str = "too many nodes in one document";

/// Takes the items of a list, one by one.
pub(super) type Visit<'v, 'a> = &'v mut dyn FnMut(Document<'a>);

pub(super) fn read<'a>(part: Part<'a>, origin: &str) -> Result<Option<Document<'a>>, Failure> {
    match read_items(part, origin, &mut None)? {
        Contents::Whole(document) => Ok(Some(document)),
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
    let mut builder = Builder::new(part, visit.take());
    let built = builder.run();
    let visited = builder.visited;
    *visit = builder.visit;
    if visited > 0 {
        let is_list = matches!(&built, Ok(Some(value)) if is_list(value));
        if is_list && visit.is_some() {
            return Ok(Contents::Items);
        }
        *visit = None;
        return read_items(part, origin, visit);
    }
    let value = match built {
        Ok(Some(value)) => value,
        Err(broken) if broken.why == TOO_MANY => return Err(broken.failure(origin, part)),
        // Something that the reader of values knows better: what it means, or what is wrong with it.
        Ok(None) => by_reader(part, origin)?,
        Err(broken) => {
            by_reader(part, origin)?;
            return Err(broken.failure(origin, part));
        }
    };
    if value.is_null() {
        return Ok(Contents::Empty);
    }
    Ok(Contents::Whole(Document {
        part,
        value,
        nodes: builder.nodes,
        keys: builder.keys,
        aliases: builder.aliases,
    }))
}

fn is_list(value: &Value) -> bool {
    let kind = value.get("kind").and_then(Value::as_str);
    kind.is_some_and(|kind| kind.ends_with("List"))
}

/// True for an item that says what it is, whatever list it stands in.
fn is_object(value: &Value) -> bool {
    let says = |key: &str| value.get(key).is_some_and(Value::is_string);
    says("apiVersion") && says("kind")
}

fn by_reader(part: Part<'_>, origin: &str) -> Result<Value, Failure> {
    let read: Result<Vec<Value>, _> = crate::yaml::read(part.text, NODES_LIMIT, 2);
    let documents =
        read.map_err(|error| crate::yaml::failure(&error, origin, part.lines_before))?;
    Ok(documents.into_iter().next().unwrap_or_default())
}

/// Where the text cannot be read.
struct Broken {
    line: usize,
    column: usize,
    why: &'static str,
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

struct Builder<'a, 'v> {
    part: Part<'a>,
    text: &'a str,
    /// Who takes the items of a list; None where nobody does, or no longer can.
    visit: Option<Visit<'v, 'a>>,
    visited: usize,
    nodes: Vec<Node>,
    keys: HashMap<u32, String>,
    /// Node of each anchor, by the parser's number.
    anchors: Vec<u32>,
    frames: Vec<Frame>,
    root: Option<Value>,
    /// The value that is built here is not what the reader of values would make of it.
    unsure: bool,
    aliases: bool,
}

enum Frame {
    List {
        node: u32,
        items: Vec<Value>,
    },
    Mapping {
        node: u32,
        fields: Map<String, Value>,
        key: Option<String>,
    },
}

impl<'a, 'v> Builder<'a, 'v> {
    fn new(part: Part<'a>, visit: Option<Visit<'v, 'a>>) -> Self {
        Self {
            part,
            text: part.text,
            visit,
            visited: 0,
            nodes: Vec::new(),
            keys: HashMap::new(),
            anchors: Vec::new(),
            frames: Vec::new(),
            root: None,
            unsure: false,
            aliases: false,
        }
    }

    /// The document's value; None where the reader of values must say it.
    fn run(&mut self) -> Result<Option<Value>, Broken> {
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
                    let node = self.open(start, Shape::List, anchor, tag.is_some());
                    self.frames.push(Frame::List {
                        node,
                        items: Vec::new(),
                    });
                }
                Event::MappingStart(_, anchor, tag) => {
                    let node = self.open(start, Shape::Mapping, anchor, tag.is_some());
                    self.frames.push(Frame::Mapping {
                        node,
                        fields: Map::new(),
                        key: None,
                    });
                }
                Event::SequenceEnd | Event::MappingEnd => self.close(end),
                _ => {}
            }
        }
        let value = self.root.take().unwrap_or_default();
        Ok((!self.unsure).then_some(value))
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

    fn open(&mut self, start: u32, shape: Shape, anchor: usize, tagged: bool) -> u32 {
        // Too deep or not, the reader of values says.
        self.unsure |=
            tagged || self.expects_key() || self.frames.len() >= crate::yaml::DEPTH_LIMIT;
        self.push(start, start, shape, anchor)
    }

    fn close(&mut self, end: u32) {
        let next = offset(Some(self.nodes.len()));
        let (node, value) = match self.frames.pop() {
            Some(Frame::List { node, items }) => (node, Value::Array(items)),
            Some(Frame::Mapping { node, fields, .. }) => (node, Value::Object(fields)),
            None => return,
        };
        if let Some(node) = self.nodes.get_mut(node as usize) {
            node.end = end;
            node.next = next;
        }
        let value = self.visited(node, value);
        self.value(value);
    }

    /// Hands over an item of a list: its nodes go with it, and null stays in its place.
    fn visited(&mut self, node: u32, value: Value) -> Value {
        let is_item = match self.frames.as_slice() {
            [Frame::Mapping { key: Some(key), .. }, Frame::List { .. }] => key == "items",
            _ => false,
        };
        if !is_item || self.visit.is_none() {
            return value;
        }
        if self.unsure || !is_object(&value) {
            self.visit = None;
            return value;
        }
        let mut nodes = self.nodes.split_off(node as usize);
        for one in &mut nodes {
            one.next -= node;
        }
        let keys = self.keys.extract_if(|place, _| *place >= node);
        let keys = keys.map(|(place, key)| (place - node, key)).collect();
        if let Some(visit) = &mut self.visit {
            self.visited += 1;
            visit(Document {
                part: self.part,
                value,
                nodes,
                keys,
                aliases: false,
            });
        }
        Value::Null
    }

    fn alias(&mut self, start: u32, end: u32, anchor: usize) {
        self.aliases = true;
        self.unsure = true;
        let target = self.anchors.get(anchor).copied().unwrap_or(u32::MAX);
        self.push(start, end, Shape::Alias(target), 0);
        self.value(Value::Null);
    }

    fn scalar(
        &mut self,
        start: u32,
        end: u32,
        text: Cow<'_, str>,
        style: ScalarStyle,
        anchor: usize,
    ) {
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::SingleQuoted,
            ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
            _ => Style::Block,
        };
        let number = self.push(start, end, Shape::Scalar(style), anchor);
        if self.expects_key() {
            if style == Style::Plain {
                self.unsure |= !is_plain_text(&text);
                // A merge key stands for other mappings; quoted, it is a key like others.
                self.aliases |= text == "<<";
                self.unsure |= text == "<<";
            }
            if self.written(start, end, style) != Some(&text) {
                self.keys.insert(number, text.to_string());
            }
            if let Some(Frame::Mapping { key, .. }) = self.frames.last_mut() {
                *key = Some(text.into_owned());
            }
            return;
        }
        let value = if style == Style::Plain && !is_plain_text(&text) {
            self.resolved(&text)
        } else {
            Value::String(text.into_owned())
        };
        self.value(value);
    }

    /// The bytes of a scalar without its quotes.
    fn written(&self, start: u32, end: u32, style: Style) -> Option<&str> {
        let (start, end) = (start as usize, end as usize);
        match style {
            Style::Plain => self.text.get(start..end),
            Style::SingleQuoted | Style::DoubleQuoted => {
                self.text.get(start + 1..end.checked_sub(1)?)
            }
            Style::Block => None,
        }
    }

    fn expects_key(&self) -> bool {
        matches!(self.frames.last(), Some(Frame::Mapping { key: None, .. }))
    }

    fn value(&mut self, value: Value) {
        match self.frames.last_mut() {
            None => self.root = Some(value),
            Some(Frame::List { items, .. }) => items.push(value),
            Some(Frame::Mapping { fields, key, .. }) => match key.take() {
                // A list, a mapping or an alias as a key.
                None => *key = Some(String::new()),
                Some(key) => self.unsure |= fields.insert(key, value).is_some(),
            },
        }
    }

    /// What an unquoted scalar means that may be a number, a boolean or null: the plain cases here, the others by the
    /// reader of values.
    fn resolved(&mut self, text: &str) -> Value {
        match text {
            "" | "~" | "null" => return Value::Null,
            "true" => return Value::Bool(true),
            "false" => return Value::Bool(false),
            _ => {}
        }
        let decimal = text.len() < 19
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && (text == "0" || !text.starts_with('0'));
        if decimal && let Ok(number) = text.parse::<u64>() {
            return Value::Number(Number::from(number));
        }
        let alone: Result<Vec<Value>, _> = crate::yaml::read(&format!("- {text}"), 16, 2);
        match alone.ok().and_then(|mut read| read.pop()) {
            Some(Value::Array(mut items)) if items.len() == 1 => items.pop().unwrap_or_default(),
            _ => {
                self.unsure = true;
                Value::Null
            }
        }
    }
}

/// True where an unquoted scalar is surely text, neither number nor boolean nor null; false says nothing.
pub fn is_plain_text(text: &str) -> bool {
    let Some(first) = text.bytes().next() else {
        return false;
    };
    if first.is_ascii_alphabetic() {
        // Numbers and words of other types are short or begin otherwise: `infinity`, `false`.
        const WORDS: [&str; 12] = [
            "y", "n", "yes", "no", "on", "off", "true", "false", "null", "inf", "nan", "infinity",
        ];
        return text.len() > 8 || !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word));
    }
    match first {
        b'/' | b'$' | b'(' | b'*' | b'{' => true,
        b'-' | b'+' | b'.' | b'0'..=b'9' => {
            // No number has these; hexadecimal digits, exponents and `.inf` take the other letters.
            text.bytes()
                .any(|byte| b"/ =@(ghjklmpqrsuvwz".contains(&byte.to_ascii_lowercase()))
        }
        _ => false,
    }
}

fn offset(at: Option<usize>) -> u32 {
    at.and_then(|at| u32::try_from(at).ok()).unwrap_or(u32::MAX)
}
