//! Ways into a running control plane: kubeconfigs, a client, kubectl, what a pod would find.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kube::api::{Api, PostParams};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::cluster::ControlPlane;
use super::credentials::Pair;
use super::webhook_proxy::WebhookProxy;

/// A `ServiceAccount`'s directory with `token`, `ca.crt` and `namespace`, and the server's address
/// (`KUBERNETES_SERVICE_HOST`, `KUBERNETES_SERVICE_PORT`).
#[derive(Debug, Clone)]
pub(crate) struct InCluster {
    pub(crate) directory: PathBuf,
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl ControlPlane {
    /// `https://127.0.0.1:PORT`.
    pub(crate) fn server_url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The authority of the server's certificate.
    pub(crate) fn ca_pem(&self) -> String {
        self.credentials.authority_pem()
    }

    /// A kubeconfig of the administrator, with one context of that name, readable by us only.
    pub(crate) fn kubeconfig(&self, context: &str) -> Result<PathBuf> {
        let name = context.replace(|one: char| !one.is_ascii_alphanumeric(), "-");
        self.write_kubeconfig(&format!("admin-{name}"), context, &self.credentials.admin)
    }

    /// A kubeconfig of a real user, who may do what RBAC grants that name or its groups (at most two).
    pub(crate) fn kubeconfig_for(
        &self,
        user: &str,
        groups: &[&str],
        context: &str,
    ) -> Result<PathBuf> {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let pair = self.credentials.client(user, groups)?;
        let name = format!("user-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.write_kubeconfig(&name, context, &pair)
    }

    fn write_kubeconfig(&self, name: &str, context: &str, client: &Pair) -> Result<PathBuf> {
        let text = self
            .credentials
            .kubeconfig(&self.server_url(), context, client);
        self.home.write(&format!("kubeconfig-{name}"), &text)
    }

    /// A client with all rights; it belongs to the runtime that it is made in.
    pub(crate) fn client(&self) -> Result<kube::Client> {
        Ok(kube::Client::try_from(self.admin_config()?)?)
    }

    pub(super) fn admin_config(&self) -> Result<kube::Config> {
        let authority = CertificateDer::from_pem_slice(self.ca_pem().as_bytes())?;
        let admin = &self.credentials.admin;
        let mut config = kube::Config::new(self.server_url().parse()?);
        config.root_cert = Some(vec![authority.to_vec()]);
        config.auth_info.client_certificate_data = Some(STANDARD.encode(&admin.certificate));
        config.auth_info.client_key_data = Some(STANDARD.encode(&admin.key).into());
        Ok(config)
    }

    /// Runs kubectl as administrator, blocking.
    pub(crate) fn kubectl<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Result<Output> {
        self.kubectl_with(&[], arguments)
    }

    /// The same with variables of its environment: an editor.
    pub(crate) fn kubectl_with<A: AsRef<OsStr>>(
        &self,
        variables: &[(&str, &str)],
        arguments: &[A],
    ) -> Result<Output> {
        let kubeconfig = self.kubeconfig("arc-setup-test")?;
        Command::new(self.binaries.join("kubectl"))
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path(""))
            .env("KUBECONFIG", kubeconfig)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .output()
            .context("cannot run kubectl")
    }

    /// Makes a namespace of that name; with a controller-manager, waits until pods can be made in it.
    pub(crate) async fn create_namespace(&self, name: &str) -> Result<()> {
        let client = self.client()?;
        let mut namespace = Namespace::default();
        namespace.metadata.name = Some(name.to_owned());
        Api::all(client.clone())
            .create(&PostParams::default(), &namespace)
            .await?;
        if self.home.pid("kube-controller-manager").is_some() {
            self.wait_for_service_account(&client, name).await?;
        }
        Ok(())
    }

    /// Asks for a token of an existing `ServiceAccount`, good for an hour, and writes the files of a pod.
    pub(crate) async fn in_cluster_files(
        &self,
        namespace: &str,
        service_account: &str,
    ) -> Result<InCluster> {
        let accounts = Api::<ServiceAccount>::namespaced(self.client()?, namespace);
        let request = TokenRequest::default();
        let answer = accounts
            .create_token_request(service_account, &PostParams::default(), &request)
            .await?;
        let token = answer
            .status
            .context("a TokenRequest without status")?
            .token;
        let name = format!("in-cluster-{namespace}-{service_account}");
        for (file, content) in [
            ("token", &*token),
            ("ca.crt", &self.ca_pem()),
            ("namespace", namespace),
        ] {
            self.home.write(&format!("{name}/{file}"), content)?;
        }
        Ok(InCluster {
            directory: self.home.path(&name),
            host: "127.0.0.1".to_owned(),
            port: self.port,
        })
    }

    /// The proxy behind which webhooks answer; needs [`Component::Webhooks`](super::Component::Webhooks).
    pub(crate) fn webhooks(&self) -> Result<&WebhookProxy> {
        self.webhooks
            .as_ref()
            .context("this control plane was started without Component::Webhooks")
    }

    /// Where kubectl, kube-apiserver and the others are.
    pub(crate) fn binaries(&self) -> &Path {
        &self.binaries
    }

    /// The process id of a program of this control plane, such as `kube-apiserver`.
    pub(crate) fn pid(&self, program: &str) -> Option<u32> {
        self.home.pid(program)
    }
}
