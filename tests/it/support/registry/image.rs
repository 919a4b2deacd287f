//! The manifest that stands for one image.

use hyper::body::Bytes;
use serde_json::{Value, json};

pub(super) const MEDIA_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";

/// A manifest, its digest and where it is found.
#[derive(Debug, Clone)]
pub(super) struct Image {
    pub(super) repository: String,
    pub(super) tag: String,
    pub(super) manifest: Bytes,
    pub(super) digest: String,
}

impl Image {
    /// Makes the image of `REPOSITORY:TAG`; without a tag it is `latest`.
    pub(super) fn new(name: &str) -> Self {
        let (repository, tag) = name.rsplit_once(':').unwrap_or((name, "latest"));
        let descriptor = |media_type: &str, content: &str| -> Value {
            json!({ "mediaType": media_type, "digest": sha256(content.as_bytes()), "size": content.len() })
        };
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MEDIA_TYPE,
            "config": descriptor("application/vnd.oci.image.config.v1+json", name),
            "layers": [descriptor("application/vnd.oci.image.layer.v1.tar+gzip", &format!("layer of {name}"))],
        });
        let manifest = Bytes::from(manifest.to_string());
        Self {
            repository: repository.to_owned(),
            tag: tag.to_owned(),
            digest: sha256(&manifest),
            manifest,
        }
    }

    /// Whether a tag or a digest names this image.
    pub(super) fn is(&self, reference: &str) -> bool {
        self.tag == reference || self.digest == reference
    }
}

fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest
        .as_ref()
        .iter()
        .fold(String::from("sha256:"), |mut text, byte| {
            write!(text, "{byte:02x}").ok();
            text
        })
}
