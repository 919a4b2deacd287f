//! Where an object names images: fields, arguments, variables, image volumes.

use std::ops::Range;

use serde_json::Value;

use super::catalogue::is_plain_word;
use super::{
    ContainerAt, NameStrength, Part, Role, Shape, containers, image_name_strength, pod_specs,
};
use crate::image_ref::ImageReference;
use crate::object::Pointer;

/// How an image is written in an argument list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgumentForm {
    /// `--flag=image`, one item.
    Joined,
    /// `--flag`, `image`: two items.
    Separate,
}

/// What kind of place it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlotKind {
    /// A field `image`.
    Field,
    /// An argument or a word of `command`.
    Argument {
        /// The flag with its dashes.
        flag: String,
        /// How it is written.
        form: ArgumentForm,
    },
    /// The value of an environment variable.
    Environment {
        /// Its name.
        name: String,
    },
    /// `volumes[].image.reference`.
    ImageVolume,
    /// A mapping `{registry, repository, tag, digest}`, of which only `repository` must be there. The slot's pointer
    /// is the mapping's, its text the parts as one reference, its span empty: [`super::replacements`] says what to
    /// write.
    Split,
    /// A field, argument or variable of an object that stands as YAML or JSON in a text. The slot's pointer is the
    /// text's; the span is the reference's within it.
    Embedded {
        /// Where in the document within the text.
        pointer: Pointer,
    },
}

/// A place that names an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSlot {
    /// The text that holds it.
    pub pointer: Pointer,
    /// What kind of place it is.
    pub kind: SlotKind,
    /// The image as it is written.
    pub text: String,
    /// Which bytes of the text at `pointer` it is.
    pub span: Range<usize>,
    /// What the image is needed for.
    pub why: Role,
}

/// Every place of an object that surely names an image. An `image` field is one even if it does not parse;
/// arguments and variables are only where their name says so and the value parses.
pub fn image_slots(object: &Value) -> Vec<ImageSlot> {
    let mut slots = Vec::new();
    for pod in pod_specs(object) {
        let why = match pod.part {
            Part::Runner => Role::Runner,
            Part::Listener => Role::Listener,
            Part::Workload => Role::Sidecar,
        };
        if pod.shape != Shape::PodSpec {
            field(
                object,
                &pod.pointer.child("image"),
                SlotKind::Field,
                why,
                &mut slots,
            );
        }
        if pod.shape == Shape::RunnerConfig {
            continue;
        }
        if pod.shape == Shape::RunnerSpec {
            environment(object, &pod.pointer.child("env"), why, &mut slots);
            environment(
                object,
                &pod.pointer.child("dockerEnv"),
                Role::Dind,
                &mut slots,
            );
        }
        for container in containers(object).iter().filter(|at| at.pod == pod) {
            in_container(object, container, &mut slots);
        }
        let volumes = pod.pointer.child("volumes");
        for index in 0..length(object, &volumes) {
            let at = volumes.index(index).child("image").child("reference");
            field(object, &at, SlotKind::ImageVolume, why, &mut slots);
        }
    }
    slots
}

fn in_container(object: &Value, container: &ContainerAt, slots: &mut Vec<ImageSlot>) {
    let at = &container.pointer;
    field(
        object,
        &at.child("image"),
        SlotKind::Field,
        container.role,
        slots,
    );
    for list in ["command", "args"] {
        arguments(object, &at.child(list), container.role, slots);
    }
    environment(object, &at.child("env"), container.role, slots);
}

fn length(object: &Value, at: &Pointer) -> usize {
    at.get(object).and_then(Value::as_array).map_or(0, Vec::len)
}

fn field(object: &Value, at: &Pointer, kind: SlotKind, why: Role, slots: &mut Vec<ImageSlot>) {
    if let Some(text) = at.get(object).and_then(Value::as_str)
        && !text.is_empty()
    {
        slots.push(ImageSlot {
            pointer: at.clone(),
            kind,
            text: text.to_owned(),
            span: 0..text.len(),
            why,
        });
    }
}

fn arguments(object: &Value, at: &Pointer, role: Role, slots: &mut Vec<ImageSlot>) {
    let items = at.get(object).and_then(Value::as_array);
    let texts: Vec<&str> = items
        .into_iter()
        .flatten()
        .map(|item| item.as_str().unwrap_or_default())
        .collect();
    for (index, text) in texts.iter().enumerate() {
        if !text.starts_with('-') {
            continue;
        }
        let (flag, form, value_index, start) = match text.split_once('=') {
            Some((flag, _)) => (flag, ArgumentForm::Joined, index, flag.len() + 1),
            None => (*text, ArgumentForm::Separate, index + 1, 0),
        };
        let Some(value) = texts.get(value_index).map(|value| &value[start..]) else {
            continue;
        };
        let strength = image_name_strength(flag);
        let mut from = start;
        for part in value.split(',') {
            let span = from..from + part.len();
            from = span.end + 1;
            if is_image(strength, part) {
                slots.push(ImageSlot {
                    pointer: at.index(value_index),
                    kind: SlotKind::Argument {
                        flag: flag.to_owned(),
                        form,
                    },
                    text: part.to_owned(),
                    span,
                    why: purpose(role, flag),
                });
            }
        }
    }
}

fn environment(object: &Value, at: &Pointer, role: Role, slots: &mut Vec<ImageSlot>) {
    let variables = at.get(object).and_then(Value::as_array);
    for (index, variable) in variables.into_iter().flatten().enumerate() {
        // A variable with valueFrom has no value here.
        let text = |key: &str| variable.get(key).and_then(Value::as_str);
        if let (Some(name), Some(value)) = (text("name"), text("value"))
            && is_image(image_name_strength(name), value)
        {
            slots.push(ImageSlot {
                pointer: at.index(index).child("value"),
                kind: SlotKind::Environment {
                    name: name.to_owned(),
                },
                text: value.to_owned(),
                span: 0..value.len(),
                why: purpose(role, name),
            });
        }
    }
}

/// What an image named by a flag or variable is needed for.
pub(super) fn purpose(role: Role, name: &str) -> Role {
    match name.trim_start_matches('-') {
        "docker-image" => Role::Dind,
        "runner-image" => Role::Runner,
        "CONTROLLER_MANAGER_CONTAINER_IMAGE" => Role::Listener,
        "ACTIONS_RUNNER_IMAGE" => Role::Init,
        _ => role,
    }
}

fn is_image(strength: NameStrength, value: &str) -> bool {
    if strength == NameStrength::None || is_plain_word(value) {
        return false;
    }
    ImageReference::parse(value).is_ok_and(|reference| {
        strength == NameStrength::Certain || reference.names_host() || value.contains('/')
    })
}

#[cfg(test)]
#[path = "slots_tests.rs"]
mod tests;
