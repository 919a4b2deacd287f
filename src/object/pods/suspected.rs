//! Texts that may be images and are not certain to be: reported, never touched.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::broken::{filled, is_put_in_later, name_of};
use super::catalogue::{field_strength, is_plain_word};
use super::{NameStrength, image_name_strength};
use crate::image_ref::{ImageReference, canonical_host};
use crate::object::Pointer;

/// A text that may be an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    /// The text that holds it, or the mapping of its parts.
    pub pointer: Pointer,
    /// What looks like an image.
    pub text: String,
    /// Why it is suspected.
    pub why: Suspicion,
}

/// Why something may be an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Suspicion {
    /// A field, annotation or flag is called so, in a kind or script of which nothing more is known.
    Name,
    /// It names the host of a registry.
    Host,
    /// A mapping has a repository and a version.
    Parts,
    /// Its name stands there, and its version cannot be read: a number whose spelling YAML loses (`1.10`), or what is
    /// put in later (`$(TAG)`).
    Version,
    /// Its registry or path is put in later (`$(REGISTRY)/a/b`): no rule can be asked.
    Later,
    /// It stands in a file within a text that is no Kubernetes object, or that cannot be changed byte by byte.
    File,
}

impl fmt::Display for Suspicion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Name => "it is called an image, in a place that is not known",
            Self::Host => "it names a registry's host",
            Self::Parts => "it has the parts of an image",
            Self::Version => "its version cannot be read: a number without quotes, or put in later",
            Self::Later => "its registry or path is put in later",
            Self::File => "it stands in a file that is no Kubernetes object",
        })
    }
}

/// Hosts that serve little but images.
pub(super) const REGISTRIES: [&str; 11] = [
    "docker.io",
    "quay.io",
    "ghcr.io",
    "gcr.io",
    "k8s.gcr.io",
    "registry.k8s.io",
    "mcr.microsoft.com",
    "public.ecr.aws",
    "registry.access.redhat.com",
    "registry.gitlab.com",
    "nvcr.io",
];

impl Suspect {
    /// What a field of an unknown kind may name.
    pub(super) fn of_field(at: &str, key: &str, text: &str) -> Vec<Self> {
        let suspect = |text: &str, why| Self {
            pointer: Pointer::new(at),
            text: text.to_owned(),
            why,
        };
        let mut found = Vec::new();
        let strength = match key {
            // Crossplane's packages, and everything that calls its OCI artifact so.
            "package" => NameStrength::Likely,
            _ => field_strength(key),
        };
        if let Some((image, why)) = named(strength, text) {
            found.push(suspect(image, why));
        } else if text.contains('\n') {
            lines(text, &mut |word, why| found.push(suspect(word, why)));
        } else {
            words(text, &mut |word| {
                if let Some((image, why)) = on_registry(word) {
                    found.push(suspect(image, why));
                }
            });
        }
        found
    }

    /// What an entry of a ConfigMap names that is called as a variable is, which `envFrom` makes of it.
    pub(super) fn of_entry(at: &Pointer, text: &str) -> Option<Self> {
        let key = at.as_str().rsplit('/').next().unwrap_or_default();
        let strength = image_name_strength(key).max(field_strength(key));
        let (image, why) = named(strength, text.trim())?;
        Some(Self::new(at.clone(), image, why))
    }

    /// Annotations that are called an image: `sidecar.istio.io/proxyImage`.
    pub(super) fn of_annotations(at: &str, annotations: &Value) -> Vec<Self> {
        let at = Pointer::new(at);
        let entries = annotations.as_object().into_iter().flatten();
        entries
            .filter(|(key, _)| !key.starts_with("arc-setup.dev/"))
            .filter_map(|(key, value)| {
                let name = key.rsplit('/').next().unwrap_or_default();
                let text = value.as_str()?;
                let (image, why) = named(field_strength(name), text)?;
                Some(Self {
                    pointer: at.child(key),
                    text: image.to_owned(),
                    why,
                })
            })
            .collect()
    }

    /// What stands at `pointer`.
    pub(super) fn new(pointer: Pointer, text: &str, why: Suspicion) -> Self {
        Self {
            pointer,
            text: text.to_owned(),
            why,
        }
    }
}

/// Words of an argument or a variable: what names its host, and in a script what stands behind a flag for images.
pub(super) fn script(text: &str, found: &mut dyn FnMut(&str, Suspicion)) {
    // An image that names its host has a slash, and a flag stands before a blank or `=`.
    if !text.contains(['/', '-']) {
        return;
    }
    let mut flag = "";
    words(text, &mut |word| {
        let by_flag = |flag| named(image_name_strength(flag), word);
        if let Some((image, why)) = on_host(word) {
            found(image, why);
        } else if let Some((image, why)) =
            Some(flag).filter(|flag| !flag.is_empty()).and_then(by_flag)
        {
            found(image, why);
        }
        flag = if word.starts_with('-') { word } else { "" };
    });
}

/// Lines of a file that nothing reads: `image = "alpine"`, and whatever names a known registry.
pub(super) fn lines(text: &str, found: &mut dyn FnMut(&str, Suspicion)) {
    for line in text.lines() {
        let entry = line
            .split_once('=')
            .filter(|(key, _)| !key.contains(':'))
            .or_else(|| line.split_once(':'));
        let unquote = |part: &str| {
            let bare = part.trim().trim_start_matches("- ").trim();
            bare.trim_matches(['"', '\'', ',']).to_owned()
        };
        if let Some((key, value)) = entry {
            let (key, value) = (unquote(key), unquote(value));
            let strength = image_name_strength(&key).max(field_strength(&key));
            if let Some((image, why)) = named(strength, &value) {
                found(image, why);
                continue;
            }
        }
        words(line, &mut |word| {
            if let Some((image, why)) = on_registry(word) {
                found(image, why);
            }
        });
    }
}

fn words<'a>(text: &'a str, look: &mut dyn FnMut(&'a str)) {
    let ends = |letter: char| {
        letter.is_whitespace()
            || matches!(
                letter,
                '=' | ',' | ';' | '"' | '\'' | '(' | ')' | '`' | '<' | '>' | '{' | '}'
            )
    };
    for word in text.split(ends).filter(|word| !word.is_empty()) {
        let bare = ["docker://", "oci://"]
            .into_iter()
            .find_map(|scheme| word.strip_prefix(scheme));
        look(bare.unwrap_or(word));
    }
}

/// The image that a name of this strength makes of the text, as far as it can be told, and why it is suspected.
fn named(strength: NameStrength, text: &str) -> Option<(&str, Suspicion)> {
    if strength == NameStrength::None || is_plain_word(text) {
        return None;
    }
    match ImageReference::parse(text) {
        Ok(reference) => {
            let may_be =
                strength >= NameStrength::Certain || reference.names_host() || text.contains('/');
            may_be.then_some((text, Suspicion::Name))
        }
        Err(_) => unread(strength, text),
    }
}

/// As much of an image as a text under such a name tells that is no reference: its name, or that the rest comes later.
pub(super) fn unread(strength: NameStrength, text: &str) -> Option<(&str, Suspicion)> {
    // Of a sentence nothing is known; `{{ .tag }}` is none.
    let is_one_word = || filled(text).is_none_or(|image| !image.contains(char::is_whitespace));
    if let Some(name) = name_of(text).filter(|_| is_one_word()) {
        return Some((name, Suspicion::Version));
    }
    let is_image = strength >= NameStrength::Certain && is_put_in_later(text);
    is_image.then_some((text, Suspicion::Later))
}

/// The image of a word that stands on a known registry.
fn on_registry(word: &str) -> Option<(&str, Suspicion)> {
    let (host, _) = word.split_once('/')?;
    if !REGISTRIES.contains(&canonical_host(host)) {
        return None;
    }
    match ImageReference::parse(word) {
        Ok(_) => Some((word, Suspicion::Host)),
        Err(_) => Some((name_of(word)?, Suspicion::Version)),
    }
}

/// As [`on_registry`], and the image of a word that names any host and a version.
fn on_host(word: &str) -> Option<(&str, Suspicion)> {
    on_registry(word).or_else(|| {
        let reference = word.contains('/').then(|| ImageReference::parse(word))?;
        let is_image = reference.is_ok_and(|reference| {
            reference.names_host() && (reference.tag().is_some() || reference.digest().is_some())
        });
        is_image.then_some((word, Suspicion::Host))
    })
}
