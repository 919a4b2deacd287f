//! Ways into the cluster: its certificates, kubeconfigs, a client, kubectl.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::directory::Directory;
use crate::parts::{apiserver, namespaces};
use crate::support::control_plane::credentials::{Credentials, Pair};

/// The cluster as its administrator sees it.
#[derive(Debug)]
pub(crate) struct Cluster {
    /// etcd, the programs of Kubernetes, crane, docker.
    pub(crate) binaries: PathBuf,
    /// The administrator's, with the one context `lab`.
    pub(crate) kubeconfig: PathBuf,
    directory: PathBuf,
    credentials: Credentials,
}

impl Cluster {
    /// Makes certificates and keys.
    pub(crate) fn new(directory: &Directory, binaries: &Path) -> Result<Self> {
        let node = namespaces::NODE.to_string();
        let credentials = Credentials::generate(&[&node])?;
        for (name, content) in [
            ("ca.crt", &credentials.authority_pem()),
            ("apiserver.crt", &credentials.serving.certificate),
            ("apiserver.key", &credentials.serving.key),
            ("admin.crt", &credentials.admin.certificate),
            ("admin.key", &credentials.admin.key),
            ("service-account.key", &credentials.service_account_key),
            (
                "service-account.pub",
                &credentials.service_account_public_key,
            ),
        ] {
            directory.write(&format!("cluster/{name}"), content)?;
        }
        let mut cluster = Self {
            binaries: binaries.to_owned(),
            kubeconfig: PathBuf::new(),
            directory: directory.path("cluster"),
            credentials,
        };
        cluster.kubeconfig = cluster.write_kubeconfig("admin", &cluster.credentials.admin)?;
        Ok(cluster)
    }

    /// A file of the cluster's certificates: `ca.crt`, `admin.key`.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// `https://NODE:6443`.
    pub(crate) fn server_url() -> String {
        format!("https://{}:{}", namespaces::NODE, apiserver::PORT)
    }

    /// A kubeconfig of a user who may do what RBAC grants that name or its groups (at most two).
    pub(crate) fn kubeconfig_for(
        &self,
        user: &str,
        groups: &[&str],
        name: &str,
    ) -> Result<PathBuf> {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let pair = self.credentials.client(user, groups)?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        self.write_kubeconfig(&format!("{name}-{number}"), &pair)
    }

    fn write_kubeconfig(&self, name: &str, client: &Pair) -> Result<PathBuf> {
        let text = self
            .credentials
            .kubeconfig(&Self::server_url(), "lab", client);
        let path = self.directory.join(format!("{name}.kubeconfig"));
        crate::directory::write(&path, text)?;
        Ok(path)
    }

    /// A client with all rights; it belongs to the runtime that it is made in.
    pub(crate) fn client(&self) -> Result<kube::Client> {
        let authority =
            CertificateDer::from_pem_slice(self.credentials.authority_pem().as_bytes())?;
        let admin = &self.credentials.admin;
        let mut config = kube::Config::new(Self::server_url().parse()?);
        config.root_cert = Some(vec![authority.to_vec()]);
        config.auth_info.client_certificate_data = Some(STANDARD.encode(&admin.certificate));
        config.auth_info.client_key_data = Some(STANDARD.encode(&admin.key).into());
        Ok(kube::Client::try_from(config)?)
    }

    /// Runs kubectl as administrator; what it wrote to stdout, or its stderr as an error.
    pub(crate) async fn kubectl<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Result<String> {
        self.kubectl_with_input(arguments, "").await
    }

    /// `kubectl apply` of documents, as JSON or YAML.
    pub(crate) async fn apply(&self, documents: &str) -> Result<String> {
        self.kubectl_with_input(&["apply", "-f", "-"], documents)
            .await
    }

    /// `kubectl create` of documents, whatever their size.
    pub(crate) async fn create(&self, documents: &str) -> Result<String> {
        self.kubectl_with_input(&["create", "-f", "-"], documents)
            .await
    }

    async fn kubectl_with_input<A: AsRef<OsStr>>(
        &self,
        arguments: &[A],
        input: &str,
    ) -> Result<String> {
        let output = self.run_kubectl(arguments, input).await?;
        let arguments: Vec<_> = arguments
            .iter()
            .map(|one| one.as_ref().to_string_lossy())
            .collect();
        ensure!(
            output.status.success(),
            "kubectl {} ended with {}: {}{}",
            arguments.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr),
            String::from_utf8_lossy(&output.stdout)
        );
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Runs kubectl as administrator, however it ends; after three minutes it is ended with code 124, since some of
    /// its commands wait for ever.
    pub(crate) async fn run_kubectl<A: AsRef<OsStr>>(
        &self,
        arguments: &[A],
        input: &str,
    ) -> Result<Output> {
        let mut stdin = tempfile::tempfile()?;
        std::io::Write::write_all(&mut stdin, input.as_bytes())?;
        std::io::Seek::rewind(&mut stdin)?;
        let mut command = Command::new("/usr/bin/timeout");
        command
            .args(["--kill-after=5", "180"])
            .arg(self.binaries.join("kubectl"))
            .args(arguments)
            .env_clear()
            .env("HOME", &self.directory)
            .env("KUBECONFIG", &self.kubeconfig)
            .stdin(Stdio::from(stdin));
        tokio::task::spawn_blocking(move || command.output())
            .await?
            .context("cannot run kubectl")
    }
}
