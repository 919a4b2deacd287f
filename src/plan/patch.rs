//! What `patch-images` does with one live object: every image slot by the same rules, in one JSON patch.
//!
//! Pure. An object that a controller makes, or that a deployment tool owns, is not patched: both would
//! write it back. The patch tests what it was decided on, so that an object that moved is decided again.

mod advice;
mod edit;
mod owner;
mod pull_secret;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::image_ref::ImageReference;
use crate::object::Pointer;
use crate::object::pods::{
    AbsentKind, ImageSlot, SlotKind, absent_slots, image_slots, write_slots,
};
use crate::rules::{Outcome, Place, RuleSet};

pub use advice::Advice;
use advice::advice;
use edit::Edit;
pub use owner::{Maker, Owner, maker, owner};

/// The annotation that keeps the original spelling: a JSON map from pointer to image; null where nothing stood.
pub const ORIGINAL_IMAGES: &str = "arc-setup.dev/original-images";
/// The field manager of every patch.
pub const MANAGER: &str = "arc-setup-patch";

/// What is wanted besides the rules.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// The pull secret to append.
    pub pull_secret: Option<&'a str>,
    /// Patches what a deployment tool owns.
    pub force: bool,
    /// Pull secrets of the pod's ServiceAccount: a pod that names its own no longer gets them.
    pub service_account_pull_secrets: &'a [String],
}

/// One image, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SlotChange {
    /// Where it stands.
    pub pointer: Pointer,
    /// The place for a person: `container manager`, `--docker-image`.
    pub place: String,
    /// What stood there; None where the program fell back to what is compiled in.
    pub before: Option<String>,
    /// What stands there then.
    pub after: String,
    /// The rule that decided.
    pub rule: String,
}

/// A patch of one object.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Patch {
    /// JSON patch (RFC 6902) with its tests.
    pub operations: Vec<Value>,
    /// Every image that changes.
    pub slots: Vec<SlotChange>,
    /// Where the pull secret was appended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pull_secrets: Vec<Pointer>,
    /// The object as it is then.
    #[serde(skip)]
    pub after: Value,
}

/// What happens to an object.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Nothing to do.
    Unchanged,
    /// A controller makes it; its source is patched instead.
    Made(Maker),
    /// A deployment tool would write it back: what to commit there.
    Owned(Box<Advice>),
    /// It is patched.
    Patch(Box<Patch>),
    /// A rule forbids an image, or a name would be too long; nothing of the object changes.
    Refused(Vec<String>),
}

/// A verdict with remarks for a person.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// What happens.
    pub verdict: Verdict,
    /// What was seen and left alone.
    pub notes: Vec<String>,
}

/// Decides about one live object.
pub fn decide(object: &Value, rules: &RuleSet, wanted: &Wanted<'_>) -> Decided {
    let mut notes = Vec::new();
    let mut refused = Vec::new();
    let mut edit = Edit::new(object);
    let mut slots = rewrite_slots(rules, &mut edit, &mut notes, &mut refused);
    slots.extend(fill_absent_slots(object, rules, &mut edit, &mut refused));
    let pull_secrets = wanted
        .pull_secret
        .map(|name| pull_secret::append(&mut edit, name, wanted, &mut notes))
        .unwrap_or_default();
    let verdict = if !refused.is_empty() {
        Verdict::Refused(refused)
    } else if edit.is_empty() {
        notes.clear();
        Verdict::Unchanged
    } else if let Some(maker) = maker(object) {
        Verdict::Made(maker)
    } else if let Some(owner) = owner(object).filter(|_| !wanted.force) {
        Verdict::Owned(Box::new(advice(
            object,
            owner,
            &edit,
            slots,
            wanted.pull_secret,
        )))
    } else {
        let mut original = original_images(object);
        for slot in &slots {
            let before = slot.before.clone().map_or(Value::Null, Value::String);
            original.insert(slot.pointer.to_string(), before);
        }
        let annotated = !slots.is_empty();
        let (operations, after) = edit.finish(annotated.then(|| json!(original).to_string()));
        Verdict::Patch(Box::new(Patch {
            operations,
            slots,
            pull_secrets,
            after,
        }))
    };
    Decided { verdict, notes }
}

/// What the annotation holds already; an unreadable one is begun anew.
fn original_images(object: &Value) -> BTreeMap<String, Value> {
    object
        .pointer("/metadata/annotations")
        .and_then(|annotations| annotations.get(ORIGINAL_IMAGES))
        .and_then(Value::as_str)
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

fn rewrite_slots(
    rules: &RuleSet,
    edit: &mut Edit,
    notes: &mut Vec<String>,
    refused: &mut Vec<String>,
) -> Vec<SlotChange> {
    let mut images: Vec<(ImageSlot, String)> = Vec::new();
    let mut changes: Vec<SlotChange> = Vec::new();
    for slot in image_slots(edit.object()) {
        let place = place(edit.object(), &slot);
        let reference = match ImageReference::parse(&slot.text) {
            Ok(reference) => reference,
            Err(error) => {
                notes.push(format!("{place}: left as it is: {error}"));
                continue;
            }
        };
        let decision = rules.decide_at(&reference, &Place::of(edit.object(), &slot.pointer));
        let rule = decision.rule.unwrap_or_default();
        match decision.outcome {
            Outcome::Rewritten(after) if after != slot.text => {
                changes.push(SlotChange {
                    pointer: slot.pointer.clone(),
                    place,
                    before: Some(slot.text.clone()),
                    after: after.clone(),
                    rule,
                });
                images.push((slot, after));
            }
            Outcome::Denied => refused.push(format!("{place}: {} is denied by {rule}", slot.text)),
            Outcome::TooLong(name) => {
                refused.push(format!("{place}: {name} ({rule}) is longer than 255 bytes"));
            }
            _ => {}
        }
    }
    for slot_edit in write_slots(&mut edit.after, &images) {
        edit.replaced(&slot_edit);
        // The receipt holds whole texts: `--docker-image=docker:dind`, or a comma list.
        for change in &mut changes {
            if change.pointer == slot_edit.pointer {
                change.before = Some(slot_edit.before.clone());
                change.after.clone_from(&slot_edit.after);
            }
        }
    }
    changes.dedup_by(|one, other| one.pointer == other.pointer);
    changes
}

fn fill_absent_slots(
    object: &Value,
    rules: &RuleSet,
    edit: &mut Edit,
    refused: &mut Vec<String>,
) -> Vec<SlotChange> {
    let mut changes = Vec::new();
    // Asked of the object as it was: the hook's image follows the runner's, which a rule may rewrite.
    for absent in absent_slots(object) {
        let (place, follows_runner) = match &absent.kind {
            AbsentKind::Argument(flag) => (flag.clone(), false),
            AbsentKind::Environment(name) => (name.clone(), true),
        };
        let Ok(reference) = ImageReference::parse(&absent.default) else {
            continue;
        };
        let decision = rules.decide_at(&reference, &Place::of(object, &absent.list));
        let rule = decision.rule.unwrap_or_default();
        let image = match decision.outcome {
            Outcome::Rewritten(image) => image,
            Outcome::AlreadyThere if follows_runner => absent.default.clone(),
            Outcome::Denied => {
                let default = &absent.default;
                refused.push(format!(
                    "{place} is not set, and its default {default} is denied by {rule}"
                ));
                continue;
            }
            _ => continue,
        };
        let pointer = edit.append(&absent.list, absent.item(&image));
        changes.push(SlotChange {
            pointer,
            place,
            before: None,
            after: image,
            rule,
        });
    }
    changes
}

/// The place of a slot for a person.
fn place(object: &Value, slot: &ImageSlot) -> String {
    let holder = |kind: &str| {
        let mut at = slot.pointer.parent();
        while let Some(pointer) = at {
            if let Some(name) = pointer
                .get(object)
                .filter(|value| value.get("image").is_some() || value.get("args").is_some())
                .and_then(|value| value.get("name"))
                .and_then(Value::as_str)
            {
                return format!("container {name}{kind}");
            }
            at = pointer.parent();
        }
        slot.pointer.to_string()
    };
    match &slot.kind {
        SlotKind::Field => holder(""),
        SlotKind::Argument { flag, .. } => holder(&format!(" {flag}")),
        SlotKind::Environment { name } => holder(&format!(" {name}")),
        SlotKind::ImageVolume | SlotKind::Split => slot.pointer.to_string(),
        SlotKind::Embedded { pointer } => format!("{} {pointer}", slot.pointer),
    }
}

#[cfg(test)]
#[path = "patch/patch_tests.rs"]
mod tests;
