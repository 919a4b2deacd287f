//! Which values of a rendered object come only at apply.

use crate::config::{Config, GithubCredentials, WebhookCertificate};
use crate::facts::Facts;
use crate::object::{Credential, Late, LateForm, LateSource, Manifest, Pointer, SecretKey};

use super::{context, names};

/// Adds the late values of one manifest.
pub(super) fn attach(config: &Config, facts: &Facts, manifest: &mut Manifest) {
    let name = manifest.reference().name;
    match manifest.kind() {
        "Secret" if name == names::github_secret(config) => {
            manifest.lates.extend(github(&config.github.credentials));
        }
        "Secret" if name == context::serving_secret(config) => {
            manifest.lates.extend(serving(config, facts));
        }
        "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => {
            let lates = bundles(config, manifest);
            manifest.lates.extend(lates);
        }
        _ => {}
    }
}

fn data(key: &str, from: LateSource) -> Late {
    Late {
        pointer: Pointer::of(["data", key]),
        from,
    }
}

fn github(credentials: &GithubCredentials) -> Option<Late> {
    let (key, form) = match credentials {
        GithubCredentials::Token => ("github_token", LateForm::Text(Credential::GithubToken)),
        GithubCredentials::App { .. } => (
            "github_app_private_key",
            LateForm::Bytes(Credential::GithubAppPrivateKey),
        ),
        GithubCredentials::ExistingSecret(_) => return None,
    };
    Some(data(key, LateSource::Credential(form)))
}

fn serving(config: &Config, facts: &Facts) -> Vec<Late> {
    let keys = [
        ("tls.crt", Credential::WebhookCertificate),
        ("tls.key", Credential::WebhookPrivateKey),
        ("ca.crt", Credential::WebhookAuthority),
    ];
    keys.into_iter()
        .map(|(key, credential)| {
            let from = if config.webhook_certificate == WebhookCertificate::Generate {
                LateSource::ServingCertificate {
                    key: key.to_owned(),
                    dns_names: context::dns_names(config, facts),
                }
            } else {
                LateSource::Credential(LateForm::Bytes(credential))
            };
            data(key, from)
        })
        .collect()
}

fn bundles(config: &Config, manifest: &Manifest) -> Vec<Late> {
    let authority = match &config.webhook_certificate {
        // cert-manager writes the bundle itself.
        WebhookCertificate::CertManager { .. } => return Vec::new(),
        WebhookCertificate::ExistingSecret(existing) => existing.key("ca.crt"),
        WebhookCertificate::Generate | WebhookCertificate::Given => "ca.crt",
    };
    let count = manifest
        .object
        .get("webhooks")
        .and_then(serde_json::Value::as_array)
        .map_or(0, Vec::len);
    (0..count)
        .map(|index| Late {
            pointer: Pointer::new("/webhooks")
                .index(index)
                .child("clientConfig")
                .child("caBundle"),
            from: LateSource::CaBundleOf(SecretKey {
                namespace: config.namespaces.controller.clone(),
                name: context::serving_secret(config),
                key: authority.to_owned(),
            }),
        })
        .collect()
}
