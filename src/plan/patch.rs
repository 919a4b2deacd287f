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
mod slots;
mod undo;

use serde::Serialize;
use serde_json::Value;

use crate::object::Pointer;
use crate::object::pods::CustomKinds;
use crate::rules::RuleSet;

pub use advice::Advice;
use advice::advice;
use edit::Edit;
pub use fixed::Skipped;
use fixed::{fixed, mirror_pod};
pub use maker::{Maker, maker};
pub use owner::{Owner, owner};
pub use owner_pattern::OwnerPattern;
pub(in crate::plan) use place::place;
pub use receipt::ORIGINAL_IMAGES;
use receipt::Receipt;
pub(in crate::plan) use receipt::original_image;
pub use pull_secret::{AccountPullSecrets, accounted_pods, service_account};
use remarks::remarks;
use slots::{fill_absent_slots, rewrite_slots};
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
    /// Pull secrets of the pods' ServiceAccounts: a pod that names its own no longer gets them.
    pub service_account_pull_secrets: &'a [AccountPullSecrets],
    /// Custom kinds whose schemas say where their pods stand.
    pub custom_kinds: Option<&'a CustomKinds>,
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
    let mut slots = rewrite_slots(object, rules, wanted.custom_kinds, &mut edit, &mut seen);
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
        Verdict::Made(maker.known_by(wanted.custom_kinds))
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

#[cfg(test)]
#[path = "patch/patch_tests.rs"]
mod tests;
