//! What a registry has under a name: one image, or an index of images for many platforms.

use serde_json::Value;

use super::media::{Document, Family};
use super::{Descriptor, Problem};
use crate::object::{items_at, text_at};

/// What a reference names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// One image.
    Image,
    /// Images for platforms.
    Index {
        /// Those that get a layer, in their order.
        children: Vec<Child>,
        /// Those that the result does not have.
        left_out: Vec<LeftOut>,
    },
}

/// An image of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// Its manifest.
    pub descriptor: Descriptor,
    /// `linux/amd64`, `linux/arm/v7`.
    pub platform: String,
    /// Where it stands in the index.
    pub(super) position: usize,
}

/// Something of an index that the result does not have.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LeftOut {
    /// Its digest.
    pub digest: String,
    /// Why: a fragment.
    pub why: String,
}

/// What the document is: by its own word, else by the answer's, else by its fields.
pub(super) fn document(content_type: &str, value: &Value) -> Result<Document, Problem> {
    let version = value.get("schemaVersion").and_then(Value::as_u64);
    if version == Some(1) {
        return Err(Problem::Schema1);
    }
    if !value.is_object() || version != Some(2) {
        return Err(Problem::NoImage(format!(
            "what came ({}) is no manifest",
            shown(content_type)
        )));
    }
    let own = text_at(value, "/mediaType");
    match own {
        Some(own) => {
            Document::of(own).ok_or_else(|| Problem::NoImage(format!("its type is {}", shown(own))))
        }
        // OCI leaves it to the answer's header, and some registries say application/json there.
        None => Document::of(content_type)
            .or_else(|| value.get("manifests").map(|_| Document::Index(Family::Oci)))
            .or_else(|| value.get("layers").map(|_| Document::Manifest(Family::Oci)))
            .ok_or_else(|| Problem::NoImage(format!("its type is {}", shown(content_type)))),
    }
}

/// Others wrote it.
pub(super) fn shown(text: &str) -> String {
    let plain = |letter: &char| !letter.is_control();
    text.chars().filter(plain).take(100).collect()
}

/// Reads what a reference names.
pub fn read_base(content_type: &str, bytes: &[u8]) -> Result<Base, Problem> {
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| Problem::malformed("manifest", error))?;
    if let Document::Manifest(_) = document(content_type, &value)? {
        return Ok(Base::Image);
    }
    let (mut children, mut left_out) = (Vec::new(), Vec::new());
    for (position, item) in items_at(&value, "/manifests").iter().enumerate() {
        let descriptor = Descriptor::read(item, "index")?;
        match why_not(item, &descriptor) {
            Some(why) => left_out.push(LeftOut {
                digest: descriptor.digest,
                why,
            }),
            None => children.push(Child {
                platform: platform(item),
                descriptor,
                position,
            }),
        }
    }
    if children.is_empty() {
        return Err(Problem::NoImage(
            "its index has no image that could get a layer".to_owned(),
        ));
    }
    Ok(Base::Index { children, left_out })
}

/// Why a child gets no layer, and is left out.
fn why_not(item: &Value, descriptor: &Descriptor) -> Option<String> {
    // BuildKit's speak of an image by its digest, which is another one in the result.
    let is_attestation = text_at(item, "/platform/os") == Some("unknown")
        || item
            .pointer("/annotations/vnd.docker.reference.type")
            .is_some();
    if is_attestation {
        return Some("an attestation of an image without the layer".to_owned());
    }
    match text_at(item, "/platform/os") {
        None | Some("linux") => {}
        Some(os) => {
            return Some(format!(
                "an image for {}: the layer is for Linux",
                shown(os)
            ));
        }
    }
    match Document::of(&descriptor.media_type) {
        Some(Document::Manifest(_)) if text_at(item, "/artifactType").is_none() => None,
        _ => Some(format!("{} is no image", shown(&descriptor.media_type))),
    }
}

fn platform(item: &Value) -> String {
    let part = |pointer: &str| text_at(item, pointer).map(shown);
    let parts = [
        "/platform/os",
        "/platform/architecture",
        "/platform/variant",
    ];
    let parts: Vec<String> = parts.into_iter().filter_map(part).collect();
    if parts.is_empty() {
        "a platform that it does not say".to_owned()
    } else {
        parts.join("/")
    }
}
