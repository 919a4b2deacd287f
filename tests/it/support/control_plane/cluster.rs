//! Starting a control plane. What runs is in `components`, who shares it in `shared`, how one talks
//! to it in `access`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use http::Request;
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use tokio::sync::SemaphorePermit;
use tokio::time::{Instant, sleep};

use super::components::{self, ApiServer};
use super::credentials::Credentials;
use super::process::Home;
use super::webhook_proxy::WebhookProxy;
use super::{binaries, kwok};

const START_TIMEOUT: Duration = Duration::from_mins(2);
/// Of etcd, in its home.
const SOCKET: &str = "etcd.sock";
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
        Self {
            components: vec![ControllerManager, Scheduler, Kwok, Webhooks],
            ..Self::default()
        }
    }

    fn has(&self, component: Component) -> bool {
        self.components.contains(&component)
    }
}

/// The store. Several API servers may share one, each under its own prefix.
#[derive(Debug)]
pub(super) struct Etcd {
    home: Home,
    endpoint: String,
}

impl Etcd {
    pub(super) async fn start() -> Result<Self> {
        let binaries = binaries::directory().await?;
        let home = Home::create()?;
        let (command, endpoint) = components::etcd(&binaries, &home);
        home.spawn("etcd", command)?;
        while !home.path(SOCKET).exists() {
            home.ensure_running("etcd")?;
            sleep(POLL).await;
        }
        Ok(Self { home, endpoint })
    }
}

/// A running API server with its companions; dropping it stops them.
#[derive(Debug)]
pub(crate) struct ControlPlane {
    pub(super) webhooks: Option<WebhookProxy>,
    pub(super) home: Home,
    pub(super) binaries: PathBuf,
    pub(super) credentials: Credentials,
    pub(super) port: u16,
    etcd: Arc<Etcd>,
    pub(super) permit: Option<SemaphorePermit<'static>>,
}

impl ControlPlane {
    pub(super) fn etcd_socket(&self) -> PathBuf {
        self.etcd.home.path(SOCKET)
    }

    /// Starts a control plane with an etcd of its own and waits until all that was asked for is ready.
    pub(crate) async fn start(options: Options) -> Result<Self> {
        Self::start_on(Arc::new(Etcd::start().await?), "/registry", options).await
    }

    pub(super) async fn start_on(etcd: Arc<Etcd>, prefix: &str, options: Options) -> Result<Self> {
        // Which provider is the process's own choice; without any, TLS clients panic.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let mut plane = Self {
            webhooks: None,
            home: Home::create()?,
            binaries: binaries::directory().await?,
            credentials: Credentials::generate(&[])?,
            port: 0,
            etcd,
            permit: None,
        };
        let mut flags = options.apiserver_flags.clone();
        let socket = plane.home.path("egress.sock");
        if options.has(Component::Webhooks) {
            let config = plane
                .home
                .write("egress.yaml", &components::egress_selector(&socket))?;
            flags.push(format!(
                "--egress-selector-config-file={}",
                config.display()
            ));
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
            let server = ApiServer {
                etcd: &self.etcd.endpoint,
                prefix,
                port: self.port,
                flags,
            };
            let command =
                components::kube_apiserver(&self.binaries, &self.home, &self.credentials, &server)?;
            self.home.spawn("kube-apiserver", command)?;
            match self.wait_until_ready().await {
                // Somebody took the port between our look and the server's.
                Err(error)
                    if attempt < 3 && format!("{error:#}").contains("address already in use") => {}
                result => return result,
            }
        }
        Ok(())
    }

    async fn wait_until_ready(&self) -> Result<()> {
        let client = self.client()?;
        let ready = async || {
            Ok(client
                .request_text(Request::get("/readyz").body(Vec::new())?)
                .await?)
        };
        self.wait("kube-apiserver", ready).await.map(drop)
    }

    async fn start_companions(&self, options: &Options) -> Result<()> {
        let kubeconfig = self.kubeconfig("arc-setup-test")?;
        let client = self.client()?;
        if options.has(Component::ControllerManager) {
            let command =
                components::kube_controller_manager(&self.binaries, &self.home, &kubeconfig);
            self.home.spawn("kube-controller-manager", command)?;
        }
        if options.has(Component::Scheduler) {
            self.home.spawn(
                "kube-scheduler",
                components::kube_scheduler(&self.binaries, &kubeconfig),
            )?;
        }
        if options.has(Component::Kwok) {
            let stages = self.home.write("stages.yaml", kwok::STAGES)?;
            kwok::create_node(&client).await?;
            self.home.spawn(
                "kwok",
                components::kwok(&self.binaries, &kubeconfig, &stages),
            )?;
        }
        if options.has(Component::ControllerManager) {
            self.wait_for_service_account(&client, "default").await?;
        }
        if options.has(Component::Kwok) && options.has(Component::ControllerManager) {
            self.wait("kwok", async || {
                ensure!(kwok::node_is_ready(&client).await?, "its node is not ready");
                Ok(())
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
                return Err(error.context(format!(
                    "{program} was not ready after {START_TIMEOUT:?}:\n{log}"
                )));
            }
            sleep(POLL).await;
        }
    }

    pub(super) async fn wait_for_service_account(
        &self,
        client: &kube::Client,
        namespace: &str,
    ) -> Result<()> {
        let accounts = Api::<ServiceAccount>::namespaced(client.clone(), namespace);
        self.wait("kube-controller-manager", async || {
            Ok(accounts.get("default").await?)
        })
        .await
        .map(drop)
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
