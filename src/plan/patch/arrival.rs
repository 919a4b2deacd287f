//! What arrives under a rule's target, and what it is a copy of: over many objects, two may be one.

use std::cell::OnceCell;

use serde_json::Value;

use super::place;
use super::receipt::{Entry, Receipt, Unreadable};
use crate::image_ref::{ImageReference, pulled};
use crate::object::Pointer;

/// An image that an object has, or would have, under a rule's target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The image, as it is pulled: with a tag or a digest.
    pub target: String,
    /// What it is a copy of, in its canonical spelling.
    pub source: String,
    /// The source without tag and digest: tags of one repository may share a digest on purpose.
    pub repository: String,
    /// Who decided: the rule with where it was given, or an earlier run.
    pub by: String,
    /// Where it stands, or the list that it would be added to.
    pub pointer: Pointer,
}

impl Arrival {
    pub(super) fn new(pointer: Pointer, source: &ImageReference, target: &str, by: String) -> Self {
        Self {
            target: pulled(target),
            source: source.canonical(),
            repository: source.name(),
            by,
            pointer,
        }
    }

    /// The place for a person.
    pub fn place(&self, object: &Value) -> String {
        place(object, &self.pointer)
    }
}

/// What an earlier patch says of the object; read once, when it is first asked for.
#[derive(Debug)]
pub(super) struct Earlier<'a> {
    object: &'a Value,
    receipt: OnceCell<Result<Receipt, Unreadable>>,
}

impl<'a> Earlier<'a> {
    pub(super) fn of(object: &'a Value) -> Self {
        Self {
            object,
            receipt: OnceCell::new(),
        }
    }

    /// What `image` is a copy of; None where nothing says it.
    pub(super) fn source(&self, image: &str) -> Option<ImageReference> {
        let receipt = self.read().as_ref().ok()?;
        let written = |entry: &&Entry| entry.now.as_ref().and_then(Value::as_str) == Some(image);
        let entry = receipt.changes.iter().find(written)?;
        ImageReference::parse(entry.was.as_deref()?).ok()
    }

    fn read(&self) -> &Result<Receipt, Unreadable> {
        self.receipt
            .get_or_init(|| Receipt::of(self.object).map(Option::unwrap_or_default))
    }

    /// The receipt, to which something is added; empty where there is none.
    pub(super) fn into_receipt(self) -> Result<Receipt, Unreadable> {
        self.read();
        self.receipt
            .into_inner()
            .unwrap_or_else(|| Ok(Receipt::default()))
    }
}
