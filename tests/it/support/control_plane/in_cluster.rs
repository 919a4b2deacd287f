//! What a pod finds in its container to reach the API server.

use std::path::PathBuf;

use anyhow::{Context, Result};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::{Api, PostParams};

use super::cluster::ControlPlane;

/// A ServiceAccount's directory with `token`, `ca.crt` and `namespace`, and the server's address
/// (`KUBERNETES_SERVICE_HOST`, `KUBERNETES_SERVICE_PORT`).
#[derive(Debug, Clone)]
pub(crate) struct InCluster {
    pub(crate) directory: PathBuf,
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl ControlPlane {
    /// Asks for a token of an existing ServiceAccount, good for an hour, and writes the files of a pod.
    pub(crate) async fn in_cluster_files(&self, namespace: &str, service_account: &str) -> Result<InCluster> {
        let accounts = Api::<ServiceAccount>::namespaced(self.client()?, namespace);
        let request = TokenRequest { spec: TokenRequestSpec::default(), ..TokenRequest::default() };
        let answer = accounts.create_token_request(service_account, &PostParams::default(), &request).await?;
        let token = answer.status.context("a TokenRequest without status")?.token;
        let name = format!("in-cluster-{namespace}-{service_account}");
        for (file, content) in [("token", &token), ("ca.crt", &self.ca_pem()), ("namespace", &namespace.to_owned())] {
            self.home().write(&format!("{name}/{file}"), content)?;
        }
        Ok(InCluster { directory: self.home().path(&name), host: "127.0.0.1".to_owned(), port: self.port() })
    }
}
