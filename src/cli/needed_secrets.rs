//! The Secrets that must exist beside what `render` wrote, told on stderr.

use serde_json::Value;

use crate::config::Config;
use crate::object::{LateSource, Manifest};
use crate::ui::output;

/// Names each with namespace, type and keys: first those that `init` would make, then those that the user brings.
pub(super) fn tell(withheld: &[Manifest], config: &Config) {
    if !withheld.is_empty() {
        output::talk(
            "these Secrets must exist beside what was rendered (init makes them; --with-secrets writes what is given):",
        );
    }
    for manifest in withheld {
        let object = manifest.reference();
        let made = manifest
            .lates
            .iter()
            .any(|late| matches!(late.from, LateSource::ServingCertificate { .. }));
        line(
            object.namespace.as_deref().unwrap_or_default(),
            &object.name,
            manifest.text("/type").unwrap_or("Opaque"),
            &keys(manifest).join(", "),
            if made {
                "; init generates it, and writes caBundle into the webhook configurations"
            } else {
                ""
            },
        );
    }
    let brought = config.existing_secrets();
    if !brought.is_empty() {
        output::talk("these Secrets are yours and must be there before the first pod:");
    }
    for secret in brought {
        line(
            &secret.namespace,
            &secret.name,
            secret.kind,
            &secret.keys,
            "",
        );
    }
}

fn keys(manifest: &Manifest) -> Vec<String> {
    let late = manifest
        .lates
        .iter()
        .filter_map(|late| late.pointer.segments().last().cloned());
    let data = manifest.object.get("data").and_then(Value::as_object);
    let given = data.into_iter().flat_map(|data| data.keys().cloned());
    let mut keys: Vec<String> = late.chain(given).collect();
    keys.sort();
    keys.dedup();
    keys
}

fn line(namespace: &str, name: &str, kind: &str, keys: &str, more: &str) {
    output::talk(&format!(
        "  namespace {namespace}: Secret {name} (type {kind}, keys {keys}){more}"
    ));
}
