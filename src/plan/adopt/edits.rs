//! Finds the images of an object that a person wrote.

use super::HandEdit;
use super::before::before;
use crate::object::pods::image_slots;
use crate::object::{ObjectRef, written_by};
use crate::observe::{Found, is_by_hand};
use crate::plan::patch::place;

/// The images of an object that a person wrote and that are not as they were. `others` are further field managers that
/// count as a person.
pub fn hand_edits(found: &Found, others: &[String]) -> Vec<HandEdit> {
    let object = &found.object;
    let mut edits = Vec::new();
    for slot in image_slots(object) {
        let written = written_by(object, &slot.pointer);
        let by_hand = written
            .into_iter()
            .rev()
            .find(|written| is_by_hand(written, others));
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
