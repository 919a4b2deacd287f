//! Images that are written as a mapping: `{registry, repository, tag, digest}`.

use serde_json::{Map, Value};

use super::{Replacement, Suspicion};
use crate::image_ref::ImageReference;
use crate::object::Pointer;

/// How sure it is that a mapping is an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Certainty {
    /// It is one.
    Certain,
    /// It may be one, for this reason.
    Suspected(Suspicion),
}

/// The keys that make up an image which is written as a mapping.
pub const PARTS: [&str; 4] = ["registry", "repository", "tag", "digest"];

/// Whether a mapping is an image, and which; None where it is none. A mapping that is called so (`image`,
/// `proxyImage`) is one if it has a second part or `pullPolicy`, or its repository names a host; any mapping is one if it has
/// registry, repository and a version. Else a repository on a host with a version is suspected (of Git it may be);
/// `repository: owner/name` alone is none.
///
/// Where the name can be read and the version cannot (`tag: 1.10`, `tag: $(TAG)`), the name alone is suspected: a rule
/// may ask for the tag, and a registry has to.
pub(super) fn certainty(
    is_called_image: bool,
    fields: &Map<String, Value>,
) -> Option<(Certainty, String)> {
    let has = |key: &str| fields.contains_key(key);
    if !has("repository") {
        return None;
    }
    let parsed = |image: String| Some((ImageReference::parse(&image).ok()?, image));
    let whole = compose(fields).and_then(parsed);
    let is_whole = whole.is_some();
    let (reference, image) = whole.or_else(|| name_alone(fields).and_then(parsed))?;
    let has_version = has("tag") || has("digest");
    let names_host = reference.names_host();
    let is_certain = (is_called_image
        && (has_version || names_host || has("registry") || has("pullPolicy")))
        || (has("registry") && has_version);
    let is_suspected = is_called_image || (has_version && names_host);
    let certainty = match (is_certain, is_whole) {
        (false, _) if !is_suspected => return None,
        (true, true) => Certainty::Certain,
        (false, true) => Certainty::Suspected(Suspicion::Parts),
        (_, false) => Certainty::Suspected(Suspicion::Version),
    };
    Some((certainty, image))
}

/// Registry and repository beside a version that cannot be read; None where the version is no scalar.
fn name_alone(parts: &Map<String, Value>) -> Option<String> {
    let is_scalar = |key: &str| !matches!(parts.get(key), Some(Value::Array(_) | Value::Object(_)));
    if !is_scalar("tag") || !is_scalar("digest") {
        return None;
    }
    let names = |key: &&String| matches!(key.as_str(), "registry" | "repository");
    let names = parts.iter().filter(|(key, _)| names(key));
    compose(
        &names
            .map(|(key, part)| (key.clone(), part.clone()))
            .collect(),
    )
}

/// The image that a mapping names, as one text; None where no repository stands there as text, or a part is what no
/// image has. A tag may be a whole number; of another number YAML has lost the spelling (`1.10`).
pub(super) fn compose(parts: &Map<String, Value>) -> Option<String> {
    let registry = text(parts, "registry")?;
    let repository = text(parts, "repository")?;
    if repository.is_empty() {
        return None;
    }
    let tag = match parts.get("tag") {
        Some(Value::Number(number)) if !number.is_f64() => number.to_string(),
        _ => text(parts, "tag")?.to_owned(),
    };
    let digest = text(parts, "digest")?;
    let mut image = String::new();
    for (before, part, after) in [
        ("", registry, "/"),
        ("", repository, ""),
        (":", &tag, ""),
        ("@", digest, ""),
    ] {
        if !part.is_empty() {
            image.push_str(before);
            image.push_str(part);
            image.push_str(after);
        }
    }
    Some(image)
}

/// A part's text: empty where it is absent, None where it is no text.
fn text<'a>(parts: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    match parts.get(key) {
        None | Some(Value::Null) => Some(""),
        Some(Value::String(text)) => Some(text),
        Some(_) => None,
    }
}

/// What to write so that the mapping at `at` names `image`; no key is added. None where its keys cannot say it: a
/// digest where neither `digest` nor `tag` stands.
pub(super) fn replacements(
    at: &Pointer,
    parts: &Map<String, Value>,
    image: &str,
) -> Option<Vec<Replacement>> {
    let reference = ImageReference::parse(image).ok()?;
    let (registry, mut repository) = name(parts, &reference)?;
    let (tag, digest) = if holds_version(parts)? {
        repository.push_str(&reference.suffix());
        (None, None)
    } else {
        suffix(parts, &reference)?
    };
    let mut found = Vec::new();
    for (key, wanted) in [
        ("registry", registry),
        ("repository", Some(repository)),
        ("tag", tag),
        ("digest", digest),
    ] {
        match (parts.get(key), wanted) {
            (Some(Value::String(text)), Some(wanted)) if *text != wanted => {
                found.push(Replacement {
                    pointer: at.child(key),
                    span: 0..text.len(),
                    text: wanted,
                });
            }
            (Some(Value::String(_)), _) | (_, None) => {}
            (_, Some(_)) => return None,
        }
    }
    Some(found)
}

/// True where the repository holds the tag or digest, too, and no other key says one: `repository: quay.io/a/b:v1`.
fn holds_version(parts: &Map<String, Value>) -> Option<bool> {
    let repository = text(parts, "repository")?;
    let last = repository.rsplit('/').next().unwrap_or_default();
    let says = |key: &str| {
        parts
            .get(key)
            .is_some_and(|part| !part.is_null() && part != "")
    };
    Some(last.contains([':', '@']) && !says("tag") && !says("digest"))
}

/// Registry and repository; None for the registry where the repository names the host, as it did before.
fn name(
    parts: &Map<String, Value>,
    reference: &ImageReference,
) -> Option<(Option<String>, String)> {
    let registry = text(parts, "registry")?;
    let repository = text(parts, "repository")?;
    if registry.is_empty() {
        let suffix = reference.suffix();
        let name = reference.original().strip_suffix(suffix.as_str())?;
        return Some((None, name.to_owned()));
    }
    let name = reference.name();
    // A registry that holds the first part of the path keeps its share of it.
    if registry.contains('/')
        && let Some(front) = name
            .strip_suffix(repository)
            .and_then(|front| front.strip_suffix('/'))
    {
        return Some((Some(front.to_owned()), repository.to_owned()));
    }
    let (host, path) = name.split_once('/')?;
    Some((Some(host.to_owned()), path.to_owned()))
}

/// Tag and digest. Without a key `digest` the digest stands behind the tag, as charts take it: `v1@sha256:…`.
fn suffix(
    parts: &Map<String, Value>,
    reference: &ImageReference,
) -> Option<(Option<String>, Option<String>)> {
    let is_text = |key: &str| matches!(parts.get(key), Some(Value::String(_)));
    let tag = reference.tag().unwrap_or_default();
    let digest = reference.digest().unwrap_or_default();
    // A number stays one.
    if let Some(Value::Number(number)) = parts.get("tag") {
        let expressible = number.to_string() == tag && (digest.is_empty() || is_text("digest"));
        return expressible.then(|| (None, is_text("digest").then(|| digest.to_owned())));
    }
    let is_joined = text(parts, "tag")?.contains('@');
    let (tag, digest) = match (digest.is_empty(), is_text("digest") && !is_joined) {
        (_, true) => (tag.to_owned(), Some(digest.to_owned())),
        (true, false) => (tag.to_owned(), None),
        (false, false) if tag.is_empty() => return None,
        (false, false) => (format!("{tag}@{digest}"), None),
    };
    let wanted = is_text("tag") || !tag.is_empty();
    Some((wanted.then_some(tag), digest))
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
