//! What the webhooks need: which Deployment answers them, and the steps of a change of certificate.
//!
//! Renewal: caBundle old + new → Secret → manager rolled and available → caBundle new. At every point in between,
//! the certificate that is served is trusted, and the next run goes on from what the Secret holds.

use serde_json::Value;

use crate::object::{LateSource, Manifest, ObjectRef};
use crate::observe::Observed;

/// True where the manifest takes its caBundle from `secret`.
fn trusts(manifest: &Manifest, secret: &ObjectRef) -> bool {
    manifest.lates.iter().any(|late| match &late.from {
        LateSource::CaBundleOf(key) => {
            secret.namespace.as_deref() == Some(key.namespace.as_str()) && secret.name == key.name
        }
        _ => false,
    })
}

/// The webhook configurations that live and trust a certificate which is replaced.
pub(super) fn trust_both(manifests: &[Manifest], observed: &Observed) -> Vec<ObjectRef> {
    manifests
        .iter()
        .filter(|manifest| {
            let lives = observed
                .of(&manifest.reference())
                .is_some_and(|entry| entry.live.is_some());
            lives
                && observed
                    .renewed
                    .iter()
                    .any(|secret| trusts(manifest, secret))
        })
        .map(Manifest::reference)
        .collect()
}

/// The Deployment behind a webhook configuration, through its Service.
pub(super) fn backend(manifests: &[Manifest], webhook: &Manifest) -> Option<ObjectRef> {
    let service = webhook.object.pointer("/webhooks/0/clientConfig/service")?;
    let text = |key: &str| service.get(key).and_then(Value::as_str);
    let (namespace, name) = (text("namespace"), text("name"));
    let service = manifests.iter().find(|manifest| {
        manifest.kind() == "Service"
            && manifest.text("/metadata/namespace") == namespace
            && manifest.text("/metadata/name") == name
    })?;
    let selector = service.object.pointer("/spec/selector")?.as_object()?;
    manifests
        .iter()
        .find(|manifest| {
            let labels = manifest.object.pointer("/spec/template/metadata/labels");
            manifest.kind() == "Deployment"
                && manifest.text("/metadata/namespace") == namespace
                && selector
                    .iter()
                    .all(|(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value))
        })
        .map(Manifest::reference)
}

/// True where a webhook must answer before the object can be written.
pub(super) fn guards(webhook: &Manifest, object: &ObjectRef) -> bool {
    let webhooks = webhook
        .object
        .pointer("/webhooks")
        .and_then(Value::as_array);
    webhooks.into_iter().flatten().any(|webhook| {
        let rules = webhook.get("rules").and_then(Value::as_array);
        rules.into_iter().flatten().any(|rule| {
            let holds = |key: &str, wanted: &str| {
                let list = rule.get(key).and_then(Value::as_array);
                list.into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .any(|one| one == wanted || one == "*")
            };
            // ARC's plurals are the kind in lower case with an s.
            holds("apiGroups", object.group())
                && holds("resources", &format!("{}s", object.kind.to_lowercase()))
        })
    })
}

/// True for the webhook configurations.
pub(super) fn is_webhook(manifest: &Manifest) -> bool {
    manifest.kind().ends_with("WebhookConfiguration")
}
