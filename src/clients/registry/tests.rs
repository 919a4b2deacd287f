//! Manifests against a stand-in registry over TLS: tokens, Basic, chains, proxies.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::clients::stand_in::{self, Answer, Authority, route};

fn answer(
    of: impl Fn(&str) -> (u16, &'static str, &'static str) + Send + Sync + 'static,
) -> Answer {
    Arc::new(move |head| {
        let (status, headers, body) = of(head);
        (status, headers.to_owned(), body.to_owned())
    })
}

fn account() -> RegistryAccount {
    RegistryAccount {
        username: "bob".into(),
        password: Secret::new("canary".to_owned()),
    }
}

const CHALLENGE: &str = "www-authenticate: Bearer realm=\"https://registry.corp/artifactory/api/docker/key/v2/token\",service=\"s\"\r\n";
const FOUND: &str =
    "content-type: application/vnd.oci.image.index.v1+json\r\ndocker-content-digest: sha256:ab\r\n";

#[tokio::test]
async fn a_token_is_fetched_with_our_own_scope() {
    let authority = Authority::new();
    let (server, log) = stand_in::server(&authority, true, answer(|head| {
        if head.starts_with("GET /artifactory/api/docker/key/v2/token?service=s&scope=repository%3Akey%2Fdocker%3Apull ") {
            (200, "", r#"{"token":"tok"}"#)
        } else if head.contains("authorization: Bearer tok\r\n") {
            (200, FOUND, "")
        } else {
            (401, CHALLENGE, "")
        }
    })).await;
    let (proxy, proxied) = stand_in::proxy(server, None).await;
    let http = route(&[&authority.root], proxy, None).client().unwrap();
    let registry = Registry::new(http, "registry.corp", Some(account()));
    let presence = registry.manifest("key/docker", "dind").await;
    assert_eq!(
        presence,
        Presence::Present {
            digest: Some("sha256:ab".into()),
            media_type: "application/vnd.oci.image.index.v1+json".into()
        }
    );
    let log = log.lock().unwrap();
    assert_eq!(log.len(), 3);
    assert!(
        log[0].starts_with("HEAD /v2/key/docker/manifests/dind HTTP/1.1")
            && log[0].contains("manifest.list.v2+json")
    );
    assert!(log[1].contains(&format!("Basic {}", STANDARD.encode("bob:canary"))));
    assert!(proxied.lock().unwrap()[0].starts_with("CONNECT registry.corp:443 "));
    assert!(!format!("{registry:?}").contains("canary"));
}

#[tokio::test]
async fn basic_follows_a_token_that_the_registry_rejects() {
    let authority = Authority::new();
    let (server, _) = stand_in::server(
        &authority,
        true,
        answer(|head| {
            if head.contains("/token?") {
                (200, "", r#"{"access_token":"tok"}"#)
            } else if head.contains("authorization: Basic ") {
                (200, FOUND, "")
            } else {
                (401, CHALLENGE, "")
            }
        }),
    )
    .await;
    let (proxy, _) = stand_in::proxy(server, None).await;
    let http = route(&[&authority.root], proxy, None).client().unwrap();
    let registry = Registry::new(http.clone(), "registry.corp", Some(account()));
    assert!(matches!(
        registry.manifest("a", "b").await,
        Presence::Present { .. }
    ));
    let anonymous = Registry::new(http, "registry.corp", None);
    assert!(matches!(
        anonymous.manifest("a", "b").await,
        Presence::AuthRequired { .. }
    ));
}

#[tokio::test]
async fn get_is_asked_where_head_says_404() {
    let authority = Authority::new();
    let (server, _) = stand_in::server(
        &authority,
        true,
        answer(|head| match head {
            head if head.starts_with("GET /v2/here/") => (200, FOUND, "{}"),
            head if head.starts_with("GET /v2/ ") => (200, "", "{}"),
            head if head.starts_with("GET ") => {
                (404, "", r#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#)
            }
            _ => (404, "", ""),
        }),
    )
    .await;
    let (proxy, _) = stand_in::proxy(server, None).await;
    let registry = Registry::new(
        route(&[&authority.root], proxy, None).client().unwrap(),
        "registry.corp",
        None,
    );
    assert!(matches!(registry.ping().await, Presence::Present { .. }));
    assert!(matches!(
        registry.manifest("here", "x").await,
        Presence::Present { .. }
    ));
    assert_eq!(
        registry.manifest("gone", "x").await,
        Presence::Absent {
            message: "NAME_UNKNOWN".into()
        }
    );
}

#[tokio::test]
async fn a_leaf_without_its_chain_names_the_missing_issuer() {
    let authority = Authority::new();
    let (server, _) = stand_in::server(&authority, false, answer(|_| (200, FOUND, ""))).await;
    let (proxy, _) = stand_in::proxy(server, None).await;
    let of = async |roots: &[&rcgen::Certificate]| {
        let http = route(roots, proxy, None).client().unwrap();
        Registry::new(http, "registry.corp", None)
            .manifest("a", "b")
            .await
    };
    for roots in [&[&authority.root][..], &[]] {
        let Presence::Untrusted {
            verdict: Verdict::MissingIssuer { issuer, .. },
            ..
        } = of(roots).await
        else {
            panic!("not told")
        };
        assert_eq!(issuer, "CN=Corp Issuing");
    }
    assert!(matches!(
        of(&[&authority.issuing]).await,
        Presence::Present { .. }
    ));
}

#[tokio::test]
async fn a_proxy_gets_its_login_and_407_is_told() {
    let authority = Authority::new();
    let (server, _) = stand_in::server(&authority, true, answer(|_| (200, FOUND, ""))).await;
    // bob:p@ss/word
    let (proxy, log) = stand_in::proxy(server, Some("Ym9iOnBAc3Mvd29yZA==")).await;
    let of = async |login: Option<(&str, &str)>| {
        let route = route(&[&authority.root], proxy, login);
        assert!(!format!("{route:?} {:?}", route.client()).contains("p@ss"));
        assert!(!format!("{:?}", route.client()).contains("p%40ss"));
        let shaken = handshake(&route, "registry.corp", 443).await;
        (
            Registry::new(route.client().unwrap(), "registry.corp", None)
                .manifest("a", "b")
                .await,
            shaken,
        )
    };
    let (presence, shaken) = of(Some(("bob", "p@ss/word"))).await;
    assert!(matches!(presence, Presence::Present { .. }), "{presence:?}");
    assert!(matches!(shaken, Handshake::Trusted { .. }), "{shaken:?}");
    let (presence, shaken) = of(None).await;
    assert_eq!(presence, Presence::ProxyRefused { status: Some(407) });
    assert!(matches!(shaken, Handshake::ProxyLogin { .. }), "{shaken:?}");
    assert!(
        log.lock()
            .unwrap()
            .iter()
            .all(|head| head.starts_with("CONNECT registry.corp:443 "))
    );
}

#[tokio::test]
async fn a_name_that_the_certificate_lacks_is_not_a_missing_issuer() {
    let authority = Authority::new();
    let (server, _) = stand_in::server(&authority, true, answer(|_| (200, FOUND, ""))).await;
    let (proxy, _) = stand_in::proxy(server, None).await;
    let http = route(&[&authority.root], proxy, None).client().unwrap();
    let presence = Registry::new(http, "other.corp", None)
        .manifest("a", "b")
        .await;
    assert!(
        matches!(
            presence,
            Presence::Untrusted {
                verdict: Verdict::Complete,
                cause: Cause::WrongName(_)
            }
        ),
        "{presence:?}"
    );
}
