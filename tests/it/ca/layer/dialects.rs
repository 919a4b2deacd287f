//! Registries that cannot be had here, by what they are known to do: tokens for scopes, uploads in one request, no mounts,
//! storage at another host; and broken ones.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use arc_setup::object::sha256;
use futures::FutureExt as _;
use http::header::{CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Bytes;
use serde_json::json;

use crate::support::arc_setup::{ArcSetup, Outcome};
use crate::support::authority::{Authority, Sends};
use crate::support::https::{HttpsServer, authorization, empty, host};

const BASE: &str = "library/docker";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// What it does beside what all of them do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Habit {
    /// Takes a blob in one request.
    OneRequest,
    /// Hands blobs out from a storage at another host.
    Storage,
    /// Wants uploads at another host.
    UploadsElsewhere,
    /// Keeps something else than it was sent.
    KeepsAnother,
    /// Hands out something else than it was asked for.
    Changed,
}

/// Docker's tokens, one image, nothing mounted.
struct Dialect {
    habit: Habit,
    blobs: Mutex<BTreeMap<String, Bytes>>,
    manifests: Mutex<BTreeMap<String, Bytes>>,
    /// Token → the scopes that it was asked for with.
    tokens: Mutex<BTreeMap<String, Vec<String>>>,
}

fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", sha256(bytes))
}

fn with(status: StatusCode, name: http::HeaderName, value: &str) -> Response<Bytes> {
    let mut response = empty(status);
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}

/// The values of a query that may come more than once; digests and names have a colon at most to be decoded.
fn all<'a>(request: &'a Request<Bytes>, name: &str) -> Vec<String> {
    let pairs: std::str::Split<'a, char> = request.uri().query().unwrap_or_default().split('&');
    let pairs = pairs.filter_map(|pair| pair.split_once('='));
    let decoded = |text: &str| {
        text.replace("%3A", ":")
            .replace("%2F", "/")
            .replace("%2C", ",")
    };
    let found = pairs.filter(|(key, _)| *key == name);
    found.map(|(_, value)| decoded(value)).collect()
}

impl Dialect {
    fn new(habit: Habit) -> Self {
        let layer = Bytes::from_static(b"a layer that nobody reads");
        let config = json!({"os": "linux", "architecture": "amd64",
            "rootfs": {"type": "layers", "diff_ids": [digest(b"unpacked")]}, "history": [{"created_by": "COPY"}]});
        let config = Bytes::from(config.to_string());
        let descriptor = |kind: &str, bytes: &Bytes| json!({"mediaType": format!("application/vnd.oci.image.{kind}"), "digest": digest(bytes), "size": bytes.len()});
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST,
            "config": descriptor("config.v1+json", &config), "layers": [descriptor("layer.v1.tar", &layer)]});
        let blobs = [config, layer].map(|blob| (format!("{BASE} {}", digest(&blob)), blob));
        let manifests = [(format!("{BASE}:1"), Bytes::from(manifest.to_string()))];
        Self {
            habit,
            blobs: Mutex::new(blobs.into()),
            manifests: Mutex::new(manifests.into()),
            tokens: Mutex::default(),
        }
    }

    fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let path = request.uri().path();
        if path == "/token" {
            let mut tokens = locked(&self.tokens);
            let token = format!("token-{}", tokens.len());
            tokens.insert(token.clone(), all(request, "scope"));
            return Response::new(Bytes::from(json!({ "token": token }).to_string()));
        }
        if let Some(digest) = path.strip_prefix("/storage/") {
            return match authorization(request.headers()) {
                // A signed URL and a login beside it: S3 answers 400.
                Some(_) => empty(StatusCode::BAD_REQUEST),
                None => self.blob(BASE, digest),
            };
        }
        let rest = path.strip_prefix("/v2/").unwrap_or_default();
        let kinds = ["/manifests/", "/blobs/"];
        let Some((repository, kind, name)) = kinds.iter().find_map(|kind| {
            let (repository, name) = rest.split_once(kind)?;
            Some((repository, *kind, name))
        }) else {
            return empty(StatusCode::NOT_FOUND);
        };
        let writes = !matches!(*request.method(), Method::GET | Method::HEAD);
        if !self.is_let_in(request, repository, writes) {
            let realm = format!("Bearer realm=\"https://{}/token\"", host(request));
            return with(StatusCode::UNAUTHORIZED, WWW_AUTHENTICATE, &realm);
        }
        match (kind, request.method()) {
            ("/manifests/", &Method::PUT) => self.put_manifest(request, repository, name),
            ("/manifests/", _) => self.manifest(repository, name),
            (_, &Method::POST) => self.upload(request, repository),
            (_, &Method::PUT) => self.keep(request, repository),
            (_, &Method::DELETE) => empty(StatusCode::FORBIDDEN),
            _ if self.habit == Habit::Storage && request.method() == Method::GET => {
                let port = host(request)
                    .split(':')
                    .nth(1)
                    .unwrap_or_default()
                    .to_owned();
                let place = format!("https://127.0.0.1:{port}/storage/{name}");
                with(StatusCode::TEMPORARY_REDIRECT, LOCATION, &place)
            }
            _ => self.blob(repository, name),
        }
    }

    fn is_let_in(&self, request: &Request<Bytes>, repository: &str, writes: bool) -> bool {
        let Some(("Bearer", token)) = authorization(request.headers()) else {
            return false;
        };
        let tokens = locked(&self.tokens);
        let scopes = tokens.get(token).map(Vec::as_slice).unwrap_or_default();
        let of = |actions: &str| scopes.contains(&format!("repository:{repository}:{actions}"));
        of("pull,push") || (!writes && of("pull"))
    }

    fn manifest(&self, repository: &str, reference: &str) -> Response<Bytes> {
        let manifests = locked(&self.manifests);
        match manifests.get(&format!("{repository}:{reference}")) {
            Some(bytes) => {
                let mut response = with(StatusCode::OK, CONTENT_TYPE, MANIFEST);
                if let Ok(value) = HeaderValue::from_str(&digest(bytes)) {
                    response
                        .headers_mut()
                        .insert("docker-content-digest", value);
                }
                *response.body_mut() = bytes.clone();
                response
            }
            None => empty(StatusCode::NOT_FOUND),
        }
    }

    fn put_manifest(
        &self,
        request: &Request<Bytes>,
        repository: &str,
        reference: &str,
    ) -> Response<Bytes> {
        let name = format!("{repository}:{reference}");
        locked(&self.manifests).insert(name, request.body().clone());
        let kept = match self.habit {
            Habit::KeepsAnother => digest(b"another"),
            _ => digest(request.body()),
        };
        let name = http::HeaderName::from_static("docker-content-digest");
        with(StatusCode::CREATED, name, &kept)
    }

    fn blob(&self, repository: &str, digest: &str) -> Response<Bytes> {
        match locked(&self.blobs).get(&format!("{repository} {digest}")) {
            Some(_) if self.habit == Habit::Changed => Response::new(Bytes::from_static(b"{}")),
            Some(bytes) => Response::new(bytes.clone()),
            None => empty(StatusCode::NOT_FOUND),
        }
    }

    fn upload(&self, request: &Request<Bytes>, repository: &str) -> Response<Bytes> {
        if self.habit == Habit::OneRequest && !request.body().is_empty() {
            return self.keep(request, repository);
        }
        // Behind what ends TLS it does not know that it is reached by it.
        let scheme = "http";
        let at = match self.habit {
            Habit::UploadsElsewhere => "10.0.0.1".to_owned(),
            _ => host(request),
        };
        let place = format!("{scheme}://{at}/v2/{repository}/blobs/uploads/1?state=kept");
        with(StatusCode::ACCEPTED, LOCATION, &place)
    }

    fn keep(&self, request: &Request<Bytes>, repository: &str) -> Response<Bytes> {
        let wanted = all(request, "digest").pop().unwrap_or_default();
        let is_whole = wanted == digest(request.body());
        let has_state = request.method() == Method::POST || !all(request, "state").is_empty();
        if !is_whole || !has_state {
            return empty(StatusCode::BAD_REQUEST);
        }
        let name = format!("{repository} {wanted}");
        locked(&self.blobs).insert(name, request.body().clone());
        empty(StatusCode::CREATED)
    }
}

struct Site {
    dialect: Arc<Dialect>,
    server: HttpsServer,
    program: ArcSetup,
}

async fn site(habit: Habit) -> Result<Site> {
    let authority = Authority::new()?;
    let dialect = Arc::new(Dialect::new(habit));
    let of_server = Arc::clone(&dialect);
    let handler = Arc::new(move |request: Request<Bytes>| {
        let dialect = Arc::clone(&of_server);
        async move { dialect.answer(&request) }.boxed()
    });
    let tls = authority.server(&["localhost", "127.0.0.1"], Sends::LeafOnly)?;
    let program = ArcSetup::new()?;
    program.file("ca.pem", authority.bundle_pem())?;
    Ok(Site {
        dialect,
        server: HttpsServer::start(tls, handler).await?,
        program,
    })
}

impl Site {
    async fn push(&self) -> Result<Outcome> {
        let host = format!("localhost:{}", self.server.address().port());
        let (base, place) = (
            format!("{host}/{BASE}:1"),
            format!("{host}/platform/docker:ca"),
        );
        let arguments = [
            "ca",
            "layer",
            &base,
            "--ca-bundle",
            "ca.pem",
            "--push",
            &place,
        ];
        self.program.run(&arguments).await
    }

    fn is_tagged(&self) -> bool {
        locked(&self.dialect.manifests).contains_key("platform/docker:ca")
    }

    fn asked(&self, method: &str, part: &str) -> usize {
        let asked = self.server.asked().into_iter();
        asked
            .filter(|one| one.method == method && one.target.contains(part))
            .count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_asked_for_once_and_for_both_repositories() -> Result<()> {
    let site = site(Habit::OneRequest).await?;
    let said = site.push().await?.expect_code(0).stdout;
    assert!(
        said.contains("2 new, 0 there, 0 mounted, 1 copied"),
        "{said}"
    );
    let tokens = locked(&site.dialect.tokens)
        .values()
        .cloned()
        .collect::<Vec<_>>();
    let pull = format!("repository:{BASE}:pull");
    let push = "repository:platform/docker:pull,push".to_owned();
    assert_eq!(tokens, [vec![pull.clone()], vec![push, pull]]);
    // New blobs went in one request each; the base's, which was not mounted, in the upload that was begun instead.
    assert_eq!(site.asked("POST", "uploads/?digest="), 2);
    assert_eq!(site.asked("POST", "uploads/?mount="), 1);
    assert_eq!(site.asked("PUT", "/blobs/uploads/"), 1);
    assert!(site.is_tagged());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn storage_at_another_host_gets_no_login() -> Result<()> {
    let site = site(Habit::Storage).await?;
    site.push().await?.expect_code(0);
    // The configuration and the layer.
    assert_eq!(site.asked("GET", "/storage/"), 2);
    assert!(site.is_tagged());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_registries_are_told_and_get_no_tag() -> Result<()> {
    for (habit, exit, code, words) in [
        (
            Habit::UploadsElsewhere,
            20,
            "layer-push-refused",
            "it wants blobs at another host or port, 10.0.0.1",
        ),
        (
            Habit::KeepsAnother,
            20,
            "layer-push-refused",
            "it keeps another manifest than it was sent",
        ),
        (
            Habit::Changed,
            3,
            "layer-digest",
            "the configuration is not what its digest says",
        ),
    ] {
        let site = site(habit).await?;
        let said = site.push().await?.expect_code(exit).stderr;
        assert!(
            said.contains(&format!("code: {code}")) && said.contains(words),
            "{habit:?}: {said}"
        );
        assert!(
            habit == Habit::KeepsAnother || !site.is_tagged(),
            "{habit:?}"
        );
    }
    Ok(())
}
