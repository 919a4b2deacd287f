//! Resolves late values in memory, just before a request. Bytes stay in here and in the request.
//!
//! One resolver serves a whole run: what observation decided (a kept or a new certificate) is what apply sends.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::clients::kube::Cluster;
use crate::config::Credentials;
use crate::failure::{Exit, Failure};
use crate::object::{Late, LateSource, Manifest, ObjectRef, SecretKey};
use crate::pki::issue::{ServingCertificate, Verdict, issue, judge};
use crate::secret::Secret;

use super::compose::compose;

/// Stands where a resourceVersion will be that no server has given yet.
pub(crate) const AFTER_APPLY: &str = "(known after apply)";

/// Namespace and name of a Secret.
type Name = (String, String);
/// The values of one Secret.
type Data = BTreeMap<String, Secret<Vec<u8>>>;

/// Late values of one run.
#[derive(Debug)]
pub struct Resolver<'a> {
    credentials: &'a Credentials,
    /// Seconds since 1970.
    now: i64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What Secrets hold, or will hold once this run has written them.
    data: BTreeMap<Name, Data>,
    /// resourceVersions: None for a Secret that this run will write.
    versions: BTreeMap<Name, Option<String>>,
    certificates: BTreeMap<Name, ServingCertificate>,
    /// `ca.crt` in use of a certificate that is replaced.
    replaced: BTreeMap<Name, Vec<u8>>,
}

impl<'a> Resolver<'a> {
    /// A resolver for one run that began at `now` (seconds since 1970).
    pub fn new(credentials: &'a Credentials, now: i64) -> Self {
        Self {
            credentials,
            now,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The Secrets whose certificate in use is replaced by a new one.
    pub fn renewed(&self) -> Vec<ObjectRef> {
        let state = self.state();
        state
            .replaced
            .keys()
            .map(|(namespace, name)| secret(namespace, name))
            .collect()
    }

    /// Tells what became of a Secret: its resourceVersion, or None while it is yet to be written.
    pub fn note_version(&self, object: &ObjectRef, version: Option<&str>) {
        if object.kind == "Secret" {
            let name = (
                object.namespace.clone().unwrap_or_default(),
                object.name.clone(),
            );
            self.state()
                .versions
                .insert(name, version.map(str::to_owned));
        }
    }

    /// The object with every late value in place. `live` is the object as it lives, for a Secret that keeps its
    /// certificate. With `both`, a caBundle trusts the replaced authority too.
    pub async fn resolve(
        &self,
        cluster: &Cluster,
        manifest: &Manifest,
        live: Option<&Value>,
        both: bool,
    ) -> Result<Value, Failure> {
        let mut object = manifest.object.clone();
        let reference = manifest.reference();
        for late in &manifest.lates {
            let bytes = self.bytes(cluster, &reference, late, live, both).await?;
            let text = if is_encoded(manifest, late) {
                STANDARD.encode(&bytes)
            } else {
                String::from_utf8(bytes).map_err(|_| {
                    unresolved(&reference, late, "the value is not UTF-8 text".to_owned())
                })?
            };
            if late.pointer.put(&mut object, Value::String(text)).is_err() {
                return Err(unresolved(
                    &reference,
                    late,
                    "the object has no such place".to_owned(),
                ));
            }
        }
        if reference.kind == "Secret" {
            self.state().data.insert(
                (
                    reference.namespace.clone().unwrap_or_default(),
                    reference.name.clone(),
                ),
                data_of(&object),
            );
        }
        Ok(object)
    }

    async fn bytes(
        &self,
        cluster: &Cluster,
        owner: &ObjectRef,
        late: &Late,
        live: Option<&Value>,
        both: bool,
    ) -> Result<Vec<u8>, Failure> {
        match &late.from {
            LateSource::Credential(form) => {
                let lookup = |credential| {
                    self.credentials
                        .get(credential)
                        .map(|value| value.expose().as_slice())
                };
                compose(form, &lookup).map_err(|problem| {
                    Failure::new("credential", Exit::Usage, format!("cannot make {owner}"))
                        .why(problem.to_string())
                        .evidence(format!("needed at {}", late.pointer))
                        .remedy("give the credential by file, standard input or environment, or name an existingSecret")
                })
            }
            LateSource::ServingCertificate { key, dns_names } => {
                self.serving(owner, live, key, dns_names)
            }
            LateSource::CaBundleOf(key) => {
                let mut bundle = self.key(cluster, owner, late, key).await?;
                let name = (key.namespace.clone(), key.name.clone());
                if both && let Some(old) = self.state().replaced.get(&name) {
                    if !bundle.ends_with(b"\n") {
                        bundle.push(b'\n');
                    }
                    bundle.extend_from_slice(old);
                }
                Ok(bundle)
            }
            LateSource::ResourceVersionOf { namespace, name } => {
                let id = (namespace.clone(), name.clone());
                if !self.state().versions.contains_key(&id) {
                    self.read(cluster, owner, namespace, name).await?;
                }
                let version = self.state().versions.get(&id).cloned().flatten();
                Ok(version
                    .unwrap_or_else(|| AFTER_APPLY.to_owned())
                    .into_bytes())
            }
        }
    }

    /// A value of a Secret, as it will be after this run.
    async fn key(
        &self,
        cluster: &Cluster,
        owner: &ObjectRef,
        late: &Late,
        key: &SecretKey,
    ) -> Result<Vec<u8>, Failure> {
        let id = (key.namespace.clone(), key.name.clone());
        if !self.state().data.contains_key(&id) {
            self.read(cluster, owner, &key.namespace, &key.name).await?;
        }
        let state = self.state();
        let value = state.data.get(&id).and_then(|data| data.get(&key.key));
        value.map(|value| value.expose().clone()).ok_or_else(|| {
            let why = format!(
                "Secret {}/{} has no key {}",
                key.namespace, key.name, key.key
            );
            unresolved(owner, late, why).remedy(format!(
                "kubectl -n {} get secret {} -o yaml",
                key.namespace, key.name
            ))
        })
    }

    async fn read(
        &self,
        cluster: &Cluster,
        owner: &ObjectRef,
        namespace: &str,
        name: &str,
    ) -> Result<(), Failure> {
        let reference = secret(namespace, name);
        let live = cluster.get(&reference).await.map_err(|error| {
            error.failure(
                format!("cannot read {reference} for {owner}"),
                Exit::Preflight,
            )
        })?;
        let live = live.ok_or_else(|| {
            Failure::new(
                "secret-missing",
                Exit::Preflight,
                format!("cannot make {owner}"),
            )
            .why(format!("{reference} does not exist"))
            .remedy(format!(
                "make it first, with the keys that `arc-setup render` lists for Secret {namespace}/{name}"
            ))
        })?;
        let id = (namespace.to_owned(), name.to_owned());
        let version = live
            .pointer("/metadata/resourceVersion")
            .and_then(Value::as_str);
        let mut state = self.state();
        state
            .versions
            .insert(id.clone(), version.map(str::to_owned));
        state.data.insert(id, data_of(&live));
        Ok(())
    }

    /// One key of the serving certificate: the stored one while it is sound, else a new one.
    fn serving(
        &self,
        owner: &ObjectRef,
        live: Option<&Value>,
        key: &str,
        dns_names: &[String],
    ) -> Result<Vec<u8>, Failure> {
        let id = (
            owner.namespace.clone().unwrap_or_default(),
            owner.name.clone(),
        );
        let mut state = self.state();
        if !state.certificates.contains_key(&id) {
            let stored = live.map(data_of).unwrap_or_default();
            let value = |key: &str| stored.get(key).map(|value| value.expose().as_slice());
            let (certificate, private, authority) = (
                value("tls.crt").unwrap_or_default(),
                value("tls.key").unwrap_or_default(),
                value("ca.crt").unwrap_or_default(),
            );
            let chosen = match judge(certificate, private, authority, dns_names, self.now) {
                Verdict::Keep => ServingCertificate {
                    certificate: String::from_utf8_lossy(certificate).into_owned(),
                    key: Secret::new(String::from_utf8_lossy(private).into_owned()),
                    authority: String::from_utf8_lossy(authority).into_owned(),
                },
                Verdict::Issue(why) => {
                    if !authority.is_empty() {
                        tracing::debug!(%why, "the webhook certificate is renewed");
                        state.replaced.insert(id.clone(), authority.to_vec());
                    }
                    issue(dns_names, self.now).map_err(|problem| {
                        Failure::new(
                            "webhook-certificate",
                            Exit::Unexpected,
                            format!("cannot make {owner}"),
                        )
                        .why(problem.to_string())
                    })?
                }
            };
            state.certificates.insert(id.clone(), chosen);
        }
        let certificate = &state.certificates[&id];
        Ok(match key {
            "tls.key" => certificate.key.expose().as_bytes().to_vec(),
            "ca.crt" => certificate.authority.as_bytes().to_vec(),
            _ => certificate.certificate.as_bytes().to_vec(),
        })
    }
}

fn secret(namespace: &str, name: &str) -> ObjectRef {
    ObjectRef::new("v1", "Secret", Some(namespace), name)
}

/// Under `/data/` of a Secret, and in a caBundle, bytes are sent in base64.
fn is_encoded(manifest: &Manifest, late: &Late) -> bool {
    let pointer = late.pointer.as_str();
    (manifest.kind() == "Secret" && pointer.starts_with("/data/")) || pointer.ends_with("/caBundle")
}

fn data_of(secret: &Value) -> Data {
    let entries = |key: &str| secret.get(key).and_then(Value::as_object);
    let encoded = entries("data")
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| {
            let bytes = STANDARD.decode(value.as_str()?).ok()?;
            Some((key.clone(), Secret::new(bytes)))
        });
    let plain = entries("stringData")
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| {
            Some((
                key.clone(),
                Secret::new(value.as_str()?.as_bytes().to_vec()),
            ))
        });
    encoded.chain(plain).collect()
}

fn unresolved(owner: &ObjectRef, late: &Late, why: String) -> Failure {
    Failure::new(
        "late-value",
        Exit::Preflight,
        format!("cannot make {owner}"),
    )
    .why(why)
    .evidence(format!("needed at {}", late.pointer))
}

#[cfg(test)]
#[path = "late_tests.rs"]
mod tests;
