//! The HTTPS server under the stand-ins: TLS, HTTP/1.1 and HTTP/2, and a log of what was asked.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use futures::future::BoxFuture;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

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
}

/// A server on a free port of loopback; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct HttpsServer {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    accepting: JoinHandle<()>,
}

impl HttpsServer {
    pub(crate) async fn start(tls: Arc<ServerConfig>, handler: Handler) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let acceptor = TlsAcceptor::from(tls);
        let accepting = tokio::spawn(async move {
            // A set, so that its connections end with it.
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, handler) = (acceptor.clone(), Arc::clone(&handler));
                connections.spawn(serve(stream, acceptor, handler, Arc::clone(&log)));
            }
        });
        Ok(Self {
            address,
            asked,
            accepting,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every request so far, in the order of their answers.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for HttpsServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    handler: Handler,
    log: Arc<Mutex<Vec<Asked>>>,
) {
    // A client that does not trust us hangs up here.
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let answer = service_fn(move |request| answer(request, Arc::clone(&handler), Arc::clone(&log)));
    let stream = TokioIo::new(stream);
    if is_http2 {
        let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        builder.serve_connection(stream, answer).await.ok();
    } else {
        let builder = hyper::server::conn::http1::Builder::new();
        builder.serve_connection(stream, answer).await.ok();
    }
}

async fn answer(
    request: Request<Incoming>,
    handler: Handler,
    log: Arc<Mutex<Vec<Asked>>>,
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
    };
    let response = match body.collect().await {
        Ok(body) => handler(Request::from_parts(parts, body.to_bytes())).await,
        Err(_) => empty(StatusCode::BAD_REQUEST),
    };
    asked.status = response.status().as_u16();
    log.lock()
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
