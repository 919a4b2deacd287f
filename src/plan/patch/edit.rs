//! Collects the operations of one JSON patch beside the object as it will be.

use std::cell::OnceCell;
use std::collections::HashMap;

use serde_json::{Value, json};

use super::receipt::{ANNOTATIONS_LIMIT, Added, ORIGINAL_IMAGES, Receipt};
use crate::object::pods::Replacement;
use crate::object::{Operation, Pointer, value_at};

/// An object in change. It is copied only where somebody asks how it will be: most changes are of a text, and need no copy.
#[derive(Debug)]
pub(super) struct Edit<'a> {
    before: &'a Value,
    after: OnceCell<Value>,
    operations: Vec<Operation>,
    replaced: Vec<Replacement>,
    added: Vec<Added>,
}

impl<'a> Edit<'a> {
    pub(super) fn new(object: &'a Value) -> Self {
        Self {
            before: object,
            after: OnceCell::new(),
            operations: Vec::new(),
            replaced: Vec::new(),
            added: Vec::new(),
        }
    }

    /// The object as it will be.
    pub(super) fn object(&self) -> &Value {
        if self.operations.is_empty() {
            return self.before;
        }
        self.after
            .get_or_init(|| Operation::all_applied(&self.operations, self.before))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// The changing operations, without tests.
    pub(super) fn operations(&self) -> Vec<Value> {
        let changing = self.operations.iter().filter(|one| !one.is_test());
        changing.map(|operation| json!(operation)).collect()
    }

    fn push(&mut self, operation: Operation) {
        if let Some(after) = self.after.get_mut() {
            operation.apply(after);
        }
        self.operations.push(operation);
    }

    fn test(&mut self, path: &Pointer, value: Value) {
        let path = path.clone();
        self.push(Operation::Test { path, value });
    }

    fn add(&mut self, path: &Pointer, value: Value) {
        let path = path.clone();
        self.push(Operation::Add { path, value });
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
            self.test(at, Value::from(before));
            self.push(Operation::Replace {
                path: at.clone(),
                value: Value::String(after),
            });
            let kept = of_text.into_iter().cloned();
            self.replaced.extend(kept);
        }
    }

    /// Appends to a list, making it where it is not there; returns where the item stands.
    pub(super) fn append(&mut self, list: &Pointer, item: Value) -> Pointer {
        let length = list
            .get(self.object())
            .and_then(Value::as_array)
            .map(Vec::len);
        match length {
            Some(_) => self.add(&list.child("-"), item),
            // A list that is missing or null; its holder exists.
            None => self.add(list, Value::Array(vec![item])),
        }
        let at = list.index(length.unwrap_or_default());
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
            edit.test(path, value.clone());
            let path = path.clone();
            edit.push(Operation::Remove { path });
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
    pub(super) fn receipted(mut self, mut receipt: Receipt) -> Result<Vec<Operation>, String> {
        let annotations = Pointer::of(["metadata", "annotations"]);
        let own = annotations.child(ORIGINAL_IMAGES);
        receipt.record(self.before, &|| self.object(), &self.replaced, &self.added);
        if receipt.changes.is_empty() {
            return Ok(self.without_receipt(receipt.made_annotations));
        }
        if annotations.get(self.before).is_some_and(Value::is_object) {
            let text = receipt.text();
            // Null stands for absent in a test (RFC 6902 as the API server reads it).
            let value = own.get(self.before).cloned().unwrap_or_default();
            self.test(&own, value);
            self.add(&own, Value::String(text));
        } else {
            receipt.made_annotations = true;
            self.test(&annotations, Value::Null);
            self.add(&annotations, json!({ORIGINAL_IMAGES: receipt.text()}));
        }
        let size = self.annotations_size(&annotations);
        if size > ANNOTATIONS_LIMIT {
            return Err(format!(
                "its annotations would have {size} bytes with the record of what stood there ({ORIGINAL_IMAGES}), and Kubernetes takes {ANNOTATIONS_LIMIT}: take long annotations out of it first"
            ));
        }
        Ok(self.finish())
    }

    /// The whole patch of an undo: the receipt goes last, with the annotations that were made for it.
    pub(super) fn without_receipt(mut self, made_annotations: bool) -> Vec<Operation> {
        let annotations = Pointer::of(["metadata", "annotations"]);
        let own = annotations.child(ORIGINAL_IMAGES);
        if let Some(receipt) = own.get(self.before) {
            self.remove(&own, receipt, usize::from(made_annotations));
        }
        self.finish()
    }

    /// How many bytes the annotations will have.
    fn annotations_size(&self, annotations: &Pointer) -> usize {
        let mut after = json!({"metadata": {"annotations": annotations.get(self.before)}});
        for operation in &self.operations {
            if operation.path().as_str().starts_with(annotations.as_str()) {
                operation.apply(&mut after);
            }
        }
        annotations_size(annotations.get(&after))
    }

    fn finish(self) -> Vec<Operation> {
        let mut operations = Vec::with_capacity(self.operations.len() + 2);
        // The generation moves with every change of the spec, and status leaves it alone.
        for path in ["/metadata/uid", "/metadata/generation"] {
            if let Some(value) = value_at(self.before, path) {
                let (path, value) = (Pointer::new(path), value.clone());
                operations.push(Operation::Test { path, value });
            }
        }
        operations.extend(self.operations);
        operations
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
