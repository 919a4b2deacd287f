//! Every manifest against the cluster, Secrets first: other objects carry their versions and their certificates.
//!
//! Each object is read, and what is not surely as wanted is asked about by a dry-run. What lives decides, and no hash of
//! an earlier run, so that every field that someone edited by hand is seen.

use futures::{StreamExt, TryStreamExt};
use serde_json::Value;

use crate::clients::kube::{Cluster, ClusterError, Scope, Selection};
use crate::facts::Facts;
use crate::failure::{Exit, Failure};
use crate::object::Manifest;

use super::dropped::dropped;
use super::late::Resolver;
use super::mask::MANAGER;
use super::model::{Observed, ObservedObject};
use super::object::Asking;
use super::receipt::{RECEIPT_TYPE, Receipt};
use super::surroundings::Surroundings;

/// Requests in flight at once; two cores of an API server are busy with eight.
pub(super) const CONCURRENCY: usize = 8;

/// What observation needs to know of the run.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// The install's name.
    pub install: &'a str,
    /// The home of the receipt.
    pub namespace: &'a str,
    /// The controller's namespace.
    pub controller_namespace: &'a str,
    /// What was read before rendering.
    pub facts: &'a Facts,
    /// Takes other managers' fields, but never a CRD's.
    pub force_conflicts: bool,
    /// Labels namespaces that were there before.
    pub manage_namespaces: bool,
}

/// Every manifest against the cluster. Fails only where nothing can be said at all: no answer, no login,
/// a credential that is missing.
pub async fn observe(
    cluster: &Cluster,
    manifests: &[Manifest],
    resolver: &Resolver<'_>,
    options: &Options<'_>,
) -> Result<Observed, Failure> {
    seed(cluster, manifests);
    let surroundings = Surroundings::of(
        manifests,
        options.facts,
        options.install,
        options.manage_namespaces,
    );
    let asking = Asking {
        cluster,
        resolver,
        surroundings: &surroundings,
        force_conflicts: options.force_conflicts,
    };
    let (secrets, others): (Vec<_>, Vec<_>) = manifests.iter().partition(|one| is_secret(one));
    let receipt = async {
        // A namespace that is not there holds none.
        if surroundings.namespace(options.namespace).is_some() {
            return Ok(None);
        }
        read_receipt(cluster, options.install, options.namespace, Exit::Preflight).await
    };
    let (secrets, receipt) = futures::try_join!(ask(asking, &secrets), receipt)?;
    let dropped = async {
        match &receipt {
            Some(receipt) => dropped(cluster, receipt, manifests).await,
            None => Ok(Vec::new()),
        }
    };
    let (others, dropped) = futures::try_join!(ask(asking, &others), dropped)?;

    let (mut secrets, mut others) = (secrets.into_iter(), others.into_iter());
    let objects = manifests
        .iter()
        .filter_map(|one| {
            if is_secret(one) {
                secrets.next()
            } else {
                others.next()
            }
        })
        .collect();
    Ok(Observed {
        objects,
        pods: Vec::new(),
        receipt,
        dropped,
        renewed: resolver.renewed(),
    })
}

async fn ask(asking: Asking<'_>, manifests: &[&Manifest]) -> Result<Vec<ObservedObject>, Failure> {
    futures::stream::iter(manifests.iter().copied())
        .map(|manifest| asking.about(manifest))
        .buffered(CONCURRENCY)
        .try_collect()
        .await
}

fn is_secret(manifest: &Manifest) -> bool {
    manifest.kind() == "Secret"
}

/// Asks again about objects whose namespace or kind has come into being. Nothing is skipped.
pub async fn observe_again(
    cluster: &Cluster,
    manifests: &[&Manifest],
    resolver: &Resolver<'_>,
    force_conflicts: bool,
) -> Result<Vec<ObservedObject>, Failure> {
    let surroundings = Surroundings::default();
    let asking = Asking {
        cluster,
        resolver,
        surroundings: &surroundings,
        force_conflicts,
    };
    futures::stream::iter(manifests.iter().copied())
        .map(|manifest| asking.again(manifest))
        .buffered(CONCURRENCY)
        .try_collect()
        .await
}

/// Kinds of our own CRDs need no discovery.
fn seed(cluster: &Cluster, manifests: &[Manifest]) {
    for manifest in manifests {
        if manifest.kind() != "CustomResourceDefinition" {
            continue;
        }
        let text = |pointer| manifest.text(pointer).unwrap_or_default();
        let (group, kind) = (text("/spec/group"), text("/spec/names/kind"));
        let scope = match text("/spec/scope") {
            "Cluster" => Scope::Cluster,
            _ => Scope::Namespaced,
        };
        let versions = manifest
            .object
            .pointer("/spec/versions")
            .and_then(Value::as_array);
        for version in versions.into_iter().flatten() {
            let version = version
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let api_version = format!("{group}/{version}");
            cluster.seed(&api_version, kind, text("/spec/names/plural"), scope);
        }
    }
}

/// The one of `homes` that holds the receipt; the first where none does.
pub async fn home<'a>(
    cluster: &Cluster,
    install: &str,
    homes: &[&'a str],
) -> Result<&'a str, Failure> {
    let first = homes.first().copied().unwrap_or_default();
    if homes.len() > 1 {
        for home in homes {
            let receipt = read_receipt(cluster, install, home, Exit::Preflight);
            if receipt.await?.is_some() {
                return Ok(home);
            }
        }
    }
    Ok(first)
}

/// Every Secret in the cluster that is a receipt by its type.
pub async fn receipt_secrets(cluster: &Cluster) -> Result<Vec<Value>, ClusterError> {
    let fields = format!("type={RECEIPT_TYPE}");
    let everywhere = Selection {
        fields: Some(&fields),
        ..Selection::default()
    };
    let page = cluster.list_selected("v1", "Secret", &everywhere).await?;
    Ok(page.items)
}

/// Namespaces with receipts of the same name under the same controller of another team. Either is this install with
/// runner sets that had other namespaces, or somebody else's: nothing tells, so that it is not taken over. Whoever may
/// not look everywhere knows none.
pub async fn namesakes(
    cluster: &Cluster,
    install: &str,
    existing: &str,
) -> Result<Vec<String>, Failure> {
    let secrets = match receipt_secrets(cluster).await {
        Ok(secrets) => secrets,
        Err(ClusterError::Forbidden { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error.failure("cannot look for receipts", Exit::Preflight)),
    };
    let receipts = secrets
        .iter()
        .filter_map(|secret| Receipt::from_secret(secret).ok().flatten());
    Ok(receipts
        .filter(|receipt| receipt.install == install)
        .filter(|receipt| receipt.controller_namespace.as_deref() == Some(existing))
        .map(|receipt| receipt.namespace)
        .collect())
}

/// The receipt of an install as the cluster holds it; None where there is none. `exit` is that of a failure.
pub async fn read_receipt(
    cluster: &Cluster,
    install: &str,
    namespace: &str,
    exit: Exit,
) -> Result<Option<Receipt>, Failure> {
    let reference = Receipt::new(install, namespace, "").reference();
    let what = || format!("cannot read the receipt {reference}");
    let secret = match cluster.see(&reference, MANAGER).await {
        Ok(secret) => secret,
        Err(error) => return Err(error.failure(what(), exit)),
    };
    let Some(secret) = secret else {
        return Ok(None);
    };
    Receipt::from_secret(&secret).map_err(|problem| {
        Failure::new("receipt-unreadable", exit, what())
            .why(problem.to_string())
            .remedy("use the arc-setup that wrote it, or move the Secret away: objects of ours are still found by their label")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn home_is_where_the_receipt_lies_whichever_namespace_comes_first() {
        let secret = Receipt::new("one", "b", "").to_secret();
        let secret = secret.unwrap_or_default().to_string();
        let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
            let (status, body) = match request.uri().path() {
                "/api/v1/namespaces/b/secrets/arc-setup-one" => (200, secret.clone()),
                _ => (404, String::new()),
            };
            async move {
                let body = kube::client::Body::from(body.into_bytes());
                Ok::<_, tower::BoxError>(
                    http::Response::builder().status(status).body(body).unwrap(),
                )
            }
        });
        let identity = crate::clients::kube::Identity::default();
        let cluster = Cluster::new(kube::Client::new(service, "default"), identity);
        cluster.seed("v1", "Secret", "secrets", Scope::Namespaced);
        for (homes, expected) in [
            (&["a", "b", "c"][..], "b"),
            (&["b", "a"], "b"),
            (&["a", "c"], "a"),
            (&["a"], "a"),
        ] {
            assert_eq!(home(&cluster, "one", homes).await.unwrap(), expected);
        }
    }
}
