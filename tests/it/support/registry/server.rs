//! The requests of the distribution API that a client needs to look for an image.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use futures::FutureExt as _;
use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Bytes;
use rustls::ServerConfig;
use serde_json::json;

use crate::support::https::{Asked, HttpsServer, json};

use super::access::{Access, Door};
use super::image::{Image, MEDIA_TYPE};

/// How requests for one repository are answered, whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// 403: not on the allow list.
    Denied,
    /// 404: not known here.
    Missing,
    /// 429, with Retry-After.
    RateLimited,
    /// 503.
    Unavailable,
}

/// What Artifactory does and the specification does not say.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Quirks {
    /// The challenge to HEAD says no scope.
    pub(crate) head_challenge_without_scope: bool,
    /// A remote that bypasses HEAD: 404 for it, 200 for GET.
    pub(crate) head_is_missing: bool,
}

/// How a registry is set up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Setup {
    /// `REPOSITORY:TAG` of every image that it holds: `brancz/kube-rbac-proxy:v0.8.0`.
    pub(crate) images: Vec<String>,
    pub(crate) access: Access,
    pub(crate) quirks: Quirks,
}

/// A running registry; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Registry {
    server: HttpsServer,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    images: Mutex<Vec<Image>>,
    answers: Mutex<BTreeMap<String, Answer>>,
    door: Door,
    head_is_missing: bool,
}

impl Registry {
    pub(crate) async fn start(tls: Arc<ServerConfig>, setup: Setup) -> Result<Self> {
        let shared = Arc::new(Shared {
            images: Mutex::new(setup.images.iter().map(|name| Image::new(name)).collect()),
            answers: Mutex::default(),
            door: Door::new(setup.access, setup.quirks.head_challenge_without_scope),
            head_is_missing: setup.quirks.head_is_missing,
        });
        let state = Arc::clone(&shared);
        let handler = Arc::new(move |request: Request<Bytes>| {
            let state = Arc::clone(&state);
            async move { state.answer(&request) }.boxed()
        });
        Ok(Self {
            server: HttpsServer::start(tls, handler).await?,
            shared,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.server.asked()
    }

    /// Puts `REPOSITORY:TAG` on the shelf.
    pub(crate) fn add(&self, name: &str) {
        self.shared
            .images
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Image::new(name));
    }

    /// From now on every request for this repository is answered so.
    pub(crate) fn answer_with(&self, repository: &str, answer: Answer) {
        let mut answers = self
            .shared
            .answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        answers.insert(repository.to_owned(), answer);
    }
}

impl Shared {
    fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let mut response = self.route(request);
        let version = HeaderValue::from_static("registry/2.0");
        response
            .headers_mut()
            .insert("docker-distribution-api-version", version);
        response
    }

    fn route(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let path = request.uri().path();
        if path == "/token" && request.method() == Method::GET {
            return self.door.token(request);
        }
        let Some(rest) = path.strip_prefix("/v2/") else {
            return error(StatusCode::NOT_FOUND, "NOT_FOUND", "page not found");
        };
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return error(
                StatusCode::METHOD_NOT_ALLOWED,
                "UNSUPPORTED",
                "this registry is read-only",
            );
        }
        if rest.is_empty() {
            return self
                .door
                .check(request, None)
                .unwrap_or_else(|| json(StatusCode::OK, &json!({})));
        }
        let manifest = rest.rsplit_once("/manifests/");
        let tags = rest.strip_suffix("/tags/list");
        let Some(repository) = manifest.map(|(repository, _)| repository).or(tags) else {
            return error(StatusCode::NOT_FOUND, "NOT_FOUND", "page not found");
        };
        if !is_name(repository) {
            return error(
                StatusCode::BAD_REQUEST,
                "NAME_INVALID",
                "invalid repository name",
            );
        }
        if let Some(refusal) = self.door.check(request, Some(repository)) {
            return refusal;
        }
        if let Some(answer) = self
            .answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(repository)
        {
            return answer.response();
        }
        match manifest {
            Some((_, reference)) => self.manifest(request, repository, reference),
            None => self.tags(repository),
        }
    }

    fn manifest(
        &self,
        request: &Request<Bytes>,
        repository: &str,
        reference: &str,
    ) -> Response<Bytes> {
        let images = self.images.lock().unwrap_or_else(PoisonError::into_inner);
        let found = images
            .iter()
            .find(|image| image.repository == repository && image.is(reference));
        let hidden = self.head_is_missing && request.method() == Method::HEAD;
        let Some(image) = found.filter(|_| !hidden) else {
            return error(
                StatusCode::NOT_FOUND,
                "MANIFEST_UNKNOWN",
                "manifest unknown",
            );
        };
        if !accepts(request, MEDIA_TYPE) {
            let message = "OCI manifest found, but accept header does not support OCI manifests";
            return error(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", message);
        }
        let mut response = Response::new(image.manifest.clone());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Ok(digest) = HeaderValue::from_str(&image.digest) {
            headers.insert("docker-content-digest", digest);
        }
        response
    }

    fn tags(&self, repository: &str) -> Response<Bytes> {
        let images = self.images.lock().unwrap_or_else(PoisonError::into_inner);
        let tags: Vec<&str> = images
            .iter()
            .filter(|image| image.repository == repository)
            .map(|image| image.tag.as_str())
            .collect();
        if tags.is_empty() {
            return error(
                StatusCode::NOT_FOUND,
                "NAME_UNKNOWN",
                "repository name not known to registry",
            );
        }
        json(StatusCode::OK, &json!({ "name": repository, "tags": tags }))
    }
}

impl Answer {
    fn response(self) -> Response<Bytes> {
        match self {
            Self::Denied => error(
                StatusCode::FORBIDDEN,
                "DENIED",
                "requested access to the resource is denied",
            ),
            Self::Missing => error(
                StatusCode::NOT_FOUND,
                "MANIFEST_UNKNOWN",
                "manifest unknown",
            ),
            Self::Unavailable => error(
                StatusCode::SERVICE_UNAVAILABLE,
                "UNAVAILABLE",
                "service unavailable",
            ),
            Self::RateLimited => {
                let mut response = error(
                    StatusCode::TOO_MANY_REQUESTS,
                    "TOOMANYREQUESTS",
                    "too many requests",
                );
                response
                    .headers_mut()
                    .insert(RETRY_AFTER, HeaderValue::from_static("1"));
                response
            }
        }
    }
}

/// An error in the form of the distribution specification.
pub(super) fn error(status: StatusCode, code: &str, message: &str) -> Response<Bytes> {
    json(
        status,
        &json!({ "errors": [{ "code": code, "message": message, "detail": null }] }),
    )
}

/// Without an Accept header the answer would be for a client of 2014.
fn accepts(request: &Request<Bytes>, media_type: &str) -> bool {
    let values = request
        .headers()
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .any(|one| matches!(one.split(';').next().map(str::trim), Some(accepted) if accepted == media_type || accepted == "*/*"))
}

/// Lower-case path components, as the specification wants them.
fn is_name(name: &str) -> bool {
    name.len() <= 255
        && name.split('/').all(|part| {
            let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            let bytes = part.as_bytes();
            bytes.first().copied().is_some_and(is_plain)
                && bytes.last().copied().is_some_and(is_plain)
                && bytes
                    .iter()
                    .all(|byte| is_plain(*byte) || matches!(byte, b'.' | b'_' | b'-'))
        })
}
