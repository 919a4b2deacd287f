//! An index whose images have the layer.

use serde_json::Value;

use super::base::document;
use super::manifest::annotate;
use super::media::{Document, Family};
use super::{Blob, Child, Edited, Origin, Problem};

/// The index of the images that `children` became, in the same order; what got no layer is not in it. All else that the
/// index and its descriptors hold stays.
pub fn with_children(
    content_type: &str,
    index: &[u8],
    children: &[(&Child, &Edited)],
    origin: &Origin,
) -> Result<Blob, Problem> {
    let mut value: Value =
        serde_json::from_slice(index).map_err(|error| Problem::malformed("index", error))?;
    let document = document(content_type, &value)?;
    let manifests = value.get_mut("manifests").and_then(Value::as_array_mut);
    let manifests = manifests.ok_or_else(|| Problem::malformed("index", "it has no manifests"))?;
    let mut made = Vec::new();
    for (child, edited) in children {
        let descriptor = manifests.get(child.position).cloned();
        let mut descriptor = descriptor.unwrap_or_default();
        edited.manifest.describe(&mut descriptor);
        made.push(descriptor);
    }
    *manifests = made;
    if document == Document::Index(Family::Oci) {
        annotate(&mut value, origin);
    }
    let bytes = serde_json::to_vec(&value).map_err(|error| Problem::malformed("index", error))?;
    Ok(Blob::new(document.media_type(), bytes))
}
