//! Every image of a configuration, before and after: the list that a registry's owner is asked to allow.

use serde::Serialize;
use serde_json::Value;

use crate::image_ref::ImageReference;
use crate::object::pods::{Role, absent_slots, image_slots, pod_specs};
use crate::object::{Manifest, ObjectRef, Pointer};
use crate::rules::{Outcome, Place, RuleSet};

/// One image in one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageUse {
    /// As rendered, or as compiled into the binary that falls back to it.
    pub before: String,
    /// As it is pulled.
    pub after: String,
    /// The rule that decided; None where none applies.
    pub rule: Option<String>,
    /// The object that names it.
    pub object: ObjectRef,
    /// Where in it.
    pub pointer: Pointer,
    /// What it is needed for.
    pub why: Role,
    /// True where a rule keeps it: the nodes reach or mirror its registry.
    pub kept: bool,
    /// True where a rule refuses it, or nothing could be made of it.
    pub refused: bool,
    /// Where dind finds this registry's images, as `HOST[:PORT][/KEY]`.
    pub mirror: Option<String>,
}

/// Lists every image of rendered manifests, before any pass, in their order.
pub fn listing(manifests: &[Manifest], rules: &RuleSet) -> Vec<ImageUse> {
    let mirrors = rules.mirrors();
    let mut uses = Vec::new();
    for manifest in manifests {
        let object = &manifest.object;
        let slots = image_slots(object)
            .into_iter()
            .filter(|slot| !slot.is_doubtful())
            .map(|slot| (slot.text, slot.pointer, slot.why));
        let absent = absent_slots(object)
            .into_iter()
            .map(|slot| (slot.wanted().to_owned(), slot.field(), slot.why));
        for (before, pointer, why) in slots.chain(absent) {
            let reference = ImageReference::parse(&before).ok();
            let decision = reference
                .as_ref()
                .map(|reference| rules.decide_at(reference, &Place::of(object, &pointer)));
            let outcome = decision.as_ref().map(|decision| &decision.outcome);
            let mirror = mirrors
                .iter()
                .find(|(host, _)| reference.as_ref().is_some_and(|image| image.host() == host));
            uses.push(ImageUse {
                after: match outcome {
                    Some(Outcome::Rewritten(target)) => target.clone(),
                    _ => before.clone(),
                },
                kept: outcome == Some(&Outcome::Kept),
                refused: matches!(
                    outcome,
                    None | Some(Outcome::Denied | Outcome::TooLong(_) | Outcome::Unusable { .. })
                ),
                rule: decision.and_then(|decision| decision.rule),
                object: manifest.reference(),
                pointer,
                why: if why == Role::Listener && !starts_listeners(manifest) {
                    Role::Controller
                } else {
                    why
                },
                mirror: mirror.map(|(_, mirror)| mirror.place.to_string()),
                before,
            });
        }
    }
    uses
}

/// A manager without this flag is a legacy one: it names itself in the same variable and starts no listener.
fn starts_listeners(manifest: &Manifest) -> bool {
    manifest.kind() != "Deployment"
        || pod_specs(&manifest.object).iter().any(|pod| {
            let containers = pod.pointer.child("containers");
            let list = containers.get(&manifest.object).and_then(Value::as_array);
            list.into_iter()
                .flatten()
                .filter_map(|container| container.get("args")?.as_array())
                .flatten()
                .any(|argument| argument == "--auto-scaling-runner-set-only")
        })
}
