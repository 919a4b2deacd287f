//! Custom kinds whose schemas say where a pod stands, or that an image may.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::places::{is_built_in, places};
use super::schema::{Definition, Images, OpenApi};
use super::{Part, PodSpecAt, Shape};
use crate::object::Pointer;

/// Which custom kinds hold pods, and where, and which may name images elsewhere. Empty by default: then only what can be
/// nothing else is taken for a pod.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomKinds {
    kinds: BTreeMap<String, BTreeMap<String, CustomKind>>,
}

/// A custom kind that may name images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomKind {
    /// Its group.
    pub group: String,
    /// Its name.
    pub kind: String,
    /// The version to list it by: the one that is stored, where it is served.
    pub version: String,
    /// Where its pods stand, in any of its versions; none where only other fields may name images.
    pub pods: Vec<CustomPod>,
}

/// Where a pod of a custom kind stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CustomPod {
    /// JSON pointer to the pod spec, with `*` for every item of a list and every value of a mapping:
    /// `/spec/jobs/*/template/spec`.
    pub spec: String,
    /// True where the pod's metadata stands beside it.
    pub has_metadata: bool,
    /// [`Shape::PodSpec`] where the schema has what a pod needs beside containers, else [`Shape::Containers`].
    pub shape: Shape,
}

impl CustomKind {
    /// `group/version`.
    pub fn api_version(&self) -> String {
        format!("{}/{}", self.group, self.version)
    }
}

impl CustomKinds {
    /// Every kind, by group and name.
    pub fn iter(&self) -> impl Iterator<Item = &CustomKind> {
        self.kinds.values().flat_map(BTreeMap::values)
    }

    /// True where no kind is known.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// Where the pods of a kind stand.
    pub fn pods(&self, group: &str, kind: &str) -> &[CustomPod] {
        self.kinds
            .get(group)
            .and_then(|kinds| kinds.get(kind))
            .map_or(&[], |kind| &kind.pods)
    }

    /// True for a kind that may name images, of which its schema does not say that it holds pods.
    pub fn has_no_pods(&self, group: &str, kind: &str) -> bool {
        let known = self.kinds.get(group).and_then(|kinds| kinds.get(kind));
        known.is_some_and(|kind| kind.pods.is_empty())
    }

    /// Reads a CustomResourceDefinition; what is none, or names no images, changes nothing.
    pub fn read_object(&mut self, object: &Value) {
        let is_definition =
            object.get("kind").and_then(Value::as_str) == Some("CustomResourceDefinition");
        if is_definition && let Ok(definition) = Definition::deserialize(object) {
            self.add_definition(&definition);
        }
    }

    /// Adds the kind of a CustomResourceDefinition.
    pub fn add_definition(&mut self, definition: &Definition) {
        let spec = &definition.spec;
        for version in spec.versions.iter().filter(|version| version.served) {
            let images = version.images();
            self.add(
                &spec.group,
                &spec.names.kind,
                &version.name,
                version.storage,
                images,
            );
        }
    }

    /// Adds every kind of one document of `/openapi/v3`.
    pub fn add_openapi(&mut self, document: &OpenApi<'_>) {
        for found in document.kinds() {
            let version = &found.version;
            self.add(&found.group, &found.kind, version, false, found.images);
        }
    }

    fn add(&mut self, group: &str, kind: &str, version: &str, preferred: bool, images: Images) {
        if images.is_none() || is_built_in(group) || !places(group, kind).is_empty() {
            return;
        }
        let known = self
            .kinds
            .entry(group.to_owned())
            .or_default()
            .entry(kind.to_owned())
            .or_insert_with(|| CustomKind {
                group: group.to_owned(),
                kind: kind.to_owned(),
                version: version.to_owned(),
                pods: Vec::new(),
            });
        if preferred {
            version.clone_into(&mut known.version);
        }
        known.pods.extend(images.pods);
        known.pods.sort();
        known.pods.dedup();
    }
}

impl CustomPod {
    /// Every place in `object`, which stands at `at`, that is there and is a mapping.
    pub(super) fn find<'a>(&self, object: &'a Value, at: &str) -> Vec<(PodSpecAt, &'a Value)> {
        let mut found = vec![(at.to_owned(), object)];
        for segment in self.spec.split('/').skip(1) {
            found = found
                .into_iter()
                .flat_map(|(at, value)| step(&at, value, segment))
                .collect();
        }
        found
            .into_iter()
            .filter(|(_, value)| value.is_object())
            .map(|(at, value)| (self.at(Pointer::new(at)), value))
            .collect()
    }

    fn at(&self, pointer: Pointer) -> PodSpecAt {
        let metadata = pointer.parent().filter(|_| self.has_metadata);
        PodSpecAt {
            metadata: metadata.map(|parent| parent.child("metadata")),
            pointer,
            shape: self.shape,
            part: Part::Workload,
        }
    }
}

fn step<'a>(at: &str, value: &'a Value, segment: &str) -> Vec<(String, &'a Value)> {
    let at = Pointer::new(at);
    let join = |key: &str| at.child(key).to_string();
    match (value, segment) {
        (Value::Array(items), "*") => items
            .iter()
            .enumerate()
            .map(|(index, item)| (at.index(index).to_string(), item))
            .collect(),
        (Value::Object(fields), "*") => {
            let fields = fields.iter();
            fields.map(|(key, item)| (join(key), item)).collect()
        }
        (Value::Object(fields), segment) => {
            let key = segment.replace("~1", "/").replace("~0", "~");
            let item = fields.get(&key).map(|item| (join(&key), item));
            item.into_iter().collect()
        }
        _ => Vec::new(),
    }
}
