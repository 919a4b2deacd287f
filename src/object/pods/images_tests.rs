use serde_json::{Value, json};

use super::super::{image_slots, suspected};
use super::*;

fn suspects(object: &Value) -> Vec<(String, String, Suspicion)> {
    let suspects = suspected(object).into_iter();
    suspects
        .map(|one| (one.pointer.to_string(), one.text, one.why))
        .collect()
}

fn told(at: &str, text: &str, why: Suspicion) -> (String, String, Suspicion) {
    (at.to_owned(), text.to_owned(), why)
}

/// A container that is not known to be one, and lists of the same names in a kind of which nothing is known.
#[test]
fn flags_and_variables_of_a_custom_kind_are_suspected_by_their_names() {
    let lists = json!({
        "args": ["--proxy-image=src.corp/a/b:1", "--side-image", "src.corp/a/c:1", "--metrics-addr=127.0.0.1:8080",
            "--prometheus-config-reloader=src.corp/a/d:1", "--repository=robbos/testing-grounds", "--v=10"],
        "env": [{"name": "PROXY_IMAGE", "value": "src.corp/a/e:1"}, {"name": "ADDRESS", "value": "src.corp/a/f:1"},
            {"name": "X_IMAGE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "KNOWN_IMAGE", "value": "quay.io/a/g:1"}, {"name": "LATER_IMAGE", "value": "src.corp/a/h:$(TAG)"}]});
    let service = json!({"apiVersion": "serving.knative.dev/v1", "kind": "Service",
        "spec": {"template": {"spec": {"containers": [lists]}}}});
    let own = json!({"apiVersion": "example.com/v1", "kind": "Thing", "spec": lists});
    for (object, at) in [
        (service, "/spec/template/spec/containers/0"),
        (own, "/spec"),
    ] {
        let name = |path: &str, image: &str| told(&format!("{at}/{path}"), image, Suspicion::Name);
        assert_eq!(
            suspects(&object),
            [
                name("args/0", "src.corp/a/b:1"),
                name("args/2", "src.corp/a/c:1"),
                name("args/4", "src.corp/a/d:1"),
                told(
                    &format!("{at}/env/3/value"),
                    "quay.io/a/g:1",
                    Suspicion::Host
                ),
                name("env/0/value", "src.corp/a/e:1"),
                told(
                    &format!("{at}/env/4/value"),
                    "src.corp/a/h",
                    Suspicion::Version
                ),
            ]
        );
        assert!(image_slots(&object).is_empty());
    }
}
