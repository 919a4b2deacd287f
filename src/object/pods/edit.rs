//! Writes images back into the places where they were found.

use serde_json::Value;

use super::ImageSlot;
use crate::object::Pointer;

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

/// Puts each image into its slot; several slots of one text (a comma list) become one edit. A slot that
/// no longer fits its text is skipped.
pub fn write_slots(object: &mut Value, images: &[(ImageSlot, String)]) -> Vec<SlotEdit> {
    let mut edits: Vec<SlotEdit> = Vec::new();
    let mut ordered: Vec<&(ImageSlot, String)> = images.iter().collect();
    // Later spans first, so that earlier ones stay where they are.
    ordered.sort_by_key(|(slot, _)| std::cmp::Reverse(slot.span.start));
    for (slot, image) in ordered {
        let Some(Value::String(text)) = slot.pointer.get_mut(object) else {
            continue;
        };
        if text.get(slot.span.clone()) != Some(slot.text.as_str()) || slot.text == *image {
            continue;
        }
        let before = text.clone();
        text.replace_range(slot.span.clone(), image);
        let after = text.clone();
        match edits.iter_mut().find(|edit| edit.pointer == slot.pointer) {
            Some(edit) => edit.after = after,
            None => edits.push(SlotEdit {
                pointer: slot.pointer.clone(),
                before,
                after,
            }),
        }
    }
    let order = |edit: &SlotEdit| {
        let at = images
            .iter()
            .position(|(slot, _)| slot.pointer == edit.pointer);
        at.unwrap_or(usize::MAX)
    };
    edits.sort_by_key(order);
    edits
}
