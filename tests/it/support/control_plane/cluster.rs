//! Starting a control plane and talking to it. What runs is in `components`, who shares it in `shared`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use http::Request;
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kube::api::{Api, PostParams};
use tokio::sync::SemaphorePermit;
use tokio::time::{Instant, sleep};

use super::components::{self, ApiServer};
use super::credentials::{Credentials, Pair};
use super::process::Home;
use super::webhook_proxy::WebhookProxy;
use super::{binaries, kwok};

const START_TIMEOUT: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(50);

/// What may run beside etcd and kube-apiserver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Component {
    /// kube-controller-manager: Deployments, garbage collection, ServiceAccounts, deletion of namespaces.
    ControllerManager,
    /// kube-scheduler.
    Scheduler,
    /// A ready node on which pods run (see `stages.yaml`).
    Kwok,
    /// Admission webhooks behind Services are called (see `webhook_proxy`).
    Webhooks,
}

/// How a control plane is started.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    pub(crate) components: Vec<Component>,
    /// Further flags of kube-apiserver.
    pub(crate) apiserver_flags: Vec<String>,
}

impl Options {
    /// Everything there is.
    pub(crate) fn full() -> Self {
        use Component::{ControllerManager, Kwok, Scheduler, Webhooks};
        Self { components: vec![ControllerManager, Scheduler, Kwok, Webhooks], ..Self::default() }
    }

    fn has(&self, component: Component) -> bool {
        self.components.contains(&component)
    }
}

/// The store. Several API servers may share one, each under its own prefix.
#[derive(Debug)]
pub(super) struct Etcd {
    #[expect(dead_code, reason = "dropping it stops etcd")]
    home: Home,
    endpoint: String,
}

impl Etcd {
    pub(super) async fn start() -> Result<Self> {
        let binaries = binaries::directory().await?;
        let home = Home::create()?;
        let (command, endpoint) = components::etcd(&binaries, &home);
        home.spawn("etcd", command)?;
        while !home.path("etcd.sock").exists() {
            home.ensure_running("etcd")?;
            sleep(POLL).await;
        }
        Ok(Self { home, endpoint })
    }
}

/// A running API server with its companions; dropping it stops them.
#[derive(Debug)]
pub(crate) struct ControlPlane {
    webhooks: Option<WebhookProxy>,
    home: Home,
    binaries: PathBuf,
    credentials: Credentials,
    port: u16,
    etcd: Arc<Etcd>,
    pub(super) permit: Option<SemaphorePermit<'static>>,
}

impl ControlPlane {
    /// Starts a control plane with an etcd of its own and waits until all that was asked for is ready.
    pub(crate) async fn start(options: Options) -> Result<Self> {
        Self::start_on(Arc::new(Etcd::start().await?), "/registry", options).await
    }

    pub(super) async fn start_on(etcd: Arc<Etcd>, prefix: &str, options: Options) -> Result<Self> {
        // Which provider is the process's own choice; without any, TLS clients panic.
        rustls::crypto::ring::default_provider().install_default().ok();
        let mut plane = Self {
            webhooks: None,
            home: Home::create()?,
            binaries: binaries::directory().await?,
            credentials: Credentials::generate()?,
            port: 0,
            etcd,
            permit: None,
        };
        let mut flags = options.apiserver_flags.clone();
        let socket = plane.home.path("egress.sock");
        if options.has(Component::Webhooks) {
            let config = plane.home.write("egress.yaml", &components::egress_selector(&socket))?;
            flags.push(format!("--egress-selector-config-file={}", config.display()));
        }
        plane.start_apiserver(prefix, &flags).await?;
        if options.has(Component::Webhooks) {
            plane.webhooks = Some(WebhookProxy::start(&socket, plane.admin_config()?)?);
        }
        plane.start_companions(&options).await?;
        Ok(plane)
    }

    async fn start_apiserver(&mut self, prefix: &str, flags: &[String]) -> Result<()> {
        for attempt in 1.. {
            self.port = free_port()?;
            let server = ApiServer { etcd: &self.etcd.endpoint, prefix, port: self.port, flags };
            let command = components::kube_apiserver(&self.binaries, &self.home, &self.credentials, &server)?;
            self.home.spawn("kube-apiserver", command)?;
            match self.wait_until_ready().await {
                // Somebody took the port between our look and the server's.
                Err(error) if attempt < 3 && format!("{error:#}").contains("address already in use") => {}
                result => return result,
            }
        }
        Ok(())
    }

    async fn wait_until_ready(&self) -> Result<()> {
        let client = self.client()?;
        let ready = async || Ok(client.request_text(Request::get("/readyz").body(Vec::new())?).await?);
        self.wait("kube-apiserver", ready).await.map(drop)
    }

    async fn start_companions(&self, options: &Options) -> Result<()> {
        let kubeconfig = self.kubeconfig("arc-setup-test")?;
        let client = self.client()?;
        if options.has(Component::ControllerManager) {
            let command = components::kube_controller_manager(&self.binaries, &self.home, &kubeconfig);
            self.home.spawn("kube-controller-manager", command)?;
        }
        if options.has(Component::Scheduler) {
            self.home.spawn("kube-scheduler", components::kube_scheduler(&self.binaries, &kubeconfig))?;
        }
        if options.has(Component::Kwok) {
            let stages = self.home.write("stages.yaml", kwok::STAGES)?;
            kwok::create_node(&client).await?;
            self.home.spawn("kwok", components::kwok(&self.binaries, &kubeconfig, &stages))?;
        }
        if options.has(Component::ControllerManager) {
            self.wait_for_service_account(&client, "default").await?;
        }
        if options.has(Component::Kwok) && options.has(Component::ControllerManager) {
            self.wait("kwok", async || match kwok::node_is_ready(&client).await? {
                true => Ok(()),
                false => bail!("its node is not ready"),
            })
            .await?;
        }
        Ok(())
    }

    /// Repeats `attempt` until it succeeds; ends early, with the program's own words, when `program` has ended.
    async fn wait<T>(&self, program: &str, attempt: impl AsyncFn() -> Result<T>) -> Result<T> {
        let started = Instant::now();
        loop {
            let error = match attempt().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            self.home.ensure_running(program)?;
            if started.elapsed() > START_TIMEOUT {
                let log = self.home.log_end(program);
                return Err(error.context(format!("{program} was not ready after {START_TIMEOUT:?}:\n{log}")));
            }
            sleep(POLL).await;
        }
    }

    async fn wait_for_service_account(&self, client: &kube::Client, namespace: &str) -> Result<()> {
        let accounts = Api::<ServiceAccount>::namespaced(client.clone(), namespace);
        self.wait("kube-controller-manager", async || Ok(accounts.get("default").await?)).await.map(drop)
    }

    /// `https://127.0.0.1:PORT`.
    pub(crate) fn server_url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The authority of the server's certificate.
    pub(crate) fn ca_pem(&self) -> String {
        self.credentials.authority_pem()
    }

    /// A kubeconfig of the administrator, with one context of that name, readable by us only.
    pub(crate) fn kubeconfig(&self, context: &str) -> Result<PathBuf> {
        self.write_kubeconfig(context, context, &self.credentials.admin)
    }

    /// A kubeconfig of a real user, who may do what RBAC grants that name or its groups (at most two).
    pub(crate) fn kubeconfig_for(&self, user: &str, groups: &[&str], context: &str) -> Result<PathBuf> {
        let pair = self.credentials.client(user, groups)?;
        self.write_kubeconfig(&format!("{context}-{user}"), context, &pair)
    }

    fn write_kubeconfig(&self, file: &str, context: &str, client: &Pair) -> Result<PathBuf> {
        let content = self.credentials.kubeconfig(&self.server_url(), context, client);
        let file: String = file.chars().map(|one| if one.is_ascii_alphanumeric() { one } else { '-' }).collect();
        self.home.write(&format!("kubeconfig-{file}"), &content)
    }

    /// A client with all rights; it belongs to the runtime that it is made in.
    pub(crate) fn client(&self) -> Result<kube::Client> {
        Ok(kube::Client::try_from(self.admin_config()?)?)
    }

    fn admin_config(&self) -> Result<kube::Config> {
        let authority = rustls::pki_types::pem::PemObject::from_pem_slice(self.ca_pem().as_bytes());
        let authority: rustls::pki_types::CertificateDer<'_> = authority.context("our own certificate")?;
        let mut config = kube::Config::new(self.server_url().parse()?);
        config.root_cert = Some(vec![authority.to_vec()]);
        let admin = &self.credentials.admin;
        let encode = |text: &str| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text);
        config.auth_info.client_certificate_data = Some(encode(&admin.certificate));
        config.auth_info.client_key_data = Some(encode(&admin.key).into());
        Ok(config)
    }

    /// Runs kubectl as administrator, blocking.
    pub(crate) fn kubectl<A: AsRef<std::ffi::OsStr>>(&self, arguments: &[A]) -> Result<Output> {
        let kubeconfig = self.kubeconfig("arc-setup-test")?;
        Command::new(self.binaries.join("kubectl"))
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path(""))
            .env("KUBECONFIG", kubeconfig)
            .stdin(Stdio::null())
            .output()
            .context("cannot run kubectl")
    }

    /// Makes a namespace of that name; with a controller-manager, waits until pods can be made in it.
    pub(crate) async fn create_namespace(&self, name: &str) -> Result<()> {
        let client = self.client()?;
        let mut namespace = Namespace::default();
        namespace.metadata.name = Some(name.to_owned());
        Api::all(client.clone()).create(&PostParams::default(), &namespace).await?;
        if self.home.pid("kube-controller-manager").is_some() {
            self.wait_for_service_account(&client, name).await?;
        }
        Ok(())
    }

    /// The proxy behind which webhooks answer; needs [`Component::Webhooks`].
    pub(crate) fn webhooks(&self) -> Result<&WebhookProxy> {
        self.webhooks.as_ref().context("this control plane was started without Component::Webhooks")
    }

    /// Where kubectl, kube-apiserver and the others are.
    pub(crate) fn binaries(&self) -> &Path {
        &self.binaries
    }

    /// The process id of a program of this control plane, such as `kube-apiserver`.
    pub(crate) fn pid(&self, program: &str) -> Option<u32> {
        self.home.pid(program)
    }

    pub(super) fn home(&self) -> &Home {
        &self.home
    }
}

/// A free port below the range from which outgoing connections get theirs. Different processes
/// begin at different places.
fn free_port() -> Result<u16> {
    const FIRST: u16 = 18_000;
    const COUNT: u16 = 12_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() * 37 % u32::from(COUNT))?;
    for _ in 0..COUNT {
        let offset = NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
        let port = FIRST + (start + offset) % COUNT;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port on loopback")
}
