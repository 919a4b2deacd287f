//! Secrets that the user promised to bring: where each must be, and with which keys.

use super::model::{
    Config, ContainerMode, ExistingSecret, GithubCredentials, MirrorCredentials, Mode, Proxy,
    ProxyCredentials, PullSecret, WebhookCertificate,
};

/// A Secret that must be there before the install, because somebody else makes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expected {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: &'static str,
    /// Its keys, in words: those of a GitHub login depend on what it holds.
    pub keys: String,
}

const TOKEN: &str = "github_token";
const APP: [&str; 3] = [
    "github_app_id",
    "github_app_installation_id",
    "github_app_private_key",
];

impl Config {
    /// Every Secret that the configuration names and that is not made here, by namespace and name.
    pub fn existing_secrets(&self) -> Vec<Expected> {
        let mut found = Vec::new();
        let controller = self.controller_namespace();
        let runners = self.runner_namespaces();
        let mut everywhere = vec![controller];
        everywhere.extend(runners.iter().filter(|namespace| **namespace != controller));
        let mut add = |namespaces: &[&str], secret: &ExistingSecret, kind, keys: &str| {
            found.extend(namespaces.iter().map(|namespace| Expected {
                namespace: (*namespace).to_owned(),
                name: secret.name.clone(),
                kind,
                keys: keys.to_owned(),
            }));
        };
        if let GithubCredentials::ExistingSecret(secret) = &self.github.credentials {
            add(&self.login_namespaces(), secret, "Opaque", &login(secret));
        }
        for set in &self.runner_sets {
            if let Some(secret) = &set.github_secret {
                add(&[&set.namespace], secret, "Opaque", &login(secret));
            }
        }
        if let Some(PullSecret::ExistingSecret(secret)) = &self.registry.pull_secret {
            let kind = "kubernetes.io/dockerconfigjson";
            add(&everywhere, secret, kind, ".dockerconfigjson");
        }
        if let Some(MirrorCredentials::ExistingSecret(secret)) = &self.registry.mirror_credentials {
            let dind = |namespace: &&str| {
                self.runner_sets.iter().any(|set| {
                    set.namespace == *namespace && set.container_mode == ContainerMode::Dind
                })
            };
            let namespaces: Vec<&str> = runners.iter().copied().filter(dind).collect();
            add(&namespaces, secret, "Opaque", &account(secret));
        }
        if let Some(ProxyCredentials::ExistingSecret(secret)) = self
            .proxy
            .as_ref()
            .and_then(|proxy| proxy.credentials.as_ref())
        {
            let namespaces = self.proxy_account_namespaces();
            add(&namespaces, secret, "Opaque", &account(secret));
        }
        if let Some(ProxyCredentials::ExistingSecret(secret)) =
            self.proxy.as_ref().and_then(Proxy::runner_credentials)
        {
            add(&runners, &secret, "Opaque", &account(&secret));
        }
        if let (Mode::Legacy, WebhookCertificate::ExistingSecret(secret)) =
            (self.mode, &self.webhook_certificate)
        {
            let keys = named(secret, &["ca.crt", "tls.crt", "tls.key"]);
            add(&[controller], secret, "kubernetes.io/tls", &keys);
        }
        found.sort();
        found.dedup();
        found
    }

    /// Where the controller looks for the login that runner sets share.
    fn login_namespaces(&self) -> Vec<&str> {
        match self.mode {
            Mode::Legacy if self.controller.existing.is_some() => Vec::new(),
            Mode::Legacy => vec![self.controller_namespace()],
            Mode::ScaleSet => {
                let shares = |namespace: &&str| {
                    self.runner_sets
                        .iter()
                        .any(|set| set.namespace == *namespace && set.github_secret.is_none())
                };
                self.runner_namespaces()
                    .into_iter()
                    .filter(shares)
                    .collect()
            }
        }
    }
}

fn named(secret: &ExistingSecret, usual: &[&str]) -> String {
    let keys: Vec<&str> = usual.iter().map(|key| secret.key(key)).collect();
    keys.join(", ")
}

fn login(secret: &ExistingSecret) -> String {
    format!("{}, or {}", secret.key(TOKEN), named(secret, &APP))
}

fn account(secret: &ExistingSecret) -> String {
    named(secret, &["password", "username"])
}
