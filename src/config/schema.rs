//! The table as a JSON schema (`config schema`) and as the reference of the README.

use serde_json::{Map, Value as Json, json};

use super::table::{self, Field, Kind};

/// JSON Schema (draft 2020-12) of arc-setup.yaml.
pub fn schema() -> Json {
    let mut root = object(table::fields());
    root["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    root["title"] = "arc-setup.yaml".into();
    root
}

fn object(fields: &[Field]) -> Json {
    let mut root = empty_object();
    for field in fields {
        let mut place = &mut root;
        let mut segments = field.path.split('.').peekable();
        while let Some(segment) = segments.next() {
            let next = if segments.peek().is_some() {
                empty_object()
            } else {
                leaf(field)
            };
            let Some(properties) = place["properties"].as_object_mut() else {
                break;
            };
            place = properties.entry(segment).or_insert(next);
        }
    }
    root
}

fn empty_object() -> Json {
    json!({ "type": ["object", "null"], "additionalProperties": false, "properties": {} })
}

fn leaf(field: &Field) -> Json {
    let mut schema = match field.kind {
        Kind::Text | Kind::Decimal => json!({ "type": ["string", "number", "null"] }),
        Kind::Path => json!({ "type": ["string", "null"] }),
        Kind::Integer => json!({ "type": ["integer", "null"], "minimum": 0, "maximum": u32::MAX }),
        Kind::Boolean => json!({ "type": ["boolean", "null"] }),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::Secret => json!({
            "type": ["object", "null"],
            "additionalProperties": false,
            "minProperties": 1,
            "maxProperties": 1,
            "properties": {
                "file": { "type": "string" },
                "env": { "type": "string" },
                "stdin": { "const": true },
            },
        }),
        Kind::Texts => json!({
            "type": ["array", "string", "null"],
            "items": { "type": ["string", "number"] },
        }),
        Kind::TextMap => text_map(),
        Kind::ExistingSecret => json!({
            "type": ["object", "string", "null"],
            "additionalProperties": false,
            "required": ["name"],
            "properties": { "name": { "type": "string" }, "keys": text_map() },
        }),
        Kind::PodTemplate => json!({ "type": ["object", "null"] }),
        Kind::List(items) => json!({ "type": ["array", "null"], "items": object(items) }),
    };
    schema["description"] = field.doc.into();
    if let Some(default) = field.default {
        // In words where it depends on other fields.
        schema["description"] = [field.doc, " (default: ", default, ")"].concat().into();
    }
    schema
}

fn text_map() -> Json {
    let mut map = Map::new();
    map.insert("type".into(), json!(["object", "null"]));
    map.insert("additionalProperties".into(), json!({ "type": "string" }));
    Json::Object(map)
}

/// The defaults as a table in Markdown: key and default.
pub fn defaults() -> String {
    let mut text = String::from("| key | default |\n|---|---|\n");
    for (path, field) in table::every_field() {
        if let Some(default) = field.default {
            text.push_str(&["| `", path, "` | ", default, " |\n"].concat());
        }
    }
    text
}

/// Every field as a table in Markdown: key, meaning, default, flag, variable.
pub fn reference() -> String {
    let mut text =
        String::from("| key | meaning | default | flag | variable |\n|---|---|---|---|---|\n");
    for (path, field) in table::every_field() {
        let code = |text: Option<&str>, dashes: &str| {
            text.map_or_else(String::new, |text| ["`", dashes, text, "`"].concat())
        };
        let words = match field.kind {
            Kind::Choice(words) => [": ", &words.join(", ")].concat(),
            _ => String::new(),
        };
        let cells = [
            code(Some(path), ""),
            [field.doc, &words].concat().replace('|', "\\|"),
            field.default.unwrap_or_default().to_owned(),
            code(field.flag, "--"),
            code(field.env, ""),
        ];
        text.push_str(&["| ", &cells.join(" | "), " |\n"].concat());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_reaches_every_field() {
        let schema = schema();
        for pointer in [
            "/properties/github/properties/app/properties/privateKey/properties/file",
            "/properties/runnerSets/items/properties/scaling/properties/workdays/properties/from",
            "/properties/registry/properties/map/items/properties/mirror",
        ] {
            assert!(schema.pointer(pointer).is_some(), "{pointer}");
        }
        assert_eq!(
            schema["properties"]["mode"]["enum"],
            json!(["scale-set", "legacy"])
        );
    }

    #[test]
    fn the_reference_has_one_row_for_each_field() {
        let text = reference();
        assert_eq!(text.lines().count(), table::every_field().len() + 2);
        assert!(text.contains("| `registry.host` | internal registry"));
        assert!(defaults().contains("| `runnerSets[].containerMode` | none |"));
    }
}
