//! Who asks: a personal token, a GitHub App's signed assertion, or a token made for one.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Request, Response, StatusCode};
use hyper::body::Bytes;
use ring::rsa::{KeyPair, PublicKey};
use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use rustls::pki_types::PrivatePkcs1KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use crate::support::https::authorization;

use super::answers::{json, message};

/// A GitHub App that is installed in the organization.
#[derive(Debug, Clone)]
pub(crate) struct App {
    /// App id or client id: what the assertion's `iss` must say.
    pub(crate) id: String,
    pub(crate) installation_id: String,
}

impl App {
    /// The key that its assertions are signed with, as GitHub hands it out (PKCS#1).
    pub(crate) const PRIVATE_KEY: &str = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/github/app-private-key.pem"
    ));

    /// Another App's key, equally well-formed.
    pub(crate) const OTHER_PRIVATE_KEY: &str = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/github/other-private-key.pem"
    ));
}

/// Every account that the server knows, and the tokens that it has handed out.
#[derive(Debug)]
pub(super) struct Accounts {
    token: Option<String>,
    app: Option<App>,
    app_key: PublicKey,
    /// Installation tokens.
    installation_tokens: Mutex<Vec<String>>,
    /// Registration token → the scope that it is for (`orgs/acme`).
    registration_tokens: Mutex<BTreeMap<String, String>>,
}

impl Accounts {
    pub(super) fn new(token: Option<String>, app: Option<App>) -> Result<Self> {
        let key = PrivatePkcs1KeyDer::from_pem_slice(App::PRIVATE_KEY.as_bytes())
            .map_err(|error| anyhow!("the test key: {error}"))?;
        let key = KeyPair::from_der(key.secret_pkcs1_der())
            .map_err(|error| anyhow!("the test key: {error}"))?;
        Ok(Self {
            token,
            app,
            app_key: key.public_key().clone(),
            installation_tokens: Mutex::default(),
            registration_tokens: Mutex::default(),
        })
    }

    /// From now on this token is a login too.
    pub(super) fn accept(&self, token: &str) {
        self.installation_tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(token.to_owned());
    }

    /// Takes back what [`Self::accept`] said.
    pub(super) fn refuse_token(&self, token: &str) {
        self.installation_tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|known| known != token);
    }

    /// Refuses who is neither the personal token nor an installation token.
    pub(super) fn refuse(&self, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        match authorization(request.headers()) {
            None => Some(message(StatusCode::UNAUTHORIZED, "Requires authentication")),
            Some(("Bearer" | "token", token)) if self.is_token(token) => None,
            Some(_) => Some(message(StatusCode::UNAUTHORIZED, "Bad credentials")),
        }
    }

    fn is_token(&self, token: &str) -> bool {
        let installation = self
            .installation_tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.token.as_deref() == Some(token) || installation.iter().any(|known| known == token)
    }

    /// `POST /app/installations/{id}/access_tokens`, with the App's assertion.
    pub(super) fn installation_token(
        &self,
        request: &Request<Bytes>,
        installation: &str,
    ) -> Response<Bytes> {
        let Some(("Bearer", assertion)) = authorization(request.headers()) else {
            return message(
                StatusCode::UNAUTHORIZED,
                "A JSON web token could not be decoded",
            );
        };
        if let Err(reason) = self.verify(assertion) {
            return message(StatusCode::UNAUTHORIZED, reason);
        }
        if self
            .app
            .as_ref()
            .is_none_or(|app| app.installation_id != installation)
        {
            return message(StatusCode::NOT_FOUND, "Not Found");
        }
        let mut tokens = self
            .installation_tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let token = format!("ghs_installation{}", tokens.len() + 1);
        tokens.push(token.clone());
        json(
            StatusCode::CREATED,
            &json!({ "token": token, "expires_at": in_an_hour() }),
        )
    }

    /// RS256 by the App's key, `iss` the App, and times as GitHub allows them.
    fn verify(&self, assertion: &str) -> Result<(), &'static str> {
        const UNDECODED: &str = "A JSON web token could not be decoded";
        let (signed, signature) = assertion.rsplit_once('.').ok_or(UNDECODED)?;
        let (header, claims) = signed.split_once('.').ok_or(UNDECODED)?;
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| UNDECODED);
        let parse =
            |text: &str| serde_json::from_slice::<Value>(&decode(text)?).map_err(|_| UNDECODED);
        if parse(header)?["alg"] != "RS256" {
            return Err(UNDECODED);
        }
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.app_key.as_ref())
            .verify(signed.as_bytes(), &decode(signature)?)
            .map_err(|_| UNDECODED)?;
        let claims = parse(claims)?;
        let by = match &claims["iss"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if self.app.as_ref().is_none_or(|app| app.id != by) {
            return Err("Integration not found");
        }
        let (Some(issued), Some(expires)) = (claims["iat"].as_u64(), claims["exp"].as_u64()) else {
            return Err("Missing 'issued at' claim ('iat') or 'expiration time' claim ('exp')");
        };
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        if issued > now {
            return Err(
                "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
            );
        }
        if expires <= now {
            return Err(
                "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
            );
        }
        if expires > now + 600 {
            return Err("'Expiration time' claim ('exp') is too far in the future");
        }
        Ok(())
    }

    /// A registration token for `scope`, which whoever asks may have.
    pub(super) fn registration_token(&self, scope: &str) -> Response<Bytes> {
        let mut tokens = self
            .registration_tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let token = format!("AREGISTRATION{}", tokens.len() + 1);
        tokens.insert(token.clone(), scope.to_owned());
        json(
            StatusCode::CREATED,
            &json!({ "token": token, "expires_at": in_an_hour() }),
        )
    }

    /// Whether `RemoteAuth TOKEN` may register runners of `scope`.
    pub(super) fn may_register(&self, request: &Request<Bytes>, scope: &str) -> bool {
        let tokens = self
            .registration_tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(("RemoteAuth", token)) = authorization(request.headers()) else {
            return false;
        };
        tokens.get(token).is_some_and(|of| of == scope)
    }
}

fn in_an_hour() -> String {
    let now = jiff::Timestamp::now();
    now.checked_add(jiff::SignedDuration::from_hours(1))
        .unwrap_or(now)
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}
