//! Texts that stand in a second place with what holds them: by an alias of a mapping or list, or by a merge key. They
//! change there too.

use std::collections::HashSet;

use serde_json::Value;

use crate::object::Pointer;
use crate::yaml::{Document, Place};

/// Tells `hold` of every text that comes into a place by the alias of a mapping or list around it, with the node that
/// says it; not of those whose pointers are `noted`, which are images and known. `at` is the pointer of the root.
pub(super) fn others(
    document: &Document<'_>,
    at: &Pointer,
    noted: &HashSet<String>,
    hold: &mut dyn FnMut(Place),
) {
    let mut walk = Walk {
        document,
        noted,
        at: at.to_string(),
        hold,
    };
    walk.value(document.value(), document.root(), false);
}

struct Walk<'a> {
    document: &'a Document<'a>,
    noted: &'a HashSet<String>,
    at: String,
    hold: &'a mut dyn FnMut(Place),
}

impl Walk<'_> {
    /// `is_shared` where an alias or merge key led here.
    fn value(&mut self, value: &Value, place: Place, is_shared: bool) {
        match value {
            Value::String(_) if is_shared && !self.noted.contains(&self.at) => (self.hold)(place),
            Value::Array(items) => {
                let is_shared = is_shared || self.document.is_alias(place);
                let places = self.document.items(place);
                for (index, (item, place)) in items.iter().zip(places).enumerate() {
                    self.enter(&index.to_string(), |walk| {
                        walk.value(item, place, is_shared);
                    });
                }
            }
            Value::Object(fields) => {
                let is_shared = is_shared || self.document.is_alias(place);
                for (key, field) in fields {
                    if let Some((place, is_merged)) = self.document.value_of(place, key) {
                        self.enter(key, |walk| walk.value(field, place, is_shared || is_merged));
                    }
                }
            }
            _ => {}
        }
    }

    fn enter(&mut self, segment: &str, look: impl FnOnce(&mut Self)) {
        let length = self.at.len();
        self.at.push('/');
        self.at
            .push_str(&segment.replace('~', "~0").replace('/', "~1"));
        look(self);
        self.at.truncate(length);
    }
}
