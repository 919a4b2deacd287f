//! Collects the operations of one JSON patch beside the object as it will be.

use serde_json::{Value, json};

use super::ORIGINAL_IMAGES;
use crate::object::Pointer;
use crate::object::pods::SlotEdit;

/// An object in change.
#[derive(Debug)]
pub(super) struct Edit {
    before: Value,
    pub(super) after: Value,
    operations: Vec<Value>,
}

impl Edit {
    pub(super) fn new(object: &Value) -> Self {
        Self {
            before: object.clone(),
            after: object.clone(),
            operations: Vec::new(),
        }
    }

    /// The object as it will be.
    pub(super) fn object(&self) -> &Value {
        &self.after
    }

    pub(super) fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// The changing operations, without tests.
    pub(super) fn operations(&self) -> Vec<Value> {
        self.operations
            .iter()
            .filter(|operation| operation["op"] != "test")
            .cloned()
            .collect()
    }

    /// Records a text that was replaced in `after`.
    pub(super) fn replaced(&mut self, edit: &SlotEdit) {
        let path = edit.pointer.as_str();
        self.operations
            .push(json!({"op": "test", "path": path, "value": edit.before}));
        self.operations
            .push(json!({"op": "replace", "path": path, "value": edit.after}));
    }

    /// Appends to a list, making it where it is not there; returns where the item stands.
    pub(super) fn append(&mut self, list: &Pointer, item: Value) -> Pointer {
        let length = list
            .get(&self.after)
            .and_then(Value::as_array)
            .map(Vec::len);
        match length {
            Some(_) => self
                .operations
                .push(json!({"op": "add", "path": list.child("-").as_str(), "value": item})),
            None => self
                .operations
                .push(json!({"op": "add", "path": list.as_str(), "value": [item]})),
        }
        let at = list.index(length.unwrap_or_default());
        if length.is_none() {
            // A list that is missing or null; its holder exists.
            let _ = list.put(&mut self.after, json!([]));
        }
        let _ = at.put(&mut self.after, item);
        at
    }

    /// The whole patch: first what must still be so, then the changes, then the receipt.
    pub(super) fn finish(self, receipt: Option<String>) -> (Vec<Value>, Value) {
        let mut operations = Vec::new();
        // The generation moves with every change of the spec, and status leaves it alone.
        for path in ["/metadata/uid", "/metadata/generation"] {
            if let Some(value) = self.before.pointer(path) {
                operations.push(json!({"op": "test", "path": path, "value": value}));
            }
        }
        operations.extend(self.operations);
        let mut after = self.after;
        if let Some(receipt) = receipt {
            let annotations = Pointer::of(["metadata", "annotations"]);
            let own = annotations.child(ORIGINAL_IMAGES);
            let is_there = annotations.get(&self.before).is_some_and(Value::is_object);
            if is_there {
                // Null stands for absent in a test (RFC 6902 as the API server reads it).
                let value = own.get(&self.before).cloned().unwrap_or_default();
                operations.push(json!({"op": "test", "path": own.as_str(), "value": value}));
                operations.push(json!({"op": "add", "path": own.as_str(), "value": receipt}));
            } else {
                let path = annotations.as_str();
                operations.push(json!({"op": "test", "path": path, "value": null}));
                let value = json!({ORIGINAL_IMAGES: receipt});
                operations.push(json!({"op": "add", "path": path, "value": value}));
            }
            let _ = own.put(&mut after, Value::String(receipt));
        }
        (operations, after)
    }
}
