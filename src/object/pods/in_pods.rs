//! What may be an image in the arguments, variables and annotations of a pod, beside what surely is one.

use std::collections::HashSet;

use serde_json::Value;

use super::survey::Pod;
use super::suspected::{Suspect, Suspicion, script};
use super::{ImageSlot, Shape, containers, slots};
use crate::object::{Pointer, text_at};

/// What is suspected in `pods`, of which `of_pods` are certain.
pub(super) fn suspects(pods: &[Pod<'_>], of_pods: &[ImageSlot]) -> Vec<Suspect> {
    let certain: HashSet<&str> = of_pods.iter().map(|slot| slot.pointer.as_str()).collect();
    let mut found = Vec::new();
    for pod in pods {
        in_pod(pod, &certain, &mut found);
    }
    found
}

fn in_pod(pod: &Pod<'_>, certain: &HashSet<&str>, found: &mut Vec<Suspect>) {
    let mut look = |at: Pointer, (name, text, start): (&str, &str, usize)| {
        let is_slot = certain.contains(at.as_str());
        let mut named = slots::named(name, text, start);
        named.retain(|named| is_slot || !named.is_certain);
        let mut suspect = |text: &str, why| {
            found.push(Suspect {
                pointer: at.clone(),
                text: text.to_owned(),
                why,
            });
        };
        for doubtful in named.iter().filter(|named| !named.is_certain) {
            suspect(&text[doubtful.span.clone()], Suspicion::Name);
        }
        let told: HashSet<&str> = named
            .iter()
            .map(|named| &text[named.span.clone()])
            .collect();
        script(text, &mut |word, why| {
            if !told.contains(word) {
                suspect(word, why);
            }
        });
    };
    let mut holder = |at: &Pointer, value: &Value| {
        let items = |list: &str| {
            let items = value.get(list).and_then(Value::as_array);
            items.map_or(&[][..], Vec::as_slice)
        };
        for list in ["command", "args"] {
            for (index, argument) in slots::arguments(items(list)).enumerate() {
                let said = (argument.flag, argument.text, argument.start);
                look(at.child(list).index(index), said);
            }
        }
        for list in ["env", "dockerEnv"] {
            for (index, item) in items(list).iter().enumerate() {
                if let Some(text) = text_at(item, "/value") {
                    let name = text_at(item, "/name").unwrap_or_default();
                    look(at.child(list).index(index).child("value"), (name, text, 0));
                }
            }
        }
    };
    for (at, container) in containers::values(pod) {
        holder(&at, container);
    }
    // A PodSpec has none of these lists itself.
    if matches!(pod.at.shape, Shape::RunnerSpec | Shape::RunnerConfig) {
        holder(&pod.at.pointer, pod.spec);
    }
    if let (Some(at), Some(annotations)) = (
        &pod.at.metadata,
        pod.metadata
            .and_then(|metadata| metadata.get("annotations")),
    ) {
        let at = at.child("annotations");
        found.extend(Suspect::of_annotations(at.as_str(), annotations));
    }
}
