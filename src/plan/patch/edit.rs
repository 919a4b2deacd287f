//! Collects the operations of one JSON patch beside the object as it will be.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::receipt::{ANNOTATIONS_LIMIT, Added, ORIGINAL_IMAGES, Receipt};
use crate::object::pods::Replacement;
use crate::object::{Pointer, value_at};

/// An object in change. It is copied with the first change only.
#[derive(Debug)]
pub(super) struct Edit<'a> {
    before: &'a Value,
    after: Option<Value>,
    operations: Vec<Value>,
    replaced: Vec<Replacement>,
    added: Vec<Added>,
}

impl<'a> Edit<'a> {
    pub(super) fn new(object: &'a Value) -> Self {
        Self {
            before: object,
            after: None,
            operations: Vec::new(),
            replaced: Vec::new(),
            added: Vec::new(),
        }
    }

    /// The object as it will be.
    pub(super) fn object(&self) -> &Value {
        self.after.as_ref().unwrap_or(self.before)
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

    fn after(&mut self) -> &mut Value {
        self.after.get_or_insert_with(|| self.before.clone())
    }

    /// Puts each text in place of a part of another; the spans are those of the object as it was. A part that is
    /// not there is passed over. To be called once, before anything is appended or removed.
    pub(super) fn replace(&mut self, parts: &[Replacement]) {
        for (at, of_text) in by_text(parts) {
            let Some(before) = at.get(self.before).and_then(Value::as_str) else {
                continue;
            };
            let Some(after) = replaced(before, &of_text).filter(|after| after != before) else {
                continue;
            };
            let path = at.as_str();
            let test = json!({"op": "test", "path": path, "value": before});
            let replace = json!({"op": "replace", "path": path, "value": after});
            self.operations.extend([test, replace]);
            let kept = of_text.into_iter().cloned();
            self.replaced.extend(kept);
            if let Some(place) = at.get_mut(self.after()) {
                *place = Value::String(after);
            }
        }
    }

    /// Appends to a list, making it where it is not there; returns where the item stands.
    pub(super) fn append(&mut self, list: &Pointer, item: Value) -> Pointer {
        let length = list
            .get(self.object())
            .and_then(Value::as_array)
            .map(Vec::len);
        let operation = match length {
            Some(_) => json!({"op": "add", "path": list.child("-").as_str(), "value": item}),
            None => json!({"op": "add", "path": list.as_str(), "value": [item]}),
        };
        self.operations.push(operation);
        let at = list.index(length.unwrap_or_default());
        let after = self.after();
        if length.is_none() {
            // A list that is missing or null; its holder exists.
            let _ = list.put(after, json!([]));
        }
        let _ = at.put(after, item);
        self.added.push(Added {
            at: at.clone(),
            made: usize::from(length.is_none()),
        });
        at
    }

    /// Removes what stands there and was `value` before; then the holders that are empty without it, up to `made`.
    pub(super) fn remove(&mut self, at: &Pointer, value: &Value, made: usize) {
        let mut path = at.clone();
        let remove = |edit: &mut Self, path: &Pointer, value: &Value| {
            let test = json!({"op": "test", "path": path.as_str(), "value": value});
            let remove = json!({"op": "remove", "path": path.as_str()});
            edit.operations.extend([test, remove]);
            path.remove(edit.after());
        };
        remove(self, &path, value);
        for _ in 0..made {
            let Some(holder) = path.parent() else { return };
            let empty = match holder.get(self.object()) {
                Some(Value::Array(items)) if items.is_empty() => json!([]),
                Some(Value::Object(fields)) if fields.is_empty() => json!({}),
                _ => return,
            };
            remove(self, &holder, &empty);
            path = holder;
        }
    }

    /// The whole patch of a rewrite: first what must still be so, then the changes, then the receipt, to which they
    /// are added. The error says that it would be too long.
    pub(super) fn receipted(mut self, mut receipt: Receipt) -> Result<(Vec<Value>, Value), String> {
        let annotations = Pointer::of(["metadata", "annotations"]);
        let own = annotations.child(ORIGINAL_IMAGES);
        receipt.record(self.before, self.object(), &self.replaced, &self.added);
        if receipt.changes.is_empty() {
            return Ok(self.without_receipt(receipt.made_annotations));
        }
        if annotations.get(self.before).is_some_and(Value::is_object) {
            let text = receipt.text();
            // Null stands for absent in a test (RFC 6902 as the API server reads it).
            let value = own.get(self.before).cloned().unwrap_or_default();
            self.operations
                .push(json!({"op": "test", "path": own.as_str(), "value": value}));
            self.operations
                .push(json!({"op": "add", "path": own.as_str(), "value": text}));
            let _ = own.put(self.after(), Value::String(text));
        } else {
            receipt.made_annotations = true;
            let path = annotations.as_str();
            let value = json!({ORIGINAL_IMAGES: receipt.text()});
            self.operations
                .push(json!({"op": "test", "path": path, "value": null}));
            self.operations
                .push(json!({"op": "add", "path": path, "value": value}));
            let _ = annotations.put(self.after(), value);
        }
        let size = annotations_size(annotations.get(self.object()));
        if size > ANNOTATIONS_LIMIT {
            return Err(format!(
                "its annotations would have {size} bytes with the record of what stood there ({ORIGINAL_IMAGES}), and Kubernetes takes {ANNOTATIONS_LIMIT}: take long annotations out of it first"
            ));
        }
        Ok(self.finish())
    }

    /// The whole patch of an undo: the receipt goes last, with the annotations that were made for it.
    pub(super) fn without_receipt(mut self, made_annotations: bool) -> (Vec<Value>, Value) {
        let annotations = Pointer::of(["metadata", "annotations"]);
        let own = annotations.child(ORIGINAL_IMAGES);
        if let Some(receipt) = own.get(self.before) {
            self.remove(&own, receipt, usize::from(made_annotations));
        }
        self.finish()
    }

    fn finish(self) -> (Vec<Value>, Value) {
        let mut operations = Vec::new();
        // The generation moves with every change of the spec, and status leaves it alone.
        for path in ["/metadata/uid", "/metadata/generation"] {
            if let Some(value) = value_at(self.before, path) {
                operations.push(json!({"op": "test", "path": path, "value": value}));
            }
        }
        operations.extend(self.operations);
        let after = self.after.unwrap_or_else(|| self.before.clone());
        (operations, after)
    }
}

/// The parts of each text, in the order in which the texts are first named.
fn by_text(parts: &[Replacement]) -> Vec<(&Pointer, Vec<&Replacement>)> {
    let mut texts: Vec<(&Pointer, Vec<&Replacement>)> = Vec::new();
    let mut known: HashMap<&Pointer, usize> = HashMap::new();
    for part in parts {
        let number = *known.entry(&part.pointer).or_insert(texts.len());
        match texts.get_mut(number) {
            Some((_, of_text)) => of_text.push(part),
            None => texts.push((&part.pointer, vec![part])),
        }
    }
    texts
}

/// The text with every part in its place; None where a part is not in it.
fn replaced(text: &str, parts: &[&Replacement]) -> Option<String> {
    let mut parts = parts.to_vec();
    parts.sort_by_key(|part| part.span.start);
    let mut after = String::new();
    let mut done = 0;
    for part in parts {
        after.push_str(text.get(done..part.span.start)?);
        text.get(part.span.clone())?;
        after.push_str(&part.text);
        done = part.span.end;
    }
    after.push_str(text.get(done..)?);
    Some(after)
}

fn annotations_size(annotations: Option<&Value>) -> usize {
    annotations
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(key, value)| key.len() + value.as_str().map_or(0, str::len))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No clock is asked: to look for each text among all the others would take minutes.
    #[test]
    fn an_object_of_very_many_arguments_is_refused_for_its_record() {
        let object = json!({"spec": {"args": vec!["--image=q.io/a"; 80_000]}});
        let parts: Vec<Replacement> = (0..80_000)
            .map(|index| Replacement {
                pointer: Pointer::of(["spec", "args"]).index(index),
                span: 8..14,
                text: "r.corp/a".to_owned(),
            })
            .collect();
        let mut edit = Edit::new(&object);
        edit.replace(&parts);
        assert_eq!(edit.object()["spec"]["args"][79_999], "--image=r.corp/a");
        let refused = edit.receipted(Receipt::default()).unwrap_err();
        assert!(refused.contains("and Kubernetes takes 262144"), "{refused}");
    }
}
