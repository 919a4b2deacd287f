//! Reads a tree into a type of Kubernetes, and notes on the way what the type does not have.
//!
//! Each type's own deserializer says which fields it has and what they take, so no list of them is kept here.
//! Nothing ends the walk: in the place of what is wrong the type gets something empty, and all notes come together.

use std::cell::{Cell, RefCell};

use serde::de::value::{Error, MapDeserializer, SeqDeserializer, StrDeserializer};
use serde::de::{Deserialize, Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Value as Json;

use crate::yaml::{Entry, Node, NodeValue};

/// Something that the type does not have, and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Note {
    pub(super) line: usize,
    pub(super) column: usize,
    /// `runnerSets[0].podTemplate.spec.volums`.
    pub(super) path: String,
    pub(super) what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    /// The type, by its name in Kubernetes, has no such field.
    UnknownField {
        of: &'static str,
        key: String,
        known: &'static [&'static str],
    },
    /// Continues the path: `takes a list, not text`.
    WrongKind(String),
    /// An item of a list lacks what items are told apart by.
    WithoutKey(&'static str),
    /// A `$…` that the merge does not know.
    Directive,
}

/// By what the items of a list are told apart, per type of item.
const ITEM_KEYS: [(&str, &str); 8] = [
    ("Container", "name"),
    ("EphemeralContainer", "name"),
    ("Volume", "name"),
    ("EnvVar", "name"),
    ("VolumeMount", "mountPath"),
    ("ContainerPort", "containerPort"),
    ("LocalObjectReference", "name"),
    ("HostAlias", "ip"),
];

/// What `T` does not have of the tree at `path`.
pub(super) fn walk<'a, T: Deserialize<'a>>(path: &str, node: &'a Node) -> Vec<Note> {
    let notes = RefCell::default();
    let at = At {
        node,
        path: path.to_owned(),
        in_list: false,
        notes: &notes,
    };
    // What ends a walk is noted where it is met.
    let _ = T::deserialize(at);
    notes.into_inner()
}

/// The fields of a type, by their names in Kubernetes.
pub(super) fn fields<T: Deserialize<'static>>() -> &'static [&'static str] {
    let fields = Cell::new(&[][..]);
    // Ends as soon as the fields are named.
    let _ = T::deserialize(Fields(&fields));
    fields.get()
}

struct Fields<'a>(&'a Cell<&'static [&'static str]>);

impl<'de> Deserializer<'de> for Fields<'_> {
    type Error = Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        self.0.set(fields);
        Err(Error::custom("that was all"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("no structure"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// A place in the tree.
struct At<'a, 'n> {
    node: &'a Node,
    path: String,
    in_list: bool,
    notes: &'n RefCell<Vec<Note>>,
}

impl<'a> At<'a, '_> {
    fn note(&self, what: What) {
        self.note_at(self.node.line, self.node.column, self.path.clone(), what);
    }

    fn note_at(&self, line: usize, column: usize, path: String, what: What) {
        self.notes.borrow_mut().push(Note {
            line,
            column,
            path,
            what,
        });
    }

    /// Null takes away what is rendered; in a list there is nothing that it could mean.
    fn wants(&self, wanted: &str) {
        if self.is_null() && !self.in_list {
            return;
        }
        let hint = match &self.node.value {
            NodeValue::Scalar(Json::Bool(_)) if wanted == "text" => {
                ", and YAML reads this word as a boolean: put it in quotes".to_owned()
            }
            NodeValue::Scalar(Json::Number(_)) if wanted == "text" => {
                ", and YAML reads this as a number: put it in quotes".to_owned()
            }
            NodeValue::Scalar(Json::Number(_)) => ", and this one does not fit".to_owned(),
            _ => format!(", not {}", noun(self.node)),
        };
        self.note(What::WrongKind(format!("takes {wanted}{hint}")));
    }

    fn is_null(&self) -> bool {
        self.node.value == NodeValue::Scalar(Json::Null)
    }

    /// The entries that the type has; the others are noted.
    fn known_entries(
        &self,
        of: &'static str,
        fields: &'static [&'static str],
        entries: &'a [Entry],
    ) -> Vec<&'a Entry> {
        let (known, unknown): (Vec<&Entry>, Vec<&Entry>) = entries
            .iter()
            .partition(|entry| fields.contains(&entry.key.as_str()));
        for entry in unknown {
            let path = format!("{}.{}", self.path, entry.key);
            let what = if !entry.key.starts_with('$') {
                What::UnknownField {
                    of,
                    key: entry.key.clone(),
                    known: fields,
                }
            } else if self.in_list && is_deletion(entry) {
                continue;
            } else {
                What::Directive
            };
            self.note_at(entry.line, entry.column, path, what);
        }
        let key = ITEM_KEYS.iter().find(|(item, _)| *item == of);
        if let Some((_, key)) = key.filter(|_| self.in_list)
            && !known.iter().any(|entry| entry.key == *key)
        {
            self.note(What::WithoutKey(key));
        }
        known
    }
}

fn is_deletion(entry: &Entry) -> bool {
    entry.key == "$patch" && entry.node.value == NodeValue::Scalar("delete".into())
}

fn noun(node: &Node) -> &'static str {
    match &node.value {
        NodeValue::List(_) => "a list",
        NodeValue::Mapping(_) => "a mapping",
        NodeValue::Scalar(Json::Null) => "nothing",
        NodeValue::Scalar(Json::Bool(_)) => "a boolean",
        NodeValue::Scalar(Json::Number(_)) => "a number",
        NodeValue::Scalar(_) => "text",
    }
}

impl<'de> Deserializer<'de> for At<'_, '_> {
    type Error = Error;

    /// A number or a name, a quantity, or any value at all.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let read = match &self.node.value {
            NodeValue::List(nodes) => self.visit_items(nodes, visitor),
            NodeValue::Mapping(entries) => self.visit_members(entries, visitor),
            NodeValue::Scalar(Json::Null) => visitor.visit_unit(),
            NodeValue::Scalar(Json::Bool(value)) => visitor.visit_bool(*value),
            NodeValue::Scalar(Json::Number(number)) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => visitor.visit_i64(whole),
                (None, Some(value)) => visitor.visit_f64(value),
                (None, None) => visitor.visit_unit(),
            },
            NodeValue::Scalar(value) => visitor.visit_str(value.as_str().unwrap_or_default()),
        };
        read.inspect_err(|_| self.wants("another value"))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let NodeValue::Mapping(entries) = &self.node.value else {
            self.wants("keys of its own");
            return visitor.visit_map(nothing());
        };
        let known = self.known_entries(name, fields, entries);
        self.visit_members(known, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let NodeValue::Mapping(entries) = &self.node.value else {
            self.wants("a mapping");
            return visitor.visit_map(nothing());
        };
        self.visit_members(entries, visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let NodeValue::List(nodes) = &self.node.value else {
            self.wants("a list");
            return visitor.visit_seq(SeqDeserializer::new(std::iter::empty::<()>()));
        };
        self.visit_items(nodes, visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if let NodeValue::Scalar(Json::String(text)) = &self.node.value {
            return visitor.visit_str(text);
        }
        self.wants("text");
        visitor.visit_str("")
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_string(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if let NodeValue::Scalar(Json::Bool(value)) = &self.node.value {
            return visitor.visit_bool(*value);
        }
        self.wants("true or false");
        visitor.visit_bool(false)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let whole = self.whole_number();
        if let Some(number) = whole.and_then(|number| i32::try_from(number).ok()) {
            return visitor.visit_i32(number);
        }
        self.wants("a whole number");
        visitor.visit_i32(0)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if let Some(number) = self.whole_number() {
            return visitor.visit_i64(number);
        }
        self.wants("a whole number");
        visitor.visit_i64(0)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let is_quantity = matches!(
            &self.node.value,
            NodeValue::Scalar(Json::String(_) | Json::Number(_))
        );
        if name == "Quantity" && !is_quantity {
            self.wants("a quantity such as 500m or 2Gi");
            return visitor.visit_newtype_struct(StrDeserializer::new(""));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i8 i16 u8 u16 u32 u64 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct enum identifier
    }
}

impl<'a> At<'a, '_> {
    fn whole_number(&self) -> Option<i64> {
        match &self.node.value {
            NodeValue::Scalar(number) => number.as_i64(),
            _ => None,
        }
    }

    fn visit_items<'de, V: Visitor<'de>>(
        &self,
        nodes: &'a [Node],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let items = nodes.iter().enumerate();
        let items = items.map(|(index, node)| self.beneath(node, &format!("[{index}]"), true));
        visitor.visit_seq(SeqDeserializer::new(items))
    }

    fn visit_members<'de, V: Visitor<'de>>(
        &self,
        entries: impl IntoIterator<Item = &'a Entry>,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let members = entries.into_iter().map(|entry| {
            let place = self.beneath(&entry.node, &format!(".{}", entry.key), false);
            (entry.key.as_str(), place)
        });
        visitor.visit_map(MapDeserializer::new(members))
    }

    /// The place of a node beneath this one, whose path goes on by `step`.
    fn beneath(&self, node: &'a Node, step: &str, in_list: bool) -> Self {
        Self {
            node,
            path: format!("{}{step}", self.path),
            in_list,
            notes: self.notes,
        }
    }
}

impl IntoDeserializer<'_, Error> for At<'_, '_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// A mapping without entries.
fn nothing<'de>() -> MapDeserializer<'de, std::iter::Empty<(&'static str, ())>, Error> {
    MapDeserializer::new(std::iter::empty())
}
