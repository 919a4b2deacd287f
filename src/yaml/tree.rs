//! A YAML document as a tree in which every key and value knows its line and column.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use serde_yaml::Spanned;

use crate::failure::Failure;

/// A value and where it stands; lines and columns count from 1. `Debug` shows no scalar: it may be a secret.
#[derive(Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub value: NodeValue,
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// What a node holds.
#[derive(Clone, PartialEq)]
pub enum NodeValue {
    /// Null, boolean, number or text.
    Scalar(Value),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the file.
    Mapping(Vec<Entry>),
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Line of the key.
    pub line: usize,
    /// Column of the key.
    pub column: usize,
    /// The value.
    pub node: Node,
}

/// Reads a configuration file of one document. An empty one is None.
pub fn parse_tree(text: &str, origin: &str) -> Result<Option<Node>, Failure> {
    super::limit_size(text, origin, super::CONFIGURATION_LIMIT)?;
    let documents: Vec<Node> =
        super::read(text, 50_000, 2).map_err(|error| super::failure(&error, origin, 0))?;
    let mut filled = documents
        .into_iter()
        .filter(|node| node.value != NodeValue::Scalar(Value::Null));
    let first = filled.next();
    match filled.next() {
        None => Ok(first),
        Some(second) => Err(Failure::new(
            "yaml-invalid",
            crate::failure::Exit::Usage,
            format!(
                "{origin}:{}:{}: a second document",
                second.line, second.column
            ),
        )
        .why("a configuration is one document")
        .remedy("remove the `---` and what follows")),
    }
}

impl Node {
    /// The value as JSON.
    pub fn to_json(&self) -> Value {
        match &self.value {
            NodeValue::Scalar(scalar) => scalar.clone(),
            NodeValue::List(nodes) => nodes.iter().map(Self::to_json).collect(),
            NodeValue::Mapping(entries) => Value::Object(
                entries
                    .iter()
                    .map(|entry| (entry.key.clone(), entry.node.to_json()))
                    .collect(),
            ),
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            NodeValue::Scalar(_) => write!(formatter, "scalar@{}:{}", self.line, self.column),
            NodeValue::List(nodes) => formatter.debug_list().entries(nodes).finish(),
            NodeValue::Mapping(entries) => formatter.debug_list().entries(entries).finish(),
        }
    }
}

impl fmt::Debug for NodeValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Scalar(_) => "scalar",
            Self::List(_) => "list",
            Self::Mapping(_) => "mapping",
        })
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<NodeValue>::deserialize(deserializer)?;
        Ok(Self {
            value: spanned.value,
            line: position(spanned.referenced.line()),
            column: position(spanned.referenced.column()),
        })
    }
}

fn position(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl<'de> Deserialize<'de> for NodeValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = NodeValue;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<NodeValue, E> {
        Ok(NodeValue::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<NodeValue, E> {
        Ok(NodeValue::Scalar(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<NodeValue, E> {
        Ok(NodeValue::Scalar(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<NodeValue, E> {
        Ok(NodeValue::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<NodeValue, E> {
        Ok(NodeValue::Scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<NodeValue, E> {
        Ok(NodeValue::Scalar(
            Number::from_f64(value).map_or(Value::Null, Value::Number),
        ))
    }

    fn visit_str<E>(self, value: &str) -> Result<NodeValue, E> {
        Ok(NodeValue::Scalar(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<NodeValue, E> {
        Ok(NodeValue::Scalar(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<NodeValue, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = sequence.next_element()? {
            nodes.push(node);
        }
        Ok(NodeValue::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut mapping: A) -> Result<NodeValue, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = mapping.next_key::<Spanned<String>>()? {
            let node: Node = mapping.next_value()?;
            entries.push(Entry {
                line: position(key.referenced.line()).max(1),
                column: position(key.referenced.column()).max(1),
                key: key.value,
                node,
            });
        }
        Ok(NodeValue::Mapping(entries))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entries(node: &Node) -> &[Entry] {
        match &node.value {
            NodeValue::Mapping(entries) => entries,
            _ => panic!("not a mapping"),
        }
    }

    #[test]
    fn keys_and_values_know_where_they_stand() {
        let text = "# head\nname: arc\ngithub:\n  url: https://github.com\nsets:\n  - max: 3\n  - {max: 4}\n";
        let tree = parse_tree(text, "x").unwrap().unwrap();
        let root = entries(&tree);
        assert_eq!(
            (root[1].key.as_str(), root[1].line, root[1].column),
            ("github", 3, 1)
        );
        let url = &entries(&root[1].node)[0];
        assert_eq!(
            (url.line, url.column, url.node.line, url.node.column),
            (4, 3, 4, 8)
        );
        let NodeValue::List(sets) = &root[2].node.value else {
            panic!()
        };
        assert_eq!(entries(&sets[1])[0].line, 7);
        assert_eq!(
            tree.to_json(),
            json!({"name": "arc", "github": {"url": "https://github.com"}, "sets": [{"max": 3}, {"max": 4}]})
        );
    }

    #[test]
    fn an_alias_stands_where_it_is_used() {
        let tree = parse_tree("a: &x one\nb: *x\n", "x").unwrap().unwrap();
        assert_eq!(entries(&tree)[1].node.line, 2);
    }

    #[test]
    fn empty_and_double_documents() {
        assert_eq!(parse_tree("# nothing\n", "x").unwrap(), None);
        assert_eq!(parse_tree("---\n", "x").unwrap(), None);
        let failure = parse_tree("a: 1\n---\nb: 2\n", "x.yaml").unwrap_err();
        assert!(
            failure.details().what.starts_with("x.yaml:3:1"),
            "{failure}"
        );
    }

    #[test]
    fn large_files_are_refused_before_reading() {
        let text = "a: b\n".repeat(super::super::CONFIGURATION_LIMIT / 4);
        assert_eq!(parse_tree(&text, "x").unwrap_err().code(), "yaml-too-large");
    }

    #[test]
    fn debug_shows_no_value() {
        let tree = parse_tree("token: canary\nlist: [canary]\n", "x").unwrap();
        assert!(!format!("{tree:?}").contains("canary"));
    }
}
