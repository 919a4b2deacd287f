//! What `patch-images` does with one live object: every image slot by the same rules, in one JSON patch.
//!
//! Pure. An object that a controller makes, or that a deployment tool owns, is not patched: both would
//! write it back. The patch tests what it was decided on, so that an object that moved is decided again.
//! The way back is [`undo`].

mod advice;
mod edit;
mod fixed;
mod maker;
mod owner;
mod owner_pattern;
mod place;
mod pull_secret;
mod receipt;
mod remarks;
mod undo;

use serde::Serialize;
use serde_json::Value;

use crate::image_ref::ImageReference;
use crate::object::Pointer;
use crate::object::pods::{AbsentKind, Replacement, absent_slots, image_slots, replacements};
use crate::rules::{Outcome, Place, RuleSet};

pub use advice::Advice;
use advice::advice;
use edit::Edit;
pub use fixed::Skipped;
use fixed::{fixed, may_change, mirror_pod};
pub use maker::{Maker, maker};
pub use owner::{Owner, owner};
pub use owner_pattern::OwnerPattern;
use place::place;
pub use receipt::ORIGINAL_IMAGES;
use receipt::Receipt;
use remarks::remarks;
pub use undo::undo;

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

/// One image, before and after: the reference alone, where it is a part of a text (`--docker-image=docker:dind`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SlotChange {
    /// The text that holds it.
    pub pointer: Pointer,
    /// The place for a person: `container manager`, `container manager --docker-image`.
    pub place: String,
    /// What stood there; None where the program fell back to what is compiled in.
    pub before: Option<String>,
    /// What stands there then.
    pub after: String,
    /// The rule that decided.
    pub rule: String,
}

/// What an undo takes out of a list again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Removal {
    /// Where it stood.
    pub pointer: Pointer,
    /// The place for a person.
    pub place: String,
    /// What stood there: an argument, a variable, the name of a pull secret.
    pub item: Value,
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
    /// What an undo takes out again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<Removal>,
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
    /// It cannot be changed while it exists.
    Skipped(Skipped),
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

/// What was seen on the way.
#[derive(Debug, Default)]
struct Seen {
    notes: Vec<String>,
    refused: Vec<String>,
}

/// Decides about one live object.
pub fn decide(object: &Value, rules: &RuleSet, wanted: &Wanted<'_>) -> Decided {
    let mut seen = Seen::default();
    let mut edit = Edit::new(object);
    let mut slots = rewrite_slots(object, rules, &mut edit, &mut seen);
    slots.extend(fill_absent_slots(
        object,
        rules,
        &mut edit,
        &mut seen.refused,
    ));
    let pull_secrets = wanted
        .pull_secret
        .map(|name| pull_secret::append(&mut edit, name, wanted, &mut seen.notes))
        .unwrap_or_default();
    let Seen { mut notes, refused } = seen;
    let verdict = if !refused.is_empty() {
        Verdict::Refused(refused)
    } else if edit.is_empty() {
        notes.clear();
        Verdict::Unchanged
    } else if let Some(skipped) = mirror_pod(object) {
        Verdict::Skipped(skipped)
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
    } else if let Some(skipped) = fixed(object) {
        Verdict::Skipped(skipped)
    } else {
        notes.extend(remarks(object, &slots));
        patched(object, edit, slots, pull_secrets)
    };
    Decided { verdict, notes }
}

fn patched(
    object: &Value,
    edit: Edit<'_>,
    slots: Vec<SlotChange>,
    pull_secrets: Vec<Pointer>,
) -> Verdict {
    // One that cannot be read is begun anew.
    let receipt = Receipt::of(object).ok().flatten().unwrap_or_default();
    match edit.receipted(receipt) {
        Ok((operations, after)) => Verdict::Patch(Box::new(Patch {
            operations,
            slots,
            pull_secrets,
            removed: Vec::new(),
            after,
        })),
        Err(reason) => Verdict::Refused(vec![reason]),
    }
}

fn rewrite_slots(
    object: &Value,
    rules: &RuleSet,
    edit: &mut Edit<'_>,
    seen: &mut Seen,
) -> Vec<SlotChange> {
    let mut parts: Vec<Replacement> = Vec::new();
    let mut changes: Vec<SlotChange> = Vec::new();
    for slot in image_slots(object) {
        let (pointer, text) = (&slot.pointer, &slot.text);
        let place = || place(object, pointer);
        let reference = match ImageReference::parse(text) {
            Ok(reference) => reference,
            Err(error) => {
                let note = format!("{}: left as it is: {error}", place());
                seen.notes.push(note);
                continue;
            }
        };
        let decision = rules.decide_at(&reference, &Place::of(object, pointer));
        let rule = decision.rule.unwrap_or_default();
        let after = match decision.outcome {
            Outcome::Rewritten(after) if after != *text => after,
            Outcome::Denied => {
                let why = format!("{}: {text} is denied by {rule}", place());
                seen.refused.push(why);
                continue;
            }
            Outcome::TooLong(name) => {
                let why = format!("{}: {name} ({rule}) is longer than 255 bytes", place());
                seen.refused.push(why);
                continue;
            }
            Outcome::Unusable { result, why } => {
                let would_be = [" would be ", &result].concat();
                let would_be = if result.is_empty() { "" } else { &would_be };
                let why = format!("{}: {text}{would_be} ({rule}): {why}", place());
                seen.refused.push(why);
                continue;
            }
            _ => continue,
        };
        let all = replacements(object, &slot, &after);
        if !all.iter().all(|part| may_change(object, &part.pointer)) {
            seen.notes.push(format!(
                "{}: {text} stays: this cannot be changed in a pod that exists",
                place()
            ));
            continue;
        }
        if all.is_empty() {
            let note = format!("{}: {text} stays: no key there can say {after}", place());
            seen.notes.push(note);
            continue;
        }
        parts.extend(all);
        changes.push(SlotChange {
            place: place(),
            before: Some(text.clone()),
            after,
            rule,
            pointer: slot.pointer,
        });
    }
    edit.replace(&parts);
    changes
}

fn fill_absent_slots(
    object: &Value,
    rules: &RuleSet,
    edit: &mut Edit<'_>,
    refused: &mut Vec<String>,
) -> Vec<SlotChange> {
    let mut changes = Vec::new();
    // Asked of the object as it was: the hook's image follows the runner's, which a rule may rewrite.
    for absent in absent_slots(object) {
        let follows_runner = matches!(absent.kind, AbsentKind::Environment(_));
        let Ok(reference) = ImageReference::parse(&absent.default) else {
            continue;
        };
        let decision = rules.decide_at(&reference, &Place::of(object, &absent.list));
        let rule = decision.rule.unwrap_or_default();
        let image = match decision.outcome {
            Outcome::Rewritten(image) => image,
            Outcome::AlreadyThere if follows_runner => absent.default.clone(),
            Outcome::Denied => {
                let (AbsentKind::Argument(place) | AbsentKind::Environment(place)) = &absent.kind;
                let default = &absent.default;
                refused.push(format!(
                    "{place} is not set, and its default {default} is denied by {rule}"
                ));
                continue;
            }
            Outcome::TooLong(_) | Outcome::Unusable { .. } => {
                let (AbsentKind::Argument(place) | AbsentKind::Environment(place)) = &absent.kind;
                let default = &absent.default;
                refused.push(format!(
                    "{place} is not set, and {rule} makes no image of its default {default}"
                ));
                continue;
            }
            _ => continue,
        };
        if !may_change(object, &absent.list) {
            continue;
        }
        let pointer = edit.append(&absent.list, absent.item(&image));
        changes.push(SlotChange {
            place: place(edit.object(), &pointer),
            pointer,
            before: None,
            after: image,
            rule,
        });
    }
    changes
}

#[cfg(test)]
#[path = "patch/patch_tests.rs"]
mod tests;
