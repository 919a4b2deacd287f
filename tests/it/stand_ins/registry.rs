//! The registry: tokens, refusals, quirks.

use serde_json::Value;

use crate::support::authority::{Authority, Sends};
use crate::support::registry::{Access, Answer, Quirks, Setup as RegistrySetup};

use super::{MANIFEST, REGISTRY, client, registry};

fn images() -> Vec<String> {
    vec!["brancz/kube-rbac-proxy:v0.8.0".to_owned()]
}

fn manifest(repository: &str, tag: &str) -> String {
    format!("https://{REGISTRY}/v2/{repository}/manifests/{tag}")
}

#[tokio::test]
async fn a_token_opens_only_the_repository_that_it_was_given_for() {
    let authority = Authority::new().unwrap();
    let account = Some(("robot".to_owned(), "password".to_owned()));
    let mut setup = RegistrySetup {
        images: images(),
        access: Access::Bearer { account },
        ..RegistrySetup::default()
    };
    setup.images.push("library/docker:dind".to_owned());
    let registry = registry(&authority, Sends::Chain, setup).await;
    let client = client(&authority.root_pem(), &[(REGISTRY, registry.address())]);
    let image = manifest("brancz/kube-rbac-proxy", "v0.8.0");

    let refused = client
        .head(&image)
        .header("accept", MANIFEST)
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 401);
    let challenge = refused.headers()["www-authenticate"].to_str().unwrap();
    assert_eq!(
        challenge,
        format!(
            r#"Bearer realm="https://{REGISTRY}/token",service="{REGISTRY}",scope="repository:brancz/kube-rbac-proxy:pull""#
        )
    );

    let scope = "repository%3Abrancz%2Fkube-rbac-proxy%3Apull";
    let endpoint = format!("https://{REGISTRY}/token?service={REGISTRY}&scope={scope}");
    assert_eq!(
        client
            .get(&endpoint)
            .basic_auth("robot", Some("wrong"))
            .send()
            .await
            .unwrap()
            .status(),
        401
    );
    let token = client
        .get(&endpoint)
        .basic_auth("robot", Some("password"))
        .send()
        .await
        .unwrap();
    let token = token.json::<Value>().await.unwrap()["token"]
        .as_str()
        .unwrap()
        .to_owned();

    let found = client
        .head(&image)
        .bearer_auth(&token)
        .header("accept", MANIFEST)
        .send()
        .await
        .unwrap();
    assert_eq!(found.status(), 200);
    assert_eq!(found.headers()["content-type"], MANIFEST);
    let digest = found.headers()["docker-content-digest"].to_str().unwrap();
    let by_digest = manifest("brancz/kube-rbac-proxy", digest);
    let by_digest = client
        .get(by_digest)
        .bearer_auth(&token)
        .header("accept", MANIFEST)
        .send()
        .await
        .unwrap();
    assert_eq!(by_digest.json::<Value>().await.unwrap()["schemaVersion"], 2);

    let other = client
        .head(manifest("library/docker", "dind"))
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    assert_eq!(other.status(), 401);
    assert!(
        other.headers()["www-authenticate"]
            .to_str()
            .unwrap()
            .ends_with(r#"error="insufficient_scope""#)
    );
    let asked = registry.asked();
    let statuses: Vec<u16> = asked.iter().map(|asked| asked.status).collect();
    assert_eq!(statuses, [401, 401, 200, 200, 200, 401]);
    assert_eq!(asked[3].authorization.as_deref(), Some("Bearer"));
}

#[tokio::test]
async fn a_registry_answers_as_it_was_told() {
    let authority = Authority::new().unwrap();
    let access = Access::Basic {
        username: "robot".to_owned(),
        password: "password".to_owned(),
    };
    let quirks = Quirks {
        head_is_missing: true,
        ..Quirks::default()
    };
    let registry = registry(
        &authority,
        Sends::Chain,
        RegistrySetup {
            images: images(),
            access,
            quirks,
        },
    )
    .await;
    registry.add("a/rate-limited:1");
    let modes = [
        ("a/denied", Answer::Denied, 403),
        ("a/missing", Answer::Missing, 404),
        ("a/rate-limited", Answer::RateLimited, 429),
        ("a/unavailable", Answer::Unavailable, 503),
    ];
    let client = client(&authority.root_pem(), &[(REGISTRY, registry.address())]);
    let get = async |method: http::Method, repository: &str, accept: &str| {
        let request = client
            .request(method, manifest(repository, "v0.8.0"))
            .basic_auth("robot", Some("password"));
        request.header("accept", accept).send().await.unwrap()
    };
    for (repository, answer, status) in modes {
        registry.answer_with(repository, answer);
        assert_eq!(
            get(http::Method::HEAD, repository, MANIFEST).await.status(),
            status,
            "{repository}"
        );
    }
    let known = "brancz/kube-rbac-proxy";
    assert_eq!(get(http::Method::HEAD, known, MANIFEST).await.status(), 404);
    assert_eq!(get(http::Method::GET, known, MANIFEST).await.status(), 200);
    let old = get(
        http::Method::GET,
        known,
        "application/vnd.docker.distribution.manifest.v2+json",
    )
    .await;
    assert_eq!(old.status(), 404);
    assert_eq!(
        get(http::Method::GET, "Upper/case", MANIFEST)
            .await
            .status(),
        400
    );
    assert_eq!(get(http::Method::PUT, known, MANIFEST).await.status(), 405);
    let wrong = client
        .get(manifest(known, "v0.8.0"))
        .basic_auth("robot", Some("wrong"))
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.status(), 401);
    assert_eq!(
        wrong.json::<Value>().await.unwrap()["errors"][0]["code"],
        "UNAUTHORIZED"
    );
}
