//! Whether the Secrets are there that the user promised to bring. Their values are not read.

use futures::future::join_all;

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
