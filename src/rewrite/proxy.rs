//! The company's proxy, in every container that talks to the outside, with what must always be direct.

mod no_proxy;

use serde_json::{Value, json};

use super::Context;
use super::additions::{insert, secret};
use super::edit::Editor;
use crate::config::{Config, Proxy, ProxyCredentials};
use crate::object::pods::{Part, Role, SCALE_SET_GROUP, Site, sites};
use crate::object::{Change, Credential, LateForm, LateSource, Manifest, Pointer};

pub use no_proxy::no_proxy;

const RULE: &str = "proxy";
/// A name that NO_PROXY covers for every parser; an address is thrown away by the runner's own.
const API_SERVER: &str = "kubernetes.default.svc";

/// Sets HTTP_PROXY, HTTPS_PROXY and NO_PROXY in both cases, and `spec.proxy` of scale sets.
pub(super) fn run(manifests: &mut Vec<Manifest>, context: &Context<'_>) -> Vec<Change> {
    let mut changes = Vec::new();
    let config = context.config;
    let Some(proxy) = &config.proxy else {
        return changes;
    };
    let direct = no_proxy(&proxy.no_proxy, &context.facts.cluster);
    let of_runners = proxy.of_runners();
    let variables = |proxy| Variables {
        proxy,
        secret: secret_name(config),
        direct: direct.join(","),
        address_known: !context.facts.cluster.api_server_hosts.is_empty(),
    };
    let (own, runners) = (variables(proxy), variables(&of_runners));
    for manifest in manifests.iter_mut() {
        let all = sites(&manifest.object);
        let mut editor = Editor {
            manifest,
            changes: &mut changes,
        };
        for site in all.iter().filter(|site| site.role != Role::RbacProxy) {
            let is_ours = matches!(site.role, Role::Controller | Role::Job);
            if site.pod.part == Part::Workload && !is_ours {
                continue;
            }
            // Any workflow can read what stands here.
            let is_readable = site.pod.part == Part::Runner || site.role == Role::Job;
            let variables = if is_readable { &runners } else { &own };
            variables.set(&mut editor, site);
        }
        scale_set(&mut editor, config, proxy, &direct);
    }
    if proxy.credentials == Some(ProxyCredentials::Given) {
        for namespace in config.proxy_account_namespaces() {
            let addition = secret(
                config,
                RULE,
                namespace,
                &secret_name(config),
                "Opaque",
                values(proxy),
            );
            insert(manifests, addition, &mut changes, RULE);
        }
    }
    changes
}

fn secret_name(config: &Config) -> String {
    format!("{}-proxy", config.name)
}

fn destinations(proxy: &Proxy) -> impl Iterator<Item = (&'static str, &str)> {
    let http = proxy.http.as_deref().map(|url| ("http", url));
    let https = proxy.https.as_deref().map(|url| ("https", url));
    http.into_iter().chain(https)
}

/// `username` and `password` for the scale-set controller, whole URLs for environments.
pub(super) fn values(proxy: &Proxy) -> Vec<(String, LateSource)> {
    let text = |credential| LateSource::Credential(LateForm::Text(credential));
    let mut values = vec![
        ("username".to_owned(), text(Credential::ProxyUsername)),
        ("password".to_owned(), text(Credential::ProxyPassword)),
    ];
    for (scheme, url) in destinations(proxy) {
        let from = LateForm::ProxyUrl {
            url: url.to_owned(),
            username: Credential::ProxyUsername,
            password: Credential::ProxyPassword,
        };
        values.push((scheme.to_owned(), LateSource::Credential(from)));
    }
    values
}

/// The variables of every container that talks to the outside.
#[derive(Debug)]
pub(super) struct Variables<'a> {
    pub(super) proxy: &'a Proxy,
    /// The Secret with whole URLs, where there is an account and it was given.
    pub(super) secret: String,
    /// The value of NO_PROXY.
    pub(super) direct: String,
    /// True where NO_PROXY has the API server's address.
    pub(super) address_known: bool,
}

impl Variables<'_> {
    pub(super) fn set(&self, editor: &mut Editor<'_>, site: &Site) {
        let from_secret =
            |name: &str, key: &str| json!({"secretKeyRef": {"name": name, "key": key}});
        if let Some(ProxyCredentials::ExistingSecret(existing)) = &self.proxy.credentials {
            // Its values are never read here, so the container composes the URL: they must be percent-encoded.
            for (name, key) in [
                ("ARC_PROXY_USERNAME", "username"),
                ("ARC_PROXY_PASSWORD", "password"),
            ] {
                let from = from_secret(&existing.name, existing.key(key));
                let item = json!({"name": name, "valueFrom": from});
                editor.append_keyed(&site.env, "name", item, RULE);
            }
        }
        for (scheme, url) in destinations(self.proxy) {
            let upper = format!("{}_PROXY", scheme.to_uppercase());
            for name in [upper.to_lowercase(), upper] {
                let item = match &self.proxy.credentials {
                    None => json!({"name": name, "value": url}),
                    Some(ProxyCredentials::Given) => {
                        json!({"name": name, "valueFrom": from_secret(&self.secret, scheme)})
                    }
                    Some(ProxyCredentials::ExistingSecret(_)) => {
                        let account = "://$(ARC_PROXY_USERNAME):$(ARC_PROXY_PASSWORD)@";
                        json!({"name": name, "value": url.replacen("://", account, 1)})
                    }
                };
                editor.append_keyed(&site.env, "name", item, RULE);
            }
        }
        for name in ["no_proxy", "NO_PROXY"] {
            editor.variable(site, name, &self.direct, RULE);
        }
        // Clients of the Kubernetes API take the address from this variable, and a proxy for it too. The runner's
        // parser of NO_PROXY throws addresses away, so it always gets the name; Go's takes them, so controllers
        // need the name only where the address is not known (a render without a cluster).
        let by_name = match site.role {
            Role::Runner => true,
            Role::Controller | Role::Listener => !self.address_known,
            _ => false,
        };
        if by_name {
            editor.variable(site, "KUBERNETES_SERVICE_HOST", API_SERVER, RULE);
        }
    }
}

/// The controller's own GitHub client, and what it hands to listeners and runners.
///
/// It hands one account to all three: the controller reads the Secret in the runners' namespace, copies its values into
/// another one there and appends that one's to the runner's variables, behind ours, where the last of a name wins. So it
/// is set only where the runners' account is that of the others. Without it the controller goes by its own environment and
/// the listener by its template's, both of which have the account from here, and runners by theirs.
fn scale_set(editor: &mut Editor<'_>, config: &Config, proxy: &Proxy, direct: &[String]) {
    let reference = editor.manifest.reference();
    if reference.group() != SCALE_SET_GROUP || reference.kind != "AutoscalingRunnerSet" {
        return;
    }
    if !proxy.is_the_same_for_runners() {
        return;
    }
    let account = match &proxy.credentials {
        None => None,
        Some(ProxyCredentials::Given) => Some(secret_name(config)),
        Some(ProxyCredentials::ExistingSecret(existing)) => Some(existing.name.clone()),
    };
    let mut spec = json!({});
    for (scheme, url) in destinations(proxy) {
        spec[scheme] = json!({"url": url});
        if let Some(account) = &account {
            spec[scheme]["credentialSecretRef"] = json!(account);
        }
    }
    spec["noProxy"] = Value::from(direct);
    editor.put_absent(&Pointer::new("/spec/proxy"), spec, RULE);
}
