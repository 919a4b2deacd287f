//! Every image that is rendered, by the registry rules.

mod listing;
mod pull_secret;

use serde_json::{Value, json};

use super::Context;
use super::edit::Editor;
use crate::image_ref::ImageReference;
use crate::object::pods::{AbsentKind, ImageSlot, absent_slots, image_slots, write_slots};
use crate::object::{Change, Manifest, Pointer};
use crate::rules::{Outcome, Place, RuleSet};

pub use listing::{ImageUse, listing};
pub use pull_secret::pull_secret_name;

/// Rewrites every slot, sets slots whose default is a compiled-in public image, and gives every pod the pull
/// secret. What no rule takes stays byte for byte; the gate judges it.
pub(super) fn run(
    manifests: &mut Vec<Manifest>,
    context: &Context<'_>,
    rules: &RuleSet,
) -> Vec<Change> {
    let mut changes = Vec::new();
    if !rules.is_empty() {
        for manifest in manifests.iter_mut() {
            rewrite(manifest, rules, &mut changes);
            fill(manifest, rules, &mut changes);
        }
    }
    changes.extend(pull_secret::run(manifests, context, rules));
    changes
}

/// What an image becomes in its place, with the rule; None where it stays.
fn rewritten(
    image: &str,
    (object, field): (&Value, &Pointer),
    rules: &RuleSet,
) -> Option<(String, String)> {
    let reference = ImageReference::parse(image).ok()?;
    let decision = rules.decide_at(&reference, &Place::of(object, field));
    match decision.outcome {
        Outcome::Rewritten(target) => Some((target, decision.rule.unwrap_or_default())),
        _ => None,
    }
}

fn rewrite(manifest: &mut Manifest, rules: &RuleSet, changes: &mut Vec<Change>) {
    let mut images: Vec<(ImageSlot, String)> = Vec::new();
    let mut decided = Vec::new();
    for slot in image_slots(&manifest.object) {
        if let Some((target, rule)) =
            rewritten(&slot.text, (&manifest.object, &slot.pointer), rules)
        {
            decided.push((slot.pointer.clone(), rule));
            images.push((slot, target));
        }
    }
    for edit in write_slots(&mut manifest.object, &images) {
        let by = decided
            .iter()
            .filter(|(pointer, _)| *pointer == edit.pointer);
        let mut names: Vec<&str> = by.map(|(_, rule)| rule.as_str()).collect();
        names.dedup();
        changes.push(Change {
            object: manifest.reference(),
            rule: names.join(", "),
            pointer: edit.pointer,
            before: Some(Value::String(edit.before)),
            after: Some(Value::String(edit.after)),
        });
    }
}

fn fill(manifest: &mut Manifest, rules: &RuleSet, changes: &mut Vec<Change>) {
    for slot in absent_slots(&manifest.object) {
        let decided = rewritten(slot.wanted(), (&manifest.object, &slot.field()), rules);
        // A kept flag may stay absent. The hook's own default is another image than the runner's, so
        // its variable is always set.
        let (image, rule) = match (decided, &slot.kind) {
            (Some((image, rule)), _) => (image, rule),
            (None, AbsentKind::Environment(_)) => (slot.wanted().to_owned(), String::new()),
            (None, AbsentKind::Argument(_)) => continue,
        };
        let rule = format!("images: compiled-in default {rule}");
        let mut editor = Editor { manifest, changes };
        editor.append(&slot.list, slot.item(&image), rule.trim_end());
    }
}

/// `[{"name": …}]` item of a list of pull secrets.
fn reference(name: &str) -> Value {
    json!({"name": name})
}
