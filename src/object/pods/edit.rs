//! Writes images back into the places where they were found.

use std::ops::Range;

use serde_json::Value;

use super::{ImageSlot, SlotKind, split};
use crate::object::Pointer;

/// Bytes of one text that become others: what to write, in whatever form the object stands (a value, YAML text, a
/// JSON patch).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// The text. It is there: no key is ever added.
    pub pointer: Pointer,
    /// Which bytes of the text, as it is decoded, go.
    pub span: Range<usize>,
    /// What stands there then.
    pub text: String,
}

/// One text of an object that was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotEdit {
    /// Where it stands.
    pub pointer: Pointer,
    /// The whole text before.
    pub before: String,
    /// The whole text now.
    pub after: String,
}

/// What to write so that `slot` names `image`: one replacement, or one for each part of a split image that changes.
/// None where the slot no longer fits the object, names the image already, or has no key for a part of it (a digest).
pub fn replacements(object: &Value, slot: &ImageSlot, image: &str) -> Vec<Replacement> {
    if slot.text == image {
        return Vec::new();
    }
    match (&slot.kind, slot.pointer.get(object)) {
        (SlotKind::Split, Some(Value::Object(parts)))
            if split::compose(parts).as_ref() == Some(&slot.text) =>
        {
            split::replacements(&slot.pointer, parts, image).unwrap_or_default()
        }
        (SlotKind::Split, _) => Vec::new(),
        (_, Some(Value::String(text)))
            if text.get(slot.span.clone()) == Some(slot.text.as_str()) =>
        {
            vec![Replacement {
                pointer: slot.pointer.clone(),
                span: slot.span.clone(),
                text: image.to_owned(),
            }]
        }
        _ => Vec::new(),
    }
}

/// Puts each image into its slot; several slots of one text (a comma list) become one edit. A slot that
/// no longer fits its text is skipped. The edits stand in the order of the slots.
pub fn write_slots(object: &mut Value, images: &[(ImageSlot, String)]) -> Vec<SlotEdit> {
    let all: Vec<Replacement> = images
        .iter()
        .flat_map(|(slot, image)| replacements(object, slot, image))
        .collect();
    let mut ordered: Vec<(usize, &Replacement)> = all.iter().enumerate().collect();
    // Later spans first, so that earlier ones stay where they are.
    ordered.sort_by(|(_, one), (_, other)| {
        (&one.pointer, other.span.start).cmp(&(&other.pointer, one.span.start))
    });
    let mut edits: Vec<(Option<usize>, SlotEdit)> = Vec::new();
    for group in ordered.chunk_by(|(_, one), (_, other)| one.pointer == other.pointer) {
        let pointer = &group[0].1.pointer;
        let Some(Value::String(text)) = pointer.get_mut(object) else {
            continue;
        };
        let before = text.clone();
        let mut end = text.len();
        for (_, replacement) in group {
            // Of two that overlap, the later one stands.
            if replacement.span.end <= end {
                text.replace_range(replacement.span.clone(), &replacement.text);
                end = replacement.span.start;
            }
        }
        let edit = SlotEdit {
            pointer: pointer.clone(),
            before,
            after: text.clone(),
        };
        edits.push((group.iter().map(|(index, _)| *index).min(), edit));
    }
    edits.sort_by_key(|(index, _)| *index);
    edits.into_iter().map(|(_, edit)| edit).collect()
}
