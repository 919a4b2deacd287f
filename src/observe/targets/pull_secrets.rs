//! The accounts in the cluster's own pull secrets, read only where somebody asked for it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Cells, cell};
use crate::clients::kube::Cluster;
use crate::clients::registry::{DockerConfig, RegistryAccount};
use crate::object::{ObjectRef, text_at};

/// Pull secrets by namespace and name, each read once.
#[derive(Debug, Default)]
pub(super) struct PullSecrets {
    known: Cells<(String, String), Arc<DockerConfig>>,
}

impl PullSecrets {
    /// The account that the first of these secrets has for a repository, as kubelets take it.
    pub(super) async fn account(
        &self,
        cluster: &Cluster,
        namespace: &str,
        names: &[String],
        host: &str,
        path: &str,
    ) -> Option<RegistryAccount> {
        for name in names {
            let key = (namespace.to_owned(), name.clone());
            let cell = cell(&self.known, key).await;
            let config = cell.get_or_init(|| read(cluster, namespace, name)).await;
            if let Some(account) = config.account(host, path) {
                return Some(account.clone());
            }
        }
        None
    }
}

/// One that is not there, may not be read or holds something else has no accounts.
async fn read(cluster: &Cluster, namespace: &str, name: &str) -> Arc<DockerConfig> {
    let secret = ObjectRef::new("v1", "Secret", Some(namespace), name);
    let found = cluster.get(&secret).await.ok().flatten();
    let config = found.and_then(|secret| {
        let text = text_at(&secret, "/data/.dockerconfigjson")?;
        DockerConfig::parse(&STANDARD.decode(text).ok()?).ok()
    });
    Arc::new(config.unwrap_or_default())
}
