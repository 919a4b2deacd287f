//! Whether the Secrets are there that the user promised to bring. Their values are not read.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::join_all;
use tokio::sync::{Mutex, OnceCell};

use crate::clients::kube::Cluster;
use crate::config::Expected;
use crate::object::ObjectRef;

/// One promised Secret, and whether it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretReport {
    /// Which, and what it is for.
    pub expected: Expected,
    /// True where it is there; the error where nobody can tell.
    pub is_there: Result<bool, String>,
}

/// Asks for each, once; one that two places name is one.
pub async fn read_secrets(cluster: &Cluster, mut expected: Vec<Expected>) -> Vec<SecretReport> {
    expected.sort();
    expected.dedup_by(|one, other| (&one.namespace, &one.name) == (&other.namespace, &other.name));
    join_all(expected.into_iter().map(async |expected| {
        let secret = ObjectRef::new("v1", "Secret", Some(&expected.namespace), &expected.name);
        let answer = cluster.is_there(&secret).await;
        SecretReport {
            is_there: answer.map_err(|error| error.message().to_owned()),
            expected,
        }
    }))
    .await
}

/// Most namespaces whose answers are remembered; what comes after is asked for again.
const MOST_NAMESPACES: usize = 4096;

/// Whether a Secret of one name is there, by namespace; each is asked for once.
#[derive(Debug, Default)]
pub struct SecretPresence {
    known: Mutex<HashMap<String, Arc<OnceCell<Result<bool, String>>>>>,
}

impl SecretPresence {
    /// Asks for it in a namespace. The error is why nobody can tell.
    pub async fn ask(
        &self,
        cluster: &Cluster,
        namespace: &str,
        name: &str,
    ) -> Result<bool, String> {
        let cell = {
            let mut known = self.known.lock().await;
            if known.len() >= MOST_NAMESPACES {
                known.clear();
            }
            Arc::clone(known.entry(namespace.to_owned()).or_default())
        };
        let answer = cell.get_or_init(async || {
            let secret = ObjectRef::new("v1", "Secret", Some(namespace), name);
            let answer = cluster.is_there(&secret).await;
            answer.map_err(|error| error.message().to_owned())
        });
        answer.await.clone()
    }
}
