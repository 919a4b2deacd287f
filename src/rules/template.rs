//! A target with fields: `{host_slug}.reg.corp/{path}`.

use crate::image_ref::{ImageReference, canonical_host};
use crate::spelling::nearest;

use super::Target;
use super::source::Source;
use super::target_set::{Hosts, TargetSet};

/// A part of a reference that a template may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Host,
    HostSlug,
    Path,
    PathWithoutLibrary,
    Name,
    Tag,
    Digest,
}

const FIELDS: [(&str, Field); 7] = [
    ("host", Field::Host),
    ("host_slug", Field::HostSlug),
    ("path", Field::Path),
    ("path_nolib", Field::PathWithoutLibrary),
    ("name", Field::Name),
    ("tag", Field::Tag),
    ("digest", Field::Digest),
];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Field(Field),
}

/// A template, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    host: Vec<Part>,
    path: Vec<Part>,
    set: TargetSet,
    own_tag: bool,
    own_digest: bool,
}

impl Template {
    /// True where the text is a template and not a plain target.
    pub(super) fn is_one(text: &str) -> bool {
        text.contains(['{', '}'])
    }

    /// Compiles it. The error is a fragment.
    pub(super) fn compile(text: &str) -> Result<Self, String> {
        if text.contains("://") {
            return Err(format!("'{text}' has a scheme; begin with the host"));
        }
        let (host, path) = text
            .split_once('/')
            .ok_or_else(|| format!("'{text}' has no path; end it with /{{path}}"))?;
        let (host, path) = (parts(host)?, parts(path)?);
        digest_stands_behind_its_sign(&path)?;
        let literal = |letter: char| {
            let holds = |part: &Part| matches!(part, Part::Literal(text) if text.contains(letter));
            path.iter().any(holds)
        };
        let names = |field: Field| path.contains(&Part::Field(field));
        let (own_tag, own_digest) = (
            literal(':') || names(Field::Tag),
            literal('@') || names(Field::Digest),
        );
        let template = Self {
            set: TargetSet {
                host: hosts(&host)?,
                path: literal_path(&path),
            },
            own_tag,
            own_digest,
            host,
            path,
        };
        template.try_out(text)?;
        Ok(template)
    }

    /// A sample must come out as a reference under the target set.
    fn try_out(&self, text: &str) -> Result<(), String> {
        let digest = "0".repeat(64);
        let sample = format!("registry.example.com/a/b:1@sha256:{digest}");
        let Ok(reference) = ImageReference::parse(&sample) else {
            return Ok(());
        };
        let made = self.render(&reference)? + &self.suffix(&reference, None);
        match ImageReference::parse(&made) {
            Ok(made) if self.set.holds(made.host(), made.path()) => Ok(()),
            Ok(_) => Err(format!("'{text}' has nothing behind its first /")),
            Err(error) => Err(format!(
                "'{text}' makes no image reference: {}",
                error.reason
            )),
        }
    }

    pub(super) fn set(&self) -> &TargetSet {
        &self.set
    }

    /// True where the digest has a place in it.
    pub(super) fn has_own_digest(&self) -> bool {
        self.own_digest
    }

    /// Whether tag and digest of a reference are added behind what it makes.
    pub(super) fn adds(&self) -> (bool, bool) {
        (!self.own_tag && !self.own_digest, !self.own_digest)
    }

    /// What it makes of a reference, without what it does not name of tag and digest.
    pub(super) fn render(&self, reference: &ImageReference) -> Result<String, String> {
        let mut text = String::new();
        for part in &self.host {
            part.write(reference, &mut text)?;
        }
        text.push('/');
        for part in &self.path {
            part.write(reference, &mut text)?;
        }
        Ok(text)
    }

    /// Tag and digest as far as the template says nothing about them.
    pub(super) fn suffix(&self, reference: &ImageReference, pin: Option<&str>) -> String {
        let (tag, digest) = self.adds();
        let tag = reference.tag().filter(|_| tag);
        let digest = pin.or_else(|| reference.digest().filter(|_| digest));
        crate::image_ref::suffix(tag, digest)
    }

    /// Where images of a source come to stand, as a glob over `host/path`.
    pub(super) fn results(&self, source: &Source) -> Vec<String> {
        let text = |parts: &[Part]| -> String {
            let globs = parts.iter().map(|part| match part {
                Part::Literal(literal) => literal.clone(),
                Part::Field(field) => field.glob(source),
            });
            globs.collect()
        };
        let path = text(&self.path);
        let mut components = vec![text(&self.host)];
        for component in path.split([':', '@']).next().unwrap_or_default().split('/') {
            match component.split_once("**") {
                // What stands around several components is within the first and the last of them.
                Some((before, after)) if !(before.is_empty() && after.is_empty()) => {
                    components.extend([format!("{before}*"), "**".to_owned()]);
                }
                _ => components.push(component.to_owned()),
            }
        }
        components
    }

    /// Where a Docker daemon finds all images of `host`; None where the template does more than to put something
    /// before the path.
    pub(super) fn mirror(&self, host: &str) -> Option<Target> {
        let (Part::Field(Field::Path), before) = self.path.split_last()? else {
            return None;
        };
        let of_host = |part: &&Part| {
            matches!(
                part,
                Part::Literal(_) | Part::Field(Field::Host | Field::HostSlug)
            )
        };
        if !before.iter().all(|part| of_host(&part)) {
            return None;
        }
        let reference = ImageReference::parse(&format!("{host}/x/x")).ok()?;
        let mut text = String::new();
        for part in &self.host {
            part.write(&reference, &mut text).ok()?;
        }
        text.push('/');
        for part in before {
            part.write(&reference, &mut text).ok()?;
        }
        Target::parse(text.strip_suffix('/')?).ok()
    }
}

impl Field {
    fn glob(self, source: &Source) -> String {
        match self {
            Self::Host => source.host.clone(),
            Self::HostSlug if source.host.contains('*') => "*".to_owned(),
            Self::HostSlug => host_slug(&source.host),
            Self::Path => source.path.join("/"),
            Self::PathWithoutLibrary => source.path_without_library().join("/"),
            Self::Name => {
                let last = source.path.last().map_or("*", String::as_str);
                last.replace("**", "*")
            }
            Self::Tag | Self::Digest => "*".to_owned(),
        }
    }
}

impl Part {
    fn write(&self, reference: &ImageReference, text: &mut String) -> Result<(), String> {
        let field = match self {
            Self::Literal(literal) => {
                text.push_str(literal);
                return Ok(());
            }
            Self::Field(field) => *field,
        };
        let slug;
        let value = match field {
            Field::Host => reference.host(),
            Field::HostSlug => {
                slug = host_slug(reference.host());
                &slug
            }
            Field::Path => reference.path(),
            Field::PathWithoutLibrary => reference.path_without_library(),
            Field::Name => reference.path().rsplit('/').next().unwrap_or_default(),
            Field::Tag => reference.tag().unwrap_or_default(),
            Field::Digest => reference.digest().unwrap_or_default(),
        };
        if value.is_empty() {
            return Err(format!(
                "the template needs {{{}}}, and the reference has none",
                name_of(field)
            ));
        }
        text.push_str(value);
        Ok(())
    }
}

fn name_of(field: Field) -> &'static str {
    FIELDS
        .iter()
        .find(|(_, one)| *one == field)
        .map_or("", |(name, _)| name)
}

/// A host as one DNS label: `quay.io` is `quay-io`, `localhost:5000` is `localhost-5000`.
fn host_slug(host: &str) -> String {
    let letters = host.chars().map(|letter| {
        if letter.is_ascii_alphanumeric() {
            letter.to_ascii_lowercase()
        } else {
            '-'
        }
    });
    letters.collect::<String>().trim_matches('-').to_owned()
}

fn parts(text: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (literal, braced) = rest.split_at(at);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal.to_owned()));
        }
        let inner = braced
            .strip_prefix('{')
            .and_then(|braced| braced.split_once('}'));
        let Some((name, after)) = inner.filter(|(name, _)| !name.contains('{')) else {
            return Err(format!("a brace in '{text}' has no other half"));
        };
        parts.push(Part::Field(field(name)?));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Literal(rest.to_owned()));
    }
    Ok(parts)
}

fn field(name: &str) -> Result<Field, String> {
    if let Some((_, field)) = FIELDS.iter().find(|(known, _)| *known == name) {
        return Ok(*field);
    }
    let known = FIELDS.map(|(name, _)| name);
    Err(match nearest(name, &known) {
        Some(near) => format!("unknown field {{{name}}}; did you mean {{{near}}}?"),
        None => format!("unknown field {{{name}}}; known: {}", known.join(", ")),
    })
}

/// Anywhere else its colon would make it a tag.
fn digest_stands_behind_its_sign(path: &[Part]) -> Result<(), String> {
    let mut before = "";
    for part in path {
        match part {
            Part::Field(Field::Digest) if !before.ends_with('@') => {
                return Err("{digest} stands behind @ only: {path}@{digest}".to_owned());
            }
            Part::Literal(text) => before = text,
            Part::Field(_) => before = "",
        }
    }
    Ok(())
}

fn hosts(parts: &[Part]) -> Result<Hosts, String> {
    match parts {
        [Part::Literal(host)] => {
            Target::parse(host).map(|target| Hosts::One(canonical_host(&target.host).to_owned()))
        }
        [] => Err("the template begins with /; begin with the host".to_owned()),
        _ => {
            let foreign = parts.iter().find_map(|part| match part {
                Part::Field(field) if !matches!(field, Field::Host | Field::HostSlug) => {
                    Some(*field)
                }
                _ => None,
            });
            if let Some(field) = foreign {
                return Err(format!(
                    "{{{}}} cannot stand in the host; {{host}} and {{host_slug}} can",
                    name_of(field)
                ));
            }
            let literal = |part: Option<&Part>| match part {
                Some(Part::Literal(text)) => text.clone(),
                _ => String::new(),
            };
            Hosts::between(&literal(parts.first()), &literal(parts.last()))
        }
    }
}

/// The components before the first one that has a field.
fn literal_path(parts: &[Part]) -> String {
    let Some(Part::Literal(first)) = parts.first() else {
        return String::new();
    };
    if parts.len() == 1 {
        // Every image becomes this one; it stands under what holds it.
        let name = first.split([':', '@']).next().unwrap_or_default();
        return name
            .rsplit_once('/')
            .map_or("", |(path, _)| path)
            .to_owned();
    }
    first
        .rsplit_once('/')
        .map_or("", |(path, _)| path)
        .to_owned()
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
