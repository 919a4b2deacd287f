//! The proof that no foreign image is left in what we render.

use serde_json::Value;

use crate::failure::{Exit, Failure};
use crate::image_ref::ImageReference;
use crate::object::pods::{
    ImageSlot, LEGACY_GROUP, Part, PodSpecAt, absent_slots, image_slots, pod_specs, suspected,
};
use crate::object::{Change, Manifest, ObjectRef, text_at};
use crate::rules::{Meeting, Outcome, Place, RuleSet};
use crate::spelling::nearest;

/// Fails on the first image that is neither under a rule's target nor kept by a rule; without rules every
/// valid image passes. Returns what may be an image in a place that is not known, as notes.
pub(super) fn run(manifests: &[Manifest], rules: &RuleSet) -> Result<Vec<Change>, Failure> {
    let mut notes = Vec::new();
    for manifest in manifests {
        let object = manifest.reference();
        has_images(manifest, &object)?;
        let (doubtful, slots): (Vec<_>, Vec<_>) = image_slots(&manifest.object)
            .into_iter()
            .partition(ImageSlot::is_doubtful);
        for slot in slots {
            let place = Place::of(&manifest.object, &slot.pointer);
            judge(&object, &slot.text, &place, rules)?;
        }
        for slot in absent_slots(&manifest.object) {
            let field = slot.field();
            let place = Place::of(&manifest.object, &field);
            judge(&object, slot.wanted(), &place, rules)?;
        }
        let doubtful = doubtful
            .into_iter()
            .map(|slot| (slot.pointer, slot.text, "no image reference"));
        let suspected = suspected(&manifest.object)
            .into_iter()
            .map(|suspect| (suspect.pointer, suspect.text, "suspected"));
        for (pointer, text, why) in doubtful.chain(suspected) {
            let text = Some(Value::String(text));
            notes.push(Change {
                object: object.clone(),
                pointer,
                before: text.clone(),
                after: text,
                rule: format!("gate: {why}, never touched"),
            });
        }
    }
    Ok(notes)
}

/// Fails on a container without an image that no controller gives one: a `podTemplate` names it, and nothing of that
/// name stands there to be merged with.
fn has_images(manifest: &Manifest, object: &ObjectRef) -> Result<(), Failure> {
    for pod in pod_specs(&manifest.object) {
        let filled: &[&str] = match pod.part {
            Part::Listener => &["listener"],
            Part::Runner if object.group() == LEGACY_GROUP => &["runner", "docker"],
            Part::Runner | Part::Workload => &[],
        };
        let all = containers(&manifest.object, &pod);
        let named = |container: &&Value| container.get("image").is_some();
        let name = |container: &Value| text_at(container, "/name").unwrap_or_default().to_owned();
        let lacking = all
            .iter()
            .find(|one| !named(one) && !filled.contains(&name(one).as_str()));
        let Some(lacking) = lacking else { continue };
        let lacking = name(lacking);
        let known: Vec<String> = all.iter().copied().filter(named).map(name).collect();
        let known: Vec<&str> = known
            .iter()
            .map(String::as_str)
            .chain(filled.iter().copied())
            .collect();
        let failure = Failure::new(
            "container-image",
            Exit::Usage,
            format!("{object}: container '{lacking}' has no image"),
        )
        .why("a container of a podTemplate is merged with the one of its name; there is none of this name")
        .evidence(format!("containers there: {}", known.join(", ")));
        return Err(match nearest(&lacking, &known) {
            Some(meant) => failure.remedy(format!(
                "did you mean '{meant}'? Otherwise give it an image"
            )),
            None => failure.remedy("give it an image, or the name of one of these"),
        });
    }
    Ok(())
}

fn containers<'a>(object: &'a Value, pod: &PodSpecAt) -> Vec<&'a Value> {
    let spec = pod.pointer.get(object);
    ["/containers", "/initContainers"]
        .into_iter()
        .filter_map(|list| spec?.pointer(list)?.as_array())
        .flatten()
        .collect()
}

/// Two different images that the rules would send to one target: told before anything is rewritten.
pub(super) fn collisions(manifests: &[Manifest], rules: &RuleSet) -> Result<(), Failure> {
    let mut meeting = Meeting::default();
    for manifest in manifests {
        for slot in image_slots(&manifest.object) {
            if let Ok(reference) = ImageReference::parse(&slot.text) {
                let place = Place::of(&manifest.object, &slot.pointer);
                meeting.note(&reference, &rules.decide_at(&reference, &place));
            }
        }
    }
    meeting.check()
}

fn unusable(failure: Failure, result: &str) -> Failure {
    let failure = match result {
        "" => failure,
        result => failure.evidence(format!("it would be {result}")),
    };
    failure.remedy("correct the rule's target, or put a rule for this image before it")
}

fn judge(
    object: &ObjectRef,
    text: &str,
    place: &Place<'_>,
    rules: &RuleSet,
) -> Result<(), Failure> {
    let fail = |code: &str, what: String| {
        Failure::new(code, Exit::Usage, format!("{object}: {what}"))
            .evidence(format!("{}: {text}", place.field))
    };
    let reference = ImageReference::parse(text).map_err(|error| {
        fail("image-invalid", "an image is no image reference".to_owned()).why(error.to_string())
    })?;
    if rules.is_empty() {
        return Ok(());
    }
    let decision = rules.decide_at(&reference, place);
    let rule = decision.rule.unwrap_or_default();
    let host = reference.host();
    match decision.outcome {
        Outcome::Kept | Outcome::AlreadyThere => Ok(()),
        Outcome::Denied => Err(
            fail("image-rule-denied", format!("rule '{rule}' refuses {text}"))
                .remedy("name another image, or change the rule"),
        ),
        Outcome::TooLong(name) => Err(fail(
            "image-name-too-long",
            format!(
                "rule '{rule}' would make a name of {} bytes; 255 is the limit",
                name.len()
            ),
        )
        .evidence(name)
        .remedy("use a shorter target")),
        Outcome::Unusable { result, why } => Err(unusable(
            fail(
                "image-rule-unusable",
                format!("rule '{rule}' makes no image reference of {text}"),
            )
            .why(why),
            &result,
        )),
        Outcome::Rewritten(target) => Err(fail(
            "image-foreign",
            format!("rule '{rule}' was not applied to {text}"),
        )
        .evidence(format!("expected {target}"))
        .remedy("report this as a bug")),
        Outcome::NoRule => Err(fail("image-foreign", format!("no rule covers {text}"))
            .why(format!("images of {host} are neither rewritten nor kept"))
            .remedy(format!(
                "--registry-map {host}=keep, or --registry-map {host}=TARGET"
            ))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::Source;

    #[test]
    fn a_variable_that_is_called_image_and_holds_none_is_told_and_passes() {
        let manifest = |image: &str, value: &str| {
            let container = json!({"name": "web", "image": image,
                "env": [{"name": "HERO_IMAGE", "value": value}]});
            let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"},
                "spec": {"containers": [container]}});
            [Manifest::new(pod, Source::Pass("test".to_owned()))]
        };
        let rules = RuleSet::default();
        let notes = run(&manifest("reg.corp/web:1", "cdn.corp/assets/Hero"), &rules);
        let notes = notes.unwrap();
        assert_eq!(notes[0].pointer.as_str(), "/spec/containers/0/env/0/value");
        assert!(notes[0].rule.contains("no image reference"), "{notes:?}");
        let failure = run(&manifest("reg.corp/Web:1", "x"), &rules).unwrap_err();
        assert_eq!(failure.code(), "image-invalid");
    }
}
