//! One TLS handshake, to see the chain as the server sends it and whether it ends in our roots.
//!
//! Direct or through the proxy (CONNECT, with its account). Sends nothing after the handshake.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::cause::{self, Cause};
use super::roots::{self, client_config};
use super::transport::{Account, Route};
use crate::pki::chain::{Verdict, diagnose};

/// Longest head of a proxy's answer.
const LONGEST_HEAD: usize = 8 * 1024;

/// What a handshake showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "outcome",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum Handshake {
    /// The chain ends in our roots and the name is right.
    Trusted {
        /// The chain as sent, DER, the server's own certificate first.
        #[serde(skip)]
        chain: Vec<Vec<u8>>,
        /// The server asks for a client certificate. Whether it insists is said after the handshake, which is its end.
        #[serde(default)]
        wants_client_certificate: bool,
    },
    /// TLS answered with a certificate that rustls refuses.
    Untrusted {
        /// Why, from the chain: names the missing issuer. `Complete` where the chain is not the trouble.
        verdict: Verdict,
        /// Why, as rustls says it.
        cause: Cause,
        /// The chain as sent, DER, the server's own certificate first.
        #[serde(skip)]
        chain: Vec<Vec<u8>>,
        /// The server asks for a client certificate.
        #[serde(default)]
        wants_client_certificate: bool,
    },
    /// The proxy wants a login, or another one (407).
    ProxyLogin {
        /// The schemes that it offers: `Basic`, `NTLM`, `Negotiate`.
        #[serde(default)]
        schemes: Vec<String>,
    },
    /// The proxy refused the destination.
    ProxyRefused {
        /// Its status, such as 403.
        status: u16,
    },
    /// Neither: no name, no connection, no TLS.
    Unreachable {
        /// True where the proxy is what cannot be reached.
        proxy: bool,
        /// Why.
        cause: Cause,
    },
}

/// Makes a handshake with `host:port` over `route`.
pub async fn handshake(route: &Route, host: &str, port: u16) -> Handshake {
    let limit = route.timeouts.answer;
    match timeout(limit, attempt(route, host, port)).await {
        Ok(outcome) => outcome,
        Err(_) => Handshake::Unreachable {
            proxy: false,
            cause: Cause::TimedOut,
        },
    }
}

async fn attempt(route: &Route, host: &str, port: u16) -> Handshake {
    let connector = Recording::new(route);
    let Some(proxy) = route.proxy_for(true, host, port) else {
        return match connect(route, host, port).await {
            Ok(stream) => connector.shake(route, stream, host).await,
            Err(cause) => Handshake::Unreachable {
                proxy: false,
                cause,
            },
        };
    };
    let unreachable = |cause| Handshake::Unreachable { proxy: true, cause };
    let parsed = Url::parse(proxy).ok();
    let Some((url, proxy_host)) = parsed.as_ref().and_then(|url| Some((url, url.host_str()?)))
    else {
        return unreachable(Cause::Other("the proxy's URL cannot be used".to_owned()));
    };
    let proxy_port = url.port_or_known_default().unwrap_or(80);
    let stream = match connect(route, proxy_host, proxy_port).await {
        Ok(stream) => stream,
        Err(cause) => return unreachable(cause),
    };
    let account = route
        .proxy
        .as_ref()
        .and_then(|proxy| proxy.account.as_ref());
    if url.scheme() == "https" {
        match secure(&Recording::new(route), stream, proxy_host).await {
            Ok(stream) => tunnel(route, connector, stream, host, port, account).await,
            Err(cause) => unreachable(cause),
        }
    } else {
        tunnel(route, connector, stream, host, port, account).await
    }
}

async fn connect(route: &Route, host: &str, port: u16) -> Result<TcpStream, Cause> {
    match timeout(
        route.timeouts.connect,
        TcpStream::connect((host.trim_matches(['[', ']']), port)),
    )
    .await
    {
        Ok(stream) => stream.map_err(|error| cause::of(&error)),
        Err(_) => Err(Cause::TimedOut),
    }
}

async fn secure<S>(
    recording: &Recording,
    stream: S,
    host: &str,
) -> Result<tokio_rustls::client::TlsStream<S>, Cause>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
        .map_err(|_| Cause::Other(format!("'{host}' is no host name")))?;
    let connector = TlsConnector::from(recording.config.clone());
    connector
        .connect(name, stream)
        .await
        .map_err(|error| cause::of(&error))
}

async fn tunnel<S>(
    route: &Route,
    recording: Recording,
    mut stream: S,
    host: &str,
    port: u16,
    account: Option<&Account>,
) -> Handshake
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let lost = |error: &std::io::Error| Handshake::Unreachable {
        proxy: true,
        cause: cause::of(error),
    };
    let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    if let Some(account) = account {
        let pair = format!(
            "{}:{}",
            account.username.expose(),
            account.password.expose()
        );
        request.push_str("Proxy-Authorization: Basic ");
        STANDARD.encode_string(pair, &mut request);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    if let Err(error) = stream.write_all(request.as_bytes()).await {
        return lost(&error);
    }
    let mut head = Vec::new();
    // Byte by byte: what follows the head belongs to TLS.
    while !head.ends_with(b"\r\n\r\n") && head.len() < LONGEST_HEAD {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(error) => return lost(&error),
        }
    }
    let line = String::from_utf8_lossy(&head);
    let status = line
        .split_whitespace()
        .nth(1)
        .and_then(|status| status.parse::<u16>().ok());
    match status {
        Some(200..=299) => recording.shake(route, stream, host).await,
        Some(407) => Handshake::ProxyLogin {
            schemes: schemes(&line),
        },
        Some(status) => Handshake::ProxyRefused { status },
        None => Handshake::Unreachable {
            proxy: true,
            cause: Cause::Other("the proxy does not speak HTTP".to_owned()),
        },
    }
}

/// The schemes of the head of a 407 (RFC 9110 section 11.7.1), as they are written there, each once.
fn schemes(head: &str) -> Vec<String> {
    let mut schemes: Vec<String> = Vec::new();
    let challenges = head.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim()
            .eq_ignore_ascii_case("proxy-authenticate")
            .then_some(value)
    });
    for challenge in challenges {
        // A list may stand in one line; parameters have an equals sign.
        for part in challenge.split(',') {
            let word = part.split_whitespace().next().unwrap_or_default();
            let is_scheme = !word.is_empty()
                && word.len() <= 20
                && word
                    .bytes()
                    .all(|letter| letter.is_ascii_alphanumeric() || letter == b'-');
            if is_scheme && !schemes.iter().any(|known| known == word) {
                schemes.push(word.to_owned());
            }
        }
    }
    schemes
}

/// A TLS configuration that keeps what the server sent.
struct Recording {
    config: Arc<ClientConfig>,
    chain: Arc<Mutex<Vec<Vec<u8>>>>,
    asked: Arc<AtomicBool>,
}

impl Recording {
    fn new(route: &Route) -> Self {
        let chain = Arc::default();
        let verifier = Verifier {
            inner: route.roots.verifier(),
            chain: Arc::clone(&chain),
        };
        let asked: Arc<AtomicBool> = Arc::default();
        let mut config = client_config(Arc::new(verifier));
        config.client_auth_cert_resolver = Arc::new(NoCertificate(Arc::clone(&asked)));
        Self {
            config: Arc::new(config),
            chain,
            asked,
        }
    }

    async fn shake<S>(self, route: &Route, stream: S, host: &str) -> Handshake
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let ended = secure(&self, stream, host).await;
        let chain = std::mem::take(&mut *self.chain.lock().unwrap_or_else(PoisonError::into_inner));
        let wants_client_certificate = self.asked.load(Ordering::Relaxed);
        let Err(cause) = ended else {
            return Handshake::Trusted {
                chain,
                wants_client_certificate,
            };
        };
        if chain.is_empty() {
            return Handshake::Unreachable {
                proxy: false,
                cause,
            };
        }
        Handshake::Untrusted {
            verdict: diagnose(&chain, &route.roots.ders(), route.now),
            cause,
            chain,
            wants_client_certificate,
        }
    }
}

/// Has no certificate to show, and keeps that one was asked for.
#[derive(Debug)]
struct NoCertificate(Arc<AtomicBool>);

impl ResolvesClientCert for NoCertificate {
    fn resolve(
        &self,
        _root_hint_subjects: &[&[u8]],
        _schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        self.0.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

/// Decides as the clients do, and keeps what it was shown.
#[derive(Debug)]
struct Verifier {
    inner: roots::Verifier,
    chain: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let sent = std::iter::once(end_entity)
            .chain(intermediates)
            .map(|certificate| certificate.to_vec());
        *self.chain.lock().unwrap_or_else(PoisonError::into_inner) = sent.collect();
        self.inner
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_are_read_from_one_line_or_several() {
        let head = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Negotiate\r\n\
            proxy-authenticate: NTLM\r\nProxy-Authenticate: Basic realm=\"a, b\", Digest nonce=\"x\", NTLM\r\nServer: Basic\r\n\r\n";
        assert_eq!(schemes(head), ["Negotiate", "NTLM", "Basic", "Digest"]);
        assert!(schemes("HTTP/1.1 407 x\r\n\r\n").is_empty());
    }
}
