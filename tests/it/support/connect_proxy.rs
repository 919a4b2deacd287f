//! A company's proxy: CONNECT to the names that it has a route for, refusal for everything else.
//!
//! Nothing is looked up: a name is sent to the loopback address that the test gave for it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// How a proxy is set up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Proxied {
    /// `HOST:PORT` as clients ask for it → where it really is.
    pub(crate) routes: BTreeMap<String, SocketAddr>,
    /// User name and password, where an account is demanded.
    pub(crate) account: Option<(String, String)>,
}

/// One request to the proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Connected {
    /// `HOST:PORT`, or the URL of a request that was no CONNECT.
    pub(crate) target: String,
    /// 200, 403, 407 or 502.
    pub(crate) status: u16,
}

/// A running proxy; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct ConnectProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    routes: BTreeMap<String, SocketAddr>,
    /// The whole value of Proxy-Authorization.
    wanted: Option<String>,
    log: Mutex<Vec<Connected>>,
}

impl ConnectProxy {
    pub(crate) async fn start(setup: Proxied) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let basic =
            |(user, password)| format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        let shared = Arc::new(Shared {
            routes: setup.routes,
            wanted: setup.account.map(basic),
            log: Mutex::default(),
        });
        let state = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&state)));
            }
        });
        Ok(Self {
            address,
            shared,
            accepting,
        })
    }

    /// `http://127.0.0.1:PORT`, without an account.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far, in order.
    pub(crate) fn log(&self) -> Vec<Connected> {
        self.shared
            .log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for ConnectProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(mut client: TcpStream, shared: Arc<Shared>) {
    let Ok(head) = read_head(&mut client).await else {
        return;
    };
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let (status, server) = shared.decide(&head, &target).await;
    let log = Connected { target, status };
    shared
        .log
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(log);
    let answer = match status {
        200 => "HTTP/1.1 200 Connection established\r\n\r\n",
        403 => "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        407 => {
            "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"proxy\"\r\n\
             Content-Length: 0\r\nConnection: close\r\n\r\n"
        }
        _ => "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    };
    if client.write_all(answer.as_bytes()).await.is_err() {
        return;
    }
    if let Some(mut server) = server {
        tokio::io::copy_bidirectional(&mut client, &mut server)
            .await
            .ok();
    }
}

impl Shared {
    async fn decide(&self, head: &str, target: &str) -> (u16, Option<TcpStream>) {
        if self.wanted.is_some() && self.wanted.as_deref() != header(head, "proxy-authorization") {
            return (407, None);
        }
        let route = self.routes.get(&target.to_ascii_lowercase());
        let (true, Some(address)) = (head.starts_with("CONNECT "), route) else {
            return (403, None);
        };
        match TcpStream::connect(address).await {
            Ok(stream) => (200, Some(stream)),
            Err(_) => (502, None),
        }
    }
}

async fn read_head(stream: &mut TcpStream) -> Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        ensure!(head.len() < 16_384, "a request head without end");
        // Byte by byte: what follows the head belongs to the tunnel.
        head.push(stream.read_u8().await?);
    }
    String::from_utf8(head).context("a request head that is no text")
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    fields
        .filter(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
        .next()
}
