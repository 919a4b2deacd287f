//! A small, strict reading of the structural schemas of Kubernetes: types, required, unknown fields.

use serde_json::{Map, Value};

/// What of `value` the schema does not accept, as `pointer: problem`.
pub(super) fn problems(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, value, "", &mut found);
    found
}

fn check(schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    if schema["x-kubernetes-int-or-string"] == true {
        if !value.is_string() && !value.is_i64() && !value.is_u64() {
            found.push(format!("{at}: neither integer nor string"));
        }
        return;
    }
    if value.is_null() && schema["nullable"] == true {
        return;
    }
    let fits = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        _ => true,
    };
    if !fits {
        found.push(format!("{at}: {value} is not {}", schema["type"]));
        return;
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        found.push(format!("{at}: {value} is none of {allowed:?}"));
    }
    if let (Some(least), Some(number)) = (schema["minimum"].as_f64(), value.as_f64())
        && number < least
    {
        found.push(format!("{at}: {value} is below {least}"));
    }
    match value {
        Value::Object(fields) => check_fields(schema, fields, at, found),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                check(&schema["items"], item, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

fn check_fields(schema: &Value, fields: &Map<String, Value>, at: &str, found: &mut Vec<String>) {
    for required in schema["required"].as_array().into_iter().flatten() {
        if !fields.contains_key(required.as_str().unwrap_or_default()) {
            found.push(format!("{at}: lacks {required}"));
        }
    }
    for (name, field) in fields {
        let place = format!("{at}/{name}");
        if let Some(known) = schema["properties"].get(name) {
            check(known, field, &place, found);
        } else if schema["additionalProperties"].is_object() {
            check(&schema["additionalProperties"], field, &place, found);
        } else if schema["additionalProperties"] != true
            && schema["x-kubernetes-preserve-unknown-fields"] != true
        {
            found.push(format!("{place}: unknown"));
        }
    }
}

#[test]
fn unknown_missing_and_mistyped_fields_are_found() {
    let schema = serde_json::json!({
        "type": "object",
        "required": ["a"],
        "properties": {"b": {"type": "integer"}, "c": {"type": "array", "items": {"type": "string"}}},
    });
    let value = serde_json::json!({"b": "1", "c": ["x", 2], "d": {}});
    assert_eq!(
        problems(&schema, &value),
        [
            ": lacks \"a\"",
            "/b: \"1\" is not \"integer\"",
            "/c/1: 2 is not \"string\"",
            "/d: unknown"
        ]
    );
}
