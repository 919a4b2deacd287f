//! Stands between a client and the API server and writes down what is asked. Answers stream through,
//! so that a watch works as without it.

mod hold;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONNECTION, HOST, TRANSFER_ENCODING};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use kube::client::Body;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use self::hold::Gate;
pub(crate) use self::hold::Hold;
use super::authority::{Authority, Sends};

/// One request to the API server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Without the question mark; empty where there is none.
    pub(crate) query: String,
    pub(crate) status: u16,
}

impl Recorded {
    /// Whether it changes what is stored: neither a read nor a dry run nor a review.
    pub(crate) fn writes(&self) -> bool {
        self.method != "GET"
            && !self.query.contains("dryRun=All")
            && !self.path.ends_with("reviews")
    }
}

/// A running proxy; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct RecordingProxy {
    address: SocketAddr,
    authority: Authority,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

/// What all connections share.
#[derive(Debug, Default)]
struct Shared {
    log: Mutex<Vec<Recorded>>,
    gate: Gate,
}

impl RecordingProxy {
    /// Passes everything on as `upstream` would ask it, whoever asks here.
    pub(crate) async fn start(upstream: kube::Client) -> Result<Self> {
        let authority = Authority::new()?;
        let acceptor = TlsAcceptor::from(authority.server(&["127.0.0.1"], Sends::Chain)?);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::<Shared>::default();
        let state = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let upstream = upstream.clone();
                connections.spawn(serve(
                    stream,
                    acceptor.clone(),
                    upstream,
                    Arc::clone(&state),
                ));
            }
        });
        Ok(Self {
            address,
            authority,
            shared,
            accepting,
        })
    }

    /// A kubeconfig that leads here, with one context of that name.
    pub(crate) fn kubeconfig(&self, context: &str) -> String {
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": context,
            "clusters": [{ "name": context, "cluster": {
                "server": format!("https://{}", self.address),
                "certificate-authority-data": STANDARD.encode(self.authority.root_pem()),
            }}],
            "users": [{ "name": context, "user": { "token": "anyone" } }],
            "contexts": [{ "name": context, "context": { "cluster": context, "user": context } }],
        })
        .to_string()
    }

    /// What was asked since the last time, in the order of the answers.
    pub(crate) fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut *self.shared.log())
    }

    /// Counts writes from now on, and stops whoever makes them at that place.
    pub(crate) fn hold(&self, at: Hold) {
        self.shared.gate.hold(at);
    }

    /// Ends when the place has come, and all writes before it are done.
    pub(crate) async fn held(&self) {
        self.shared.gate.held().await;
    }

    /// Whether that has come.
    pub(crate) fn is_held(&self) -> bool {
        self.shared.gate.is_held()
    }

    /// How many writes came since [`Self::hold`], those that are held among them.
    pub(crate) fn came(&self) -> usize {
        self.shared.gate.came()
    }

    /// Lets everything go on that was held.
    pub(crate) fn release(&self) {
        self.shared.gate.release();
    }

    /// Turns everything away that was held, since nobody waits for it any more, and passes on what comes from now on.
    pub(crate) fn cut(&self) {
        self.shared.gate.cut();
    }
}

impl Shared {
    fn log(&self) -> MutexGuard<'_, Vec<Recorded>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RecordingProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    upstream: kube::Client,
    shared: Arc<Shared>,
) {
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let pass = service_fn(move |request| pass(request, upstream.clone(), Arc::clone(&shared)));
    let stream = TokioIo::new(stream);
    if is_http2 {
        let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        builder.serve_connection(stream, pass).await.ok();
    } else {
        let builder = hyper::server::conn::http1::Builder::new();
        builder.serve_connection(stream, pass).await.ok();
    }
}

async fn pass(
    request: Request<Incoming>,
    upstream: kube::Client,
    shared: Arc<Shared>,
) -> Result<Response<Body>, Infallible> {
    let mut recorded = Recorded {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        query: request.uri().query().unwrap_or_default().to_owned(),
        status: 0,
    };
    let Some(pass) = shared.gate.enter(recorded.writes()).await else {
        return Ok(turned_away("nobody waits for this any more"));
    };
    let response = match forward(request, &upstream).await {
        Ok(response) => response,
        Err(error) => turned_away(&format!("{error:#}")),
    };
    recorded.status = response.status().as_u16();
    shared.log().push(recorded);
    shared.gate.leave(pass).await;
    Ok(response)
}

fn turned_away(why: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(why.as_bytes().to_vec()));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}

async fn forward(request: Request<Incoming>, upstream: &kube::Client) -> Result<Response<Body>> {
    let (mut head, body) = request.into_parts();
    let target = head
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    head.uri = target.parse::<Uri>()?;
    head.version = http::Version::HTTP_11;
    for name in [AUTHORIZATION, CONNECTION, HOST, TRANSFER_ENCODING] {
        head.headers.remove(name);
    }
    let body = body.collect().await?.to_bytes().to_vec();
    let mut response = upstream
        .send(Request::from_parts(head, Body::from(body)))
        .await?;
    for name in [CONNECTION, TRANSFER_ENCODING] {
        response.headers_mut().remove(name);
    }
    Ok(response)
}
