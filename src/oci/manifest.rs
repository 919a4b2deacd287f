//! An image's manifest, with one layer more.

use serde_json::{Map, Value, json};

use super::base::{document, shown};
use super::media::Document;
use super::{Blob, CaFiles, Descriptor, Family, Layer, Problem, config};
use crate::object::items_at;

/// What it was made from, by OCI's annotations.
pub const BASE_NAME: &str = "org.opencontainers.image.base.name";
/// Its digest.
pub const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";

/// The manifest of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Whose media types it has.
    pub family: Family,
    /// The configuration.
    pub config: Descriptor,
    /// The layers, the lowest first.
    pub layers: Vec<Descriptor>,
    value: Value,
}

/// From what an image is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Its name as it was pulled: `registry.corp/library/docker:29-dind`.
    pub name: String,
    /// Its digest.
    pub digest: String,
}

/// An image with the layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The manifest.
    pub manifest: Blob,
    /// The configuration.
    pub config: Blob,
    /// The layer.
    pub layer: Layer,
}

impl Manifest {
    /// Reads it.
    pub fn read(content_type: &str, bytes: &[u8]) -> Result<Self, Problem> {
        let value: Value =
            serde_json::from_slice(bytes).map_err(|error| Problem::malformed("manifest", error))?;
        let Document::Manifest(family) = document(content_type, &value)? else {
            return Err(Problem::NoImage(
                "an index stands where an image should".to_owned(),
            ));
        };
        let config = value.get("config").unwrap_or(&Value::Null);
        let config = Descriptor::read(config, "manifest")?;
        if config.media_type != family.config() {
            return Err(Problem::NoImage(format!(
                "its configuration is {}",
                shown(&config.media_type)
            )));
        }
        let layers = items_at(&value, "/layers").iter();
        let layers = layers.map(|layer| Descriptor::read(layer, "manifest"));
        Ok(Self {
            family,
            config,
            layers: layers.collect::<Result<_, _>>()?,
            value,
        })
    }

    /// The image with the files as its top layer. `config` is the configuration that the manifest names.
    pub fn with_layer(
        &self,
        config: &[u8],
        files: &CaFiles,
        origin: &Origin,
    ) -> Result<Edited, Problem> {
        let layer = files.layer(self.family)?;
        let sha256 = files.bundle_sha256();
        let config = config::with_layer(config, self.layers.len(), &layer.diff_id, &sha256)?;
        let config = Blob::new(self.family.config(), config);
        let mut manifest = self.value.clone();
        if let Some(descriptor) = manifest.get_mut("config") {
            config.describe(descriptor);
        }
        match manifest.get_mut("layers").and_then(Value::as_array_mut) {
            Some(layers) => layers.push(layer.blob.descriptor()),
            None => manifest["layers"] = json!([layer.blob.descriptor()]),
        }
        // Docker's manifests have no annotations.
        if self.family == Family::Oci {
            annotate(&mut manifest, origin);
        }
        let media_type = Document::Manifest(self.family).media_type();
        let bytes =
            serde_json::to_vec(&manifest).map_err(|error| Problem::malformed("manifest", error))?;
        Ok(Edited {
            manifest: Blob::new(media_type, bytes),
            config,
            layer,
        })
    }
}

/// Says what it was made from.
pub(super) fn annotate(document: &mut Value, origin: &Origin) {
    let Some(fields) = document.as_object_mut() else {
        return;
    };
    let annotations = fields.entry("annotations").or_insert(Value::Null);
    if !annotations.is_object() {
        *annotations = Value::Object(Map::new());
    }
    annotations[BASE_NAME] = json!(origin.name);
    annotations[BASE_DIGEST] = json!(origin.digest);
}
