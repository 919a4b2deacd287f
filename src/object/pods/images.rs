//! Every image of an object, those in the texts of a ConfigMap too: the pod template of the container hooks, an
//! injector's template, manifests that a controller applies.
//!
//! Certain in a text is only what parses as a Kubernetes object or as a pod template, and whose bytes can be changed
//! where they stand. Everything else that may be an image is suspected.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::survey::{Survey, is_template, survey, survey_of_text, survey_with_suspects};
use super::suspected::{Suspect, Suspicion, lines};
use super::{CustomKinds, ImageSlot, SlotKind, in_pods, slots};
use crate::object::Pointer;
use crate::yaml::{Document, Place, Style, located_documents};

/// Texts within texts: a ConfigMap in a manifest in a ConfigMap.
const DEEPEST: usize = 3;
/// A ConfigMap holds no more.
const LONGEST: usize = 1024 * 1024;

/// What an object or a text holds.
#[derive(Debug, Default)]
pub(super) struct Images {
    pub(super) slots: Vec<ImageSlot>,
    pub(super) suspects: Vec<Suspect>,
}

/// What surely is an image in an object.
pub(super) fn certain(object: &Value, kinds: &CustomKinds) -> Vec<ImageSlot> {
    let survey = survey(object, kinds);
    let mut found = slots::of_pods(&survey.pods);
    found.extend(survey.slots);
    for (at, text) in &survey.texts {
        found.extend(look(at, text, kinds, 0).slots);
    }
    found
}

/// What is, and what may be, an image in an object that stands in `depth` texts.
pub(super) fn all(object: &Value, kinds: &CustomKinds, depth: usize) -> Images {
    if object.is_array() {
        return of_list(object, kinds, depth);
    }
    let mut survey = survey_with_suspects(object, kinds);
    let mut slots = slots::of_pods(&survey.pods);
    let mut suspects = in_pods::suspects(&survey.pods, &slots);
    suspects.extend(beside_pods(&mut survey, kinds, depth));
    slots.extend(survey.slots);
    for (at, text) in &survey.texts {
        if let Some(entry) = Suspect::of_entry(at, text) {
            suspects.push(entry);
            continue;
        }
        let inner = look(at, text, kinds, depth);
        slots.extend(inner.slots);
        suspects.extend(inner.suspects);
    }
    Images { slots, suspects }
}

/// What is suspected in a survey outside of its pods.
fn beside_pods(survey: &mut Survey<'_>, kinds: &CustomKinds, depth: usize) -> Vec<Suspect> {
    let mut suspects = survey.suspects.take().unwrap_or_default();
    in_pods::add_named(&survey.lists, &mut suspects);
    guess(&survey.guessed, kinds, depth, &mut suspects);
    suspects
}

/// What a list at the root holds, as `jq .items` makes one. Nothing applies it as it is, and a rule's scope would ask the
/// list for the kind and namespace of its items: all of it is suspected.
fn of_list(list: &Value, kinds: &CustomKinds, depth: usize) -> Images {
    let mut survey = survey_of_text(list, kinds);
    let slots = slots::of_pods(&survey.pods);
    let mut suspects = in_pods::suspects(&survey.pods, &slots);
    suspects.extend(beside_pods(&mut survey, kinds, depth));
    let certain = slots.into_iter().chain(survey.slots);
    suspects.extend(certain.map(|slot| suspect(&slot.pointer, &slot.text)));
    let entries = survey.texts.into_iter();
    let (named, texts): (Vec<_>, Vec<_>) = entries
        .map(|(at, text)| (Suspect::of_entry(&at, text), (at, text)))
        .partition(|(entry, _)| entry.is_some());
    suspects.extend(named.into_iter().filter_map(|(entry, _)| entry));
    let texts: Vec<_> = texts.into_iter().map(|(_, text)| text).collect();
    guess(&texts, kinds, depth, &mut suspects);
    Images {
        slots: Vec::new(),
        suspects,
    }
}

/// What texts of custom kinds hold: values for a chart, a script, manifests. Whoever reads them, and how, is not known, so
/// that nothing of it is certain.
fn guess(
    texts: &[(Pointer, &str)],
    kinds: &CustomKinds,
    depth: usize,
    suspects: &mut Vec<Suspect>,
) {
    for (at, text) in texts {
        let inner = look(at, text, kinds, depth);
        let slots = inner.slots.iter().map(|slot| suspect(at, &slot.text));
        suspects.extend(slots.chain(inner.suspects));
    }
}

/// Looks into the text at `at`; `depth` is how many texts it stands in.
fn look(at: &Pointer, text: &str, kinds: &CustomKinds, depth: usize) -> Images {
    let mut found = Images::default();
    if !may_hold_images(text) {
        return found;
    }
    let is_readable = depth < DEEPEST && text.len() <= LONGEST && text.contains(':');
    let documents = is_readable
        .then(|| located_documents(text, "text").ok())
        .flatten()
        // A text that is one plain word or sentence parses as well.
        .filter(|documents| documents.iter().any(|one| !one.value().is_string()));
    match documents {
        Some(documents) => {
            for document in &documents {
                in_document(at, text, document, kinds, depth, &mut found);
            }
        }
        None => lines(text, &mut |word, _| {
            found.suspects.push(suspect(at, word));
        }),
    }
    found
}

/// False for most texts, which need not be parsed: neither a word for images nor the dot and slash of a host and path.
fn may_hold_images(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.contains(&b':')
        && bytes
            .windows("image".len())
            .any(|window| window.eq_ignore_ascii_case(b"image"))
        || (text.contains('/') && text.contains('.'))
}

fn in_document(
    at: &Pointer,
    text: &str,
    document: &Document<'_>,
    kinds: &CustomKinds,
    depth: usize,
    found: &mut Images,
) {
    let value = document.value();
    let says = |key: &str| value.get(key).and_then(Value::as_str).is_some();
    let (slots, suspects) = if says("apiVersion") && says("kind") {
        let images = all(value, kinds, depth + 1);
        (images.slots, images.suspects)
    } else {
        let mut survey = survey_of_text(value, kinds);
        let slots = if is_template(value) {
            slots::of_pods(&survey.pods)
        } else {
            let guessed = slots::of_pods(&survey.pods).into_iter();
            let guessed = guessed.map(|slot| suspect(at, &slot.text));
            found.suspects.extend(guessed);
            Vec::new()
        };
        let parts = survey.slots.iter().map(|slot| suspect(at, &slot.text));
        found.suspects.extend(parts);
        (slots, beside_pods(&mut survey, kinds, depth + 1))
    };
    let standing: HashSet<Place> = slots
        .iter()
        .filter_map(|slot| document.find(document.root(), slot.pointer.as_str()))
        .collect();
    let aliases = document.aliases();
    for slot in slots {
        let is_its_own = !is_shared(document, &slot, &standing, &aliases);
        match is_its_own
            .then(|| placed(at, text, document, &slot))
            .flatten()
        {
            // An alias lets one text stand at several places.
            Some(own) if found.slots.iter().any(|one| one.span == own.span) => {}
            Some(own) => found.slots.push(own),
            None => found.suspects.push(suspect(at, &slot.text)),
        }
    }
    let inner = suspects.into_iter();
    found.suspects.extend(inner.map(|inner| match inner.why {
        // No rule can be asked, wherever it stands.
        Suspicion::Later => Suspect::new(at.clone(), &inner.text, Suspicion::Later),
        _ => suspect(at, &inner.text),
    }));
}

/// True where an anchor lets the text of a slot stand in a place that is none, which would change with it.
fn is_shared(
    document: &Document<'_>,
    slot: &ImageSlot,
    slots: &HashSet<Place>,
    aliases: &BTreeMap<Place, Vec<Place>>,
) -> bool {
    let place = document.find(document.root(), slot.pointer.as_str());
    let Some(anchor) = place.and_then(|place| document.scalar(place)) else {
        return false;
    };
    aliases.get(&anchor.place).is_some_and(|uses| {
        let mut places = uses.iter().chain([&anchor.place]);
        places.any(|place| !slots.contains(place))
    })
}

fn suspect(at: &Pointer, text: &str) -> Suspect {
    Suspect {
        pointer: at.clone(),
        text: text.to_owned(),
        why: Suspicion::File,
    }
}

/// The slot of a document as one of the text that holds it; None where its bytes do not stand there as they read.
fn placed(
    at: &Pointer,
    text: &str,
    document: &Document<'_>,
    slot: &ImageSlot,
) -> Option<ImageSlot> {
    if slot.kind == SlotKind::Split {
        return None;
    }
    let place = document.find(document.root(), slot.pointer.as_str())?;
    let scalar = document.scalar(place)?;
    let decoded = slot.pointer.get(document.value())?.as_str()?;
    let ranges = document.bytes_of(&scalar, decoded, std::slice::from_ref(&slot.span))?;
    let span = ranges.into_iter().next()?;
    let is_verbatim = text.get(span.clone()) == Some(slot.text.as_str());
    // A block scalar's lines may be folded; a reference has no blank, so that its bytes are together.
    let is_plain = scalar.style == Style::Plain;
    (is_verbatim && !(is_plain && slot.text.starts_with('['))).then(|| ImageSlot {
        pointer: at.clone(),
        kind: SlotKind::Embedded {
            pointer: slot.pointer.clone(),
        },
        text: slot.text.clone(),
        span,
        why: slot.why,
    })
}

#[cfg(test)]
#[path = "images_tests.rs"]
mod tests;
