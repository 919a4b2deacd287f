//! `ca`: certificates of servers and authorities.

mod bundle;
mod doctor;
mod layer;

use std::sync::Arc;

use anyhow::Result;

use crate::support::authority::{Authority, Sends};
use crate::support::https::{Handler, HttpsServer};

fn empty() -> Handler {
    Arc::new(|_| Box::pin(async { http::Response::new(hyper::body::Bytes::new()) }))
}

async fn server(authority: &Authority, sends: Sends) -> Result<HttpsServer> {
    HttpsServer::start(authority.server(&["localhost"], sends)?, empty()).await
}

fn address(server: &HttpsServer) -> String {
    format!("localhost:{}", server.address().port())
}
