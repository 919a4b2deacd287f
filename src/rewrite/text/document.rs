//! One document: its objects, their slots, what the rules make of them.

mod told;

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

use super::edits::Wanted;
use super::findings::{Absent, Change, Finding, Refused, Suspected};
use super::{Reading, Rewriter, Rewritten, Telling, elsewhere};
use crate::image_ref::ImageReference;
use crate::object::pods::{
    AbsentSlot, ImageSlot, PARTS, SlotKind, Suspect, Suspicion, absent_slots, replacements,
    slots_and_suspects, unread_fields,
};
use crate::object::{ObjectRef, Pointer, text_at};
use crate::rules::{Decision, Meeting, Outcome, Place};
use crate::yaml::{self, Document, Lines};

/// What holds for every document of a stream.
pub(super) struct Pass<'a> {
    pub(super) by: &'a Rewriter<'a>,
    pub(super) meeting: &'a mut Meeting,
    pub(super) lines: Lines<'a>,
    /// False where no object can lack an image that is compiled in.
    pub(super) may_lack: bool,
}

impl Pass<'_> {
    /// Adds the edits and findings of a document, or of an item of a list that stands at `at` in one.
    pub(super) fn rewrite(
        &mut self,
        document: &Document<'_>,
        at: &Pointer,
        rewritten: &mut Rewritten,
    ) {
        let mut is_told = self.read(document, at, self.by.telling, rewritten);
        if !is_told {
            // An image that stays is told with its place, which was not kept.
            is_told = self.read(document, at, Telling::Each, rewritten);
        }
        debug_assert!(is_told, "with every change kept, each can be told");
    }

    /// Plans each change as it has to be told. False where one must stay that was only counted: nothing is added then.
    fn read(
        &mut self,
        document: &Document<'_>,
        at: &Pointer,
        planning: Telling,
        rewritten: &mut Rewritten,
    ) -> bool {
        let mut reading = OneDocument {
            document,
            by: self.by,
            may_lack: self.may_lack,
            planning,
            meeting: self.meeting,
            wanted: Wanted::default(),
            noted: HashSet::new(),
            planned: Vec::new(),
            found: Vec::new(),
        };
        let says = |field| document.text(document.root(), field).unwrap_or_default();
        let unread = match self.by.reading {
            Reading::ByWords => unread_fields(says("apiVersion"), says("kind")),
            Reading::Whole => &[],
        };
        let value = document.value_without(unread);
        reading.objects(&value, document.root(), at);
        reading.hold(at);
        reading.finish(&mut self.lines, rewritten)
    }
}

/// One document in work.
struct OneDocument<'a> {
    document: &'a Document<'a>,
    by: &'a Rewriter<'a>,
    may_lack: bool,
    planning: Telling,
    meeting: &'a mut Meeting,
    wanted: Wanted,
    /// The pointers of all that is wanted, where there are aliases.
    noted: HashSet<String>,
    /// With the byte where each stands; without what is not to be told.
    planned: Vec<(usize, Option<Box<Change>>)>,
    /// With the byte where each stands.
    found: Vec<(usize, Finding)>,
}

/// An object of the document: itself, or an item of a list.
struct Object<'a> {
    value: &'a Value,
    place: yaml::Place,
    /// Where it stands in the document.
    at: &'a Pointer,
    reference: Arc<ObjectRef>,
}

impl OneDocument<'_> {
    /// Follows lists: what a rule's scope and a reader know is the object, not the list around it.
    fn objects(&mut self, value: &Value, place: yaml::Place, at: &Pointer) {
        let kind = value
            .get("kind")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let items = value.get("items").and_then(Value::as_array);
        match items {
            Some(items) if kind.ends_with("List") => {
                let list = self.document.find(place, "/items");
                let places = list.map(|list| self.document.items(list));
                for (index, (item, place)) in
                    items.iter().zip(places.into_iter().flatten()).enumerate()
                {
                    let at = at.child("items").index(index);
                    match named(item, value, kind) {
                        Some(item) => self.objects(&item, place, &at),
                        None => self.objects(item, place, &at),
                    }
                }
            }
            _ => self.object(&Object {
                value,
                place,
                at,
                reference: Arc::new(ObjectRef::from_value(value)),
            }),
        }
    }

    fn object(&mut self, object: &Object<'_>) {
        let (slots, suspects) = slots_and_suspects(object.value, self.by.kinds);
        for slot in slots {
            self.slot(object, &slot);
        }
        if self.may_lack {
            for slot in absent_slots(object.value) {
                self.absent(object, &slot);
            }
        }
        // Occurrences within one text are told at its line, which one of them says.
        let mut told = HashSet::new();
        let is_first = suspects
            .iter()
            .map(|one| told.insert((&one.pointer, &one.text)));
        let is_first: Vec<bool> = is_first.collect();
        for (suspect, is_first) in suspects.into_iter().zip(is_first) {
            if is_first {
                self.suspect(object, suspect);
            }
        }
    }

    /// Told where a rule would take it, or where none can be asked.
    fn suspect(&mut self, object: &Object<'_>, suspect: Suspect) {
        let decided = self.decide(object, &suspect.text, &suspect.pointer);
        let (after, rule) = match decided.map(|(_, decision)| (decision.outcome, decision.rule)) {
            Some((Outcome::Rewritten(target), rule)) => (Some(target), rule),
            Some((Outcome::Denied, rule)) => (None, rule),
            None if suspect.why == Suspicion::Later => (None, None),
            _ => return,
        };
        let finding = Finding::Suspected(Suspected {
            at: Self::of(object, &suspect.pointer),
            text: suspect.text,
            after,
            rule,
            why: suspect.why,
        });
        self.tell(object, &suspect.pointer, finding);
    }

    fn decide(
        &self,
        object: &Object<'_>,
        image: &str,
        pointer: &Pointer,
    ) -> Option<(ImageReference, Decision)> {
        let reference = ImageReference::parse(image).ok()?;
        let decision = self
            .by
            .rules
            .decide_at(&reference, &Place::of(object.value, pointer));
        Some((reference, decision))
    }

    fn slot(&mut self, object: &Object<'_>, slot: &ImageSlot) {
        let reference = match ImageReference::parse(&slot.text) {
            Ok(reference) => reference,
            Err(error) => {
                self.skip(object, slot, error.reason.to_string());
                return;
            }
        };
        let place = Place::of(object.value, &slot.pointer);
        let decision = self.by.rules.decide_at(&reference, &place);
        self.meeting.note(&reference, &decision);
        let rule = decision.rule.unwrap_or_default();
        match decision.outcome {
            Outcome::Rewritten(target) => self.change(object, slot, target, rule),
            Outcome::Denied => self.refuse(
                object,
                slot,
                format!("rule '{rule}' refuses it"),
                "image-rule-denied",
            ),
            Outcome::TooLong(name) => self.refuse(
                object,
                slot,
                format!("by rule '{rule}' its name would have {} bytes", name.len()),
                "image-name-too-long",
            ),
            Outcome::Unusable { result, why } => {
                let reason = match result.as_str() {
                    "" => format!("rule '{rule}' makes nothing of it: {why}"),
                    result => format!("rule '{rule}' would make {result} of it: {why}"),
                };
                self.refuse(object, slot, reason, "image-rule-unusable");
            }
            Outcome::Kept | Outcome::AlreadyThere | Outcome::NoRule => self.keep(object, slot, &[]),
        }
    }

    fn refuse(&mut self, object: &Object<'_>, slot: &ImageSlot, reason: String, code: &str) {
        let finding = Finding::Refused(Refused {
            at: Self::of_slot(object, slot),
            image: slot.text.clone(),
            reason,
            code: code.to_owned(),
        });
        self.tell(object, &slot.pointer, finding);
    }

    fn change(&mut self, object: &Object<'_>, slot: &ImageSlot, target: String, rule: String) {
        if matches!(slot.kind, SlotKind::Embedded { .. }) && target.starts_with('[') {
            let reason = format!(
                "{target} would have to stand in quotes, which are not added in a text within a text: write it by hand"
            );
            self.skip(object, slot, reason);
            return;
        }
        let pieces = replacements(object.value, slot, &target);
        let changing: Vec<Pointer> = pieces.iter().map(|piece| piece.pointer.clone()).collect();
        if slot.kind == SlotKind::Split || pieces.is_empty() {
            self.keep(object, slot, &changing);
        }
        if pieces.is_empty() {
            if slot.text != target {
                let reason =
                    format!("its keys cannot say {target}: add what lacks, or change the rule");
                self.skip(object, slot, reason);
            }
            return;
        }
        let number = self.planned.len();
        let mut is_written = true;
        for piece in pieces {
            is_written &= self.want(
                object,
                &piece.pointer,
                (piece.span, Some(piece.text)),
                number,
            );
        }
        if is_written {
            let change = (self.planning == Telling::Each).then(|| {
                Box::new(Change {
                    at: Self::of_slot(object, slot),
                    before: slot.text.clone(),
                    after: target,
                    rule,
                    why: slot.why,
                })
            });
            let byte = self.byte(object, &slot.pointer);
            self.planned.push((byte, change));
        } else {
            let reason = "the text that holds it is not written here".to_owned();
            self.skip(object, slot, reason);
        }
    }

    /// Another use of the same anchor must not change what stays here: all of it, or the parts that are not among the
    /// `changing` ones.
    fn keep(&mut self, object: &Object<'_>, slot: &ImageSlot, changing: &[Pointer]) {
        if !self.document.has_aliases() {
            return;
        }
        if slot.kind != SlotKind::Split {
            self.want(object, &slot.pointer, (slot.span.clone(), None), usize::MAX);
            return;
        }
        for part in PARTS {
            let pointer = slot.pointer.child(part);
            let text = text_at(object.value, pointer.as_str());
            if let Some(length) = text.map(str::len).filter(|_| !changing.contains(&pointer)) {
                self.want(object, &pointer, (0..length, None), usize::MAX);
            }
        }
    }

    /// What is no image must not change with one.
    fn hold(&mut self, at: &Pointer) {
        if self.noted.is_empty() {
            return;
        }
        let Self {
            document,
            wanted,
            noted,
            ..
        } = self;
        elsewhere::others(document, at, noted, &mut |place| {
            if let Some(scalar) = document.scalar(place) {
                wanted.hold(place, scalar.place);
            }
        });
    }

    /// False where nothing is written at the pointer.
    fn want(
        &mut self,
        object: &Object<'_>,
        pointer: &Pointer,
        part: (Range<usize>, Option<String>),
        number: usize,
    ) -> bool {
        let place = self.document.find(object.place, pointer.as_str());
        let said = place.and_then(|place| Some((place, self.document.scalar(place)?)));
        let text = pointer.get(object.value).and_then(Value::as_str);
        match (said, text) {
            (Some(said), Some(text)) => {
                self.wanted.note(said, text, part, number);
                if self.document.has_aliases() {
                    self.noted.insert(format!("{}{pointer}", object.at));
                }
                true
            }
            _ => false,
        }
    }

    fn absent(&mut self, object: &Object<'_>, slot: &AbsentSlot) {
        let Some((_, decision)) = self.by.rules.decide_absent(object.value, slot) else {
            return;
        };
        if let Outcome::Rewritten(target) = decision.outcome {
            let item = match slot.item(&target) {
                Value::String(text) => text,
                item => item.to_string(),
            };
            let finding = Finding::Absent(Absent {
                at: Self::of(object, &slot.list),
                name: slot.name().to_owned(),
                default: slot.default.clone(),
                item,
                rule: decision.rule.unwrap_or_default(),
            });
            self.tell(object, &slot.list, finding);
        }
    }
}

/// An item of a typed list (`PodList`), which says neither its version nor its kind, with both; None for others.
fn named(item: &Value, list: &Value, kind: &str) -> Option<Value> {
    let kind = kind.strip_suffix("List").filter(|kind| !kind.is_empty())?;
    let fields = item.as_object()?;
    if fields.contains_key("kind") || fields.contains_key("apiVersion") {
        return None;
    }
    let mut named = fields.clone();
    named.insert("kind".to_owned(), Value::String(kind.to_owned()));
    if let Some(version) = list.get("apiVersion") {
        named.insert("apiVersion".to_owned(), version.clone());
    }
    Some(Value::Object(named))
}
