//! `podTemplate` against a real API server: what the newest Kubernetes has is never taken for a typing error.

use http::Request;
use serde_json::{Map, Value, json};

use crate::support::arc_setup::ArcSetup;
use crate::support::control_plane::ControlPlane;

/// The schemas of the core group, as the API server publishes them.
async fn schemas() -> Value {
    let client = ControlPlane::untouched().await.unwrap().client().unwrap();
    let request = Request::get("/openapi/v3/api/v1").body(Vec::new()).unwrap();
    let mut document: Value = client.request(request).await.unwrap();
    document["components"]["schemas"].take()
}

/// A value that has every field of a schema, and every field of those.
fn everything(schema: &Value, schemas: &Value) -> Value {
    let reference = schema["$ref"]
        .as_str()
        .or_else(|| schema["allOf"][0]["$ref"].as_str());
    if let Some(name) = reference.and_then(|reference| reference.rsplit('/').next()) {
        return match name.rsplit('.').next() {
            Some("Quantity") => json!("500m"),
            Some("IntOrString") => json!("http"),
            Some("Time") => json!("2026-01-01T00:00:00Z"),
            Some("FieldsV1") => json!({}),
            _ => everything(&schemas[name], schemas),
        };
    }
    match schema["type"].as_str() {
        Some("array") => json!([everything(&schema["items"], schemas)]),
        Some("boolean") => json!(true),
        Some("integer") => json!(1),
        Some("object") => {
            let mut object = Map::new();
            for (name, field) in schema["properties"].as_object().into_iter().flatten() {
                object.insert(name.clone(), everything(field, schemas));
            }
            if schema["additionalProperties"].is_object() {
                let value = everything(&schema["additionalProperties"], schemas);
                object.insert("key".to_owned(), value);
            }
            Value::Object(object)
        }
        _ => json!("text"),
    }
}

fn count(value: &Value) -> usize {
    match value {
        Value::Object(fields) => fields.len() + fields.values().map(count).sum::<usize>(),
        Value::Array(items) => items.iter().map(count).sum(),
        _ => 0,
    }
}

#[tokio::test]
async fn every_field_that_the_api_server_knows_passes() {
    let schemas = schemas().await;
    let template = json!({"$ref": "io.k8s.api.core.v1.PodTemplateSpec"});
    let template = everything(&template, &schemas);
    assert!(count(&template) > 1000, "{}", count(&template));
    // The API server is newer than the types that the program is built with.
    let is_newer = template["spec"]["containers"][0]["restartPolicyRules"].is_array();
    assert!(is_newer);

    let program = ArcSetup::new().unwrap();
    let config = json!({
        "github": {"url": "https://github.com", "organization": "octo", "existingSecret": "login"},
        "runnerSets": [{"name": "everything", "max": 1, "podTemplate": template}],
    });
    let file = program
        .file("arc-setup.yaml", config.to_string())
        .unwrap()
        .display()
        .to_string();
    let validate = ["config", "validate", "--config", &file];
    let outcome = program.run(&validate).await.unwrap().expect_code(0);
    assert!(!outcome.stderr.contains("podTemplate"), "{outcome:?}");
}
