//! What may be an image and is not certain to be: told where a rule would take it or none can be asked, never touched.

use serde_json::Value;

use super::place;
use crate::image_ref::ImageReference;
use crate::object::pods::{Suspect, Suspicion};
use crate::rules::{Outcome, Place, RuleSet};

/// How many of one object are named.
const NAMED: usize = 8;

/// A note for each; after the first of them only how many there are.
pub(super) fn notes(object: &Value, suspects: &[Suspect], rules: &RuleSet) -> Vec<String> {
    let taken = suspects.iter().filter_map(|one| note(object, one, rules));
    let mut notes: Vec<String> = Vec::new();
    let mut more = 0;
    for note in taken {
        if notes.contains(&note) {
            continue;
        }
        if notes.len() < NAMED {
            notes.push(note);
        } else {
            more += 1;
        }
    }
    if more > 0 {
        notes.push(format!("{more} more may be images and are not touched"));
    }
    notes
}

fn note(object: &Value, suspect: &Suspect, rules: &RuleSet) -> Option<String> {
    let Suspect { pointer, text, why } = suspect;
    let at = place(object, pointer);
    let told = format!("{at}: {text} may be an image ({why}): not touched");
    let Ok(reference) = ImageReference::parse(text) else {
        return (*why == Suspicion::Later).then_some(told);
    };
    let decision = rules.decide_at(&reference, &Place::of(object, pointer));
    let rule = decision.rule.unwrap_or_default();
    let then = match decision.outcome {
        Outcome::Rewritten(after) => format!("it would be {after} [{rule}]"),
        Outcome::Denied => format!("{rule} would refuse it"),
        _ => return None,
    };
    Some(format!("{told}; {then}"))
}
