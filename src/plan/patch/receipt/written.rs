//! What a receipt says about images, for whoever compares objects.

use serde_json::Value;

use super::Receipt;

/// Each text that was written as a whole, with what stood there before: before and after. Empty where there is no
/// receipt that can be read.
pub fn written(object: &Value) -> Vec<(String, String)> {
    let receipt = Receipt::of(object).ok().flatten().unwrap_or_default();
    let pairs = receipt.changes.into_iter().filter_map(|entry| {
        let now = entry.now?.as_str()?.to_owned();
        Some((entry.was.filter(|_| entry.from.is_none())?, now))
    });
    pairs.collect()
}
