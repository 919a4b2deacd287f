//! Starts the server and finds who answers a request.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use futures::FutureExt as _;
use http::header::USER_AGENT;
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Bytes;
use rustls::ServerConfig;

use crate::support::https::{Asked, HttpsServer};

use super::accounts::{Accounts, App};
use super::answers::{message, not_found};
use super::rest;
use super::scale_sets::ScaleSets;

/// How a server is set up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Setup {
    /// `installed_version` of a GitHub Enterprise Server, which answers under `/api/v3`; None is
    /// github.com, which answers at `api.github.com`.
    pub(crate) enterprise_version: Option<String>,
    /// A personal token with all rights.
    pub(crate) token: Option<String>,
    pub(crate) app: Option<App>,
    /// What exists: `orgs/acme`, `repos/acme/app`, `enterprises/acme`.
    pub(crate) scopes: BTreeSet<String>,
    /// What exists and whose runners the accounts may not manage.
    pub(crate) forbidden: BTreeSet<String>,
}

/// A running server; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Github {
    server: HttpsServer,
    shared: Arc<Shared>,
}

/// What the parts of the server share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) setup: Setup,
    pub(super) accounts: Accounts,
    pub(super) scale_sets: ScaleSets,
}

impl Github {
    pub(crate) async fn start(tls: Arc<ServerConfig>, setup: Setup) -> Result<Self> {
        let accounts = Accounts::new(setup.token.clone(), setup.app.clone())?;
        let shared = Arc::new(Shared {
            setup,
            accounts,
            scale_sets: ScaleSets::default(),
        });
        let state = Arc::clone(&shared);
        let handler = Arc::new(move |request: Request<Bytes>| {
            let state = Arc::clone(&state);
            async move { answer(&state, &request).await }.boxed()
        });
        Ok(Self {
            server: HttpsServer::start(tls, handler).await?,
            shared,
        })
    }

    /// From now on this token is a login too.
    pub(crate) fn accept_token(&self, token: &str) {
        self.shared.accounts.accept(token);
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.server.asked()
    }

    /// Names of the scale sets that are registered, in the order of their ids.
    pub(crate) fn scale_sets(&self) -> Vec<String> {
        self.shared.scale_sets.names()
    }
}

async fn answer(shared: &Shared, request: &Request<Bytes>) -> Response<Bytes> {
    let mut response = if request
        .headers()
        .get(USER_AGENT)
        .is_none_or(HeaderValue::is_empty)
    {
        let text = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header";
        message(StatusCode::FORBIDDEN, text)
    } else {
        route(shared, request).await
    };
    let version = shared.setup.enterprise_version.as_deref();
    if let Some(version) = version.and_then(|version| HeaderValue::from_str(version).ok()) {
        response
            .headers_mut()
            .insert("x-github-enterprise-version", version);
    }
    response
}

async fn route(shared: &Shared, request: &Request<Bytes>) -> Response<Bytes> {
    let path = request.uri().path();
    if let Some(rest) = path.strip_prefix("/tenant/") {
        return shared.scale_sets.answer(request, rest);
    }
    if let Some(rest) = path.strip_prefix("/message-queue/") {
        return shared.scale_sets.queue(request, rest).await;
    }
    let rest = match shared.setup.enterprise_version {
        Some(_) => path.strip_prefix("/api/v3"),
        None => Some(path),
    };
    rest.map_or_else(not_found, |rest| rest::answer(shared, request, rest))
}
