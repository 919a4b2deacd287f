//! The receipt of `patch-images`: one annotation that says what was written where, and what stood there before.
//!
//! Its first form was a JSON map from pointer to image (null where nothing stood); it is still read. Items of lists
//! are known by their names as well, since an edit by hand moves their indices.

mod found;
mod occurrences;
mod places;
mod record;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::object::Pointer;

pub(in crate::plan) use found::original_image;
pub(super) use found::{Found, find};
pub(super) use record::Added;

/// The annotation that keeps the original spelling.
pub const ORIGINAL_IMAGES: &str = "arc-setup.dev/original-images";

/// How many bytes the annotations of one object may have together: their keys and values, by the API server's rule.
pub(super) const ANNOTATIONS_LIMIT: usize = 256 * 1024;

/// The form that is written.
const VERSION: u64 = 2;

/// One change that can be taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// What was changed, as it was called then.
    pub(super) at: Pointer,
    /// The names of the items of lists on the way, one for each number in `at`; null for an item without a name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) names: Vec<Option<String>>,
    /// The first byte of the part of the text that was changed; None for the whole text, or what is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<usize>,
    /// The flag or key of an item of `args` or `command`: others may hold the same image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) flag: Option<String>,
    /// Which one it was, from 0, of how many that stood alike after the patch. Only where some of them were not written
    /// by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) among: Option<(usize, usize)>,
    /// What stood there; None where nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) was: Option<String>,
    /// What was written; None in the first form, which did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) now: Option<Value>,
    /// How many lists and maps around it were made for it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) made: usize,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Everything that was changed in one object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Receipt {
    pub(super) changes: Vec<Entry>,
    /// True where the object had no annotations.
    pub(super) made_annotations: bool,
}

/// A receipt as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenForm {
    version: u64,
    #[serde(default)]
    made_annotations: bool,
    changes: Vec<Entry>,
}

/// Why an annotation is no receipt, as a fragment.
pub(super) type Unreadable = String;

/// Why an object with such an annotation is left as it is, and what to do.
pub(super) fn unreadable(why: &Unreadable) -> String {
    format!(
        "the annotation {ORIGINAL_IMAGES} cannot be read ({why}): put back by hand what it says, then take it away"
    )
}

/// What an object says of its original images, as it stands there; None where it says nothing.
pub fn recorded(object: &Value) -> Option<&Value> {
    let annotations = object.get("metadata")?.get("annotations")?;
    annotations.get(ORIGINAL_IMAGES)
}

impl Receipt {
    /// The receipt of an object; None where there is none.
    pub(super) fn of(object: &Value) -> Result<Option<Self>, Unreadable> {
        let Some(text) = recorded(object) else {
            return Ok(None);
        };
        let text = text.as_str().unwrap_or_default();
        Self::parse(text).map(Some)
    }

    fn parse(text: &str) -> Result<Self, Unreadable> {
        // The form that is written, which is the usual one. A list would be read as its fields in their order.
        if text.starts_with('{')
            && let Ok(written) = serde_json::from_str::<WrittenForm>(text)
            && written.version == VERSION
        {
            return Ok(Self {
                changes: written.changes,
                made_annotations: written.made_annotations,
            });
        }
        let mut fields: BTreeMap<String, Value> =
            serde_json::from_str(text).map_err(|error| error.to_string())?;
        let version = fields.remove("version").and_then(|value| value.as_u64());
        if version.is_some_and(|version| version > VERSION) {
            return Err("a later arc-setup wrote it".to_owned());
        }
        let made_annotations = fields.remove("madeAnnotations") == Some(Value::Bool(true));
        let mut changes: Vec<Entry> = match fields.remove("changes") {
            Some(changes) => serde_json::from_value(changes).map_err(|error| error.to_string())?,
            None => Vec::new(),
        };
        for (pointer, was) in fields {
            changes.push(first_form(pointer, was)?);
        }
        Ok(Self {
            changes,
            made_annotations,
        })
    }

    /// The text of the annotation.
    pub(super) fn text(&self) -> String {
        let mut receipt = Map::new();
        receipt.insert("version".to_owned(), json!(VERSION));
        if self.made_annotations {
            receipt.insert("madeAnnotations".to_owned(), json!(true));
        }
        receipt.insert("changes".to_owned(), json!(self.changes));
        Value::Object(receipt).to_string()
    }
}

fn first_form(pointer: String, was: Value) -> Result<Entry, Unreadable> {
    let was = match was {
        Value::Null => None,
        Value::String(text) => Some(text),
        _ => return Err(format!("{pointer} holds neither an image nor null")),
    };
    if !pointer.starts_with('/') {
        return Err(format!("'{pointer}' is not known"));
    }
    Ok(Entry {
        at: Pointer::new(pointer),
        names: Vec::new(),
        from: None,
        flag: None,
        among: None,
        was,
        now: None,
        made: 0,
    })
}

/// The names along a pointer, one for each number in it; none at all where no item has one.
pub(super) fn names(object: &Value, at: &Pointer) -> Vec<Option<String>> {
    let mut place = Some(object);
    let mut names = Vec::new();
    for segment in at.segments() {
        let index = segment.parse::<usize>().ok();
        place = match (place, index) {
            (Some(Value::Array(items)), Some(index)) => items.get(index),
            (Some(place), _) => place.get(&segment),
            (None, _) => None,
        };
        if index.is_some() {
            let name = place.and_then(|item| item.get("name"));
            names.push(name.and_then(Value::as_str).map(str::to_owned));
        }
    }
    while names.last().is_some_and(Option::is_none) {
        names.pop();
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_the_second_is_written() {
        let first =
            Receipt::parse("{\"/spec/image\":\"quay.io/a/b:1\",\"/spec/args/3\":null}").unwrap();
        assert_eq!(first.changes[1].was.as_deref(), Some("quay.io/a/b:1"));
        assert_eq!(first.changes[0].was, None);
        let second = Receipt::parse(&first.text()).unwrap();
        assert_eq!(second, first);
        for text in [
            "",
            "[]",
            "[2,true,[]]",
            "{\"version\":3}",
            "{\"/a\":1}",
            "{\"a\":\"b\"}",
            "{\"changes\":[{}]}",
        ] {
            assert!(Receipt::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn items_are_called_by_their_names() {
        let object =
            json!({"c": [{"name": "x"}, {"name": "y", "args": ["a"], "env": [{"name": "E"}]}]});
        let names_of = |text: &str| names(&object, &Pointer::new(text));
        assert_eq!(
            names_of("/c/1/env/0/value"),
            [Some("y".to_owned()), Some("E".to_owned())]
        );
        assert_eq!(names_of("/c/1/args/0"), [Some("y".to_owned())]);
        assert!(names_of("/c").is_empty());
    }
}
