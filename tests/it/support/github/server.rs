//! Starts the server and finds who answers a request.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use futures::FutureExt as _;
use http::header::USER_AGENT;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Bytes;
use rustls::ServerConfig;
use serde_json::Value;

use crate::support::https::{Asked, Handler, Handshake, HttpsServer, empty};

use super::accounts::{Accounts, App};
use super::answers::{message, not_found};
use super::jobs::Job;
use super::rest;
use super::runners::Runner;
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
    scopes: Mutex<BTreeSet<String>>,
    reports: Mutex<Vec<Value>>,
    pub(super) accounts: Accounts,
    pub(super) scale_sets: ScaleSets,
}

impl Shared {
    /// Whether the organization, repository or enterprise exists.
    pub(super) fn has(&self, scope: &str) -> bool {
        self.scopes().contains(scope)
    }

    fn scopes(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.scopes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Github {
    /// On a free port of loopback.
    pub(crate) async fn start(tls: Arc<ServerConfig>, setup: Setup) -> Result<Self> {
        let (shared, handler) = prepare(setup)?;
        let server = HttpsServer::start(tls, handler).await?;
        Ok(Self { server, shared })
    }

    /// On a socket that is bound already, in whatever network namespace it was.
    pub(crate) fn serve(
        listener: TcpListener,
        tls: Arc<ServerConfig>,
        setup: Setup,
    ) -> Result<Self> {
        let (shared, handler) = prepare(setup)?;
        let server = HttpsServer::serve(listener, tls, handler)?;
        Ok(Self { server, shared })
    }

    /// From now on this token is a login too.
    pub(crate) fn accept_token(&self, token: &str) {
        self.shared.accounts.accept(token);
    }

    /// From now on this token, which was accepted at run time, is answered with 401.
    pub(crate) fn refuse_token(&self, token: &str) {
        self.shared.accounts.refuse_token(token);
    }

    /// From now on this organization, repository or enterprise exists (`orgs/acme`).
    pub(crate) fn add_scope(&self, scope: &str) {
        self.shared.scopes().insert(scope.to_owned());
    }

    /// From now on whoever asks for it is answered with 404.
    pub(crate) fn remove_scope(&self, scope: &str) {
        self.shared.scopes().remove(scope);
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.server.asked()
    }

    /// Every TLS handshake that has ended, well or not.
    pub(crate) fn handshakes(&self) -> Vec<Handshake> {
        self.server.handshakes()
    }

    /// Names of the scale sets that are registered, in the order of their ids.
    pub(crate) fn scale_sets(&self) -> Vec<String> {
        self.shared.scale_sets.names()
    }

    /// Every runner that is registered.
    pub(crate) fn runners(&self) -> Vec<Runner> {
        let runners = self.shared.scale_sets.runners().into_iter();
        runners.map(|(_, runner)| runner).collect()
    }

    /// Offers a job to a scale set, as a workflow with its `runs-on` would; its id.
    pub(crate) fn offer_job(&self, scope: &str, scale_set: &str) -> Result<u64> {
        let job = self.shared.scale_sets.offer_job(scope, scale_set);
        job.with_context(|| format!("no scale set {scale_set} is registered in {scope}"))
    }

    /// Where a job stands.
    pub(crate) fn job(&self, id: u64) -> Option<Job> {
        self.shared.scale_sets.job(id)
    }

    /// What runners have told about themselves, in the order in which they did.
    pub(crate) fn reports(&self) -> Vec<Value> {
        let reports = self.shared.reports.lock();
        reports.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn prepare(setup: Setup) -> Result<(Arc<Shared>, Handler)> {
    let shared = Arc::new(Shared {
        accounts: Accounts::new(setup.token.clone(), setup.app.clone())?,
        scopes: Mutex::new(setup.scopes.clone()),
        setup,
        scale_sets: ScaleSets::default(),
        reports: Mutex::default(),
    });
    let state = Arc::clone(&shared);
    let handler = Arc::new(move |request: Request<Bytes>| {
        let state = Arc::clone(&state);
        async move { answer(&state, &request).await }.boxed()
    });
    Ok((shared, handler))
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
        return shared.scale_sets.answer(request, rest).await;
    }
    if let Some(rest) = path.strip_prefix("/message-queue/") {
        return shared.scale_sets.queue(request, rest).await;
    }
    if path == "/lab/reports" {
        return report(shared, request);
    }
    let rest = match shared.setup.enterprise_version {
        Some(_) => path.strip_prefix("/api/v3"),
        None => Some(path),
    };
    rest.map_or_else(not_found, |rest| rest::answer(shared, request, rest))
}

/// No part of GitHub: a stand-in runner tells here what it found around itself.
fn report(shared: &Shared, request: &Request<Bytes>) -> Response<Bytes> {
    let report: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    if request.method() != Method::POST || !report["name"].is_string() {
        return empty(StatusCode::BAD_REQUEST);
    }
    let reports = shared.reports.lock();
    reports.unwrap_or_else(PoisonError::into_inner).push(report);
    empty(StatusCode::NO_CONTENT)
}
