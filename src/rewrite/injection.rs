//! The company's authorities and proxy for workloads that bring their own manifests, by the same tables as what is rendered.

use serde_json::{Value, json};

use super::edit::Editor;
use super::proxy::{self, Variables, no_proxy};
use super::trust::{Authorities, trust_in};
use crate::config::{Proxy, ProxyCredentials};
use crate::facts::ClusterFacts;
use crate::failure::Failure;
use crate::object::labels::MANAGED_BY;
use crate::object::pods::{Role, Shape, Site, sites};
use crate::object::{Late, Manifest, Pointer, Source, text_at};

/// Holds the authorities in each namespace; another name than an install's, whose receipt has its own.
const CONFIG_MAP: &str = "arc-setup-injected-ca";
/// Holds the proxy's URLs with the account.
const SECRET: &str = "arc-setup-injected-proxy";
const SOURCE: &str = "injection";
/// On both of them.
pub const INJECTED_LABEL: &str = "arc-setup.dev/injected";

/// What is put into workloads.
#[derive(Debug)]
pub struct Injection {
    authorities: Option<Authorities>,
    proxy: Option<InjectedProxy>,
}

#[derive(Debug)]
struct InjectedProxy {
    proxy: Proxy,
    direct: String,
    address_known: bool,
}

/// What an object lacks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Injected {
    /// Lists, and what each of them gets at its end, in order. A list need not be there yet; its holder is.
    pub additions: Vec<(Pointer, Value)>,
    /// What stands there already and stays although something else would have been put: a variable, a mount.
    pub kept: Vec<(Pointer, String)>,
}

impl Injection {
    /// `pems` are the authorities, none for none; the proxy needs what is known of the cluster for NO_PROXY.
    ///
    /// # Errors
    /// `ca-unreadable`, `ca-too-large`.
    pub fn new(
        pems: &[String],
        proxy: Option<&Proxy>,
        cluster: &ClusterFacts,
    ) -> Result<Self, Failure> {
        let authorities = Authorities::new(pems)?;
        Ok(Self {
            authorities: (!authorities.is_empty()).then_some(authorities),
            proxy: proxy.map(|proxy| InjectedProxy {
                direct: no_proxy(&proxy.no_proxy, cluster).join(","),
                address_known: !cluster.api_server_hosts.is_empty(),
                proxy: proxy.clone(),
            }),
        })
    }

    /// What every container of an object lacks of it. Nothing for a Pod, which can get neither variables nor mounts.
    pub fn lacking(&self, object: &Value) -> Injected {
        let mut injected = Injected::default();
        if text_at(object, "/kind") == Some("Pod") {
            return injected;
        }
        let mut manifest = Manifest::new(object.clone(), Source::Pass(SOURCE.to_owned()));
        let mut changes = Vec::new();
        let all = sites(&manifest.object);
        for site in all
            .iter()
            .filter(|site| site.pod.shape != Shape::Containers)
        {
            let mut editor = Editor {
                manifest: &mut manifest,
                changes: &mut changes,
            };
            self.inject(&mut editor, site);
        }
        for change in changes {
            let (Some(after), list) = (change.after, change.pointer.parent()) else {
                continue;
            };
            match (change.before, list) {
                (None, Some(list)) => injected.additions.push((list, after)),
                (Some(_), _) => injected.kept.push((change.pointer, named(&after))),
                (None, None) => {}
            }
        }
        injected
    }

    fn inject(&self, editor: &mut Editor<'_>, site: &Site) {
        if let Some(authorities) = &self.authorities {
            // With what the API server would add: an undo knows by the whole item that it is ours.
            let source = json!({"name": CONFIG_MAP, "defaultMode": 0o644});
            trust_in(editor, site, &source, authorities, false);
        }
        // kube-rbac-proxy only answers.
        if let Some(injected) = self.proxy.as_ref().filter(|_| site.role != Role::RbacProxy) {
            let variables = Variables {
                proxy: &injected.proxy,
                secret: SECRET.to_owned(),
                direct: injected.direct.clone(),
                address_known: injected.address_known,
            };
            variables.set(editor, site);
        }
    }

    /// The objects that must be in a namespace before one of its workloads names them. Secret values come late.
    pub fn objects(&self, namespace: &str) -> Vec<Manifest> {
        let made = |kind: &str, name: &str| {
            json!({
                "apiVersion": "v1", "kind": kind,
                "metadata": {
                    "name": name, "namespace": namespace,
                    "labels": {MANAGED_BY: "arc-setup", INJECTED_LABEL: "true"},
                },
            })
        };
        let mut objects = Vec::new();
        if let Some(authorities) = &self.authorities {
            let mut object = made("ConfigMap", CONFIG_MAP);
            for (key, pem) in authorities.data() {
                object["data"][key] = Value::String(pem);
            }
            objects.push(Manifest::new(object, Source::Pass(SOURCE.to_owned())));
        }
        let account =
            |injected: &&InjectedProxy| injected.proxy.credentials == Some(ProxyCredentials::Given);
        if let Some(injected) = self.proxy.as_ref().filter(account) {
            let mut object = made("Secret", SECRET);
            object["type"] = json!("Opaque");
            object["data"] = json!({});
            let mut secret = Manifest::new(object, Source::Pass(SOURCE.to_owned()));
            for (key, from) in proxy::values(&injected.proxy) {
                let pointer = Pointer::of(["data", &key]);
                secret = secret.with_late(Late { pointer, from });
            }
            objects.push(secret);
        }
        objects
    }
}

/// True for an object that has got an injection before, whatever of it is still there.
pub fn is_injected(object: &Value) -> bool {
    match object {
        Value::Object(fields) => names_injected(object) || fields.values().any(is_injected),
        Value::Array(items) => items.iter().any(is_injected),
        _ => false,
    }
}

/// True for what an object names of the objects of an injection: a volume, a variable.
pub fn names_injected(item: &Value) -> bool {
    text_at(item, "/configMap/name") == Some(CONFIG_MAP)
        || text_at(item, "/valueFrom/secretKeyRef/name") == Some(SECRET)
}

/// A variable or a mount for a person, without its value: that may be a secret.
fn named(item: &Value) -> String {
    let name = |key: &str| item.get(key).and_then(Value::as_str);
    let name = name("mountPath").or_else(|| name("name"));
    name.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
