//! Takes back what `patch-images` wrote, as its receipt on the object says.

use std::collections::HashSet;

use serde_json::Value;

use super::edit::Edit;
use super::fixed::fixed;
use super::maker::{is_mirror_pod, maker};
use super::place::place;
use super::receipt::{Entry, Found, Receipt, find, unreadable};
use super::{Decided, Patch, Removal, SlotChange, Verdict};
use crate::object::Pointer;
use crate::object::pods::Replacement;

/// The rule that a report names for what is taken back.
const UNDONE: &str = "undo";

/// Decides how one live object gets back what stood in it before. What still stands as it was written goes back; what
/// a person changed since stays, and a note says so; the receipt goes. Whoever owns the object: this is on the way to
/// what the owner wants. The result restores the object byte for byte where nobody changed it in between.
pub fn undo(object: &Value) -> Decided {
    let mut notes = Vec::new();
    let receipt = match Receipt::of(object) {
        Ok(Some(receipt)) => receipt,
        Ok(None) => return unchanged(),
        Err(why) => return Decided::of(Verdict::Refused(vec![unreadable(&why)]), notes),
    };
    // A controller copied the annotation along with the rest; its source has the receipt too.
    if maker(object).is_some() || is_mirror_pod(object) {
        return unchanged();
    }
    let mut claimed = HashSet::new();
    let mut texts: Vec<(&Entry, Pointer, usize)> = Vec::new();
    let mut items: Vec<(&Entry, Pointer)> = Vec::new();
    for entry in &receipt.changes {
        let found = find(object, entry, &receipt.changes, &mut claimed);
        match (found, &entry.was) {
            (Found::Stands(at, from), Some(_)) => texts.push((entry, at, from)),
            (Found::Stands(at, _), None) => items.push((entry, at)),
            (Found::AsBefore, _) => {}
            (Found::Changed(at), _) => notes.push(changed(object, entry, &at)),
            (Found::Gone, was) => notes.push(format!(
                "{} is gone; {} stood there",
                entry_place(entry),
                was.as_deref().unwrap_or("nothing")
            )),
        }
    }
    let mut edit = Edit::new(object);
    let slots = restore(object, &mut edit, &texts);
    if let Some(skipped) = fixed(object) {
        let mut decided = Decided::of(Verdict::Skipped(skipped), notes);
        decided.would_change = slots;
        return decided;
    }
    let removed = remove(object, &mut edit, items);
    let operations = edit.without_receipt(receipt.made_annotations);
    let patch = Patch {
        operations,
        slots,
        pull_secrets: Vec::new(),
        injected: Vec::new(),
        removed,
        changed_since: notes.len(),
    };
    Decided::of(Verdict::Patch(Box::new(patch)), notes)
}

fn unchanged() -> Decided {
    Decided::of(Verdict::Unchanged, Vec::new())
}

fn restore(
    object: &Value,
    edit: &mut Edit<'_>,
    texts: &[(&Entry, Pointer, usize)],
) -> Vec<SlotChange> {
    let mut slots = Vec::new();
    let mut parts = Vec::new();
    for (entry, at, from) in texts {
        let text = at.get(object).and_then(Value::as_str).unwrap_or_default();
        let was = entry.was.clone().unwrap_or_default();
        // The first form kept whole texts and did not say what was written.
        let now = match (&entry.now, entry.from) {
            (Some(Value::String(now)), Some(_)) => now.as_str(),
            _ => text,
        };
        slots.push(SlotChange {
            pointer: at.clone(),
            place: place(object, at),
            before: Some(now.to_owned()),
            after: was.clone(),
            rule: UNDONE.to_owned(),
        });
        parts.push(Replacement {
            pointer: at.clone(),
            span: *from..from + now.len(),
            text: was,
        });
    }
    edit.replace(&parts);
    slots
}

fn remove(object: &Value, edit: &mut Edit<'_>, items: Vec<(&Entry, Pointer)>) -> Vec<Removal> {
    let mut removed: Vec<(Removal, usize)> = items
        .into_iter()
        .filter_map(|(entry, at)| {
            let item = at.get(object)?.clone();
            let place = place(object, &at);
            // Nothing is known of the first form's lists: an empty one is left out by the server anyway.
            let made = match entry.now {
                Some(_) => entry.made,
                None => 1,
            };
            Some((
                Removal {
                    pointer: at,
                    place,
                    item,
                },
                made,
            ))
        })
        .collect();
    // Higher indices first, so that lower ones stay where they are.
    let index = |pointer: &Pointer| -> Option<usize> {
        pointer.segments().pop().and_then(|last| last.parse().ok())
    };
    let mut order: Vec<usize> = (0..removed.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(index(&removed[*at].0.pointer)));
    for at in order {
        let (removal, made) = &removed[at];
        // A list that was made for one of its items goes with the last of them.
        let list = removal.pointer.parent();
        let made = removed
            .iter()
            .filter(|(other, _)| other.pointer.parent() == list)
            .map(|(_, made)| *made)
            .max()
            .unwrap_or(*made);
        edit.remove(&removal.pointer, &removal.item, made);
    }
    removed.drain(..).map(|(removal, _)| removal).collect()
}

fn changed(object: &Value, entry: &Entry, at: &Pointer) -> String {
    let place = place(object, at);
    let shown = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let before = entry.was.as_deref().map_or_else(
        || "there was nothing".to_owned(),
        |was| format!("it was {was}"),
    );
    if let (Some(_), Some(written)) = (entry.from, &entry.now) {
        return format!(
            "{place}: {} was changed since, and what stands there stays; before, {before}",
            shown(written)
        );
    }
    let now = at.get(object).map(shown).unwrap_or_default();
    format!("{place}: {now} was put there since and stays; before, {before}")
}

/// A place that is not there any more: by the names that it had.
fn entry_place(entry: &Entry) -> String {
    let names: Vec<&str> = entry.names.iter().flatten().map(String::as_str).collect();
    if names.is_empty() {
        return entry.at.to_string();
    }
    format!("{} ({})", names.join(" "), entry.at)
}

#[cfg(test)]
mod tests;
