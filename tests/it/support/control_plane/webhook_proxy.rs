//! Admission webhooks without a pod network: a CONNECT proxy on a Unix socket, through which
//! kube-apiserver calls webhooks, and behind it a stand-in for each Service.
//!
//! The stand-in serves the certificate of a Secret and allows everything, and only while a
//! Deployment is available. Secret, Service and Deployment are read at each call, as they then are.

use std::convert::Infallible;
use std::os::unix::net::UnixListener as StdListener;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow, bail, ensure};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Secret, Service};
use kube::Api;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

/// A webhook's Service and what stands behind it, all in one namespace.
#[derive(Debug, Clone)]
pub(crate) struct WebhookBackend {
    pub(crate) namespace: String,
    pub(crate) service: String,
    /// Holds `tls.crt` and `tls.key`.
    pub(crate) secret: String,
    pub(crate) deployment: String,
}

/// An AdmissionReview that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WebhookCall {
    /// `NAMESPACE/NAME` of the Service.
    pub(crate) service: String,
    pub(crate) path: String,
    /// `admission.k8s.io/v1` or `…/v1beta1`; the answer has the same.
    pub(crate) api_version: String,
    pub(crate) operation: String,
    /// `KIND NAMESPACE/NAME` of the object under review.
    pub(crate) object: String,
}

#[derive(Debug)]
pub(crate) struct WebhookProxy {
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct State {
    backends: Mutex<Vec<WebhookBackend>>,
    calls: Mutex<Vec<WebhookCall>>,
}

impl WebhookProxy {
    /// Listens on `socket`, on a thread of its own: a test's runtime ends with the test.
    pub(super) fn start(socket: &Path, config: kube::Config) -> Result<Self> {
        let listener = StdListener::bind(socket)
            .with_context(|| format!("cannot listen on {}", socket.display()))?;
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let state = Arc::new(State::default());
        let (stop, mut stopped) = oneshot::channel::<()>();
        let shared = Arc::clone(&state);
        let serve = async move {
            let (Ok(listener), Ok(client)) = (
                UnixListener::from_std(listener),
                kube::Client::try_from(config),
            ) else {
                return;
            };
            loop {
                tokio::select! {
                    _ = &mut stopped => return,
                    Ok((stream, _)) = listener.accept() => {
                        tokio::spawn(serve_connection(stream, client.clone(), Arc::clone(&shared)));
                    }
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("webhook-proxy".into())
            .spawn(move || runtime.block_on(serve))?;
        Ok(Self {
            state,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// From now on the Service's webhooks are answered while its Deployment is available.
    pub(crate) fn serve(&self, backend: WebhookBackend) {
        self.state
            .backends
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(backend);
    }

    /// What was answered so far, in order.
    pub(crate) fn calls(&self) -> Vec<WebhookCall> {
        self.state
            .calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for WebhookProxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// The API server tells its caller what the status line says, so a refusal stands there.
async fn serve_connection(mut stream: UnixStream, client: kube::Client, state: Arc<State>) {
    let (backend, acceptor) = match connect(&mut stream, &client, &state).await {
        Ok(found) => found,
        Err(error) => {
            let refusal = format!("HTTP/1.1 503 {error:#}\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(refusal.as_bytes()).await.ok();
            return;
        }
    };
    if stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.is_err() {
        return;
    }
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let answer =
        service_fn(async |request| Ok::<_, Infallible>(review(request, &backend, &state).await));
    // One call per connection, so that certificate and availability are looked at each time.
    hyper::server::conn::http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), answer)
        .await
        .ok();
}

/// Reads the CONNECT request and finds what stands behind its address.
async fn connect(
    stream: &mut UnixStream,
    client: &kube::Client,
    state: &State,
) -> Result<(WebhookBackend, TlsAcceptor)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        ensure!(head.len() < 8192, "a request head without end");
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head);
    let target = head
        .strip_prefix("CONNECT ")
        .and_then(|rest| rest.split(' ').next())
        .context("not a CONNECT")?;
    let (address, port) = target.rsplit_once(':').context("a target without port")?;

    let backends = state
        .backends
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    for backend in backends {
        let services = Api::<Service>::namespaced(client.clone(), &backend.namespace);
        let spec = services
            .get_opt(&backend.service)
            .await?
            .and_then(|service| service.spec)
            .unwrap_or_default();
        let ports = spec.ports.unwrap_or_default();
        if spec.cluster_ip.as_deref() == Some(address)
            && ports.iter().any(|one| one.port.to_string() == port)
        {
            ensure_available(client, &backend).await?;
            let acceptor = TlsAcceptor::from(Arc::new(serving_config(client, &backend).await?));
            return Ok((backend, acceptor));
        }
    }
    bail!("nothing stands behind {target}")
}

async fn ensure_available(client: &kube::Client, backend: &WebhookBackend) -> Result<()> {
    let deployment = Api::<Deployment>::namespaced(client.clone(), &backend.namespace)
        .get_opt(&backend.deployment)
        .await?
        .with_context(|| format!("no Deployment {}", backend.deployment))?;
    let available = deployment
        .status
        .and_then(|status| status.available_replicas)
        .unwrap_or(0);
    ensure!(
        available > 0,
        "no endpoints available for service {}",
        backend.service
    );
    Ok(())
}

async fn serving_config(client: &kube::Client, backend: &WebhookBackend) -> Result<ServerConfig> {
    let secrets = Api::<Secret>::namespaced(client.clone(), &backend.namespace);
    let secret = secrets
        .get_opt(&backend.secret)
        .await?
        .with_context(|| format!("no Secret {}", backend.secret))?;
    let data = secret.data.unwrap_or_default();
    let field = |name: &str| {
        data.get(name)
            .map(|bytes| bytes.0.as_slice())
            .context("a Secret without tls.crt or tls.key")
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(field("tls.crt")?).collect();
    let key = PrivateKeyDer::from_pem_slice(field("tls.key")?)
        .map_err(|error| anyhow!("tls.key: {error}"))?;
    let chain = chain.map_err(|error| anyhow!("tls.crt: {error}"))?;
    Ok(ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)?)
}

/// Allows what is asked and remembers it.
async fn review(
    request: Request<Incoming>,
    backend: &WebhookBackend,
    state: &State,
) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let body = request
        .into_body()
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let review: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |pointer: &str| {
        review
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let call = WebhookCall {
        service: format!("{}/{}", backend.namespace, backend.service),
        path,
        api_version: text("/apiVersion"),
        operation: text("/request/operation"),
        object: format!(
            "{} {}/{}",
            text("/request/kind/kind"),
            text("/request/namespace"),
            text("/request/name")
        ),
    };
    let answer = json!({
        "apiVersion": call.api_version,
        "kind": "AdmissionReview",
        "response": { "uid": text("/request/uid"), "allowed": true },
    });
    state
        .calls
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(call);
    let mut response = Response::new(Full::new(Bytes::from(answer.to_string())));
    response.headers_mut().insert(
        "content-type",
        http::HeaderValue::from_static("application/json"),
    );
    response
}
