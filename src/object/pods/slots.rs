//! Where an object names images: fields, arguments, variables, image volumes.

use std::ops::Range;

use serde_json::Value;

use super::broken::is_mistake;
use super::catalogue::{is_image, is_plain_word};
use super::split::{self, Certainty};
use super::survey::Pod;
use super::suspected::unread;
use super::{NameStrength, Part, Role, Shape, Suspicion, containers, image_name_strength};
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

impl ImageSlot {
    /// True for the value of a flag or variable that is named for an image and holds no reference: it may be meant for
    /// something else, and only a person can tell.
    pub fn is_doubtful(&self) -> bool {
        let is_named = matches!(
            self.kind,
            SlotKind::Argument { .. } | SlotKind::Environment { .. }
        );
        is_named && ImageReference::parse(&self.text).is_err()
    }
}

/// Every image of these pods.
pub(super) fn of_pods(pods: &[Pod<'_>]) -> Vec<ImageSlot> {
    let mut slots = Vec::new();
    for pod in pods {
        of_pod(pod, &mut slots);
    }
    slots
}

fn of_pod(pod: &Pod<'_>, slots: &mut Vec<ImageSlot>) {
    let at = &pod.at.pointer;
    let why = match pod.at.part {
        Part::Runner => Role::Runner,
        Part::Listener => Role::Listener,
        Part::Workload => Role::Workload,
    };
    let own = Holder {
        value: pod.spec,
        at,
        role: why,
    };
    if matches!(pod.at.shape, Shape::RunnerSpec | Shape::RunnerConfig) {
        own.image(slots);
    }
    if pod.at.shape == Shape::RunnerSpec {
        own.environment("env", slots);
        let docker = Holder {
            role: Role::Dind,
            ..own
        };
        docker.environment("dockerEnv", slots);
    }
    if pod.at.shape == Shape::RunnerConfig {
        return;
    }
    for container in containers::written(pod) {
        let holder = Holder {
            value: container.value,
            at: &container.pointer(pod),
            role: container.role(pod),
        };
        holder.image(slots);
        holder.arguments("command", slots);
        holder.arguments("args", slots);
        holder.environment("env", slots);
    }
    let volumes = pod.spec.get("volumes").and_then(Value::as_array);
    for (index, volume) in volumes.into_iter().flatten().enumerate() {
        let image = volume.get("image").and_then(|image| image.get("reference"));
        let pointer = || {
            at.child("volumes")
                .index(index)
                .child("image")
                .child("reference")
        };
        field(image, pointer, SlotKind::ImageVolume, why, slots);
    }
}

fn field(
    value: Option<&Value>,
    pointer: impl FnOnce() -> Pointer,
    kind: SlotKind,
    why: Role,
    slots: &mut Vec<ImageSlot>,
) {
    if let Some(Value::String(text)) = value
        && !text.is_empty()
    {
        slots.push(ImageSlot {
            pointer: pointer(),
            kind,
            text: text.clone(),
            span: 0..text.len(),
            why,
        });
    }
}

/// What has an image, arguments and variables: a container, or a runner's own spec.
#[derive(Debug, Clone, Copy)]
struct Holder<'a> {
    value: &'a Value,
    at: &'a Pointer,
    role: Role,
}

impl<'a> Holder<'a> {
    fn list(&self, key: &str) -> &'a [Value] {
        let items = self.value.get(key).and_then(Value::as_array);
        items.map_or(&[], Vec::as_slice)
    }

    fn image(&self, slots: &mut Vec<ImageSlot>) {
        let at = || self.at.child("image");
        match self.value.get("image") {
            // What a chart's values write where the container's image is made of them.
            Some(Value::Object(parts)) => {
                if let Some((Certainty::Certain, text)) = split::certainty(true, parts) {
                    slots.push(ImageSlot {
                        pointer: at(),
                        kind: SlotKind::Split,
                        text,
                        span: 0..0,
                        why: self.role,
                    });
                }
            }
            value => field(value, at, SlotKind::Field, self.role, slots),
        }
    }

    fn arguments(&self, list: &str, slots: &mut Vec<ImageSlot>) {
        let items = self.list(list);
        for (index, argument) in arguments(items).enumerate() {
            for (name, span) in certain(argument.flag, argument.text, argument.start) {
                slots.push(ImageSlot {
                    pointer: self.at.child(list).index(index),
                    kind: SlotKind::Argument {
                        flag: name.to_owned(),
                        form: argument.form,
                    },
                    text: argument.text[span.clone()].to_owned(),
                    span,
                    why: purpose(self.role, name),
                });
            }
        }
    }

    fn environment(&self, list: &str, slots: &mut Vec<ImageSlot>) {
        for (index, variable) in self.list(list).iter().enumerate() {
            // A variable with valueFrom has no value here.
            let text = |key: &str| variable.get(key).and_then(Value::as_str);
            let (Some(name), Some(value)) = (text("name"), text("value")) else {
                continue;
            };
            for (_, span) in certain(name, value, 0) {
                slots.push(ImageSlot {
                    pointer: self.at.child(list).index(index).child("value"),
                    kind: SlotKind::Environment {
                        name: name.to_owned(),
                    },
                    text: value[span.clone()].to_owned(),
                    span,
                    why: purpose(self.role, name),
                });
            }
        }
    }
}

/// An item of a list of arguments.
pub(super) struct Argument<'a> {
    /// The flag whose value it has: its own, or the item before it.
    pub(super) flag: &'a str,
    form: ArgumentForm,
    pub(super) text: &'a str,
    /// The byte of the text at which the value begins.
    pub(super) start: usize,
}

/// Each item with its flag; what is no text is empty.
pub(super) fn arguments(items: &[Value]) -> impl Iterator<Item = Argument<'_>> {
    // The flag whose value comes as the next item.
    let mut before = "";
    items.iter().map(move |item| {
        let text = item.as_str().unwrap_or_default();
        let (flag, form, start) = match text.split_once('=') {
            _ if !text.starts_with('-') => (before, ArgumentForm::Separate, 0),
            Some((flag, _)) => (flag, ArgumentForm::Joined, flag.len() + 1),
            None => ("", ArgumentForm::Joined, text.len()),
        };
        let is_flag = text.starts_with('-') && start == text.len();
        before = if is_flag { text } else { "" };
        Argument {
            flag,
            form,
            text,
            start,
        }
    })
}

/// A value that a name calls an image.
pub(super) struct Named<'a> {
    name: &'a str,
    pub(super) span: Range<usize>,
    /// Why it is suspected; None where it surely is one.
    pub(super) why: Option<Suspicion>,
}

fn certain<'a>(
    name: &'a str,
    text: &'a str,
    start: usize,
) -> impl Iterator<Item = (&'a str, Range<usize>)> {
    let named = named(name, text, start).into_iter();
    named
        .filter(|named| named.why.is_none())
        .map(|named| (named.name, named.span))
}

/// What is called an image in the text of a flag or variable from byte `start`: the whole, items of a comma list, values
/// of `key=value`. Each with the name that says so.
pub(super) fn named<'a>(name: &'a str, text: &'a str, start: usize) -> Vec<Named<'a>> {
    let strength = image_name_strength(name);
    let value = &text[start..];
    let is_silent = strength == NameStrength::None && !value.contains('=');
    // Several words are a script, of which nothing is certain.
    let is_script = |text: &str| text.contains(char::is_whitespace);
    if is_silent || is_script(value) || is_script(name) || name.contains(char::is_control) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut push = |name, strength, span: Range<usize>| {
        let Some((length, why)) = judge(strength, &text[span.clone()]) else {
            return;
        };
        let span = span.start..span.start + length;
        found.push(Named { name, span, why });
    };
    let mut from = start;
    for part in value.split(',') {
        let span = from..from + part.len();
        from = span.end + 1;
        match part.split_once('=') {
            None => push(name, strength, span),
            Some((key, _)) if is_key(key) => {
                let own = image_name_strength(key);
                let by_flag = strength.min(NameStrength::Likely);
                let name = if own == NameStrength::None { name } else { key };
                push(name, own.max(by_flag), span.start + key.len() + 1..span.end);
            }
            // A URL with a query, or whatever else.
            Some(_) => {}
        }
    }
    found
}

fn is_key(key: &str) -> bool {
    key.bytes()
        .all(|letter| letter.is_ascii_alphanumeric() || b"._-".contains(&letter))
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

/// How many bytes of a value are an image under a name of this strength, and why it is only suspected; None where none
/// is. What is a mistake is as certain as what it was meant to be: nothing writes it, and it is told.
fn judge(strength: NameStrength, value: &str) -> Option<(usize, Option<Suspicion>)> {
    if strength == NameStrength::None || is_plain_word(value) {
        return None;
    }
    let Ok(reference) = ImageReference::parse(value) else {
        if is_mistake(strength, value) {
            return Some((value.len(), None));
        }
        return unread(strength, value).map(|(image, why)| (image.len(), Some(why)));
    };
    if is_image(strength, &reference) {
        return Some((value.len(), None));
    }
    let is_suspected = strength >= NameStrength::Certain || value.contains('/');
    is_suspected.then_some((value.len(), Some(Suspicion::Name)))
}

#[cfg(test)]
#[path = "slots_tests.rs"]
mod tests;
