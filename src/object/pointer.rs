//! JSON pointers (RFC 6901) into a manifest.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where in an object something stands, such as `/spec/template/spec/containers/0/image`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pointer(String);

impl Pointer {
    /// The whole document.
    pub fn root() -> Self {
        Self::default()
    }

    /// Takes a pointer as written; an empty text is the whole document.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Builds a pointer from unescaped segments.
    pub fn of<S: AsRef<str>>(segments: impl IntoIterator<Item = S>) -> Self {
        segments.into_iter().fold(Self::root(), |pointer, segment| {
            pointer.child(segment.as_ref())
        })
    }

    /// The pointer to `segment` under this one; `~` and `/` are escaped.
    #[must_use]
    pub fn child(&self, segment: &str) -> Self {
        let mut text = String::with_capacity(self.0.len() + 1 + segment.len());
        text.push_str(&self.0);
        text.push('/');
        if segment.contains(['~', '/']) {
            text.push_str(&segment.replace('~', "~0").replace('/', "~1"));
        } else {
            text.push_str(segment);
        }
        Self(text)
    }

    /// The pointer to element `index` under this one.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        Self(format!("{}/{index}", self.0))
    }

    /// The pointer to what holds this one; none for the whole document.
    pub fn parent(&self) -> Option<Self> {
        self.0.rfind('/').map(|cut| Self(self.0[..cut].to_owned()))
    }

    /// The unescaped segments, outermost first.
    pub fn segments(&self) -> Vec<String> {
        self.0
            .split('/')
            .skip(1)
            .map(|segment| unescaped(segment).into_owned())
            .collect()
    }

    /// The text of the pointer.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value that it points to.
    pub fn get<'a>(&self, document: &'a Value) -> Option<&'a Value> {
        value_at(document, &self.0)
    }

    /// The value that it points to, to change.
    pub fn get_mut<'a>(&self, document: &'a mut Value) -> Option<&'a mut Value> {
        document.pointer_mut(&self.0)
    }

    /// Puts `value` there and returns what stood there. Missing objects on the way are made; a
    /// list is extended by exactly one element when the index is its length. Returns `Err(value)`
    /// when the way is blocked by a scalar or an index beyond the list.
    pub fn put(&self, document: &mut Value, value: Value) -> Result<Option<Value>, Value> {
        let mut place = document;
        for segment in self.segments() {
            if place.is_null() {
                *place = Value::Object(serde_json::Map::new());
            }
            place = match place {
                Value::Object(fields) => fields.entry(segment).or_insert(Value::Null),
                Value::Array(items) => {
                    let Ok(index) = segment.parse::<usize>() else {
                        return Err(value);
                    };
                    if index == items.len() {
                        items.push(Value::Null);
                    }
                    match items.get_mut(index) {
                        Some(item) => item,
                        None => return Err(value),
                    }
                }
                _ => return Err(value),
            };
        }
        let before = std::mem::replace(place, value);
        Ok(if before.is_null() { None } else { Some(before) })
    }

    /// Removes what it points to and returns it.
    pub fn remove(&self, document: &mut Value) -> Option<Value> {
        let last = self.segments().pop()?;
        match self.parent()?.get_mut(document)? {
            Value::Object(fields) => fields.shift_remove(&last),
            Value::Array(items) => {
                let index = last.parse::<usize>().ok()?;
                (index < items.len()).then(|| items.remove(index))
            }
            _ => None,
        }
    }
}

/// What stands at a pointer as it is written, such as `/metadata/name`. As [`Value::pointer`], which copies each segment
/// of every pointer that is followed: this is asked for often.
pub fn value_at<'a>(document: &'a Value, pointer: &str) -> Option<&'a Value> {
    if pointer.is_empty() {
        return Some(document);
    }
    let segments = pointer.strip_prefix('/')?.split('/');
    segments
        .map(unescaped)
        .try_fold(document, |place, segment| match place {
            Value::Object(fields) => fields.get(segment.as_ref()),
            Value::Array(items) => items.get(index_of(&segment)?),
            _ => None,
        })
}

/// An index as RFC 6901 writes it: no sign and no zero before another digit.
fn index_of(segment: &str) -> Option<usize> {
    let is_plain = !segment.starts_with('+') && (segment == "0" || !segment.starts_with('0'));
    segment.parse().ok().filter(|_| is_plain)
}

fn unescaped(segment: &str) -> Cow<'_, str> {
    if segment.contains('~') {
        Cow::Owned(segment.replace("~1", "/").replace("~0", "~"))
    } else {
        Cow::Borrowed(segment)
    }
}

/// The text that stands at a pointer as it is written; None for anything but text.
pub fn text_at<'a>(document: &'a Value, pointer: &str) -> Option<&'a str> {
    value_at(document, pointer).and_then(Value::as_str)
}

/// The items of the list at a pointer as it is written; none for anything but a list.
pub fn items_at<'a>(document: &'a Value, pointer: &str) -> &'a [Value] {
    let list = value_at(document, pointer).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

impl fmt::Display for Pointer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn put_makes_the_way_and_says_what_stood_there() {
        let mut document = json!({"a": [{"b": 1}]});
        assert_eq!(
            Pointer::new("/a/0/b").put(&mut document, json!(2)),
            Ok(Some(json!(1)))
        );
        assert_eq!(
            Pointer::new("/a/1/c/d").put(&mut document, json!(3)),
            Ok(None)
        );
        assert_eq!(document, json!({"a": [{"b": 2}, {"c": {"d": 3}}]}));
    }

    #[test]
    fn put_is_refused_where_a_scalar_or_a_gap_is_in_the_way() {
        let mut document = json!({"a": "text", "b": []});
        assert_eq!(
            Pointer::new("/a/b").put(&mut document, json!(1)),
            Err(json!(1))
        );
        assert_eq!(
            Pointer::new("/b/1").put(&mut document, json!(1)),
            Err(json!(1))
        );
    }

    #[test]
    fn segments_are_escaped_both_ways() {
        let pointer = Pointer::of(["metadata", "annotations", "a.b/c~d"]);
        assert_eq!(pointer.as_str(), "/metadata/annotations/a.b~1c~0d");
        assert_eq!(pointer.segments(), ["metadata", "annotations", "a.b/c~d"]);
        assert_eq!(
            pointer.parent(),
            Some(Pointer::new("/metadata/annotations"))
        );
    }

    #[test]
    fn values_are_found_as_the_library_finds_them() {
        let document = json!({"a": [{"b/c": {"~": 1}}, 2], "": {"": 3}, "1": 4, "~1": 5});
        for pointer in [
            "",
            "/",
            "//",
            "a",
            "/a",
            "/a/0",
            "/a/1",
            "/a/2",
            "/a/00",
            "/a/01",
            "/a/+1",
            "/a/-",
            "/a/0/b~1c/~0",
            "/1",
            "/1/x",
            "/~01",
            "/a/0/",
            "/a/",
        ] {
            assert_eq!(
                value_at(&document, pointer),
                document.pointer(pointer),
                "{pointer}"
            );
        }
    }

    #[test]
    fn remove_takes_fields_and_items() {
        let mut document = json!({"a": [1, 2], "b": {"c": 3}});
        assert_eq!(Pointer::new("/a/0").remove(&mut document), Some(json!(1)));
        assert_eq!(Pointer::new("/b/c").remove(&mut document), Some(json!(3)));
        assert_eq!(Pointer::new("/b/c").remove(&mut document), None);
        assert_eq!(document, json!({"a": [2], "b": {}}));
    }
}
