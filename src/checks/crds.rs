//! Foreign CRDs are kept; this says whether they have room for what we render.

use serde_json::Value;

use super::Finding;
use crate::facts::Facts;
use crate::object::{Manifest, Pointer};
use crate::observe::is_ours;

/// One finding for each field of a rendered custom resource that a foreign CRD's schema lacks.
pub(super) fn findings(facts: &Facts, manifests: &[Manifest]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, crd) in &facts.cluster.crds {
        if is_ours(crd) {
            continue;
        }
        let before = findings.len();
        let kind = crd
            .pointer("/spec/names/kind")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let group = crd
            .pointer("/spec/group")
            .and_then(Value::as_str)
            .unwrap_or_default();
        for manifest in manifests {
            let object = manifest.reference();
            if object.kind != kind || object.group() != group {
                continue;
            }
            let Some(schema) = schema_of(crd, object.version()) else {
                findings.push(
                    Finding::failed("crd-too-old", format!("CustomResourceDefinition {name}")).why(
                        format!(
                            "it does not serve version {} that {object} needs",
                            object.version()
                        ),
                    ),
                );
                continue;
            };
            let mut missing = Vec::new();
            lacking(schema, &manifest.object, &Pointer::root(), &mut missing);
            findings.extend(missing.into_iter().map(|pointer| {
                Finding::failed("crd-too-old", format!("CustomResourceDefinition {name}"))
                    .why(format!("it has no field {pointer}, which {object} sets"))
                    .remedy(format!(
                        "have the owner of {name} apply the CRDs of this release"
                    ))
                    .remedy(
                        "or give complete CRDs with --crds DIR once nobody else needs the old one",
                    )
            }));
        }
        if findings.len() == before {
            findings.push(
                Finding::ok("crd-too-old", format!("CustomResourceDefinition {name}"))
                    .why("someone else's: it is kept as it is"),
            );
        }
    }
    findings
}

fn schema_of<'a>(crd: &'a Value, version: &str) -> Option<&'a Value> {
    crd.pointer("/spec/versions")?
        .as_array()?
        .iter()
        .find(|entry| {
            entry.get("name").and_then(Value::as_str) == Some(version)
                && entry.get("served").and_then(Value::as_bool) == Some(true)
        })?
        .pointer("/schema/openAPIV3Schema")
}

/// Collects pointers of fields that the schema would prune.
fn lacking(schema: &Value, value: &Value, at: &Pointer, missing: &mut Vec<Pointer>) {
    // What stands in metadata is the API server's own schema, not the CRD's.
    if at.as_str() == "/metadata" || schema.get("x-kubernetes-embedded-resource").is_some() {
        return;
    }
    match value {
        Value::Object(fields) => {
            let properties = schema.get("properties");
            let open =
                schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
            let additional = schema.get("additionalProperties");
            for (key, field) in fields {
                let here = at.child(key);
                if let Some(inner) = properties.and_then(|properties| properties.get(key)) {
                    lacking(inner, field, &here, missing);
                } else if let Some(inner) = additional.filter(|inner| inner.is_object()) {
                    lacking(inner, field, &here, missing);
                } else if !open
                    && additional != Some(&Value::Bool(true))
                    && !(at.as_str().is_empty()
                        && matches!(key.as_str(), "apiVersion" | "kind" | "metadata"))
                {
                    missing.push(here);
                }
            }
        }
        Value::Array(items) => {
            if let Some(inner) = schema.get("items") {
                for (index, item) in items.iter().enumerate() {
                    lacking(inner, item, &at.index(index), missing);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::Verdict;
    use crate::facts::KubernetesVersion;
    use crate::object::Source;
    use serde_json::json;

    fn facts(schema: &Value, labels: &Value) -> Facts {
        let mut facts = Facts::assumed(KubernetesVersion::DEFAULT);
        facts.cluster.crds.insert(
            "autoscalingrunnersets.actions.github.com".to_owned(),
            json!({
                "metadata": {"labels": labels},
                "spec": {
                    "group": "actions.github.com",
                    "names": {"kind": "AutoscalingRunnerSet"},
                    "versions": [{"name": "v1alpha1", "served": true, "schema": {"openAPIV3Schema": schema}}],
                },
            }),
        );
        facts
    }

    fn set() -> Vec<Manifest> {
        let object = json!({
            "apiVersion": "actions.github.com/v1alpha1",
            "kind": "AutoscalingRunnerSet",
            "metadata": {"name": "arc", "namespace": "r"},
            "spec": {"runnerScaleSetLabels": ["x"], "template": {"spec": {"containers": [{"image": "i"}]}}},
        });
        vec![Manifest::new(object, Source::Template("t".to_owned()))]
    }

    #[test]
    fn a_field_without_a_place_is_named() {
        let schema = json!({"properties": {"spec": {"properties": {
            "template": {"x-kubernetes-preserve-unknown-fields": true},
        }}}});
        let findings = findings(&facts(&schema, &json!({})), &set());
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].verdict, Verdict::Failed);
        assert!(
            findings[0].why[0].contains("/spec/runnerScaleSetLabels"),
            "{:?}",
            findings[0].why
        );
    }

    #[test]
    fn a_schema_with_room_is_kept_and_ours_is_not_looked_at() {
        let open = json!({"properties": {"spec": {"x-kubernetes-preserve-unknown-fields": true}}});
        assert_eq!(
            findings(&facts(&open, &json!({})), &set())[0].verdict,
            Verdict::Ok
        );
        let ours = json!({"app.kubernetes.io/managed-by": "arc-setup"});
        assert!(findings(&facts(&json!({}), &ours), &set()).is_empty());
    }
}
