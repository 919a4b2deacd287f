//! The script of a probe, run by a real shell with a real curl against servers and proxies that misbehave: each names its
//! hop, and none holds the probe up.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use arc_setup::plan::vantage::{Asked, Place, Probe, Question, Run, Spot, Target, script};
use arc_setup::verify::vantage::{Ended, State, of_probe};
use http::StatusCode;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::support::authority::{Authority, Sends};
use crate::support::https::{self, Handler, HttpsServer};

/// Answers every connection with these bytes, after it has read something; without any it says nothing, for ever.
struct Says(SocketAddr, JoinHandle<()>);

impl Drop for Says {
    fn drop(&mut self) {
        self.1.abort();
    }
}

impl Says {
    async fn start(answer: &'static str) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                if answer.is_empty() {
                    open.push(stream);
                    continue;
                }
                tokio::spawn(async move {
                    let mut head = [0; 4096];
                    while stream.read(&mut head).await.is_ok_and(|count| count > 0) {
                        if stream.write_all(answer.as_bytes()).await.is_err() {
                            break;
                        }
                    }
                });
            }
        });
        Ok(Self(address, accepting))
    }
}

/// What a probe in these surroundings makes of one question.
async fn asked(
    question: Question,
    kind: Asked,
    url: &str,
    variables: &[(&str, String)],
) -> Result<String> {
    let run = Run::new(42);
    let directory = tempfile::tempdir()?;
    let message = directory.path().join("message");
    let script = script(&run, &[(0, question)])
        .replace("/dev/termination-log", &message.display().to_string())
        // What hangs is not waited for as long as in a cluster.
        .replace(
            "--connect-timeout 12 --max-time 25",
            "--connect-timeout 1 --max-time 2",
        );
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(script).env_clear();
    command.env("PATH", "/usr/bin:/bin");
    for (name, value) in variables {
        command.env(name, value);
    }
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    anyhow::ensure!(output.status.success(), "{said}");
    let target = Target {
        name: "it".to_owned(),
        asked: kind,
        url: url.to_owned(),
        image: None,
        named: None,
        mirror: None,
        is_kept: false,
    };
    let probe = Probe {
        place: Place::of(Spot::Runner),
        pod: Value::Null,
        asked: vec![0],
        remarks: Vec::new(),
    };
    let is_proxied = variables.iter().any(|(name, _)| *name == "https_proxy");
    let ended = Ended::Said(std::fs::read_to_string(message)?);
    let column = of_probe(&probe, &ended, &[target], &run, &|_| is_proxied);
    let state = column.states.into_iter().next().context("no state")?;
    Ok(match state {
        State::Ok { how } => format!("ok: {how}"),
        State::Blocked(blocked) => blocked.brief,
        other => format!("{other:?}"),
    })
}

fn answering(status: StatusCode) -> Handler {
    Arc::new(move |_| Box::pin(async move { https::empty(status) }))
}

async fn get(url: &str, variables: &[(&str, String)]) -> Result<String> {
    asked(
        Question::Get(url.to_owned()),
        Asked::Codeload,
        url,
        variables,
    )
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_in_every_state_names_its_hop() {
    let authority = Authority::new().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let bundle = directory.path().join("ca.pem");
    #[expect(clippy::disallowed_methods, reason = "a file of this test alone")]
    std::fs::write(&bundle, authority.bundle_pem()).unwrap();
    let trusts = [("CURL_CA_BUNDLE", bundle.display().to_string())];

    for (status, expected) in [
        (StatusCode::OK, "ok: http 200"),
        (StatusCode::NOT_FOUND, "ok: http 404"),
        (StatusCode::FORBIDDEN, "http 403"),
        (StatusCode::BAD_GATEWAY, "http 502"),
    ] {
        let tls = authority.server(&["localhost"], Sends::LeafOnly).unwrap();
        let server = HttpsServer::start(tls, answering(status)).await.unwrap();
        let url = format!("https://localhost:{}/", server.address().port());
        assert_eq!(get(&url, &trusts).await.unwrap(), expected);
        if status == StatusCode::OK {
            assert_eq!(get(&url, &[]).await.unwrap(), "tls: untrusted");
            let address = format!("https://127.0.0.1:{}/", server.address().port());
            assert_eq!(get(&address, &trusts).await.unwrap(), "tls: name");
        }
    }

    let plain = Says::start("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
    let plain = plain.unwrap();
    let url = format!("https://127.0.0.1:{}/", plain.0.port());
    assert_eq!(get(&url, &trusts).await.unwrap(), "tls: not tls");

    let silent = Says::start("").await.unwrap();
    let url = format!("https://127.0.0.1:{}/", silent.0.port());
    assert_eq!(get(&url, &trusts).await.unwrap(), "tls: no answer");

    let nobody = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("https://127.0.0.1:{}/", nobody.local_addr().unwrap().port());
    drop(nobody);
    assert_eq!(get(&url, &trusts).await.unwrap(), "tcp: refused");
    assert_eq!(
        get("https://nowhere.invalid/", &trusts).await.unwrap(),
        "dns"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_in_every_state_is_told_from_the_server_behind_it() {
    let url = "https://github.invalid/";
    let through = |address: SocketAddr| [("https_proxy", format!("http://u:p@{address}"))];
    let tunnel = || Question::Tunnel(url.to_owned());

    let login = "HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm=\"x\"\r\ncontent-length: 0\r\n\r\n";
    let proxy = Says::start(login).await.unwrap();
    let variables = through(proxy.0);
    assert_eq!(get(url, &variables).await.unwrap(), "proxy: 407");
    let itself = asked(tunnel(), Asked::Proxy, url, &variables).await;
    assert_eq!(itself.unwrap(), "proxy: 407");
    // The account stands in no word of it, whatever NO_PROXY says.
    let mut direct = variables.to_vec();
    direct.push(("no_proxy", ".invalid".to_owned()));
    let itself = asked(tunnel(), Asked::Proxy, url, &direct).await;
    assert_eq!(itself.unwrap(), "proxy: 407");

    let proxy = Says::start("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await;
    let proxy = proxy.unwrap();
    let variables = through(proxy.0);
    assert_eq!(get(url, &variables).await.unwrap(), "proxy: 403");
    let itself = asked(tunnel(), Asked::Proxy, url, &variables).await;
    assert_eq!(itself.unwrap(), "ok: it answers, 403 for this destination");

    let silent = Says::start("").await.unwrap();
    let variables = through(silent.0);
    assert_eq!(get(url, &variables).await.unwrap(), "proxy: no answer");

    let nobody = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let variables = through(nobody.local_addr().unwrap());
    drop(nobody);
    assert_eq!(get(url, &variables).await.unwrap(), "proxy: tcp refused");
    let variables = [("https_proxy", "http://nowhere.invalid:3128".to_owned())];
    assert_eq!(get(url, &variables).await.unwrap(), "proxy: dns");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_token_service_that_a_registry_names_is_asked_too() {
    let authority = Authority::new().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let bundle = directory.path().join("ca.pem");
    #[expect(clippy::disallowed_methods, reason = "a file of this test alone")]
    std::fs::write(&bundle, authority.bundle_pem()).unwrap();
    let trusts = [("CURL_CA_BUNDLE", bundle.display().to_string())];
    let tls = || authority.server(&["localhost"], Sends::LeafOnly).unwrap();
    let service = HttpsServer::start(tls(), answering(StatusCode::OK));
    let service = service.await.unwrap();
    let at = |realm: String| {
        let handler: Handler = Arc::new(move |_| {
            let realm = realm.clone();
            Box::pin(async move {
                let mut answer = https::empty(StatusCode::UNAUTHORIZED);
                let value = format!("Bearer service=\"r\",realm=\"{realm}\"");
                let value = value.parse().unwrap();
                answer.headers_mut().insert("www-authenticate", value);
                answer
            })
        });
        HttpsServer::start(tls(), handler)
    };
    let port = service.address().port();
    for (realm, expected) in [
        (
            format!("https://localhost:{port}/token"),
            "ok: http 401, token service",
        ),
        ("https://nowhere.invalid/token".to_owned(), "token: dns"),
        // No shell and no option of curl is reached by what a server says.
        (
            "https://localhost/$(touch /tmp/it);`id`".to_owned(),
            "ok: http 401",
        ),
        ("--output /tmp/it".to_owned(), "ok: http 401"),
    ] {
        let registry = at(realm.clone()).await.unwrap();
        let url = format!("https://localhost:{}/v2/", registry.address().port());
        let question = Question::Registry(url.clone());
        let said = asked(question, Asked::Registry, &url, &trusts).await;
        assert_eq!(said.unwrap(), expected, "{realm}");
    }
}
