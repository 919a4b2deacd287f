//! `ca doctor`: what is said of servers as companies have them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{address, empty, server};
use crate::support::arc_setup::{ArcSetup, Outcome};
use crate::support::authority::{Authority, Sends};
use crate::support::connect_proxy::{ConnectProxy, Proxied};
use crate::support::https::HttpsServer;

const REFUSED: i32 = 3;

/// Runs it with this bundle, beside the test's own servers.
async fn doctor(bundle: &str, arguments: &[&str]) -> Result<Outcome> {
    let program = ArcSetup::new()?;
    program.file("ca.pem", bundle)?;
    let arguments = [&["ca", "doctor", "--ca-bundle", "ca.pem"], arguments].concat();
    program.run(&arguments).await
}

fn verdicts(way: &Value) -> BTreeMap<String, bool> {
    let verdicts = way["verdicts"].as_array().into_iter().flatten();
    let verdict = |one: &Value| {
        let program = one["program"].as_str().unwrap_or_default().to_owned();
        (program, one.get("refusal").is_none())
    };
    verdicts.map(verdict).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_leaf_alone_the_missing_issuer_is_named_in_one_connection() -> Result<()> {
    let authority = Authority::new()?;
    let server = server(&authority, Sends::LeafOnly).await?;
    let outcome = doctor(&authority.root_pem(), &[&address(&server)]).await?;
    let said = outcome.expect_code(REFUSED).stdout;
    for part in [
        "directly sends\n  1. CN=localhost\n     issued by CN=Example Issuing CA 1\n     for localhost\n",
        "  not sent: CN=Example Issuing CA 1, which issued CN=localhost; which is not trusted either\n",
        "with the one authority of caBundle, and the public ones\n  no program takes it: CN=Example Issuing CA 1, which issued CN=localhost, is neither sent nor trusted\n",
        "what to do\n  - add the certificate of CN=Example Issuing CA 1 to caBundle; or have the server send it",
    ] {
        assert!(said.contains(part), "{part}\n---\n{said}");
    }
    assert_eq!(server.handshakes().len(), 1);
    assert_eq!(server.asked().len(), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_asks_for_a_client_certificate_is_told() -> Result<()> {
    let authority = Authority::new()?;
    let config = authority.server_that_asks_for_a_client_certificate(&["localhost"])?;
    let asking = HttpsServer::start(config, super::empty()).await?;
    let note = "note: it asks for a client certificate";
    let said = doctor(&authority.bundle_pem(), &[&address(&asking)]).await?;
    assert!(said.stdout.contains(note), "{}", said.stdout);
    // Where it is refused before, too.
    let said = doctor(&Authority::of("Other")?.bundle_pem(), &[&address(&asking)]).await?;
    assert!(said.stdout.contains(note), "{}", said.stdout);
    let silent = server(&authority, Sends::Chain).await?;
    let said = doctor(&authority.bundle_pem(), &[&address(&silent)]).await?;
    assert!(!said.stdout.contains(note), "{}", said.stdout);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_program_has_its_own_verdict() -> Result<()> {
    let authority = Authority::new()?;
    let server = server(&authority, Sends::LeafOnly).await?;
    let address = address(&server);
    let outcome = doctor(&authority.issuing_pem(), &[&address, "-o", "json"]).await?;
    let answer: Value = serde_json::from_str(&outcome.expect_code(REFUSED).stdout)?;
    assert_eq!(answer["kind"], "CertificateReport");
    let verdicts = verdicts(&answer["ways"][0]);
    for (program, takes) in [
        ("go", true),
        ("rustls", true),
        ("git", true),
        ("java", true),
        ("open-ssl", false),
        ("node", false),
        ("python", false),
        ("dot-net", false),
    ] {
        assert_eq!(verdicts[program], takes, "{program}: {verdicts:?}");
    }
    let refusal = answer["ways"][0]["verdicts"].as_array().and_then(|all| {
        let is_node = |one: &&Value| one["program"] == "node";
        all.iter().find(is_node)
    });
    let refusal = &refusal.context("no verdict")?["refusal"];
    assert_eq!(refusal["refusal"], "no-root");
    assert_eq!(refusal["root"], "CN=Example Root CA");
    let digits = answer["ways"][0]["sent"][0]["sha256"].as_str();
    let digits = digits.context("no SHA-256")?;
    let arguments = [&address, "-o", "json", "--pin-sha256", digits];
    let pinned = doctor(&authority.root_pem(), &arguments).await?;
    let pinned: Value = serde_json::from_str(&pinned.expect_code(REFUSED).stdout)?;
    let took: Vec<String> = self::verdicts(&pinned["ways"][0])
        .into_iter()
        .filter_map(|(program, takes)| takes.then_some(program))
        .collect();
    assert_eq!(took, ["rustls"], "only arc-setup itself is told");
    let outcome = doctor(&authority.bundle_pem(), &[&address]).await?;
    let said = outcome.expect_code(0).stdout;
    assert!(said.contains("every program takes it"), "{said}");
    assert!(!said.contains("what to do"), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_looks_into_tls_is_told_by_its_authority() -> Result<()> {
    let (authority, of_proxy) = (Authority::new()?, Authority::of("Proxy")?);
    let real = server(&authority, Sends::Chain).await?;
    let seen = server(&of_proxy, Sends::Chain).await?;
    let target = address(&real);
    let through = |server: &HttpsServer| Proxied {
        routes: [(target.clone(), server.address())].into(),
        account: None,
    };
    let honest = ConnectProxy::start(through(&real)).await?;
    let curious = ConnectProxy::start(through(&seen)).await?;
    let url = honest.url();
    let arguments = [target.as_str(), "--proxy", &url, "--no-proxy", "localhost"];
    let said = doctor(&authority.bundle_pem(), &arguments).await?;
    let said = said.expect_code(0).stdout;
    let same = format!(
        "{target} through {} (not the way of an install): the same\n",
        url.trim_end_matches('/')
    );
    assert!(said.contains(&same), "{said}");
    assert_eq!(
        honest.log().len(),
        1,
        "one connection, whatever noProxy says"
    );
    let arguments = [target.as_str(), "--proxy", &curious.url()];
    // This machine is reached directly, whatever the proxy shows.
    let said = doctor(&authority.bundle_pem(), &arguments).await?;
    let said = said.expect_code(0).stdout;
    assert!(said.contains("(not the way of an install) sends"), "{said}");
    assert!(
        said.contains("the proxy looks into TLS: through it the certificate is issued by CN=Proxy Issuing CA 1, directly by CN=Example Issuing CA 1."),
        "{said}"
    );
    let both = format!("{}{}", authority.bundle_pem(), of_proxy.bundle_pem());
    doctor(&both, &arguments).await?.expect_code(0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_wants_a_login_and_a_server_that_is_none_are_told() -> Result<()> {
    let authority = Authority::new()?;
    let real = server(&authority, Sends::Chain).await?;
    let target = address(&real);
    let account = Some(("user".to_owned(), "password".to_owned()));
    let proxy = ConnectProxy::start(Proxied {
        routes: [(target.clone(), real.address())].into(),
        account,
    })
    .await?;
    let said = doctor(&authority.bundle_pem(), &[&target, "--proxy", &proxy.url()]).await?;
    let said = said.expect_code(0).stdout;
    assert!(said.contains("the proxy wants a login (407)"), "{said}");
    let of_windows = answering(
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n"
            .to_owned(),
        Vec::new(),
    );
    let url = format!("http://localhost:{}", of_windows.await?.0.port());
    let said = doctor(&authority.bundle_pem(), &[&target, "--proxy", &url]).await?;
    let said = said.expect_code(0).stdout;
    for part in [
        "the proxy wants a login by Negotiate or NTLM (407)",
        "put a forwarder",
    ] {
        assert!(said.contains(part), "{part}\n---\n{said}");
    }
    let (plain, _) = plain_http(Vec::new()).await?;
    let said = doctor(
        &authority.bundle_pem(),
        &[&format!("localhost:{}", plain.port())],
    )
    .await?;
    let said = said.expect_code(REFUSED).stdout;
    assert!(said.contains("does not speak TLS"), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_fetched_where_that_is_asked_for() -> Result<()> {
    let authority = Authority::new()?;
    let (place, asked) = plain_http(authority.issuing_der()).await?;
    let url = format!("http://localhost:{}/issuing.crt", place.port());
    let tls = authority.server_that_says_where_its_issuer_is(&["localhost"], &url)?;
    let server = HttpsServer::start(tls, empty()).await?;
    let address = address(&server);
    let said = doctor(&authority.root_pem(), &[&address]).await?;
    let said = said.expect_code(REFUSED).stdout;
    assert!(
        said.contains(&format!("which lies at {url} (--aia fetches it)")),
        "{said}"
    );
    assert_eq!(asked.lock().unwrap().len(), 0, "only where it is asked for");
    let said = doctor(&authority.root_pem(), &[&address, "--aia"]).await?;
    let said = said.expect_code(REFUSED).stdout;
    for part in [
        &format!("  fetched from {url}: CN=Example Issuing CA 1\n     SHA-256 "),
        &authority.issuing_pem(),
        "with what was fetched beside it\n  every program takes it\n",
        "which is shown above (compare its SHA-256 with what its owner says)",
    ] {
        assert!(said.contains(part), "{part}\n---\n{said}");
    }
    assert_eq!(*asked.lock().unwrap(), ["GET /issuing.crt HTTP/1.1"]);
    // What lies there is another's: it has issued nothing of the chain.
    let (place, _) = plain_http(Authority::new()?.issuing_der()).await?;
    let url = format!("http://localhost:{}/", place.port());
    let tls = authority.server_that_says_where_its_issuer_is(&["localhost"], &url)?;
    let server = HttpsServer::start(tls, empty()).await?;
    let address = format!("localhost:{}", server.address().port());
    let said = doctor(&authority.root_pem(), &[&address, "--aia"]).await?;
    let said = said.expect_code(REFUSED).stdout;
    let not_it = format!("not fetched from {url}: what lies there is not CN=Example Issuing CA 1");
    assert!(said.contains(&not_it), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_certificate_says_is_shown_and_draws_no_lines() -> Result<()> {
    let name = "x\n  Go  all  takes it\u{1b}[31m";
    let mut params = CertificateParams::new(vec!["localhost".to_owned()])?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let config =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )?;
    let server = HttpsServer::start(Arc::new(config), empty()).await?;
    let authority = Authority::new()?;
    let said = doctor(&authority.root_pem(), &[&address(&server)]).await?;
    let said = said.expect_code(REFUSED).stdout;
    assert!(!said.contains('\u{1b}'), "{said:?}");
    assert!(!said.lines().any(|line| line.starts_with("  Go")), "{said}");
    // It is no authority's: no bundle could have it.
    assert!(
        said.contains("one that signed itself and is no authority's cannot be given to containers"),
        "{said}"
    );
    assert!(said.contains("--pin-sha256"), "{said}");
    Ok(())
}

/// Answers every request with this body; the requests' first lines are kept.
async fn plain_http(body: Vec<u8>) -> Result<(SocketAddr, Arc<Mutex<Vec<String>>>)> {
    answering("HTTP/1.1 200 OK\r\n".to_owned(), body).await
}

/// The same with this status line and these headers.
async fn answering(head: String, body: Vec<u8>) -> Result<(SocketAddr, Arc<Mutex<Vec<String>>>)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap_or(0);
            let text = String::from_utf8_lossy(&request[..length]).into_owned();
            let line = text.lines().next().unwrap_or_default().to_owned();
            log.lock().unwrap().push(line);
            let head = format!(
                "{head}Content-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).await.ok();
            stream.write_all(&body).await.ok();
        }
    });
    Ok((address, asked))
}
