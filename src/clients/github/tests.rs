//! Logins, registration tokens and refusals against a stand-in over TLS and a proxy.

use std::sync::Arc;

use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};

use super::*;
use crate::clients::stand_in::{self, Authority, Log, NOW};

const PKCS1: &[u8] = include_bytes!("../../../tests/fixtures/github/app-pkcs1.pem");
const PKCS8: &[u8] = include_bytes!("../../../tests/fixtures/github/app-pkcs8.pem");
const NOT_RSA: &[u8] = include_bytes!("../../../tests/fixtures/github/not-rsa.pem");

fn secret(bytes: &[u8]) -> Secret<Vec<u8>> {
    Secret::new(bytes.to_vec())
}

async fn github(
    answer: impl Fn(&str) -> (u16, &'static str, &'static str) + Send + Sync + 'static,
) -> (Github, Log) {
    let authority = Authority::new();
    let answer: stand_in::Answer = Arc::new(move |head| {
        let (status, headers, body) = answer(head);
        (status, headers.to_owned(), body.to_owned())
    });
    let (server, log) = stand_in::server(&authority, true, answer).await;
    let (proxy, _) = stand_in::proxy(server, None).await;
    let http = stand_in::route(&[&authority.root], proxy, None)
        .client()
        .unwrap();
    (Github::new(http, "https://github.corp/api/v3/"), log)
}

#[test]
fn a_jwt_of_either_key_form_verifies() {
    let (_, pkcs1) = x509_parser::pem::parse_x509_pem(PKCS1).unwrap();
    let pair = RsaKeyPair::from_der(&pkcs1.contents).unwrap();
    for key in [PKCS1, PKCS8] {
        let jwt = app::jwt(" 12345\n", &secret(key), NOW).unwrap();
        let (signed, signature) = jwt.expose().rsplit_once('.').unwrap();
        let decode = |text: &str| {
            use base64::Engine;
            base64::engine::general_purpose::URL_SAFE_NO_PAD
                .decode(text)
                .unwrap()
        };
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public())
            .verify(signed.as_bytes(), &decode(signature))
            .unwrap();
        let claims: Value =
            serde_json::from_slice(&decode(signed.split_once('.').unwrap().1)).unwrap();
        assert_eq!(
            claims,
            serde_json::json!({"iat": NOW - 60, "exp": NOW + 540, "iss": "12345"})
        );
    }
}

#[test]
fn a_wrong_key_says_what_it_is_and_nothing_of_itself() {
    for (key, word) in [
        (NOT_RSA, "no RSA key"),
        (b"canary", "not PEM"),
        (
            b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "encrypted",
        ),
        (
            b"-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n",
            "no usable RSA key",
        ),
        (b"-----BEGIN RSA PRIVATE KEY-----\ncanary", "broken"),
    ] {
        let why = app::jwt("1", &secret(key), NOW).unwrap_err();
        assert!(why.contains(word) && !why.contains("canary"), "{why}");
    }
}

#[tokio::test]
async fn a_token_is_trimmed_and_a_registration_token_really_asked_for() {
    let (github, log) = github(|_| {
        (
            201,
            "",
            r#"{"token":"reg-canary","expires_at":"2027-01-15T00:00:00Z"}"#,
        )
    })
    .await;
    let session = github
        .login(&Login::Token(Secret::new("ghp_canary\n".to_owned())), NOW)
        .await
        .unwrap();
    assert_eq!(
        session.registration_token("/orgs/corp").await.unwrap(),
        "2027-01-15T00:00:00Z"
    );
    let head = log.lock().unwrap()[0].clone();
    assert!(
        head.starts_with("POST /api/v3/orgs/corp/actions/runners/registration-token HTTP/1.1\r\n"),
        "{head}"
    );
    assert!(head.contains("Bearer ghp_canary\r\n"));
    assert!(!format!("{session:?}").contains("canary"));
}

#[tokio::test]
async fn an_app_gets_an_installation_token_first() {
    let (github, log) = github(|head| {
        if head.contains("access_tokens") {
            (
                201,
                "",
                r#"{"token":"ghs_x","expires_at":"2027-01-15T00:00:00Z"}"#,
            )
        } else {
            (
                403,
                "",
                r#"{"message":"Resource not accessible by integration"}"#,
            )
        }
    })
    .await;
    let login = Login::App {
        id: "1".into(),
        installation_id: "42".into(),
        private_key: secret(PKCS8),
    };
    let session = github.login(&login, NOW).await.unwrap();
    let error = session.registration_token("/repos/o/r").await.unwrap_err();
    assert!(
        error.to_string().contains("the App needs the permission"),
        "{error}"
    );
    let log = log.lock().unwrap();
    assert!(log[0].starts_with("POST /api/v3/app/installations/42/access_tokens "));
    assert!(log[1].contains("Bearer ghs_x\r\n"));
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let (github, _) = github(
        |head| match head.split_whitespace().nth(1).unwrap_or_default() {
            path if path.contains("/orgs/bad/") => (401, "", r#"{"message":"Bad credentials"}"#),
            path if path.contains("/orgs/sso/") => (
                403,
                "x-github-sso: required; url=x\r\n",
                r#"{"message":"Resource protected"}"#,
            ),
            path if path.contains("/orgs/limit/") => {
                (403, "x-ratelimit-remaining: 0\r\n", r#"{"message":"rate"}"#)
            }
            path if path.contains("/orgs/gone/") => (404, "", r#"{"message":"Not Found"}"#),
            "/api/v3/meta" => (200, "", r#"{"installed_version":"3.12.1"}"#),
            _ => (200, "", "<html>"),
        },
    )
    .await;
    assert_eq!(
        github.enterprise_version().await.unwrap().as_deref(),
        Some("3.12.1")
    );
    let session = github
        .login(&Login::Token(Secret::new("t".to_owned())), NOW)
        .await
        .unwrap();
    let of = async |scope: &str| session.registration_token(scope).await.unwrap_err();
    assert!(matches!(
        of("/orgs/bad").await,
        GithubError::Unauthorized { .. }
    ));
    assert!(of("/orgs/sso").await.to_string().contains("single sign-on"));
    assert!(matches!(
        of("/orgs/limit").await,
        GithubError::RateLimited { .. }
    ));
    assert!(
        matches!(of("/orgs/gone").await, GithubError::NotFound { what, .. } if what == "/orgs/gone")
    );
    assert!(matches!(
        of("/orgs/page").await,
        GithubError::Unexpected { status: 200, .. }
    ));
}
