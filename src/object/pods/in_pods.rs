//! What may be an image in the arguments, variables and annotations of a pod, beside what surely is one.

use std::cell::LazyCell;
use std::collections::HashSet;

use serde_json::Value;

use super::split::{self, Certainty};
use super::survey::{List, Pod};
use super::suspected::{Suspect, Suspicion, script};
use super::{ImageSlot, Shape, containers, slots};
use crate::object::{Pointer, text_at};

/// What is suspected in `pods`, of which `of_pods` are certain.
pub(super) fn suspects(pods: &[Pod<'_>], of_pods: &[ImageSlot]) -> Vec<Suspect> {
    // Most pods have none: what it takes to know where one stands is done for those that have.
    let certain: Certain<'_> = LazyCell::new(Box::new(|| {
        of_pods.iter().map(|slot| slot.pointer.as_str()).collect()
    }));
    let mut found = Vec::new();
    for pod in pods {
        in_pod(pod, &certain, &mut found);
    }
    found
}

/// The places of what surely is an image.
type Certain<'a> = LazyCell<HashSet<&'a str>, Box<dyn FnOnce() -> HashSet<&'a str> + 'a>>;

fn in_pod(pod: &Pod<'_>, certain: &Certain<'_>, found: &mut Vec<Suspect>) {
    let mut holder = |at: &dyn Fn() -> Pointer, value: &Value| {
        for list in ["command", "args"] {
            for (index, argument) in slots::arguments(items_of(value, list)).enumerate() {
                let said = (argument.flag, argument.text, argument.start);
                in_text(&|| at().child(list).index(index), said, certain, found);
            }
        }
        for list in ["env", "dockerEnv"] {
            for (index, item) in items_of(value, list).iter().enumerate() {
                if let Some(text) = text_at(item, "/value") {
                    let name = text_at(item, "/name").unwrap_or_default();
                    let at = || at().child(list).index(index).child("value");
                    in_text(&at, (name, text, 0), certain, found);
                }
            }
        }
    };
    for container in containers::written(pod) {
        holder(&|| container.pointer(pod), container.value);
    }
    // A PodSpec has none of these lists itself.
    if matches!(pod.at.shape, Shape::RunnerSpec | Shape::RunnerConfig) {
        holder(&|| pod.at.pointer.clone(), pod.spec);
    }
    found.extend(of_parts(pod));
    found.extend(of_annotations(pod));
}

/// Looks into the text of an argument or variable, which a name stands before from byte `start` on.
fn in_text(
    at: &dyn Fn() -> Pointer,
    (name, text, start): (&str, &str, usize),
    certain: &Certain<'_>,
    found: &mut Vec<Suspect>,
) {
    let mut named = slots::named(name, text, start);
    let is_certain = |named: &slots::Named<'_>| named.why.is_none();
    if named.iter().any(is_certain) && !certain.contains(at().as_str()) {
        named.retain(|named| !is_certain(named));
    }
    let mut suspect = |text: &str, why| {
        found.push(Suspect {
            pointer: at(),
            text: text.to_owned(),
            why,
        });
    };
    for (span, why) in named.iter().filter_map(|one| Some((&one.span, one.why?))) {
        suspect(&text[span.clone()], why);
    }
    let told = named.iter().map(|named| &text[named.span.clone()]);
    let told: HashSet<&str> = told.collect();
    script(text, &mut |word, why| {
        // Of what cannot be read to its end the word is the name.
        let is_start = |told: &&str| told.starts_with(word);
        let is_told =
            told.contains(word) || (why == Suspicion::Version && told.iter().any(is_start));
        if !is_told {
            suspect(word, why);
        }
    });
}

/// Images of containers that are written in parts and cannot be read.
fn of_parts<'a>(pod: &'a Pod<'_>) -> impl Iterator<Item = Suspect> + 'a {
    containers::written(pod).filter_map(|container| {
        let parts = container.value.get("image")?.as_object()?;
        let (Certainty::Suspected(why), text) = split::certainty(true, parts)? else {
            return None;
        };
        let at = container.pointer(pod).child("image");
        Some(Suspect::new(at, &text, why))
    })
}

fn of_annotations(pod: &Pod<'_>) -> Vec<Suspect> {
    let annotations = pod
        .metadata
        .and_then(|metadata| metadata.get("annotations"));
    match (&pod.at.metadata, annotations) {
        (Some(at), Some(annotations)) => {
            let at = at.child("annotations");
            Suspect::of_annotations(at.as_str(), annotations)
        }
        _ => Vec::new(),
    }
}

/// Adds what lists of a custom kind name that may hold flags or variables: nothing says who reads them. What their items
/// have told on their own is not told twice.
pub(super) fn add_named(lists: &[List<'_>], suspects: &mut Vec<Suspect>) {
    for list in lists {
        let told: HashSet<(String, String)> = suspects[list.told.clone()]
            .iter()
            .map(|one| (one.pointer.to_string(), one.text.clone()))
            .collect();
        let mut tell = |pointer: Pointer, (name, text, start): (&str, &str, usize)| {
            for named in slots::named(name, text, start) {
                let image = &text[named.span];
                if !told.contains(&(pointer.to_string(), image.to_owned())) {
                    let why = named.why.unwrap_or(Suspicion::Name);
                    suspects.push(Suspect::new(pointer.clone(), image, why));
                }
            }
        };
        if list.holds_variables {
            for (index, item) in list.items.iter().enumerate() {
                let text = |key| text_at(item, key).unwrap_or_default();
                let at = list.at.index(index).child("value");
                tell(at, (text("/name"), text("/value"), 0));
            }
        } else {
            for (index, argument) in slots::arguments(list.items).enumerate() {
                let said = (argument.flag, argument.text, argument.start);
                tell(list.at.index(index), said);
            }
        }
    }
}

fn items_of<'a>(value: &'a Value, list: &str) -> &'a [Value] {
    let items = value.get(list).and_then(Value::as_array);
    items.map_or(&[], Vec::as_slice)
}
