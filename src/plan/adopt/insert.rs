//! Puts rules into the text of a configuration: every byte that is there stays, comments and line endings too.

use serde_json::{Value, json};

use super::OfferedRule;
use crate::yaml::{self, Entry, Node, NodeValue};

/// The text with the rules behind those of `registry.rules`. `origin` is what errors call it. The error says why the
/// rules must be pasted by hand; a result was read again, and says the same as before with the rules added.
pub fn insert(text: &str, origin: &str, rules: &[OfferedRule]) -> Result<String, String> {
    let read = |text: &str| {
        yaml::parse_tree(text, origin).map_err(|failure| failure.details().what.clone())
    };
    let tree = read(text)?;
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let place = place(tree.as_ref(), &lines)?;
    let ending = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut block = place.text(rules);
    if ending != "\n" {
        block = block.replace('\n', ending);
    }
    let (before, after) = lines.split_at(place.line.min(lines.len()));
    let mut new = before.concat();
    if !new.is_empty() && !new.ends_with('\n') {
        new.push_str(ending);
    }
    new.push_str(&block);
    new.push_str(&after.concat());
    let said = read(&new)?.map_or(Value::Null, |tree| tree.to_json());
    if said == expected(tree.as_ref(), rules) {
        Ok(new)
    } else {
        Err(format!("{origin} is not laid out as expected"))
    }
}

/// Where the rules go: before line `line` (from 0), with what must be written around them.
struct Place {
    line: usize,
    /// Keys to write first, each with its indentation.
    keys: Vec<(usize, &'static str)>,
    /// The column of the dashes, from 0.
    indent: usize,
}

impl Place {
    fn text(&self, rules: &[OfferedRule]) -> String {
        let keys = self.keys.iter();
        let keys = keys.map(|(indent, key)| format!("{}{key}:\n", " ".repeat(*indent)));
        let items = rules.iter().map(|rule| rule.item(self.indent));
        keys.chain(items).collect()
    }
}

fn place(tree: Option<&Node>, lines: &[&str]) -> Result<Place, String> {
    let end = Place {
        line: lines.len(),
        keys: vec![(0, "registry"), (2, "rules")],
        indent: 4,
    };
    let Some(tree) = tree else { return Ok(end) };
    let root = block(tree, lines, "the configuration")?;
    let Some(registry) = entry(root, "registry") else {
        let indent = root.first().map_or(0, |first| first.column - 1);
        return Ok(Place {
            keys: vec![(indent, "registry"), (indent + 2, "rules")],
            indent: indent + 4,
            ..end
        });
    };
    let below = |entry: &Entry, keys: &[&'static str], indent: usize| Place {
        line: entry.line,
        keys: keys.iter().map(|key| (indent, *key)).collect(),
        indent: indent + 2 * keys.len(),
    };
    if registry.node.value == NodeValue::Scalar(Value::Null) {
        return Ok(below(registry, &["rules"], registry.column + 1));
    }
    let fields = block(&registry.node, lines, "registry")?;
    let Some(rules) = entry(fields, "rules") else {
        let indent = fields
            .first()
            .map_or(registry.column + 1, |first| first.column - 1);
        return Ok(below(registry, &["rules"], indent));
    };
    match &rules.node.value {
        NodeValue::Scalar(Value::Null) => Ok(below(rules, &[], rules.column + 1)),
        NodeValue::List(items) => behind(items, lines),
        _ => Err("registry.rules is no list".to_owned()),
    }
}

/// Behind the last item of a list.
fn behind(items: &[Node], lines: &[&str]) -> Result<Place, String> {
    let by_hand =
        || "registry.rules is written in brackets: write it as lines with dashes first".to_owned();
    let first = items.first().ok_or_else(by_hand)?;
    let dash = |line: &str| {
        let blanks = line.len() - line.trim_start().len();
        line.trim_start().starts_with('-').then_some(blanks)
    };
    let indent = lines[..first.line.min(lines.len())]
        .iter()
        .rev()
        .take(2)
        .find_map(|line| dash(line))
        .ok_or_else(by_hand)?;
    let mut end = items.last().map_or(first.line, last_line);
    // What is indented deeper belongs to the last item: the rest of a text of several lines, a comment.
    for (number, line) in lines.iter().enumerate().skip(end) {
        let content = line.trim_start();
        if content.is_empty() {
            continue;
        }
        if line.len() - content.len() <= indent {
            break;
        }
        end = number + 1;
    }
    Ok(Place {
        line: end,
        keys: Vec::new(),
        indent,
    })
}

/// The last line on which something of the node begins, from 1.
fn last_line(node: &Node) -> usize {
    match &node.value {
        NodeValue::Scalar(_) => node.line,
        NodeValue::List(items) => items.iter().map(last_line).max().unwrap_or(node.line),
        NodeValue::Mapping(entries) => entries
            .iter()
            .map(|entry| last_line(&entry.node).max(entry.line))
            .max()
            .unwrap_or(node.line),
    }
}

/// The entries of a mapping that is written as lines.
fn block<'a>(node: &'a Node, lines: &[&str], name: &str) -> Result<&'a [Entry], String> {
    let NodeValue::Mapping(entries) = &node.value else {
        return Err(format!("{name} is no mapping"));
    };
    let is_flow = lines
        .get(node.line - 1)
        .and_then(|line| line.chars().nth(node.column - 1))
        .is_some_and(|letter| letter == '{');
    if is_flow || entries.is_empty() {
        return Err(format!(
            "{name} is written in braces: write it as lines first"
        ));
    }
    Ok(entries)
}

fn entry<'a>(entries: &'a [Entry], key: &str) -> Option<&'a Entry> {
    entries.iter().find(|entry| entry.key == key)
}

/// What the configuration should say with the rules.
fn expected(tree: Option<&Node>, rules: &[OfferedRule]) -> Value {
    let mut value = tree.map_or_else(|| json!({}), Node::to_json);
    let new = rules.iter().map(|rule| {
        let mut item = serde_json::Map::new();
        item.insert(rule.matcher.to_owned(), json!(rule.source));
        item.insert("rewrite".to_owned(), json!(rule.rewrite));
        Value::Object(item)
    });
    let registry = &mut value["registry"];
    if registry["rules"].is_array() {
        if let Some(list) = registry["rules"].as_array_mut() {
            list.extend(new);
        }
    } else {
        registry["rules"] = new.collect();
    }
    value
}

#[cfg(test)]
#[path = "insert_tests.rs"]
mod tests;
