//! The file's tree against the table: unknown keys, wrong kinds, secrets written out.

use serde_json::{Map, Value as Json, json};

use crate::spelling::nearest;
use crate::yaml::{Entry, Node, NodeValue};

use super::model::Origin;
use super::pod_template::Template;
use super::problem::Problem;
use super::settled::Settled;
use super::table::{Field, Kind};

/// Reads a tree into `settled`, and what is wrong with it into `problems`. Returns the pod templates in it.
pub(super) fn read(
    tree: &Node,
    file: &str,
    fields: &'static [Field],
    settled: &mut Settled,
    problems: &mut Vec<Problem>,
) -> Vec<Template> {
    let mut reader = Reader {
        file,
        settled,
        problems,
        templates: Vec::new(),
    };
    match &tree.value {
        NodeValue::Mapping(entries) => reader.mapping("", "", entries, fields),
        _ => reader.report("config-type", "", tree, "the file is not a mapping of keys"),
    }
    reader.templates
}

struct Reader<'a> {
    file: &'a str,
    settled: &'a mut Settled,
    problems: &'a mut Vec<Problem>,
    templates: Vec<Template>,
}

impl Reader<'_> {
    fn origin(&self, line: usize, column: usize) -> Origin {
        Origin::File {
            path: self.file.to_owned(),
            line,
            column,
        }
    }

    fn report(&mut self, code: &'static str, path: &str, node: &Node, what: impl Into<String>) {
        let origin = self.origin(node.line, node.column);
        self.settled.mark_broken(path);
        self.problems.push(Problem::new(code, path, what, origin));
    }

    /// `base` is the path of the table's root (`runnerSets[0].`), `inside` the path within the table (`github.`).
    fn mapping(&mut self, base: &str, inside: &str, entries: &[Entry], fields: &'static [Field]) {
        for entry in entries {
            let local = format!("{inside}{}", entry.key);
            let path = format!("{base}{local}");
            if let Some(field) = fields.iter().find(|field| field.path == local) {
                if entry.node.value != NodeValue::Scalar(Json::Null) {
                    self.value(&path, &entry.node, field.kind);
                }
                continue;
            }
            let deeper = format!("{local}.");
            if fields.iter().any(|field| field.path.starts_with(&deeper)) {
                self.object(base, &local, &path, &entry.node, fields);
            } else {
                self.unknown(inside, &path, entry, fields);
            }
        }
    }

    fn object(
        &mut self,
        base: &str,
        local: &str,
        path: &str,
        node: &Node,
        fields: &'static [Field],
    ) {
        match &node.value {
            NodeValue::Mapping(entries) => {
                // Remembered for itself: `busy: {}` says something.
                let origin = self.origin(node.line, node.column);
                self.settled.put(path, Json::Null, origin);
                self.mapping(base, &format!("{local}."), entries, fields);
            }
            NodeValue::Scalar(Json::Null) => {}
            _ => self.report(
                "config-type",
                path,
                node,
                format!("{path} takes keys of its own, not {}", noun(node)),
            ),
        }
    }

    fn unknown(&mut self, inside: &str, path: &str, entry: &Entry, fields: &'static [Field]) {
        let mut known: Vec<&str> = fields
            .iter()
            .filter_map(|field| field.path.strip_prefix(inside))
            .filter_map(|rest| rest.split('.').next())
            .collect();
        known.dedup();
        let remedy = match nearest(&entry.key, &known) {
            Some(near) => format!("did you mean '{near}'?"),
            None => format!("known here: {}", known.join(", ")),
        };
        let origin = self.origin(entry.line, entry.column);
        let what = format!("unknown key '{}'", shortened(path));
        self.problems
            .push(Problem::new("config-unknown-key", path, what, origin).remedy(remedy));
    }

    fn value(&mut self, path: &str, node: &Node, kind: Kind) {
        let read = match kind {
            Kind::List(items) => return self.list(path, node, items),
            Kind::Secret => return self.secret(path, node),
            Kind::Texts => texts(node),
            Kind::TextMap => text_map(node),
            Kind::ExistingSecret => existing_secret(node),
            Kind::PodTemplate => match &node.value {
                NodeValue::Mapping(_) => {
                    self.templates.push(Template {
                        path: path.to_owned(),
                        file: self.file.to_owned(),
                        node: node.clone(),
                    });
                    Ok(node.to_json())
                }
                _ => Err("takes a mapping, such as `spec: {…}`".to_owned()),
            },
            scalar => match &node.value {
                NodeValue::Scalar(value) => read_scalar(value, scalar),
                _ => Err(format!("takes {}, not {}", wanted(scalar), noun(node))),
            },
        };
        match read {
            Ok(value) => {
                let origin = self.origin(node.line, node.column);
                self.settled.put(path, value, origin);
            }
            Err(what) => self.report("config-type", path, node, format!("{path} {what}")),
        }
    }

    fn list(&mut self, path: &str, node: &Node, fields: &'static [Field]) {
        let NodeValue::List(items) = &node.value else {
            return self.report("config-type", path, node, format!("{path} takes a list"));
        };
        self.settled.set_length(path, items.len());
        for (index, item) in items.iter().enumerate() {
            let at = format!("{path}[{index}]");
            match &item.value {
                NodeValue::Mapping(entries) => {
                    let origin = self.origin(item.line, item.column);
                    self.settled.put(&at, Json::Null, origin);
                    self.mapping(&format!("{at}."), "", entries, fields);
                }
                _ => self.report(
                    "config-type",
                    &at,
                    item,
                    format!("{at} takes keys of its own"),
                ),
            }
        }
    }

    fn secret(&mut self, path: &str, node: &Node) {
        let problem = match &node.value {
            NodeValue::Mapping(entries) => match entries.as_slice() {
                [only] => match (only.key.as_str(), &only.node.value) {
                    ("file" | "env", NodeValue::Scalar(Json::String(text))) if !text.is_empty() => {
                        let origin = self.origin(node.line, node.column);
                        self.settled.put(path, json!({ &only.key: text }), origin);
                        return;
                    }
                    ("stdin", NodeValue::Scalar(Json::Bool(true))) => {
                        let origin = self.origin(node.line, node.column);
                        self.settled.put(path, json!({ "stdin": true }), origin);
                        return;
                    }
                    _ => "takes one of {file: PATH}, {env: NAME} and {stdin: true}",
                },
                _ => "takes exactly one of file, env and stdin",
            },
            _ => "is a secret, and its value must not stand in the file",
        };
        let origin = self.origin(node.line, node.column);
        self.settled.mark_broken(path);
        self.problems.push(
            Problem::new("config-secret", path, format!("{path} {problem}"), origin).remedy(
                format!("write `{{file: PATH}}`, `{{env: NAME}}` or `{{stdin: true}}` for {path}"),
            ),
        );
    }
}

/// Reads a scalar of the kind; the error continues "PATH …" and shows no value.
pub(super) fn read_scalar(value: &Json, kind: Kind) -> Result<Json, String> {
    match (kind, value) {
        (Kind::Text | Kind::Path, Json::String(text)) if text.trim().is_empty() => {
            Err("is empty".to_owned())
        }
        (Kind::Text | Kind::Path, Json::String(text)) if text.contains(['\n', '\r', '\0']) => {
            Err("holds a line break".to_owned())
        }
        (Kind::Text | Kind::Path | Kind::Decimal, Json::String(text)) => Ok(text.trim().into()),
        (Kind::Text | Kind::Decimal, Json::Number(number)) => Ok(number.to_string().into()),
        (Kind::Text | Kind::Path, Json::Bool(_)) => {
            Err("takes text, and YAML reads this word as a boolean: put it in quotes".to_owned())
        }
        (Kind::Integer, Json::Number(number))
            if number
                .as_u64()
                .is_some_and(|number| u32::try_from(number).is_ok()) =>
        {
            Ok(value.clone())
        }
        (Kind::Boolean, Json::Bool(_)) => Ok(value.clone()),
        (Kind::Choice(words), Json::String(text)) => {
            if words.contains(&text.as_str()) {
                return Ok(value.clone());
            }
            let near = nearest(text, words)
                .map_or_else(String::new, |near| format!("; did you mean '{near}'?"));
            Err(format!("takes {}{near}", words.join(", ")))
        }
        _ => Err(format!("takes {}", wanted(kind))),
    }
}

fn texts(node: &Node) -> Result<Json, String> {
    let read = |node: &Node| match &node.value {
        NodeValue::Scalar(value) => read_scalar(value, Kind::Text),
        _ => Err("takes a list of texts".to_owned()),
    };
    match &node.value {
        NodeValue::List(items) => items.iter().map(read).collect(),
        NodeValue::Scalar(_) => Ok(Json::Array(vec![read(node)?])),
        NodeValue::Mapping(_) => Err("takes a list of texts".to_owned()),
    }
}

fn text_map(node: &Node) -> Result<Json, String> {
    let NodeValue::Mapping(entries) = &node.value else {
        return Err("takes a mapping of texts".to_owned());
    };
    let mut map = Map::new();
    for entry in entries {
        let NodeValue::Scalar(value @ Json::String(_)) = &entry.node.value else {
            let key = shortened(&entry.key);
            return Err(format!("takes texts: put the value of '{key}' in quotes"));
        };
        map.insert(entry.key.clone(), value.clone());
    }
    Ok(Json::Object(map))
}

fn existing_secret(node: &Node) -> Result<Json, String> {
    const SHAPE: &str = "takes a Secret's name, or {name: NAME, keys: {USUAL: KEY}}";
    match &node.value {
        NodeValue::Scalar(value) => Ok(json!({ "name": read_scalar(value, Kind::Text)? })),
        NodeValue::List(_) => Err(SHAPE.to_owned()),
        NodeValue::Mapping(entries) => {
            let mut map = Map::new();
            for entry in entries {
                let value = match (entry.key.as_str(), &entry.node.value) {
                    ("name", NodeValue::Scalar(value)) => read_scalar(value, Kind::Text)?,
                    ("keys", _) => text_map(&entry.node)?,
                    _ => return Err(SHAPE.to_owned()),
                };
                map.insert(entry.key.clone(), value);
            }
            if map.contains_key("name") {
                Ok(Json::Object(map))
            } else {
                Err(SHAPE.to_owned())
            }
        }
    }
}

fn wanted(kind: Kind) -> &'static str {
    match kind {
        Kind::Integer => "a whole number",
        Kind::Decimal => "a number",
        Kind::Boolean => "true or false",
        Kind::Path => "a path",
        _ => "text",
    }
}

fn noun(node: &Node) -> &'static str {
    match &node.value {
        NodeValue::List(_) => "a list",
        NodeValue::Mapping(_) => "a mapping",
        NodeValue::Scalar(Json::Bool(_)) => "a boolean",
        NodeValue::Scalar(Json::Number(_)) => "a number",
        NodeValue::Scalar(_) => "text",
    }
}

/// A key in messages: a file that is no configuration can have keys of any length.
fn shortened(key: &str) -> String {
    if key.chars().count() <= 80 {
        return key.to_owned();
    }
    key.chars().take(80).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::super::table;
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let tree = crate::yaml::parse_tree(text, "f").unwrap().unwrap();
        let (mut settled, mut problems) = (Settled::default(), Vec::new());
        read(&tree, "f", table::fields(), &mut settled, &mut problems);
        problems.iter().map(Problem::line).collect()
    }

    #[test]
    fn unknown_keys_are_refused_at_their_line() {
        assert_eq!(
            problems("nmae: x\ngithub:\n  ulr: y\nrunnerSets:\n- {maxx: 1}\n- {zebra: 1}\n")
                .iter()
                .map(|line| line.chars().take(70).collect::<String>())
                .collect::<Vec<_>>(),
            [
                "f:1:1: unknown key 'nmae'; did you mean 'name'?",
                "f:3:3: unknown key 'github.ulr'; did you mean 'url'?",
                "f:5:4: unknown key 'runnerSets[0].maxx'; did you mean 'max'?",
                "f:6:4: unknown key 'runnerSets[1].zebra'; known here: name, kind, name",
            ]
        );
    }

    #[test]
    fn kinds_are_checked() {
        for (text, expected) in [
            (
                "name: on",
                "f:1:7: name takes text, and YAML reads this word as a boolean: put it in quotes",
            ),
            (
                "mode: scaleset",
                "f:1:7: mode takes scale-set, legacy; did you mean 'scale-set'?",
            ),
            (
                "namespaces: x",
                "f:1:13: namespaces takes keys of its own, not text",
            ),
            ("runnerSets: {}", "f:1:13: runnerSets takes a list"),
            (
                "controller: {replicas: -1}",
                "f:1:24: controller.replicas takes a whole number",
            ),
            (
                "commonLabels: {a: 1}",
                "f:1:15: commonLabels takes texts: put the value of 'a' in quotes",
            ),
            ("[]", "f:1:1: the file is not a mapping of keys"),
        ] {
            assert_eq!(problems(text), [expected]);
        }
    }

    #[test]
    fn a_secret_in_the_file_is_refused_without_showing_it() {
        for text in [
            "github: {token: ghp_canary}",
            "github: {token: {value: canary}}",
            "github: {token: [canary]}",
        ] {
            let lines = problems(text);
            assert_eq!(lines.len(), 1);
            assert!(!lines[0].contains("canary"), "{lines:?}");
            assert!(lines[0].contains("github.token"), "{lines:?}");
        }
    }

    #[test]
    fn nulls_are_absent() {
        assert!(problems("proxy:\nname:\nrunnerSets:\n").is_empty());
    }
}
