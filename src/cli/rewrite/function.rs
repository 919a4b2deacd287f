//! As a KRM function (`config.kubernetes.io/function`): a ResourceList on standard input, its functionConfig with the
//! rules, its items rewritten, and results for the orchestrator.

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::answer::stays;
use super::input::{Input, Source};
use crate::config::load::{GivenText, Sources};
use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;
use crate::rewrite::text::{Edit, Findings, Where};
use crate::yaml::{self, Document};

/// The group of the protocol, whatever its version.
const GROUP: &str = "config.kubernetes.io/";

/// What a functionConfig asks for.
pub(super) struct Function {
    rules: Rules,
    /// Where results are told; None where there is no place for them.
    results: Option<Place>,
}

/// Where results come to stand, and in which form.
enum Place {
    /// As a key of their own at the end of the list of resources, at this byte.
    End(usize),
    /// As the value of a key that is there and holds none.
    Value(Range<usize>),
}

enum Rules {
    /// None: those of flags, environment and file.
    None,
    /// The content of a configuration file.
    Text(String),
    /// The path of one.
    File(PathBuf),
}

impl Function {
    /// The function that standard input calls; None for anything but a ResourceList.
    pub(super) fn around(stdin: &Input) -> Result<Option<Self>, Failure> {
        if !stdin.text.contains("ResourceList") {
            return Ok(None);
        }
        let Some(part) = yaml::parts(&stdin.text).next() else {
            return Ok(None);
        };
        let Some(document) = Document::read(part, &stdin.name)? else {
            return Ok(None);
        };
        // The items may be many, and are read one by one later.
        let text = |key| document.text(document.root(), key).unwrap_or_default();
        if text("kind") != "ResourceList" || !text("apiVersion").starts_with(GROUP) {
            return Ok(None);
        }
        Ok(Some(Self {
            rules: rules(&document.field("functionConfig").unwrap_or_default())?,
            results: Place::of_results(&stdin.text, &document),
        }))
    }

    /// The function that a plugin calls with its configuration in a file.
    pub(super) fn in_file(path: &Path) -> Result<Self, Failure> {
        let input = Input::read(&Source::File(path.to_owned()))?;
        let documents = yaml::parse_documents(&input.text, &input.name)?;
        Ok(Self {
            rules: rules(documents.first().unwrap_or(&Value::Null))?,
            results: None,
        })
    }

    /// Puts the rules into the place of the configuration file.
    pub(super) fn lay(&self, sources: &mut Sources, has_file: bool) -> Result<(), Failure> {
        if has_file && !matches!(self.rules, Rules::None) {
            return Err(wrong("both --config and the functionConfig hold the rules")
                .remedy("keep one of them"));
        }
        match &self.rules {
            Rules::None => {}
            Rules::File(path) => sources.file = Some(path.clone()),
            Rules::Text(text) => {
                sources.text = Some(GivenText {
                    name: "functionConfig".to_owned(),
                    text: text.clone(),
                });
            }
        }
        Ok(())
    }

    /// What is told of the items, written into the ResourceList; None where there is nothing to tell, or no place for it.
    pub(super) fn results(&self, findings: &Findings) -> Option<Edit> {
        let place = self.results.as_ref()?;
        let mut results = Vec::new();
        for change in &findings.changes {
            let message = format!("{} → {} [{}]", change.before, change.after, change.rule);
            let mut result = result("info", &message, &change.at);
            result["field"]["currentValue"] = json!(change.before);
            result["field"]["proposedValue"] = json!(change.after);
            results.push(result);
        }
        for skipped in &findings.skipped {
            results.push(result("warning", &stays(skipped), &skipped.at));
        }
        for suspected in &findings.suspected {
            let (text, why) = (&suspected.text, suspected.why);
            let message = format!("{text} may be an image ({why}) and is not touched");
            results.push(result("warning", &message, &suspected.at));
        }
        for absent in &findings.absent {
            let message = format!("{} is compiled in: set {}", absent.default, absent.item);
            results.push(result("warning", &message, &absent.at));
        }
        (!results.is_empty()).then(|| place.written(results))
    }
}

impl Place {
    fn of_results(text: &str, document: &Document<'_>) -> Option<Self> {
        let Some((value, _)) = document.value_of(document.root(), "results") else {
            return Self::end(text, document);
        };
        let is_empty = match document.field("results")? {
            Value::Null => true,
            Value::Array(results) => results.is_empty(),
            _ => false,
        };
        // What another place shares is not changed for it.
        if !is_empty || document.has_aliases() {
            return None;
        }
        let mut bytes = document.bytes(value);
        if bytes.is_empty() {
            // Nothing is written, and may be said to stand behind comments: what is written stands behind the colon.
            let key = document.bytes(document.key_of(value)).end;
            let behind = text.get(key..)?.trim_start_matches([' ', '\t']);
            let at = text.len() - behind.strip_prefix(':')?.len();
            bytes = at..at;
        }
        Some(Self::Value(bytes))
    }

    /// What is appended is a key of the root, which stands at the beginning of a line.
    fn end(text: &str, document: &Document<'_>) -> Option<Self> {
        let (before, root) = text.split_at(document.start(document.root()));
        let is_block = !root.starts_with('{') && (before.is_empty() || before.ends_with('\n'));
        let is_alone = document.part().text.len() == text.len() && text.ends_with('\n');
        let is_open = !text.trim_end().ends_with("...");
        (is_block && is_alone && is_open).then_some(Self::End(text.len()))
    }

    fn written(&self, results: Vec<Value>) -> Edit {
        match self {
            Self::End(at) => Edit {
                bytes: *at..*at,
                text: yaml::to_string(&json!({"results": results})),
            },
            // In one line, which stands behind a key in any style.
            Self::Value(bytes) => Edit {
                bytes: bytes.clone(),
                text: format!(
                    "{}{}",
                    if bytes.is_empty() { " " } else { "" },
                    Value::Array(results)
                ),
            },
        }
    }
}

fn wrong(what: &str) -> Failure {
    Failure::new("function-config", Exit::Usage, what)
}

/// The rules of a functionConfig: `spec` with the content of a configuration file, or its path as `spec.config`; of a
/// ConfigMap the same in `data`, the content under the file's name.
fn rules(config: &Value) -> Result<Rules, Failure> {
    let held = match config.get("kind").and_then(Value::as_str) {
        Some("ConfigMap") => config.get("data"),
        _ => config.get("spec"),
    };
    let Some(Value::Object(held)) = held else {
        return Ok(Rules::None);
    };
    let path = held.get("config").and_then(Value::as_str);
    let text = held.get("arc-setup.yaml").and_then(Value::as_str);
    match (path, text, held.len()) {
        (Some(path), _, 1) => Ok(Rules::File(PathBuf::from(path))),
        (None, Some(text), 1) => Ok(Rules::Text(text.to_owned())),
        (None, None, 0) => Ok(Rules::None),
        (None, None, _) if config["kind"] != "ConfigMap" => {
            Ok(Rules::Text(yaml::to_string(&Value::Object(held.clone()))))
        }
        _ => Err(wrong("the functionConfig cannot be read").remedy(
            "write the rules under spec as in arc-setup.yaml (spec: {registry: {map: …}}), or spec: {config: PATH}; \
             in a ConfigMap data: {arc-setup.yaml: …} or data: {config: PATH}",
        )),
    }
}

fn result(severity: &str, message: &str, at: &Where) -> Value {
    let ObjectRef {
        api_version,
        kind,
        namespace,
        name,
    } = at.object.as_ref();
    let mut reference = json!({"apiVersion": api_version, "kind": kind, "name": name});
    if let Some(namespace) = namespace {
        reference["namespace"] = json!(namespace);
    }
    json!({
        "message": message,
        "severity": severity,
        "resourceRef": reference,
        "field": {"path": path(&at.pointer)},
    })
}

/// `/items/3/spec/containers/0/image` as the protocol writes a path within the item: `spec.containers[0].image`.
fn path(pointer: &str) -> String {
    let mut steps = pointer.split('/').skip(1).peekable();
    if steps.peek() == Some(&"items") {
        steps.next();
        steps.next();
    }
    steps.fold(String::new(), |mut path, step| {
        let step = step.replace("~1", "/").replace("~0", "~");
        if step.bytes().all(|byte| byte.is_ascii_digit()) {
            path = format!("{path}[{step}]");
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&step);
        }
        path
    })
}
