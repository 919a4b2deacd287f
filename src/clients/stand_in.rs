//! Test servers on loopback: TLS with a chain of one's choice, and a CONNECT proxy. One answer per connection.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::roots::Roots;
use super::transport::{Account, ProxyRoute, Route, Timeouts};
use crate::proxy::NoProxy;
use crate::secret::Secret;

/// Seconds since 1970 at which the certificates here are valid.
pub(crate) const NOW: i64 = 1_800_000_000;

/// Root → issuing → `registry.corp`, `github.corp`.
pub(crate) struct Authority {
    pub(crate) root: Certificate,
    pub(crate) issuing: Certificate,
    leaf: Certificate,
    key: KeyPair,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let authority = |name: &str| {
            let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
            params.distinguished_name = rcgen::DistinguishedName::new();
            params.distinguished_name.push(DnType::CommonName, name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params
        };
        let (root_key, issuing_key, key) = (
            KeyPair::generate().unwrap(),
            KeyPair::generate().unwrap(),
            KeyPair::generate().unwrap(),
        );
        let root = authority("Corp Root").self_signed(&root_key).unwrap();
        let root_issuer = Issuer::new(authority("Corp Root"), root_key);
        let issuing = authority("Corp Issuing")
            .signed_by(&issuing_key, &root_issuer)
            .unwrap();
        let issuer = Issuer::new(authority("Corp Issuing"), issuing_key);
        let names = ["registry.corp", "github.corp"].map(str::to_owned).to_vec();
        let leaf = CertificateParams::new(names)
            .unwrap()
            .signed_by(&key, &issuer)
            .unwrap();
        Self {
            root,
            issuing,
            leaf,
            key,
        }
    }

    fn config(&self, whole_chain: bool) -> Arc<ServerConfig> {
        let mut chain: Vec<CertificateDer<'static>> = vec![self.leaf.der().clone()];
        if whole_chain {
            chain.push(self.issuing.der().clone());
        }
        let key = PrivateKeyDer::Pkcs8(self.key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap();
        Arc::new(
            builder
                .with_no_client_auth()
                .with_single_cert(chain, key)
                .unwrap(),
        )
    }
}

/// Request head in, (status, header lines, body) out.
pub(crate) type Answer = Arc<dyn Fn(&str) -> (u16, String, String) + Send + Sync>;
pub(crate) type Log = Arc<Mutex<Vec<String>>>;

/// Starts a TLS server; every request head is logged.
pub(crate) async fn server(
    authority: &Authority,
    whole_chain: bool,
    answer: Answer,
) -> (SocketAddr, Log) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(authority.config(whole_chain));
    let log = Log::default();
    let seen = log.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, answer, seen) = (acceptor.clone(), answer.clone(), seen.clone());
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream, answer, seen).await;
                }
            });
        }
    });
    (address, log)
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, answer: Answer, log: Log) {
    let Some(head) = read_head(&mut stream).await else {
        return;
    };
    log.lock().unwrap().push(head.clone());
    let (status, headers, body) = answer(&head);
    let body = if head.starts_with("HEAD ") {
        String::new()
    } else {
        body
    };
    let text = format!(
        "HTTP/1.1 {status} x\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
}

async fn read_head<S: AsyncRead + Unpin>(stream: &mut S) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

/// A CONNECT proxy that brings every name to `target`; with `login`, answers 407 without that header value.
pub(crate) async fn proxy(target: SocketAddr, login: Option<&'static str>) -> (SocketAddr, Log) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let log = Log::default();
    let seen = log.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let seen = seen.clone();
            tokio::spawn(async move {
                let Some(head) = read_head(&mut stream).await else {
                    return;
                };
                seen.lock().unwrap().push(head.clone());
                let allowed = login.is_none_or(|login| {
                    head.to_lowercase()
                        .contains(&format!("proxy-authorization: basic {login}").to_lowercase())
                });
                if !allowed {
                    let _ = stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n").await;
                    return;
                }
                let Ok(mut onward) = TcpStream::connect(target).await else {
                    return;
                };
                let _ = stream
                    .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    .await;
                let _ = copy_bidirectional(&mut stream, &mut onward).await;
            });
        }
    });
    (address, log)
}

/// A route with these roots alone, through a proxy.
pub(crate) fn route(
    roots: &[&Certificate],
    proxy: SocketAddr,
    account: Option<(&str, &str)>,
) -> Route {
    let secret = |text: &str| Secret::new(text.to_owned());
    Route {
        roots: Roots {
            system: false,
            bundle: roots.iter().map(|root| root.der().to_vec()).collect(),
            ..Roots::default()
        },
        proxy: Some(ProxyRoute {
            http: None,
            https: Some(format!("http://{proxy}")),
            no_proxy: NoProxy::default(),
            account: account.map(|(username, password)| Account {
                username: secret(username),
                password: secret(password),
            }),
        }),
        timeouts: Timeouts::default(),
        retries: 0,
        now: NOW,
    }
}
