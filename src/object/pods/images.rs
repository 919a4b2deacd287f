//! Every image of an object, those in the texts of a ConfigMap too: the pod template of the container hooks, an
//! injector's template, manifests that a controller applies.
//!
//! Certain in a text is only what parses as a Kubernetes object or as a pod template, and whose bytes can be changed
//! where they stand. Everything else that may be an image is suspected.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use serde_json::Value;

use super::survey::{Survey, is_template, survey, survey_of_text, survey_with_suspects};
use super::suspected::{Suspect, Suspicion, lines};
use super::{CustomKinds, ImageSlot, SlotKind, in_pods, slots};
use crate::object::Pointer;
use crate::yaml::{Document, Place, Scalar, Style, located_documents};

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
    let placed = placed(text, document, &slots);
    let mut known = HashSet::new();
    for slot in slots {
        match placed
            .get(&slot.pointer)
            .and_then(|text| text.get(&slot.span.start))
        {
            // An alias lets one text stand at several places.
            Some(span) if !known.insert(span.clone()) => {}
            Some(span) => found.slots.push(ImageSlot {
                pointer: at.clone(),
                kind: SlotKind::Embedded {
                    pointer: slot.pointer,
                },
                span: span.clone(),
                text: slot.text,
                why: slot.why,
            }),
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

/// The anchors that let the text of a slot stand in a place that is none, which would change with it.
fn shared(document: &Document<'_>, pointers: &HashSet<&Pointer>) -> HashSet<Place> {
    let places = pointers.iter();
    let slots: HashSet<Place> = places
        .filter_map(|pointer| document.find(document.root(), pointer.as_str()))
        .collect();
    let aliases = document.aliases().into_iter();
    aliases
        .filter(|(anchor, uses)| {
            !uses
                .iter()
                .chain([anchor])
                .all(|place| slots.contains(place))
        })
        .map(|(anchor, _)| anchor)
        .collect()
}

fn suspect(at: &Pointer, text: &str) -> Suspect {
    Suspect {
        pointer: at.clone(),
        text: text.to_owned(),
        why: Suspicion::File,
    }
}

/// Which bytes of the text that holds a document its slots are: by the pointer of each scalar, and by the byte of it at
/// which the slot begins. Left out is what does not stand there as it reads.
fn placed(
    text: &str,
    document: &Document<'_>,
    slots: &[ImageSlot],
) -> HashMap<Pointer, HashMap<usize, Range<usize>>> {
    let mut of_scalars: BTreeMap<&Pointer, Vec<&ImageSlot>> = BTreeMap::new();
    for slot in slots.iter().filter(|slot| slot.kind != SlotKind::Split) {
        of_scalars.entry(&slot.pointer).or_default().push(slot);
    }
    let shared = shared(document, &slots.iter().map(|slot| &slot.pointer).collect());
    let scalars = of_scalars.into_iter();
    scalars
        .filter_map(|(pointer, slots)| {
            let place = document.find(document.root(), pointer.as_str())?;
            let scalar = document.scalar(place)?;
            let is_its_own = !shared.contains(&scalar.place);
            let spans = is_its_own.then(|| in_scalar(text, document, &scalar, slots))?;
            Some((pointer.clone(), spans?))
        })
        .collect()
}

/// As [`placed`], of the slots of one scalar: it may be a list of tens of thousands, and is walked once.
fn in_scalar(
    text: &str,
    document: &Document<'_>,
    scalar: &Scalar,
    mut slots: Vec<&ImageSlot>,
) -> Option<HashMap<usize, Range<usize>>> {
    slots.sort_by_key(|slot| (slot.span.start, slot.span.end));
    slots.dedup_by(|one, other| one.span == other.span);
    let decoded = slots.first()?.pointer.get(document.value())?.as_str()?;
    let ranges: Vec<Range<usize>> = slots.iter().map(|slot| slot.span.clone()).collect();
    let bytes = document.bytes_of(scalar, decoded, &ranges)?;
    // A block scalar's lines may be folded; a reference has no blank, so that its bytes are together.
    let is_plain = scalar.style == Style::Plain;
    let stands = |(slot, bytes): &(&ImageSlot, Range<usize>)| {
        let is_verbatim = text.get(bytes.clone()) == Some(slot.text.as_str());
        is_verbatim && !(is_plain && slot.text.starts_with('['))
    };
    let placed = slots.into_iter().zip(bytes).filter(stands);
    Some(
        placed
            .map(|(slot, bytes)| (slot.span.start, bytes))
            .collect(),
    )
}

#[cfg(test)]
#[path = "images_tests.rs"]
mod tests;
