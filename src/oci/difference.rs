//! Why an image is not what comes of a base and a bundle.

use super::{Edited, Manifest, Problem, bundle_of};

/// An image that is there, or that would be made.
#[derive(Debug, Clone)]
pub struct Made<'a> {
    /// Its platform.
    pub platform: &'a str,
    /// What it would be.
    pub wanted: &'a Edited,
    /// The base's manifest.
    pub base: &'a Manifest,
}

/// What differs, for a person: of the image that is there the manifest and the configuration. Empty where nothing does.
pub fn differences(
    made: &Made<'_>,
    content_type: &str,
    manifest: &[u8],
    config: &[u8],
) -> Result<Vec<String>, Problem> {
    let Made {
        platform,
        wanted,
        base,
    } = made;
    if manifest == wanted.manifest.bytes {
        return Ok(Vec::new());
    }
    let found = Manifest::read(content_type, manifest)?;
    let mut said = Vec::new();
    let digests = |manifest: &Manifest| -> Vec<String> {
        let layers = manifest.layers.iter();
        layers.map(|layer| layer.digest.clone()).collect()
    };
    let (found_layers, base_layers) = (digests(&found), digests(base));
    let stands_on_base = found_layers.starts_with(&base_layers);
    if !stands_on_base {
        said.push(format!(
            "{platform}: it does not stand on the layers of this base"
        ));
    } else if found_layers.len() == base_layers.len() {
        said.push(format!("{platform}: it has no layer over the base"));
    }
    let wanted_bundle = bundle_of(&wanted.config.bytes);
    match (bundle_of(config), wanted_bundle) {
        (Some(found), Some(wanted)) if found != wanted => said.push(format!(
            "{platform}: the bundle in it has SHA-256 {found}, the given one {wanted}"
        )),
        (None, Some(_)) => said.push(format!(
            "{platform}: its last layer is not by arc-setup ca layer"
        )),
        _ => {}
    }
    if stands_on_base
        && let Some(top) = found_layers.get(base_layers.len())
        && *top != wanted.layer.blob.digest
    {
        said.push(format!(
            "{platform}: its layer is {top}, and {} comes of this bundle, --merged and --certs-for",
            wanted.layer.blob.digest
        ));
    }
    if found_layers.len() > base_layers.len() + 1 {
        said.push(format!("{platform}: it has more layers over that"));
    }
    if said.is_empty() {
        said.push(if config == wanted.config.bytes {
            format!("{platform}: only what its manifest says beside the layers differs")
        } else {
            format!("{platform}: its configuration differs")
        });
    }
    Ok(said)
}
