//! A registry that is away for a while, or has lost its images: answers 503 or 404 before the registry, then lets
//! everything through to it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::MutexGuard as TurnGuard;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::directory::Directory;

use super::namespaces::{FLAPPING, NODE};
use super::pki::Pki;
use super::registry::FLAPPING_HOST;

/// The running proxy before the registry; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Flapping {
    /// Whose outage it is.
    turn: tokio::sync::Mutex<()>,
    outage: Arc<Mutex<Outage>>,
    accepting: JoinHandle<()>,
}

/// An outage that somebody has ordered. It is over, whatever its time, when this is dropped.
#[derive(Debug)]
pub(crate) struct Ordered<'a> {
    outage: Arc<Mutex<Outage>>,
    _turn: TurnGuard<'a, ()>,
}

#[derive(Debug, Default)]
struct Outage {
    /// What everybody is answered.
    status: StatusCode,
    lasts: Duration,
    /// When the first request met it.
    began: Option<Instant>,
    refused: usize,
}

/// Starts it, without an outage. Must be called in the runtime that is to serve it.
pub(crate) async fn start(directory: &Directory, pki: &Pki) -> Result<Flapping> {
    let mut tls = (*pki.server(directory, &[FLAPPING_HOST])?.tls).clone();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    let tls = Arc::new(tls);
    let listener = TcpListener::bind((FLAPPING, 443)).await?;
    let outage = Arc::new(Mutex::new(Outage::default()));
    let shared = Arc::clone(&outage);
    let accepting = tokio::spawn(async move {
        let mut connections = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(serve(stream, Arc::clone(&tls), Arc::clone(&shared)));
        }
    });
    Ok(Flapping {
        turn: tokio::sync::Mutex::new(()),
        outage,
        accepting,
    })
}

impl Flapping {
    /// An outage that begins with the next request. Others who want one wait.
    pub(crate) async fn fail_for(&self, lasts: Duration) -> Ordered<'_> {
        self.answer(StatusCode::SERVICE_UNAVAILABLE, lasts).await
    }

    /// From now on it has none of its images, until this is dropped.
    pub(crate) async fn lose_images(&self) -> Ordered<'_> {
        self.answer(StatusCode::NOT_FOUND, Duration::MAX).await
    }

    async fn answer(&self, status: StatusCode, lasts: Duration) -> Ordered<'_> {
        let turn = self.turn.lock().await;
        *lock(&self.outage) = Outage {
            status,
            lasts,
            ..Outage::default()
        };
        Ordered {
            outage: Arc::clone(&self.outage),
            _turn: turn,
        }
    }
}

impl Ordered<'_> {
    /// How many requests it has refused.
    pub(crate) fn refused(&self) -> usize {
        lock(&self.outage).refused
    }
}

impl Drop for Ordered<'_> {
    fn drop(&mut self) {
        *lock(&self.outage) = Outage::default();
    }
}

impl Drop for Flapping {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Outage {
    fn meets(&mut self) -> bool {
        if self.lasts.is_zero() {
            return false;
        }
        self.began.get_or_insert_with(Instant::now).elapsed() < self.lasts
    }
}

fn lock(outage: &Mutex<Outage>) -> MutexGuard<'_, Outage> {
    outage.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Either all of a connection is refused or all of it is the registry's own, its certificate included.
async fn serve(mut stream: TcpStream, tls: Arc<ServerConfig>, outage: Arc<Mutex<Outage>>) {
    if lock(&outage).meets() {
        refuse(stream, tls, outage).await;
        return;
    }
    let registry = SocketAddr::new(NODE.into(), 443);
    if let Ok(mut registry) = TcpStream::connect(registry).await {
        tokio::io::copy_bidirectional(&mut stream, &mut registry)
            .await
            .ok();
    }
}

async fn refuse(stream: TcpStream, tls: Arc<ServerConfig>, outage: Arc<Mutex<Outage>>) {
    let Ok(stream) = TlsAcceptor::from(tls).accept(stream).await else {
        return;
    };
    let answer = service_fn(move |_: Request<Incoming>| {
        let mut outage = lock(&outage);
        outage.refused += 1;
        let mut response = Response::new(Full::new(Bytes::from_static(b"down for maintenance\n")));
        *response.status_mut() = outage.status;
        async move { Ok::<_, std::convert::Infallible>(response) }
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.keep_alive(false);
    builder
        .serve_connection(TokioIo::new(stream), answer)
        .await
        .ok();
}
