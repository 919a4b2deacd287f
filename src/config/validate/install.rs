//! Checks of the install as a whole.

use crate::config::arc_versions;
use crate::config::arc_versions::differences::{Feature, has};
use crate::config::model::{
    ContainerMode, ExistingSecret, GithubCredentials, Library, MirrorCredentials, Mode,
    ProxyCredentials, PullSecret, Scope, Watch, WebhookCertificate,
};

use super::{Validator, syntax};
use crate::object::sha256_as_written;

/// Keys of a Secret with a GitHub login: a token, or the three of an App.
pub(super) const LOGIN: &[&str] = &[
    "github_token",
    "github_app_id",
    "github_app_installation_id",
    "github_app_private_key",
];
/// Keys of a Secret with an account.
pub(super) const ACCOUNT: &[&str] = &["username", "password"];

impl Validator<'_> {
    pub(super) fn install(&mut self) {
        let config = self.config;
        self.names();
        self.library_in_daemons();
        self.version();
        self.github_url();
        if let Some(scope) = &config.github.scope {
            self.scope("github", scope);
        }
        self.github_credentials();
        self.secrets();
        self.controller();
        self.namespaces();
        self.no_proxy();
        self.pins();
        self.labels();
    }

    pub(super) fn names(&mut self) {
        let config = self.config;
        self.label("name", &config.name, 30);
        self.label("namespaces.controller", &config.namespaces.controller, 63);
        self.label("namespaces.runners", &config.namespaces.runners, 63);
    }

    /// The daemon adds `library/` by itself, and no rule of hosts.toml takes it away.
    fn library_in_daemons(&mut self) {
        if self.config.registry.library == Library::Drop && self.has_daemon() {
            self.warn(
                "config-library",
                "registry.library",
                "registry.library: drop holds for what is rendered, not inside dind: for `docker pull alpine` the daemon asks the mirror for library/alpine",
                "have the registry answer for library/ too, or let jobs name images in full",
            );
        }
    }

    /// True where jobs of some runner set have a Docker daemon.
    pub(super) fn has_daemon(&self) -> bool {
        let sets = &self.config.runner_sets;
        sets.iter()
            .any(|set| set.container_mode == ContainerMode::Dind)
    }

    fn version(&mut self) {
        let config = self.config;
        if !self.knows(&["mode"]) {
            return;
        }
        if !arc_versions::is_supported(config.mode, config.version) {
            self.problem(
                "config-version",
                "version",
                format!("ARC {} is not supported in this mode", config.version),
                format!("supported: {}", arc_versions::describe(config.mode)),
            );
        }
        if !has(config.mode, config.version, Feature::EnterpriseServer)
            && self.knows(&["github.url"])
            && config.github.is_enterprise_server()
        {
            self.problem(
                "config-version",
                "version",
                format!(
                    "ARC {} does not work with a GitHub Enterprise Server",
                    config.version
                ),
                "use version 0.14.2",
            );
        }
    }

    fn github_url(&mut self) {
        let url = &self.config.github.url;
        let parts = url
            .split_once("://")
            .filter(|(scheme, _)| matches!(*scheme, "https" | "http"));
        let Some((scheme, rest)) = parts else {
            return self.problem(
                "config-url",
                "github.url",
                "github.url is not an http or https URL",
                "write https://github.com or the root of your server",
            );
        };
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if !syntax::is_host(host) {
            self.problem(
                "config-url",
                "github.url",
                "github.url names no host",
                "write https://github.com or the root of your server",
            );
        } else if rest.len() > host.len() {
            self.problem(
                "config-url",
                "github.url",
                "github.url is not the root of the server",
                "remove the path; name the organization with github.organization (--github-org), a repository with github.repository (--github-repo), an enterprise with github.enterprise (--github-enterprise)",
            );
        } else if scheme == "http" {
            self.warn(
                "config-plain-http",
                "github.url",
                "github.url is plain http: the credentials cross the network unprotected",
                "use https",
            );
        }
    }

    /// `base` is `github` or `runnerSets[0]`.
    pub(super) fn scope(&mut self, base: &str, scope: &Scope) {
        let (member, valid, shape) = match scope {
            Scope::Organization(name) => ("organization", syntax::is_github_name(name), "NAME"),
            Scope::Enterprise(name) => ("enterprise", syntax::is_github_name(name), "NAME"),
            Scope::Repository(name) => (
                "repository",
                name.split_once('/').is_some_and(|(owner, name)| {
                    syntax::is_github_name(owner) && syntax::is_github_name(name)
                }),
                "OWNER/NAME",
            ),
        };
        let path = format!("{base}.{member}");
        if !valid {
            self.problem(
                "config-scope",
                &path,
                format!("{path} is not of the form {shape}"),
                format!("write it as {shape}, without the server"),
            );
        }
        let app = matches!(
            self.config.github.credentials,
            GithubCredentials::App { .. }
        );
        if app && matches!(scope, Scope::Enterprise(_)) {
            self.problem(
                "config-enterprise-app",
                &path,
                "a GitHub App cannot register runners with an enterprise",
                "use github.token with a classic token that has manage_runners:enterprise",
            );
        }
    }

    fn github_credentials(&mut self) {
        let config = self.config;
        let GithubCredentials::App {
            id,
            installation_id,
        } = &config.github.credentials
        else {
            return;
        };
        let is_number = |text: &str| text.parse::<i64>().is_ok_and(|number| number > 0);
        let client_ids = has(config.mode, config.version, Feature::ClientId);
        let client_id = client_ids
            && id.len() >= 8
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
        if !is_number(id) && !client_id {
            self.problem(
                "config-app",
                "github.app.id",
                "github.app.id is not the number of a GitHub App",
                "take the App ID from its settings page; a client id needs scale sets 0.12 or newer",
            );
        }
        if !is_number(installation_id) {
            self.problem(
                "config-app",
                "github.app.installationId",
                "github.app.installationId is not a number",
                "take the number at the end of the installation's URL",
            );
        }
    }

    fn secrets(&mut self) {
        let config = self.config;
        let scale_sets = config.mode == Mode::ScaleSet;
        if let GithubCredentials::ExistingSecret(secret) = &config.github.credentials {
            self.existing_secret("github.existingSecret", secret, LOGIN, scale_sets);
        }
        if let Some(PullSecret::ExistingSecret(secret)) = &config.registry.pull_secret {
            let path = "registry.pullSecret.existingSecret";
            self.existing_secret(path, secret, &[".dockerconfigjson"], true);
        }
        if let Some(MirrorCredentials::ExistingSecret(secret)) = &config.registry.mirror_credentials
        {
            let path = "registry.mirrorCredentials.existingSecret";
            self.existing_secret(path, secret, ACCOUNT, false);
        }
        if let Some(ProxyCredentials::ExistingSecret(secret)) = config
            .proxy
            .as_ref()
            .and_then(|proxy| proxy.credentials.as_ref())
        {
            let path = "proxy.credentials.existingSecret";
            self.existing_secret(path, secret, ACCOUNT, scale_sets);
        }
        self.proxy_runners();
        if let WebhookCertificate::ExistingSecret(secret) = &config.webhook_certificate {
            let path = "webhookCertificate.existingSecret";
            self.existing_secret(path, secret, &["tls.crt", "tls.key", "ca.crt"], false);
        }
    }

    /// `usual` are the keys that are read; `fixed` where the reader cannot be told others.
    pub(super) fn existing_secret(
        &mut self,
        path: &str,
        secret: &ExistingSecret,
        usual: &[&str],
        fixed: bool,
    ) {
        if !syntax::is_dns_subdomain(&secret.name) {
            self.problem(
                "config-name",
                path,
                format!("{path} is not the name of a Secret"),
                "write the name alone, without a namespace",
            );
        }
        let unknown = secret.keys.keys().any(|key| !usual.contains(&key.as_str()));
        let renamed = secret.keys.iter().any(|(usual, key)| usual != key);
        if unknown || (fixed && renamed) {
            let what = if unknown {
                "has keys that nobody reads"
            } else {
                "cannot have other keys: ARC reads fixed ones"
            };
            self.problem(
                "config-secret-keys",
                path,
                format!("{path} {what}"),
                format!("the usual keys are {}", usual.join(", ")),
            );
        }
    }

    fn controller(&mut self) {
        let controller = &self.config.controller;
        self.image("controller.image", controller.image.as_deref());
        self.image(
            "rbacProxy.image",
            self.config
                .rbac_proxy
                .as_ref()
                .and_then(|proxy| proxy.image.as_deref()),
        );
        if controller.replicas == 0 {
            self.problem(
                "config-replicas",
                "controller.replicas",
                "controller.replicas is 0",
                "use at least 1",
            );
        }
        if let Some(existing) = &controller.existing
            && !(syntax::is_dns_label(&existing.namespace)
                && syntax::is_dns_subdomain(&existing.name))
        {
            self.problem(
                "config-existing-controller",
                "controller.existing",
                "controller.existing is not NAMESPACE/NAME",
                "write the namespace and name of the controller's Deployment",
            );
        }
        if self.config.mode == Mode::Legacy && self.config.listener_pod_template.is_some() {
            self.warn(
                "config-unused",
                "listener.podTemplate",
                "listener.podTemplate has no effect: legacy ARC has no listener",
                "remove it, or use mode scale-set",
            );
        }
        if self.config.mode == Mode::ScaleSet
            && self.config.webhook_certificate != WebhookCertificate::Generate
        {
            self.warn(
                "config-unused",
                "webhookCertificate",
                "webhookCertificate has no effect: scale sets have no webhooks",
                "remove it, or use mode legacy",
            );
        }
    }

    fn namespaces(&mut self) {
        let config = self.config;
        let namespaces = config.runner_namespaces();
        if config.controller.existing.is_none()
            && config.controller.watch == Watch::Runners
            && namespaces.len() > 1
        {
            let other = config
                .runner_sets
                .iter()
                .position(|set| Some(&set.namespace.as_str()) == namespaces.get(1))
                .unwrap_or_default();
            self.problem(
                "config-watch",
                &format!("runnerSets[{other}].namespace"),
                format!(
                    "a controller that watches only runner namespaces watches one, and the runner sets are in {}: {}",
                    namespaces.len(),
                    namespaces.join(", ")
                ),
                "put all runner sets into one namespace, or set controller.watch: cluster (--watch cluster)",
            );
        }
        let controller_namespace = config.controller_namespace();
        for (index, set) in config.runner_sets.iter().enumerate() {
            if set.container_mode != ContainerMode::None && set.namespace == controller_namespace {
                let path = format!("runnerSets[{index}].namespace");
                self.problem(
                    "config-shared-namespace",
                    &path,
                    format!(
                        "runner set '{}' is in the controller's namespace, whose Secrets its workflows could read",
                        set.name
                    ),
                    "use another namespace for runners (--runner-namespace), or container mode none",
                );
            }
        }
    }

    pub(super) fn pins(&mut self) {
        let is_digest = |pin: &String| sha256_as_written(pin).is_some();
        if !self.config.pins.iter().all(is_digest) {
            self.problem(
                "config-pin",
                "pinSha256",
                "pinSha256 has an entry that is no SHA-256",
                "it is the SHA-256 of the server's own certificate, 64 hexadecimal digits: arc-setup ca doctor HOST shows it",
            );
        }
    }

    fn labels(&mut self) {
        let config = self.config;
        for (key, value) in &config.common_labels {
            if !syntax::is_label_key(key) || !syntax::is_label_value(value) {
                self.problem(
                    "config-label",
                    "commonLabels",
                    format!("commonLabels: '{key}' or its value is not a label"),
                    "keys are [DOMAIN/]NAME; names and values have at most 63 letters, digits, '-', '_' and '.'",
                );
            }
        }
        for key in config.common_annotations.keys() {
            if !syntax::is_label_key(key) {
                self.problem(
                    "config-label",
                    "commonAnnotations",
                    format!("commonAnnotations: '{key}' is not a key"),
                    "keys are [DOMAIN/]NAME",
                );
            }
        }
    }
}
