//! Finds the images of an object that a person wrote.

use serde_json::Value;

use super::HandEdit;
use super::before::before;
use crate::object::pods::image_slots;
use crate::object::{ObjectRef, written_by};
use crate::plan::patch::place;

/// An object, and what the cluster keeps of how it was: ReplicaSets and ControllerRevisions that it controls.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The object.
    pub object: Value,
    /// Its history, in no order.
    pub history: Vec<Value>,
}

/// The images of an object that a person wrote and that are not as they were. `others` are further field managers that
/// count as a person.
pub fn hand_edits(found: &Found, others: &[String]) -> Vec<HandEdit> {
    let object = &found.object;
    let mut edits = Vec::new();
    for slot in image_slots(object) {
        let written = written_by(object, &slot.pointer);
        let by_hand = written.into_iter().rev().find(|written| {
            written.is_by_hand() || others.iter().any(|other| other == written.manager)
        });
        let Some(by_hand) = by_hand else { continue };
        let place = place(object, &slot.pointer);
        let before = before(found, &slot, &place);
        // A list that is held whole: this item of it was there before, so another was written.
        if before
            .as_ref()
            .is_some_and(|(image, _)| *image == slot.text)
        {
            continue;
        }
        let (before, known_from) = before.unzip();
        edits.push(HandEdit {
            object: ObjectRef::from_value(object),
            pointer: slot.pointer,
            place,
            manager: by_hand.manager.to_owned(),
            time: by_hand.time.map(str::to_owned),
            before,
            known_from,
            after: slot.text,
        });
    }
    edits
}
