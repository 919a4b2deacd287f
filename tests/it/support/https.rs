//! The HTTPS server under the stand-ins: TLS, HTTP/1.1 and HTTP/2, and a log of what was asked.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use futures::future::BoxFuture;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use rustls::server::Acceptor;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

/// Answers one request whose body was read.
pub(crate) type Handler =
    Arc<dyn Fn(Request<Bytes>) -> BoxFuture<'static, Response<Bytes>> + Send + Sync>;

/// One request and how it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// The scheme of the Authorization header: `Basic`, `Bearer`; never what follows it.
    pub(crate) authorization: Option<String>,
    pub(crate) status: u16,
    pub(crate) user_agent: String,
    pub(crate) peer: SocketAddr,
}

/// How one TLS handshake ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Handshake {
    pub(crate) peer: SocketAddr,
    /// The name that the client asked for.
    pub(crate) server_name: Option<String>,
    /// Why it failed: mostly the alert by which the client refused our certificate.
    pub(crate) failure: Option<String>,
}

/// A server; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct HttpsServer {
    address: SocketAddr,
    log: Arc<Log>,
    accepting: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Log {
    asked: Mutex<Vec<Asked>>,
    handshakes: Mutex<Vec<Handshake>>,
}

impl HttpsServer {
    /// On a free port of loopback.
    pub(crate) async fn start(tls: Arc<ServerConfig>, handler: Handler) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        Self::accept_on(listener, tls, handler)
    }

    /// On a socket that is bound already, perhaps in another network namespace.
    pub(crate) fn serve(
        listener: std::net::TcpListener,
        tls: Arc<ServerConfig>,
        handler: Handler,
    ) -> Result<Self> {
        listener.set_nonblocking(true)?;
        Self::accept_on(TcpListener::from_std(listener)?, tls, handler)
    }

    fn accept_on(listener: TcpListener, tls: Arc<ServerConfig>, handler: Handler) -> Result<Self> {
        let address = listener.local_addr()?;
        let log = Arc::new(Log::default());
        let shared = Arc::clone(&log);
        let accepting = tokio::spawn(async move {
            // A set, so that its connections end with it.
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, peer)) = listener.accept().await {
                let (tls, handler) = (Arc::clone(&tls), Arc::clone(&handler));
                connections.spawn(serve(stream, peer, tls, handler, Arc::clone(&shared)));
            }
        });
        Ok(Self {
            address,
            log,
            accepting,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every request so far, in the order of their answers.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        let asked = self.log.asked.lock();
        asked.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every handshake so far, in the order of their ends.
    pub(crate) fn handshakes(&self) -> Vec<Handshake> {
        let handshakes = self.log.handshakes.lock();
        handshakes.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for HttpsServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Arc<ServerConfig>,
    handler: Handler,
    log: Arc<Log>,
) {
    let Some(stream) = shake_hands(stream, peer, tls, &log).await else {
        return;
    };
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let answer =
        service_fn(move |request| answer(request, peer, Arc::clone(&handler), Arc::clone(&log)));
    let stream = TokioIo::new(stream);
    if is_http2 {
        let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        builder.serve_connection(stream, answer).await.ok();
    } else {
        let builder = hyper::server::conn::http1::Builder::new();
        builder.serve_connection(stream, answer).await.ok();
    }
}

/// In two steps, so that the name is known even where the client then hangs up.
async fn shake_hands(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Arc<ServerConfig>,
    log: &Log,
) -> Option<TlsStream<TcpStream>> {
    let mut server_name = None;
    let ended = match LazyConfigAcceptor::new(Acceptor::default(), stream).await {
        Ok(hello) => {
            server_name = hello.client_hello().server_name().map(str::to_owned);
            hello.into_stream(tls).await
        }
        Err(error) => Err(error),
    };
    let handshake = Handshake {
        peer,
        server_name,
        failure: ended.as_ref().err().map(ToString::to_string),
    };
    log.handshakes
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(handshake);
    ended.ok()
}

async fn answer(
    request: Request<Incoming>,
    peer: SocketAddr,
    handler: Handler,
    log: Arc<Log>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let is_head = parts.method == Method::HEAD;
    let mut asked = Asked {
        method: parts.method.to_string(),
        target: parts
            .uri
            .path_and_query()
            .map(ToString::to_string)
            .unwrap_or_default(),
        authorization: authorization(&parts.headers).map(|(scheme, _)| scheme.to_owned()),
        status: 0,
        user_agent: parts
            .headers
            .get(USER_AGENT)
            .map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned())
            .unwrap_or_default(),
        peer,
    };
    let response = match body.collect().await {
        Ok(body) => handler(Request::from_parts(parts, body.to_bytes())).await,
        Err(_) => empty(StatusCode::BAD_REQUEST),
    };
    asked.status = response.status().as_u16();
    log.asked
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(asked);
    let (mut head, mut body) = response.into_parts();
    if head.status != StatusCode::NO_CONTENT {
        head.headers
            .insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    if is_head {
        body.clear();
    }
    Ok(Response::from_parts(head, Full::new(body)))
}

/// Scheme and value of the Authorization header.
pub(crate) fn authorization(headers: &HeaderMap) -> Option<(&str, &str)> {
    headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')
}

/// The name that the client asked for: the Host header, or HTTP/2's authority.
pub(crate) fn host<B>(request: &Request<B>) -> String {
    let header = request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok());
    let authority = request.uri().authority().map(http::uri::Authority::as_str);
    header.or(authority).unwrap_or_default().to_owned()
}

/// The values of a query, decoded.
pub(crate) fn query<B>(request: &Request<B>, name: &str) -> Option<String> {
    let query = request.uri().query().unwrap_or_default();
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(key, _)| *key == name)
        .map(|(_, value)| percent_decode(value))
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        let code = tail
            .get(..2)
            .and_then(|code| std::str::from_utf8(code).ok());
        match (
            first,
            code.and_then(|code| u8::from_str_radix(code, 16).ok()),
        ) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(*first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/json; charset=utf-8"),
    );
    response
}

/// An answer without body.
pub(crate) fn empty(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}
