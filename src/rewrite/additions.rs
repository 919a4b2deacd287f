//! ConfigMaps and Secrets that passes add: after the namespaces, before everything that may start a pod.

use serde_json::{Map, Value, json};

use crate::config::Config;
use crate::object::labels::{INSTALL_LABEL, MANAGED_BY};
use crate::object::{Change, Late, LateSource, Manifest, Pointer, Source};

/// Every namespace in which something of this install runs, the controller's first.
pub(super) fn namespaces(config: &Config) -> Vec<&str> {
    let mut namespaces = vec![config.controller_namespace()];
    for namespace in config.runner_namespaces() {
        if !namespaces.contains(&namespace) {
            namespaces.push(namespace);
        }
    }
    namespaces
}

/// A ConfigMap with text values.
pub(super) fn config_map(
    config: &Config,
    pass: &str,
    namespace: &str,
    name: &str,
    data: &[(String, String)],
) -> Manifest {
    let data: Map<String, Value> = data
        .iter()
        .map(|(key, value)| (key.clone(), json!(value)))
        .collect();
    let object = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(config, namespace, name),
        "data": data,
    });
    Manifest::new(object, Source::Pass(pass.to_owned()))
}

/// A Secret whose values come at apply.
pub(super) fn secret(
    config: &Config,
    pass: &str,
    namespace: &str,
    name: &str,
    kind: &str,
    values: Vec<(String, LateSource)>,
) -> Manifest {
    let object = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(config, namespace, name),
        "type": kind,
        "data": {},
    });
    let mut manifest = Manifest::new(object, Source::Pass(pass.to_owned()));
    for (key, from) in values {
        let pointer = Pointer::of(["data", &key]);
        manifest = manifest.with_late(Late { pointer, from });
    }
    manifest
}

fn metadata(config: &Config, namespace: &str, name: &str) -> Value {
    let own = [
        ("app.kubernetes.io/instance", config.name.as_str()),
        (MANAGED_BY, "arc-setup"),
        (INSTALL_LABEL, config.name.as_str()),
    ];
    config.common().metadata(name, namespace, &own)
}

/// Puts an object behind the namespaces and what passes added before; the same object again replaces it.
pub(super) fn insert(
    manifests: &mut Vec<Manifest>,
    addition: Manifest,
    changes: &mut Vec<Change>,
    rule: &str,
) {
    let reference = addition.reference();
    let existing = manifests
        .iter_mut()
        .find(|manifest| manifest.reference() == reference);
    let before = match existing {
        Some(existing) if *existing == addition => return,
        Some(existing) => Some(std::mem::replace(existing, addition.clone()).object),
        None => {
            let after = |manifest: &Manifest| {
                manifest.kind() == "Namespace" || matches!(manifest.source, Source::Pass(_))
            };
            let at = manifests.iter().rposition(after).map_or(0, |at| at + 1);
            manifests.insert(at, addition.clone());
            None
        }
    };
    changes.push(Change {
        object: reference,
        pointer: Pointer::root(),
        before,
        after: Some(addition.object),
        rule: rule.to_owned(),
    });
}
