//! A namespace of the cluster for one proof, and what a proof does in it.

use std::sync::Arc;

use anyhow::Result;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::lab::Lab;
use crate::parts::registry::{self, Account};

/// Longer than any pod here takes that is to become ready.
const PATIENCE: &str = "--timeout=90s";

/// A namespace of the cluster.
#[derive(Debug)]
pub(crate) struct Sandbox {
    lab: Arc<Lab>,
    name: String,
}

impl Sandbox {
    /// Makes the namespace, and waits until pods can be made in it.
    pub(crate) async fn new(lab: &Arc<Lab>, name: &str) -> Result<Self> {
        lab.cluster.kubectl(&["create", "namespace", name]).await?;
        let sandbox = Self::existing(lab, name);
        let wait = ["wait", "--for=create", "serviceaccount/default", PATIENCE];
        sandbox.kubectl(&wait).await?;
        Ok(sandbox)
    }

    /// A namespace that somebody else has made.
    pub(crate) fn existing(lab: &Arc<Lab>, name: &str) -> Self {
        Self {
            lab: Arc::clone(lab),
            name: name.to_owned(),
        }
    }

    /// kubectl in this namespace.
    pub(crate) async fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        let arguments = [&["--namespace", &self.name], arguments].concat();
        self.lab.cluster.kubectl(&arguments).await
    }

    /// Applies one object in it.
    pub(crate) async fn apply(&self, object: &Value) -> Result<()> {
        let mut object = object.clone();
        object["metadata"]["namespace"] = self.name.as_str().into();
        self.lab.cluster.apply(&object.to_string()).await.map(drop)
    }

    /// A pull secret for the internal registry.
    pub(crate) async fn pull_secret(&self, name: &str, account: Account) -> Result<()> {
        self.pull_secret_for(registry::HOST, name, account).await
    }

    /// A pull secret for a registry under any of its names.
    pub(crate) async fn pull_secret_for(
        &self,
        host: &str,
        name: &str,
        account: Account,
    ) -> Result<()> {
        let login = STANDARD.encode(format!("{}:{}", account.user, account.password));
        let logins = json!({ "auths": { host: { "auth": login } } });
        self.apply(&json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": { "name": name },
            "type": "kubernetes.io/dockerconfigjson",
            "data": { ".dockerconfigjson": STANDARD.encode(logins.to_string()) },
        }))
        .await
    }

    /// Waits for `pod/NAME`; when it does not get ready, the error says what the cluster says of it.
    pub(crate) async fn wait_until_ready(&self, object: &str) -> Result<()> {
        let wait = ["wait", "--for=condition=Ready", object, PATIENCE];
        match self.kubectl(&wait).await {
            Ok(_) => Ok(()),
            Err(error) => {
                let described = self.kubectl(&["describe", object]).await?;
                Err(error.context(described))
            }
        }
    }

    /// Runs a command in a container and returns what it wrote to stdout; fails with it.
    pub(crate) async fn exec(
        &self,
        pod: &str,
        container: &str,
        command: &[&str],
    ) -> Result<String> {
        let exec = ["exec", pod, "--container", container, "--"];
        self.kubectl(&[&exec, command].concat()).await
    }

    /// Deletes it; what is in it may end later.
    pub(crate) async fn delete(self) -> Result<()> {
        let delete = ["delete", "namespace", &self.name, "--wait=false"];
        self.lab.cluster.kubectl(&delete).await.map(drop)
    }
}
