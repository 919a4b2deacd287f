//! Who may read: Basic accounts, or tokens that the registry hands out for one scope each.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Bytes;
use serde_json::json;

use crate::support::https::{authorization, host, json, query};

use super::server::error;

/// How the registry lets clients in.
#[derive(Debug, Clone, Default)]
pub(crate) enum Access {
    /// Everyone.
    #[default]
    Anonymous,
    /// This account, on every request.
    Basic { username: String, password: String },
    /// A token from `/token`, which wants the account; None gives tokens to everyone.
    Bearer { account: Option<(String, String)> },
}

/// The door of one registry.
#[derive(Debug)]
pub(super) struct Door {
    access: Access,
    /// The challenge to HEAD says no scope (Artifactory, RTFACT-20170).
    pub(super) head_without_scope: bool,
    /// Token → the scope that it was given for.
    tokens: Mutex<BTreeMap<String, String>>,
}

impl Door {
    pub(super) fn new(access: Access, head_without_scope: bool) -> Self {
        Self {
            access,
            head_without_scope,
            tokens: Mutex::default(),
        }
    }

    /// Lets a request through that may pull `repository` (None: the base), or answers it.
    pub(super) fn check(
        &self,
        request: &Request<Bytes>,
        repository: Option<&str>,
    ) -> Option<Response<Bytes>> {
        let given = authorization(request.headers());
        let scope = repository.map(|name| format!("repository:{name}:pull"));
        match (&self.access, given) {
            (Access::Anonymous, _) => None,
            (Access::Basic { username, password }, given) => {
                if given.is_some_and(|given| is_account(given, username, password)) {
                    return None;
                }
                Some(unauthorized("Basic realm=\"Example Registry Realm\""))
            }
            (Access::Bearer { .. }, Some(("Bearer", token))) => {
                let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
                match tokens.get(token) {
                    Some(granted)
                        if scope.is_none_or(|scope| granted.split(' ').any(|one| one == scope)) =>
                    {
                        None
                    }
                    Some(_) => Some(unauthorized(&self.challenge(
                        request,
                        repository,
                        ",error=\"insufficient_scope\"",
                    ))),
                    None => Some(unauthorized(&self.challenge(
                        request,
                        repository,
                        ",error=\"invalid_token\"",
                    ))),
                }
            }
            (Access::Bearer { .. }, _) => {
                Some(unauthorized(&self.challenge(request, repository, "")))
            }
        }
    }

    fn challenge(&self, request: &Request<Bytes>, repository: Option<&str>, error: &str) -> String {
        let host = host(request);
        let says_scope = !(self.head_without_scope && request.method() == http::Method::HEAD);
        let scope = repository.filter(|_| says_scope);
        let scope = scope
            .map(|name| format!(",scope=\"repository:{name}:pull\""))
            .unwrap_or_default();
        format!("Bearer realm=\"https://{host}/token\",service=\"{host}\"{scope}{error}")
    }

    /// `GET /token?service=…&scope=…`.
    pub(super) fn token(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let Access::Bearer { account } = &self.access else {
            return error(StatusCode::NOT_FOUND, "NOT_FOUND", "page not found");
        };
        if query(request, "service") != Some(host(request)) {
            return error(
                StatusCode::BAD_REQUEST,
                "UNSUPPORTED",
                "service is missing or not ours",
            );
        }
        let given = authorization(request.headers());
        if let Some((username, password)) = account
            && !given.is_some_and(|given| is_account(given, username, password))
        {
            return error(
                StatusCode::UNAUTHORIZED,
                "UNAUTHORIZED",
                "incorrect username or password",
            );
        }
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let token = format!("registry-token-{}", tokens.len() + 1);
        tokens.insert(token.clone(), query(request, "scope").unwrap_or_default());
        json(
            StatusCode::OK,
            &json!({ "token": token, "access_token": token, "expires_in": 300 }),
        )
    }
}

fn unauthorized(challenge: &str) -> Response<Bytes> {
    let mut response = error(
        StatusCode::UNAUTHORIZED,
        "UNAUTHORIZED",
        "authentication required",
    );
    if let Ok(challenge) = HeaderValue::from_str(challenge) {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

/// Whether an Authorization header is Basic with this account.
fn is_account((scheme, value): (&str, &str), username: &str, password: &str) -> bool {
    scheme.eq_ignore_ascii_case("Basic")
        && STANDARD
            .decode(value)
            .is_ok_and(|text| text == format!("{username}:{password}").into_bytes())
}
