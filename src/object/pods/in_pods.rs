//! What may be an image in the arguments, variables and annotations of a pod, beside what surely is one.

use std::cell::LazyCell;
use std::collections::HashSet;

use serde_json::Value;

use super::survey::Pod;
use super::suspected::{Suspect, script};
use super::{ImageSlot, Shape, containers};
use crate::object::Pointer;

/// What is suspected in `pods`, of which `slots` are certain.
pub(super) fn suspects(pods: &[Pod<'_>], slots: &[ImageSlot]) -> Vec<Suspect> {
    // Most pods have none: what it takes to know where one stands is done for those that have.
    let certain: Certain<'_> = LazyCell::new(Box::new(|| {
        slots.iter().map(|slot| slot.pointer.as_str()).collect()
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
    let mut look = |at: &dyn Fn() -> Pointer, text: &str| {
        script(text, &mut |word, why| {
            let pointer = at();
            if !certain.contains(pointer.as_str()) {
                found.push(Suspect {
                    pointer,
                    text: word.to_owned(),
                    why,
                });
            }
        });
    };
    let mut holder = |at: &dyn Fn() -> Pointer, value: &Value| {
        for list in ["command", "args", "env", "dockerEnv"] {
            let items = value.get(list).and_then(Value::as_array);
            for (index, item) in items.into_iter().flatten().enumerate() {
                let item_at = || at().child(list).index(index);
                match item {
                    Value::String(text) => look(&item_at, text),
                    _ => {
                        if let Some(text) = item.get("value").and_then(Value::as_str) {
                            look(&|| item_at().child("value"), text);
                        }
                    }
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
    if let (Some(at), Some(annotations)) = (
        &pod.at.metadata,
        pod.metadata
            .and_then(|metadata| metadata.get("annotations")),
    ) {
        let at = at.child("annotations");
        found.extend(Suspect::of_annotations(at.as_str(), annotations));
    }
}
