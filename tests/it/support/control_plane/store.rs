//! The store beneath an API server, asked through its JSON gateway.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::UnixStream;

use super::cluster::ControlPlane;

impl ControlPlane {
    /// Forgets everything that was before the present revision: what the store's API server has not kept itself it can
    /// no longer list as it was. Only for a store of one's own ([`ControlPlane::start`]).
    pub(crate) async fn compact(&self) -> Result<()> {
        let socket = self.etcd_socket();
        // Any key: the answer's head says which revision it is now.
        let range = json!({"key": "AA==", "limit": "1", "keys_only": true});
        let now = ask(&socket, "/v3/kv/range", &range).await?;
        let revision = now.pointer("/header/revision").context("no revision")?;
        let compaction = json!({"revision": revision});
        ask(&socket, "/v3/kv/compaction", &compaction).await?;
        Ok(())
    }
}

async fn ask(socket: &Path, path: &str, body: &Value) -> Result<Value> {
    let stream = TokioIo::new(UnixStream::connect(socket).await?);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
    tokio::spawn(connection);
    let request = http::Request::post(path)
        .header("host", "etcd")
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body.to_string())))?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let answer = response.into_body().collect().await?.to_bytes();
    let text = String::from_utf8_lossy(&answer);
    ensure!(status.is_success(), "etcd answered {status}: {text}");
    Ok(serde_json::from_slice(&answer)?)
}
