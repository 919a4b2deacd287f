//! What `patch-images` does with one live object: every image slot by the same rules, in one JSON patch.
//!
//! Pure. An object that a controller makes, or that a deployment tool owns, is not patched: both would
//! write it back. The patch tests what it was decided on, so that an object that moved is decided again.
//! The way back is [`undo`].

mod advice;
mod arrival;
mod edit;
mod fixed;
mod inject;
mod maker;
mod owner;
mod owner_pattern;
mod place;
mod pull_secret;
mod receipt;
mod remarks;
mod slots;
mod strategic;
mod suspects;
mod undo;

use serde::Serialize;
use serde_json::Value;

use crate::object::pods::CustomKinds;
use crate::object::{Operation, Pointer};
use crate::rewrite::injection::Injection;
use crate::rules::RuleSet;

pub use advice::Advice;
use advice::advice;
pub use arrival::Arrival;
use arrival::Earlier;
use edit::Edit;
pub use fixed::Skipped;
use fixed::{finished, fixed, mirror_pod, unsure};
pub use inject::InjectedInto;
pub use maker::{Maker, maker};
pub use owner::{Owner, owner};
pub use owner_pattern::OwnerPattern;
pub(in crate::plan) use place::place;
pub use pull_secret::{AccountPullSecrets, accounted_pods, service_account};
pub(in crate::plan) use receipt::original_image;
use receipt::unreadable;
pub use receipt::{ORIGINAL_IMAGES, recorded};
use remarks::remarks;
use slots::{fill_absent_slots, rewrite_slots};
use strategic::strategic;
pub use undo::undo;

/// The field manager of every patch.
pub const MANAGER: &str = "arc-setup-patch";

/// What is wanted besides the rules.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// The pull secret to append.
    pub pull_secret: Option<&'a str>,
    /// The authorities and the proxy to put into every container.
    pub injection: Option<&'a Injection>,
    /// Patches what a deployment tool owns.
    pub force: bool,
    /// Pull secrets of the pods' ServiceAccounts: a pod that names its own no longer gets them.
    pub service_account_pull_secrets: &'a [AccountPullSecrets],
    /// What the schemas of custom kinds say.
    pub custom_kinds: Option<&'a CustomKinds>,
    /// The object's kind was named by the user.
    pub is_named: bool,
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
    pub operations: Vec<Operation>,
    /// Every image that changes.
    pub slots: Vec<SlotChange>,
    /// Where the pull secret was appended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pull_secrets: Vec<Pointer>,
    /// What of the authorities and the proxy was appended, by container.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub injected: Vec<InjectedInto>,
    /// What an undo takes out again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<Removal>,
    /// Of an undo: what somebody changed since, or took away, and is not put back. The notes name each.
    #[serde(skip)]
    pub changed_since: usize,
}

impl Patch {
    /// The object that it was made of, as it is then. A copy: seldom asked for.
    pub fn after(&self, object: &Value) -> Value {
        Operation::all_applied(&self.operations, object)
    }

    /// The same as a strategic merge patch under the object's resource version, where one says it all: it costs the API
    /// server less.
    pub fn strategic(&self, object: &Value) -> Option<Value> {
        strategic(&self.operations, object)
    }
}

/// What happens to an object.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Nothing to do: it is as the rules want it. Notes are of what may be an image.
    Unchanged,
    /// Nothing of it can be changed although a rule would, or it names what is no image: the notes say why.
    Stays,
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
    /// What the object has then under the rules' targets, as far as it is known of what it is a copy.
    pub arrivals: Vec<Arrival>,
    /// The registry of each image that no rule takes.
    pub untaken: Vec<String>,
    /// What the rules want of an object that is skipped.
    pub would_change: Vec<SlotChange>,
    /// It is [`Verdict::Unchanged`] for what an earlier run with other rules wrote: not as these rules want it.
    pub is_by_other_rules: bool,
}

impl Decided {
    fn of(verdict: Verdict, notes: Vec<String>) -> Self {
        Self {
            verdict,
            notes,
            arrivals: Vec::new(),
            untaken: Vec::new(),
            would_change: Vec::new(),
            is_by_other_rules: false,
        }
    }
}

/// What was seen on the way.
#[derive(Debug, Default)]
struct Seen {
    /// Remarks on what changes.
    notes: Vec<String>,
    /// Images that a rule refuses.
    refused: Vec<String>,
    /// Images that stay although they are not right.
    stays: Vec<String>,
    /// What may be an image.
    suspects: Vec<String>,
    arrivals: Vec<Arrival>,
    /// The registry of each image that no rule takes.
    untaken: Vec<String>,
    /// Images of an earlier run with other rules, which these do not take.
    by_other_rules: Vec<String>,
}

/// Decides about one live object.
pub fn decide(object: &Value, rules: &RuleSet, wanted: &Wanted<'_>) -> Decided {
    let mut seen = Seen::default();
    let mut edit = Edit::new(object);
    let earlier = Earlier::of(object);
    let kinds = wanted.custom_kinds;
    let mut slots = rewrite_slots(object, rules, kinds, &mut edit, &earlier, &mut seen);
    slots.extend(fill_absent_slots(object, rules, &mut edit, &mut seen));
    let pull_secrets = wanted
        .pull_secret
        .map(|name| pull_secret::append(&mut edit, name, wanted, &mut seen.notes))
        .unwrap_or_default();
    let injected = wanted
        .injection
        .map(|injection| inject::append(&mut edit, injection, &mut seen.notes))
        .unwrap_or_default();
    let is_right = edit.is_empty() && seen.refused.is_empty() && seen.stays.is_empty();
    let is_plain = is_right && seen.suspects.is_empty() && seen.untaken.is_empty();
    if !is_plain && let Some(verdict) = out_of_reach(object, wanted) {
        if is_right {
            return Decided::of(Verdict::Unchanged, Vec::new());
        }
        return Decided::of(verdict, [seen.refused, seen.stays].concat());
    }
    if !is_right && let Some(skipped) = unsure(object, wanted) {
        return Decided {
            would_change: slots,
            ..Decided::of(
                Verdict::Skipped(skipped),
                [seen.refused, seen.stays, seen.suspects].concat(),
            )
        };
    }
    let is_by_other_rules = is_right && !seen.by_other_rules.is_empty();
    let mut notes = [seen.stays, seen.by_other_rules, seen.suspects].concat();
    let mut would_change = Vec::new();
    let verdict = if is_right {
        Verdict::Unchanged
    } else if !seen.refused.is_empty() {
        Verdict::Refused(seen.refused)
    } else if edit.is_empty() {
        Verdict::Stays
    } else if let Some(owner) = owner(object).filter(|_| !wanted.force) {
        notes.extend(seen.notes);
        Verdict::Owned(Box::new(advice(
            object,
            owner,
            &edit,
            slots,
            wanted.pull_secret,
            !injected.is_empty(),
        )))
    } else if let Some(skipped) = fixed(object) {
        would_change = slots;
        Verdict::Skipped(skipped)
    } else {
        notes.extend(seen.notes);
        notes.extend(remarks(object, &slots));
        patched(edit, earlier, slots, pull_secrets, injected)
    };
    Decided {
        verdict,
        notes,
        arrivals: seen.arrivals,
        untaken: seen.untaken,
        would_change,
        is_by_other_rules,
    }
}

/// What nobody can change here, whatever the rules say of it.
fn out_of_reach(object: &Value, wanted: &Wanted<'_>) -> Option<Verdict> {
    if let Some(skipped) = mirror_pod(object) {
        return Some(Verdict::Skipped(skipped));
    }
    if let Some(maker) = maker(object) {
        return Some(Verdict::Made(maker.known_by(wanted.custom_kinds)));
    }
    finished(object).map(Verdict::Skipped)
}

fn patched(
    edit: Edit<'_>,
    earlier: Earlier<'_>,
    slots: Vec<SlotChange>,
    pull_secrets: Vec<Pointer>,
    injected: Vec<InjectedInto>,
) -> Verdict {
    let receipt = match earlier.into_receipt() {
        Ok(receipt) => receipt,
        // What it keeps is written nowhere else.
        Err(why) => return Verdict::Refused(vec![unreadable(&why)]),
    };
    match edit.receipted(receipt) {
        Ok(operations) => Verdict::Patch(Box::new(Patch {
            operations,
            slots,
            pull_secrets,
            injected,
            removed: Vec::new(),
            changed_since: 0,
        })),
        Err(reason) => Verdict::Refused(vec![reason]),
    }
}

#[cfg(test)]
#[path = "patch/patch_tests.rs"]
mod tests;
