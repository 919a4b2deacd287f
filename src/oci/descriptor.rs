//! What a manifest says of another document: type, digest, size.

use serde_json::{Value, json};

use super::{Blob, Problem, media};
use crate::image_ref::check_digest;
use crate::object::text_at;

/// A descriptor, without what else it may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// Media type.
    pub media_type: String,
    /// `sha256:…`
    pub digest: String,
    /// Bytes.
    pub size: u64,
}

impl Descriptor {
    /// Reads one; `what` names the document that it stands in.
    pub(super) fn read(value: &Value, what: &'static str) -> Result<Self, Problem> {
        let text = |pointer| text_at(value, pointer).map(str::to_owned);
        let digest = text("/digest").filter(|digest| check_digest(digest).is_ok());
        let digest =
            digest.ok_or_else(|| Problem::malformed(what, "a descriptor has no digest"))?;
        let size = value.get("size").and_then(Value::as_u64);
        let size = size.ok_or_else(|| Problem::malformed(what, "a descriptor has no size"))?;
        let media_type = text("/mediaType");
        Ok(Self {
            media_type: media_type
                .ok_or_else(|| Problem::malformed(what, "a descriptor has no mediaType"))?,
            digest,
            size,
        })
    }

    /// True for a layer that registries do not hold.
    pub fn is_foreign(&self) -> bool {
        media::is_foreign(&self.media_type)
    }
}

impl Blob {
    /// The descriptor of it.
    pub(super) fn descriptor(&self) -> Value {
        json!({"mediaType": self.media_type, "digest": self.digest, "size": self.bytes.len()})
    }

    /// Has the descriptor of another document speak of this one: what else it holds stays, but for what told of those bytes.
    pub(super) fn describe(&self, descriptor: &mut Value) {
        let Some(fields) = descriptor.as_object_mut() else {
            *descriptor = self.descriptor();
            return;
        };
        fields.insert("mediaType".to_owned(), json!(self.media_type));
        fields.insert("digest".to_owned(), json!(self.digest));
        fields.insert("size".to_owned(), json!(self.bytes.len()));
        for stale in ["data", "urls"] {
            fields.shift_remove(stale);
        }
    }
}
