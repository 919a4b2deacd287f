//! A change in the words of kustomize, which Argo CD and Flux take too: `images` where that says it, else `patches`.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::image_ref::ImageReference;
use crate::object::ObjectRef;
use crate::plan::patch::SlotChange;
use crate::yaml;

/// What goes into a kustomization: whole images by their names, and JSON patches for everything else.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Kustomization {
    /// Name and new name, without tag and digest: those stay.
    pub(super) images: Vec<(String, String)>,
    /// The operations that no image says.
    pub(super) operations: Vec<Value>,
}

impl Kustomization {
    /// The change of one object.
    pub(super) fn of(slots: &[SlotChange], operations: &[Value]) -> Self {
        let mut kustomization = Self::default();
        let mut said: HashSet<&str> = HashSet::new();
        let mut known: HashSet<(String, String)> = HashSet::new();
        for slot in slots {
            if let Some(image) = image(slot) {
                said.insert(slot.pointer.as_str());
                if known.insert(image.clone()) {
                    kustomization.images.push(image);
                }
            }
        }
        let is_said = |operation: &Value| {
            let path = operation["path"].as_str();
            path.is_some_and(|path| said.contains(path))
        };
        kustomization.operations = operations
            .iter()
            .filter(|operation| !is_said(operation))
            .cloned()
            .collect();
        kustomization
    }

    /// As fields of a kustomization, of a Flux Kustomization or of a post-renderer.
    pub(super) fn fields(&self, object: &ObjectRef) -> Map<String, Value> {
        let mut fields = Map::new();
        if !self.images.is_empty() {
            let image = |(name, new): &(String, String)| json!({"name": name, "newName": new});
            fields.insert("images".to_owned(), self.images.iter().map(image).collect());
        }
        self.put_patches(object, &mut fields);
        fields
    }

    /// As `spec.source.kustomize` of an Argo CD application.
    pub(super) fn argo_cd(&self, object: &ObjectRef) -> Map<String, Value> {
        let mut fields = Map::new();
        if !self.images.is_empty() {
            let image = |(name, new): &(String, String)| json!(format!("{name}={new}"));
            fields.insert("images".to_owned(), self.images.iter().map(image).collect());
        }
        self.put_patches(object, &mut fields);
        fields
    }

    fn put_patches(&self, object: &ObjectRef, fields: &mut Map<String, Value>) {
        if self.operations.is_empty() {
            return;
        }
        let target = json!({"kind": object.kind, "name": object.name});
        let patch = yaml::to_string(&Value::Array(self.operations.clone()));
        fields.insert(
            "patches".to_owned(),
            json!([{"target": target, "patch": patch}]),
        );
    }
}

/// A container's image whose tag and digest stay, so that kustomize can rename it. It does not reach init containers
/// of a kind that it does not know, nor ephemeral ones.
fn image(slot: &SlotChange) -> Option<(String, String)> {
    let segments = slot.pointer.segments();
    let [.., list, _, field] = segments.as_slice() else {
        return None;
    };
    let is_container = matches!(list.as_str(), "containers" | "initContainers") && field == "image";
    let before = slot.before.as_deref().filter(|_| is_container)?;
    let suffix = ImageReference::parse(before).ok()?.suffix();
    if ImageReference::parse(&slot.after).ok()?.suffix() != suffix {
        return None;
    }
    let name = |text: &str| text.strip_suffix(suffix.as_str()).map(str::to_owned);
    Some((name(before)?, name(&slot.after)?))
}
