//! The images of an object by the rules: those that stand there, and those that are compiled in.

use serde_json::Value;

use super::arrival::{Arrival, Earlier};
use super::edit::Edit;
use super::fixed::may_change;
use super::{Seen, SlotChange, place, suspects};
use crate::image_ref::ImageReference;
use crate::object::pods::{
    AbsentSlot, CustomKinds, ImageSlot, Replacement, absent_slots, replacements, slots_and_suspects,
};
use crate::origin::Origin;
use crate::rules::{Outcome, Place, RuleName, RuleSet};

/// Writes every image that a rule rewrites; what may be one is seen.
pub(super) fn rewrite_slots(
    object: &Value,
    rules: &RuleSet,
    custom_kinds: Option<&CustomKinds>,
    edit: &mut Edit<'_>,
    earlier: &Earlier<'_>,
    seen: &mut Seen,
) -> Vec<SlotChange> {
    let (slots, suspected) = custom_kinds.map_or_else(
        || slots_and_suspects(object, &CustomKinds::default()),
        |kinds| slots_and_suspects(object, kinds),
    );
    seen.suspects = suspects::notes(object, &suspected, rules);
    let mut parts: Vec<Replacement> = Vec::new();
    let mut changes: Vec<SlotChange> = Vec::new();
    for slot in slots {
        let Some((after, rule, arrival)) = wanted(object, &slot, rules, earlier, seen) else {
            continue;
        };
        let (pointer, text) = (slot.pointer.clone(), slot.text.clone());
        let all = replacements(object, &slot, &after);
        let stays = if all.is_empty() {
            Some(format!("no key there can say {after}"))
        } else if all.iter().all(|part| may_change(object, &part.pointer)) {
            None
        } else {
            Some("this cannot be changed in a pod that exists".to_owned())
        };
        let place = place(object, &pointer);
        if let Some(why) = stays {
            seen.stays.push(format!("{place}: {text} stays: {why}"));
            continue;
        }
        seen.arrivals.push(arrival);
        parts.extend(all);
        changes.push(SlotChange {
            pointer,
            place,
            before: Some(text),
            after,
            rule,
        });
    }
    edit.replace(&parts);
    changes
}

/// What a slot should say, and by which rule; None where it stays.
fn wanted(
    object: &Value,
    slot: &ImageSlot,
    rules: &RuleSet,
    earlier: &Earlier<'_>,
    seen: &mut Seen,
) -> Option<(String, String, Arrival)> {
    let (pointer, text) = (&slot.pointer, &slot.text);
    let reference = match ImageReference::parse(text) {
        Ok(reference) => reference,
        Err(error) => {
            let place = place(object, pointer);
            seen.stays.push(format!("{place}: left as it is: {error}"));
            return None;
        }
    };
    let decision = rules.decide_at(&reference, &Place::of(object, pointer));
    let (rule, origin) = (decision.rule.unwrap_or_default(), decision.origin);
    let arrival = |source: &ImageReference, target: &str, by: String| {
        Arrival::new(pointer.clone(), source, target, by)
    };
    let refused = match decision.outcome {
        Outcome::Rewritten(after) if after == *text => return None,
        Outcome::Rewritten(after) => {
            let id = rule.clone();
            let arrival = arrival(&reference, &after, by_rule(id, origin));
            return Some((after, rule, arrival));
        }
        Outcome::AlreadyThere => {
            let source = earlier.source(text);
            seen.arrivals
                .extend(source.map(|source| arrival(&source, text, "an earlier run".to_owned())));
            return None;
        }
        Outcome::Denied => format!("{text} is denied by {rule}"),
        Outcome::TooLong(name) => format!("{name} ({rule}) is longer than 255 bytes"),
        Outcome::Unusable { result, why } if result.is_empty() => format!("{text} ({rule}): {why}"),
        Outcome::Unusable { result, why } => format!("{text} would be {result} ({rule}): {why}"),
        Outcome::NoRule => {
            let note = earlier
                .source(text)
                .and_then(|source| by_other_rules(object, slot, &source, rules));
            seen.by_other_rules.extend(note);
            seen.untaken.push(reference.host().to_owned());
            return None;
        }
        Outcome::Kept => return None,
    };
    let place = place(object, pointer);
    seen.refused.push(format!("{place}: {refused}"));
    None
}

/// Of an image that no rule takes and that an earlier run wrote: what the rules want of the one that stood there before,
/// where they want anything.
fn by_other_rules(
    object: &Value,
    slot: &ImageSlot,
    source: &ImageReference,
    rules: &RuleSet,
) -> Option<String> {
    let decision = rules.decide_at(source, &Place::of(object, &slot.pointer));
    let Outcome::Rewritten(after) = decision.outcome else {
        return None;
    };
    (after != slot.text).then(|| {
        format!(
            "{}: {} was written by an earlier run with other rules; of {} these would make {after} [{}]: put it back with --undo first",
            place(object, &slot.pointer),
            slot.text,
            source.original(),
            decision.rule.unwrap_or_default()
        )
    })
}

fn by_rule(id: String, origin: Origin) -> String {
    format!("rule {}", RuleName { id, origin })
}

/// Sets what falls back to an image that is compiled in and that a rule rewrites.
pub(super) fn fill_absent_slots(
    object: &Value,
    rules: &RuleSet,
    edit: &mut Edit<'_>,
    seen: &mut Seen,
) -> Vec<SlotChange> {
    let mut changes = Vec::new();
    // Asked of the object as it was: the hook's image follows the runner's, which a rule may rewrite.
    for absent in absent_slots(object) {
        let Some((image, rule)) = filled(object, &absent, rules, seen) else {
            continue;
        };
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

fn filled(
    object: &Value,
    absent: &AbsentSlot,
    rules: &RuleSet,
    seen: &mut Seen,
) -> Option<(String, String)> {
    if !may_change(object, &absent.list) {
        return None;
    }
    let (reference, decision) = rules.decide_absent(object, absent)?;
    let default = reference.original();
    let (rule, origin) = (decision.rule.unwrap_or_default(), decision.origin);
    let why = match decision.outcome {
        Outcome::Rewritten(image) => {
            // What is right as it is comes from nowhere else.
            if image != default {
                let by = by_rule(rule.clone(), origin);
                let arrival = Arrival::new(absent.list.clone(), &reference, &image, by);
                seen.arrivals.push(arrival);
            }
            return Some((image, rule));
        }
        Outcome::Denied => format!("{default}, which it would get, is denied by {rule}"),
        Outcome::TooLong(_) | Outcome::Unusable { .. } => {
            format!("{rule} makes no image of {default}, which it would get")
        }
        _ => return None,
    };
    let name = absent.name();
    seen.refused.push(format!("{name} is not set, and {why}"));
    None
}
