//! One walk over an object: its pods, its images of several parts, its texts that may hold objects.

use std::collections::HashSet;
use std::ops::Range;

use serde_json::{Map, Value};

use super::broken::is_mistake;
use super::catalogue::{field_strength, is_repository_and_tag, names_image_last};
use super::places::{is_built_in, places};
use super::split::{self, Certainty};
use super::suspected::{Suspect, Suspicion};
use super::unread::UNREAD;
use super::{CustomKinds, ImageSlot, Part, PodSpecAt, Role, Shape, SlotKind};
use crate::object::{Pointer, value_at};

/// Mappings within mappings that are looked into; readers stop sooner.
const DEEPEST: usize = 96;

/// A pod with its spec.
#[derive(Debug)]
pub(super) struct Pod<'a> {
    pub(super) at: PodSpecAt,
    pub(super) spec: &'a Value,
    /// The metadata, where nothing else looks at its annotations.
    pub(super) metadata: Option<&'a Value>,
}

/// A list in a custom kind that is called as one of a container's is, and may hold flags or variables.
#[derive(Debug)]
pub(super) struct List<'a> {
    pub(super) at: Pointer,
    /// Else flags.
    pub(super) holds_variables: bool,
    pub(super) items: &'a [Value],
    /// Which of the suspects its items have told on their own.
    pub(super) told: Range<usize>,
}

/// What a walk has found, each in the order of the object.
#[derive(Debug)]
pub(super) struct Survey<'a> {
    kinds: &'a CustomKinds,
    /// Where suspects go; None where nobody asks for them.
    pub(super) suspects: Option<Vec<Suspect>>,
    pub(super) pods: Vec<Pod<'a>>,
    /// Images that are no part of a pod.
    pub(super) slots: Vec<ImageSlot>,
    /// Texts of ConfigMaps.
    pub(super) texts: Vec<(Pointer, &'a str)>,
    /// Texts of custom kinds that may be files, where suspects are asked for.
    pub(super) guessed: Vec<(Pointer, &'a str)>,
    /// Flags and variables of custom kinds, where suspects are asked for.
    pub(super) lists: Vec<List<'a>>,
    /// Pods that a schema tells of, which the walk passes by.
    known: HashSet<String>,
    /// Within a document of no kind.
    is_values: bool,
    /// Within an object of a known kind that has no pod in its place.
    is_misplaced: bool,
    at: String,
}

/// Looks through `object`.
pub(super) fn survey<'a>(object: &'a Value, kinds: &'a CustomKinds) -> Survey<'a> {
    let mut survey = Survey::new(kinds);
    survey.object(object, ("", ""), 0);
    survey
}

/// As [`survey`], and what is suspected beside it.
pub(super) fn survey_with_suspects<'a>(object: &'a Value, kinds: &'a CustomKinds) -> Survey<'a> {
    let mut survey = Survey::new(kinds);
    survey.suspects = Some(Vec::new());
    survey.object(object, ("", ""), 0);
    survey
}

/// As [`survey_with_suspects`], of a document that is no object: a file that a ConfigMap holds.
pub(super) fn survey_of_text<'a>(document: &'a Value, kinds: &'a CustomKinds) -> Survey<'a> {
    let mut survey = Survey::new(kinds);
    survey.suspects = Some(Vec::new());
    survey.value("", document, 0);
    survey
}

/// True for what stands in a file of a pod template without kind: `spec.containers`, each with a name.
pub(super) fn is_template(document: &Value) -> bool {
    containers_of(document).is_some_and(|list| list.iter().all(|one| has_text(one, "name")))
}

fn containers_of(template: &Value) -> Option<&Vec<Value>> {
    let list = template.get("spec")?.get("containers")?.as_array()?;
    (!list.is_empty()).then_some(list)
}

fn has_text(value: &Value, key: &str) -> bool {
    let text = value.get(key).and_then(Value::as_str);
    text.is_some_and(|text| !text.is_empty())
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

impl<'a> Survey<'a> {
    fn new(kinds: &'a CustomKinds) -> Self {
        Self {
            kinds,
            suspects: None,
            pods: Vec::new(),
            slots: Vec::new(),
            texts: Vec::new(),
            guessed: Vec::new(),
            lists: Vec::new(),
            known: HashSet::new(),
            is_values: false,
            is_misplaced: false,
            at: String::new(),
        }
    }

    /// `listed` is group and kind of an item of a typed list, which says neither.
    fn object(&mut self, object: &'a Value, listed: (&str, &str), depth: usize) {
        if depth > DEEPEST {
            return;
        }
        let (version, kind) = (text(object, "apiVersion"), text(object, "kind"));
        let group = version.split_once('/').map_or("", |(group, _)| group);
        let items = object.get("items").and_then(Value::as_array);
        if let (Some(item), Some(items)) = (kind.strip_suffix("List"), items) {
            self.enter("items", |survey| {
                for (index, one) in items.iter().enumerate() {
                    survey.enter(&index.to_string(), |survey| {
                        survey.object(one, (group, item), depth + 1);
                    });
                }
            });
            return;
        }
        let is_listed = version.is_empty() && kind.is_empty();
        let (group, kind) = if is_listed { listed } else { (group, kind) };
        // Whatever else its author has left out.
        if kind == "Secret" {
            return;
        }
        let known = places(group, kind);
        let before = self.pods.len();
        for place in known {
            let pod = value_at(object, place.spec).filter(|spec| spec.is_object());
            let Some(spec) = pod else { continue };
            let at = |path: &str| Pointer::new(format!("{}{path}", self.at));
            self.pods.push(Pod {
                at: PodSpecAt {
                    pointer: at(place.spec),
                    metadata: place.metadata.map(at),
                    shape: place.shape,
                    part: place.part,
                },
                spec,
                metadata: place.metadata.and_then(|path| value_at(object, path)),
            });
        }
        if !known.is_empty() {
            if self.pods.len() == before {
                self.misplaced(object, depth);
            }
            return;
        }
        if kind == "ConfigMap" && group.is_empty() {
            self.texts(object);
        } else if kind.is_empty() || (version.is_empty() && !is_listed) || !is_built_in(group) {
            self.custom(object, group, kind, depth);
        }
    }

    /// An object of a known kind with no pod where its kind has one: a mistake, or a part of an object. What is called an
    /// image in it is suspected.
    fn misplaced(&mut self, object: &'a Value, depth: usize) {
        if self.suspects.is_none() {
            return;
        }
        let before = self.slots.len();
        let outer = std::mem::replace(&mut self.is_misplaced, true);
        for (key, value) in object.as_object().into_iter().flatten() {
            if !matches!(key.as_str(), "apiVersion" | "kind" | "metadata" | "status") {
                self.enter(key, |survey| survey.value(key, value, depth + 1));
            }
        }
        self.is_misplaced = outer;
        let certain = self.slots.drain(before..);
        let suspected = certain.map(|slot| Suspect::new(slot.pointer, &slot.text, Suspicion::Name));
        if let Some(suspects) = &mut self.suspects {
            suspects.extend(suspected);
        }
    }

    /// An object of a custom kind, or a document of no kind: the values of a chart.
    fn custom(&mut self, object: &'a Value, group: &str, kind: &str, depth: usize) {
        let Value::Object(fields) = object else {
            return;
        };
        for pod in self.kinds.pods(group, kind) {
            for (at, spec) in pod.find(object, &self.at) {
                self.known.insert(at.pointer.to_string());
                let metadata = None;
                self.pods.push(Pod { at, spec, metadata });
            }
        }
        let outer = std::mem::replace(&mut self.is_values, kind.is_empty());
        for (key, value) in fields {
            let is_passed = !kind.is_empty()
                && matches!(key.as_str(), "apiVersion" | "kind" | "metadata" | "status");
            if !is_passed {
                self.enter(key, |survey| survey.value(key, value, depth + 1));
            }
        }
        self.is_values = outer;
    }

    fn texts(&mut self, object: &'a Value) {
        let Some(Value::Object(data)) = object.get("data") else {
            return;
        };
        let at = Pointer::new(self.at.clone()).child("data");
        for (key, value) in data {
            if let Value::String(text) = value {
                self.texts.push((at.child(key), text));
            }
        }
    }

    /// Anything below an object whose fields are not known; `key` is its own, or that of the list that it stands in.
    fn value(&mut self, key: &str, value: &'a Value, depth: usize) {
        if depth > DEEPEST || self.known.contains(self.at.as_str()) {
            return;
        }
        match value {
            Value::Array(items) => {
                let before = self.suspects.as_ref().map_or(0, Vec::len);
                for (index, item) in items.iter().enumerate() {
                    self.enter(&index.to_string(), |survey| {
                        survey.value(key, item, depth + 1);
                    });
                }
                if let (Some(suspects), "command" | "args" | "env") = (&self.suspects, key) {
                    self.lists.push(List {
                        at: Pointer::new(self.at.clone()),
                        holds_variables: key == "env",
                        items,
                        told: before..suspects.len(),
                    });
                }
            }
            Value::Object(_)
                if depth > 0
                    && !self.is_misplaced
                    && has_text(value, "apiVersion")
                    && has_text(value, "kind") =>
            {
                self.object(value, ("", ""), depth + 1);
            }
            // One without a version is one all the same.
            Value::Object(fields) if fields.get("kind").is_some_and(|kind| kind == "Secret") => {}
            Value::Object(fields) => self.mapping(key, value, fields, depth),
            // Empty is what a chart fills in, or nobody asks for.
            Value::String(text) if text.is_empty() => {}
            Value::String(text)
                if (self.is_values && is_repository_and_tag(key))
                    // Nothing writes it; its reason is told as that of a container's image is.
                    || (text.contains('/') && is_mistake(field_strength(key), text)) =>
            {
                self.slots.push(ImageSlot {
                    pointer: Pointer::new(self.at.clone()),
                    kind: SlotKind::Field,
                    text: text.clone(),
                    span: 0..text.len(),
                    why: Role::Workload,
                });
            }
            Value::String(text)
                if self.suspects.is_some() && text.contains('\n') && text.contains(':') =>
            {
                self.guessed.push((Pointer::new(self.at.clone()), text));
            }
            Value::String(text) => {
                if let Some(suspects) = &mut self.suspects {
                    suspects.extend(Suspect::of_field(&self.at, key, text));
                }
            }
            _ => {}
        }
    }

    fn mapping(
        &mut self,
        key: &str,
        value: &'a Value,
        fields: &'a Map<String, Value>,
        depth: usize,
    ) {
        self.template(key, value);
        let certainty = split::certainty(names_image_last(key), fields);
        if let Some((certainty, text)) = &certainty {
            let pointer = Pointer::new(self.at.clone());
            match certainty {
                Certainty::Certain => self.slots.push(ImageSlot {
                    pointer,
                    kind: SlotKind::Split,
                    text: text.clone(),
                    span: 0..0,
                    why: Role::Workload,
                }),
                Certainty::Suspected(why) => {
                    if let Some(suspects) = &mut self.suspects {
                        suspects.push(Suspect::new(pointer, text, *why));
                    }
                }
            }
        }
        for (name, inner) in fields {
            if name == "managedFields"
                || (self.is_misplaced && UNREAD.contains(&name.as_str()))
                || (certainty.is_some() && split::PARTS.contains(&name.as_str()))
            {
                continue;
            }
            if name == "annotations" {
                self.enter(name, |survey| survey.annotations(inner));
            } else {
                self.enter(name, |survey| survey.value(name, inner, depth + 1));
            }
        }
    }

    /// A pod template by its shape alone.
    fn template(&mut self, key: &str, value: &'a Value) {
        let is_certain = key.to_ascii_lowercase().ends_with("template")
            && containers_of(value).is_some_and(|list| {
                list.iter()
                    .all(|one| has_text(one, "name") && has_text(one, "image"))
            });
        let is_file = key.is_empty() && self.at.is_empty() && is_template(value);
        if self.is_misplaced || (!is_certain && !is_file) {
            return;
        }
        let at = Pointer::new(self.at.clone());
        let pointer = at.child("spec");
        let Some(spec) = value.get("spec") else {
            return;
        };
        if !self.known.insert(pointer.to_string()) {
            return;
        }
        let metadata = value.get("metadata");
        self.pods.push(Pod {
            at: PodSpecAt {
                pointer,
                metadata: metadata.map(|_| at.child("metadata")),
                shape: Shape::Containers,
                part: Part::Workload,
            },
            spec,
            metadata: None,
        });
    }

    /// Annotations whose names say image; never kubectl's copy of the object, nor receipts.
    fn annotations(&mut self, annotations: &'a Value) {
        if let Some(suspects) = &mut self.suspects {
            suspects.extend(Suspect::of_annotations(&self.at, annotations));
        }
    }

    fn enter(&mut self, segment: &str, look: impl FnOnce(&mut Self)) {
        let length = self.at.len();
        self.at.push('/');
        for letter in segment.chars() {
            match letter {
                '~' => self.at.push_str("~0"),
                '/' => self.at.push_str("~1"),
                letter => self.at.push(letter),
            }
        }
        look(self);
        self.at.truncate(length);
    }
}

#[cfg(test)]
#[path = "survey_tests.rs"]
mod tests;
