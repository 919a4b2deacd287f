//! Texts that may be images and are not certain to be: reported, never touched.

use serde_json::Value;

use super::{containers, image_slots, pod_specs};
use crate::image_ref::ImageReference;
use crate::object::Pointer;

/// A text that may be an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    /// The text that holds it.
    pub pointer: Pointer,
    /// What looks like an image.
    pub text: String,
}

/// Hosts that serve little but images.
const REGISTRIES: [&str; 7] = [
    "docker.io",
    "quay.io",
    "ghcr.io",
    "gcr.io",
    "registry.k8s.io",
    "mcr.microsoft.com",
    "public.ecr.aws",
];

/// Words of arguments and variables that are no slot, but name a host and a tag or digest, or a known
/// registry. `10m`, `127.0.0.1:8080` and `robbos/testing-grounds` are none.
pub fn suspected(object: &Value) -> Vec<Suspect> {
    let slots = image_slots(object);
    let mut found = Vec::new();
    let mut look = |at: Pointer, text: &str| {
        if slots.iter().any(|slot| slot.pointer == at) {
            return;
        }
        let words = text.split(|letter: char| {
            letter.is_whitespace() || matches!(letter, '=' | ',' | ';' | '"' | '\'' | '(' | ')')
        });
        for word in words {
            if looks_like_image(word) {
                found.push(Suspect {
                    pointer: at.clone(),
                    text: word.to_owned(),
                });
            }
        }
    };
    let mut holders: Vec<Pointer> = containers(object)
        .into_iter()
        .map(|at| at.pointer)
        .collect();
    holders.extend(pod_specs(object).into_iter().map(|at| at.pointer));
    for holder in holders {
        for list in ["command", "args", "env", "dockerEnv"] {
            let at = holder.child(list);
            let items = at.get(object).and_then(Value::as_array);
            for (index, item) in items.into_iter().flatten().enumerate() {
                let (at, text) = match item {
                    Value::String(text) => (at.index(index), text.as_str()),
                    _ => match item.get("value").and_then(Value::as_str) {
                        Some(text) => (at.index(index).child("value"), text),
                        None => continue,
                    },
                };
                look(at, text);
            }
        }
    }
    found
}

fn looks_like_image(word: &str) -> bool {
    ImageReference::parse(word).is_ok_and(|reference| {
        reference.names_host()
            && (REGISTRIES.contains(&reference.host())
                || reference.tag().is_some()
                || reference.digest().is_some())
    })
}
