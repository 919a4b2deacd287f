//! An image's configuration, with one layer more. It is edited as it is: unknown fields and their order stay.

use serde_json::{Value, json};

use super::Problem;
use crate::object::{items_at, text_at};

/// What the history says before the SHA-256 of the bundle.
const CREATED_BY: &str = "arc-setup ca-layer ";
/// The history's time: one for all, so that the same is the same bytes.
const CREATED: &str = "1970-01-01T00:00:00Z";

/// Adds the layer. `layers` is how many the manifest has.
///
/// # Errors
/// Configuration, history and manifest do not have the same layers: then nobody knows what the new one would stand on.
pub(super) fn with_layer(
    bytes: &[u8],
    layers: usize,
    diff_id: &str,
    bundle_sha256: &str,
) -> Result<Vec<u8>, Problem> {
    let mut config: Value = serde_json::from_slice(bytes)
        .map_err(|error| Problem::malformed("configuration", error))?;
    if text_at(&config, "/rootfs/type") != Some("layers") {
        return Err(Problem::NoImage(
            "its configuration is not that of an image (rootfs.type is not layers)".to_owned(),
        ));
    }
    let diff_ids = config.pointer_mut("/rootfs/diff_ids");
    let diff_ids = diff_ids.and_then(Value::as_array_mut);
    let diff_ids =
        diff_ids.ok_or_else(|| Problem::malformed("configuration", "it has no rootfs.diff_ids"))?;
    if diff_ids.len() != layers {
        return Err(Problem::DoesNotFit(format!(
            "{layers} layers in the manifest, {} in the configuration",
            diff_ids.len()
        )));
    }
    diff_ids.push(json!(diff_id));
    if let Some(history) = config.get_mut("history").and_then(Value::as_array_mut) {
        let is_layer = |entry: &&Value| entry.get("empty_layer") != Some(&Value::Bool(true));
        let told = history.iter().filter(is_layer).count();
        if told != layers {
            return Err(Problem::DoesNotFit(format!(
                "{layers} layers in the manifest, {told} in the history"
            )));
        }
        history.push(
            json!({"created": CREATED, "created_by": format!("{CREATED_BY}{bundle_sha256}")}),
        );
    }
    serde_json::to_vec(&config).map_err(|error| Problem::malformed("configuration", error))
}

/// The SHA-256 of the bundle in the last layer, where that is one of ours.
pub fn bundle_of(config: &[u8]) -> Option<String> {
    let config: Value = serde_json::from_slice(config).ok()?;
    let last = items_at(&config, "/history").last()?;
    let created_by = text_at(last, "/created_by")?;
    created_by.strip_prefix(CREATED_BY).map(str::to_owned)
}
