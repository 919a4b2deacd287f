//! What is told of a document, and where it stands.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Object, OneDocument};
use crate::object::Pointer;
use crate::object::pods::{ImageSlot, SlotKind};
use crate::rewrite::text::edits::Granted;
use crate::rewrite::text::findings::{Finding, Skipped, Where};
use crate::rewrite::text::{Rewritten, Telling};
use crate::yaml::Lines;

impl OneDocument<'_> {
    pub(super) fn skip(&mut self, object: &Object<'_>, slot: &ImageSlot, reason: String) {
        let finding = skipped(Self::of_slot(object, slot), &slot.text, reason);
        self.tell(object, &slot.pointer, finding);
    }

    pub(super) fn of_slot(object: &Object<'_>, slot: &ImageSlot) -> Where {
        let mut at = Self::of(object, &slot.pointer);
        if let SlotKind::Embedded { pointer } = &slot.kind {
            at.within = Some(pointer.to_string());
        }
        at
    }

    /// Lines are counted once, when all is known.
    pub(super) fn of(object: &Object<'_>, pointer: &Pointer) -> Where {
        Where {
            line: 0,
            column: 0,
            pointer: format!("{}{pointer}", object.at),
            within: None,
            object: Arc::clone(&object.reference),
        }
    }

    /// The byte where something stands; what is not there stands where that stands which would hold it.
    pub(super) fn byte(&self, object: &Object<'_>, pointer: &Pointer) -> usize {
        let mut wanted = Some(pointer.clone());
        while let Some(pointer) = wanted {
            if let Some(place) = self.document.find(object.place, pointer.as_str()) {
                return self.document.start(place);
            }
            wanted = pointer.parent();
        }
        self.document.start(object.place)
    }

    pub(super) fn tell(&mut self, object: &Object<'_>, pointer: &Pointer, finding: Finding) {
        let byte = self.byte(object, pointer);
        self.found.push((byte, finding));
    }

    /// False where a change must stay that was planned without what is to be told of it: nothing is added then.
    pub(super) fn finish(mut self, lines: &mut Lines<'_>, rewritten: &mut Rewritten) -> bool {
        let (edits, granted) = std::mem::take(&mut self.wanted).edits(self.document);
        let stays = |number: usize| matches!(granted.get(&number), Some(Granted::Not(_)));
        let planned = self.planned.iter().enumerate();
        let mut counted = planned.filter(|(_, (_, change))| change.is_none());
        if counted.any(|(number, _)| stays(number)) {
            return false;
        }
        let mut stay: HashSet<(usize, String)> = HashSet::new();
        for (number, (byte, change)) in self.planned.into_iter().enumerate() {
            let byte = match (granted.get(&number), &change) {
                (Some(Granted::Not(reason)), Some(change)) => {
                    let finding = skipped(change.at.clone(), &change.before, *reason);
                    self.found.push((byte, finding));
                    stay.insert((byte, change.before.clone()));
                    continue;
                }
                (Some(Granted::At(at)), _) => *at,
                _ => byte,
            };
            rewritten.findings.changed += 1;
            if let Some(change) = change.filter(|_| self.by.telling == Telling::Each) {
                self.found.push((byte, Finding::Change(*change)));
            }
        }
        // By an anchor the same bytes may be suspected in another place: that they stay is told already, and why.
        self.found.retain(|(byte, finding)| match finding {
            Finding::Suspected(one) if !stay.is_empty() => {
                !stay.contains(&(*byte, one.text.clone()))
            }
            _ => true,
        });
        self.found.sort_by_key(|(byte, _)| *byte);
        for (byte, mut finding) in self.found {
            let at = finding.at();
            (at.line, at.column) = lines.position(byte);
            rewritten.findings.push(finding);
        }
        rewritten.edits.extend(edits);
        true
    }
}

fn skipped(at: Where, image: &str, reason: impl Into<String>) -> Finding {
    Finding::Skipped(Skipped {
        at,
        image: image.to_owned(),
        reason: reason.into(),
    })
}
