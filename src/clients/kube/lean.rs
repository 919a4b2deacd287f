//! An object of a list, without what nobody asks of it: `metadata.managedFields` is half of many objects, and of each
//! entry only who wrote which top-level fields is kept. The rest is passed over and never stands in memory.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Reads the text of an object.
pub(super) fn object(text: &str) -> serde_json::Result<Value> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let object = Within::Object.deserialize(&mut reader)?;
    reader.end()?;
    Ok(object)
}

/// Where the reader is.
#[derive(Debug, Clone, Copy)]
enum Within {
    Object,
    Metadata,
    ManagedFields,
    Entry,
    FieldsSet,
    /// Anywhere else: everything is kept.
    Rest,
}

impl Within {
    fn of_field(self, key: &str) -> Self {
        match (self, key) {
            (Self::Object, "metadata") => Self::Metadata,
            (Self::Metadata, "managedFields") => Self::ManagedFields,
            (Self::Entry, "fieldsV1") => Self::FieldsSet,
            _ => Self::Rest,
        }
    }

    fn of_item(self) -> Self {
        match self {
            Self::ManagedFields => Self::Entry,
            _ => Self::Rest,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Within {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        match self {
            Self::Rest => serde::Deserialize::deserialize(reader),
            _ => reader.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Within {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let value = if matches!(self, Self::FieldsSet) {
                access.next_value::<IgnoredAny>()?;
                Value::Object(Map::new())
            } else {
                access.next_value_seed(self.of_field(&key))?
            };
            fields.insert(key, value);
        }
        Ok(Value::Object(fields))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(self.of_item())? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn who_wrote_what_is_kept_in_short_and_the_rest_as_it_is() {
        let entry = |set: Value| json!({"manager": "helm", "operation": "Update", "subresource": "status", "fieldsV1": set});
        let whole = |set: Value| {
            json!({"kind": "Deployment", "metadata": {"name": "d", "generation": 3, "managedFields": [entry(set)]},
                "managedFields": [1, -1, 1.5, null, true, {"fieldsV1": {"f:spec": {"f:a": {}}}}],
                "spec": {"metadata": {"managedFields": [{"fieldsV1": {"f:spec": {"f:a": {}}}}]}}})
        };
        let text = whole(
            json!({"f:spec": {"f:template": {"f:spec": {}}}, "f:metadata": {"k:{\"a\":1}": {}}}),
        )
        .to_string();
        let lean = object(&text).unwrap();
        assert_eq!(lean, whole(json!({"f:spec": {}, "f:metadata": {}})));
        for odd in [
            "1",
            "\"a\"",
            "null",
            "[{\"metadata\": 1}]",
            "{\"metadata\": {\"managedFields\": null}}",
        ] {
            assert_eq!(
                object(odd).unwrap(),
                serde_json::from_str::<Value>(odd).unwrap(),
                "{odd}"
            );
        }
        assert!(object("{} x").is_err());
    }
}
