//! The legacy admission webhooks and their certificate.

use serde::Serialize;

use crate::config::{Config, WebhookCertificate};
use crate::facts::Facts;
use crate::render::names;

#[derive(Debug, Serialize)]
pub(super) struct Webhook<'a> {
    service: String,
    dns_names: Vec<String>,
    /// Name of the `kubernetes.io/tls` Secret.
    secret: String,
    makes_secret: bool,
    certificate_key: &'a str,
    private_key_key: &'a str,
    issuer: Option<Issuer<'a>>,
    /// `namespace/name` of the Certificate whose authority cert-manager writes into caBundle.
    inject_from: Option<String>,
}

#[derive(Debug, Serialize)]
struct Issuer<'a> {
    kind: &'static str,
    name: &'a str,
    makes: bool,
}

impl<'a> Webhook<'a> {
    pub(super) fn new(config: &'a Config, facts: &Facts) -> Self {
        let secret = serving_secret(config);
        let mut webhook = Self {
            service: service(config),
            dns_names: dns_names(config, facts),
            makes_secret: false,
            certificate_key: "tls.crt",
            private_key_key: "tls.key",
            issuer: None,
            inject_from: None,
            secret,
        };
        match &config.webhook_certificate {
            WebhookCertificate::Generate | WebhookCertificate::Given => webhook.makes_secret = true,
            WebhookCertificate::ExistingSecret(existing) => {
                webhook.certificate_key = existing.key("tls.crt");
                webhook.private_key_key = existing.key("tls.key");
            }
            WebhookCertificate::CertManager { cluster_issuer } => {
                webhook.inject_from = Some(format!(
                    "{}/{}",
                    config.namespaces.controller, webhook.secret
                ));
                webhook.issuer = Some(match cluster_issuer {
                    Some(name) => Issuer {
                        kind: "ClusterIssuer",
                        name,
                        makes: false,
                    },
                    None => Issuer {
                        kind: "Issuer",
                        name: &config.name,
                        makes: true,
                    },
                });
            }
        }
        webhook
    }
}

fn service(config: &Config) -> String {
    format!("{}-webhook", config.name)
}

/// The name of the Secret that the manager serves from.
pub(in crate::render) fn serving_secret(config: &Config) -> String {
    match &config.webhook_certificate {
        WebhookCertificate::ExistingSecret(existing) => existing.name.clone(),
        _ => format!("{}-serving-cert", names::controller(config)),
    }
}

/// The names that the API server may ask the webhook under.
pub(in crate::render) fn dns_names(config: &Config, facts: &Facts) -> Vec<String> {
    let short = format!("{}.{}.svc", service(config), config.namespaces.controller);
    let long = format!("{short}.{}", facts.cluster.domain);
    vec![short, long]
}
