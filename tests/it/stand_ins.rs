//! The stand-ins refuse what the originals refuse: a test that passes against them says something.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivatePkcs1KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use crate::support::authority::{Authority, Sends};
use crate::support::connect_proxy::{ConnectProxy, Proxied};
use crate::support::github::{App, Github, Setup as GithubSetup};
use crate::support::registry::{Access, Answer, Quirks, Registry, Setup as RegistrySetup};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const REGISTRY: &str = "registry.artifactory.mydomain.com";
const GITHUB: &str = "github.mydomain.com";

/// A client as arc-setup's own: these roots alone, and names that are looked up nowhere else.
fn client(roots: &str, addresses: &[(&str, std::net::SocketAddr)]) -> reqwest::Client {
    builder(roots, addresses).build().unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "these clients test the stand-ins, not arc-setup's transport"
)]
fn builder(roots: &str, addresses: &[(&str, std::net::SocketAddr)]) -> reqwest::ClientBuilder {
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    let roots = reqwest::Certificate::from_pem_bundle(roots.as_bytes()).unwrap();
    let builder = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only(roots)
        .user_agent("test");
    addresses.iter().fold(builder, |builder, (name, address)| {
        builder.resolve(name, *address)
    })
}

async fn registry(authority: &Authority, sends: Sends, setup: RegistrySetup) -> Registry {
    Registry::start(authority.server(&[REGISTRY], sends).unwrap(), setup)
        .await
        .unwrap()
}

fn images() -> Vec<String> {
    vec!["brancz/kube-rbac-proxy:v0.8.0".to_owned()]
}

fn manifest(repository: &str, tag: &str) -> String {
    format!("https://{REGISTRY}/v2/{repository}/manifests/{tag}")
}

#[tokio::test]
async fn a_leaf_alone_is_trusted_only_by_who_knows_the_issuing_authority() {
    let authority = Authority::new().unwrap();
    let leaf_only = registry(&authority, Sends::LeafOnly, RegistrySetup::default()).await;
    let chain = registry(&authority, Sends::Chain, RegistrySetup::default()).await;
    let get = async |roots: &str, registry: &Registry| {
        let client = client(roots, &[(REGISTRY, registry.address())]);
        client.get(format!("https://{REGISTRY}/v2/")).send().await
    };
    let refused = get(&authority.root_pem(), &leaf_only).await.unwrap_err();
    assert!(
        format!("{refused:?}").contains("UnknownIssuer"),
        "{refused:?}"
    );
    assert_eq!(
        get(&authority.bundle_pem(), &leaf_only)
            .await
            .unwrap()
            .status(),
        200
    );
    assert_eq!(
        get(&authority.issuing_pem(), &leaf_only)
            .await
            .unwrap()
            .status(),
        200
    );
    assert_eq!(
        get(&authority.root_pem(), &chain).await.unwrap().status(),
        200
    );
    let stranger = Authority::new().unwrap();
    assert!(get(&stranger.bundle_pem(), &chain).await.is_err());
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

#[tokio::test]
async fn the_proxy_wants_its_account_and_reaches_only_what_it_maps() {
    let authority = Authority::new().unwrap();
    let registry = registry(&authority, Sends::Chain, RegistrySetup::default()).await;
    let routes = BTreeMap::from([(format!("{REGISTRY}:443"), registry.address())]);
    let account = Some(("jane".to_owned(), "p@ss".to_owned()));
    let proxy = ConnectProxy::start(Proxied { routes, account })
        .await
        .unwrap();
    let get = async |password: Option<&str>, url: &str| {
        let mut through = reqwest::Proxy::all(proxy.url()).unwrap();
        if let Some(password) = password {
            through = through.basic_auth("jane", password);
        }
        let client = builder(&authority.root_pem(), &[])
            .proxy(through)
            .build()
            .unwrap();
        client
            .get(url)
            .send()
            .await
            .map(|response| response.status().as_u16())
            .map_err(|error| format!("{error:?}"))
    };
    let url = format!("https://{REGISTRY}/v2/");
    let refused = get(None, &url).await.unwrap_err();
    assert!(refused.contains("ProxyAuthRequired"), "{refused}");
    assert!(get(Some("wrong"), &url).await.is_err());
    assert_eq!(get(Some("p@ss"), &url).await, Ok(200));
    assert!(get(Some("p@ss"), "https://quay.io/v2/").await.is_err());
    // A plain request is no CONNECT; the proxy itself answers it.
    assert_eq!(get(Some("p@ss"), "http://example.com/").await, Ok(403));
    let log: Vec<(String, u16)> = proxy
        .log()
        .into_iter()
        .map(|one| (one.target, one.status))
        .collect();
    let target = format!("{REGISTRY}:443");
    assert_eq!(
        log,
        [
            (target.clone(), 407),
            (target.clone(), 407),
            (target, 200),
            ("quay.io:443".to_owned(), 403),
            ("http://example.com/".to_owned(), 403),
        ]
    );
}

fn assertion(key: &str, claims: &Value) -> String {
    let key = PrivatePkcs1KeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let key = RsaKeyPair::from_der(key.secret_pkcs1_der()).unwrap();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!(
        "{}.{}",
        part(&json!({ "alg": "RS256", "typ": "JWT" })),
        part(claims)
    );
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &ring::rand::SystemRandom::new(),
        signed.as_bytes(),
        &mut signature,
    )
    .unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

async fn github(authority: &Authority) -> Github {
    let setup = GithubSetup {
        enterprise_version: Some("3.14.2".to_owned()),
        token: Some("ghp_token".to_owned()),
        app: Some(App {
            id: "12".to_owned(),
            installation_id: "34".to_owned(),
        }),
        scopes: ["orgs/acme".to_owned(), "repos/acme/app".to_owned()].into(),
        forbidden: ["orgs/closed".to_owned()].into(),
    };
    Github::start(authority.server(&[GITHUB], Sends::Chain).unwrap(), setup)
        .await
        .unwrap()
}

#[tokio::test]
async fn registration_tokens_are_for_known_scopes_and_known_accounts() {
    let authority = Authority::new().unwrap();
    let github = github(&authority).await;
    let client = client(&authority.root_pem(), &[(GITHUB, github.address())]);
    let api = format!("https://{GITHUB}/api/v3");
    let meta = client.get(format!("{api}/meta")).send().await.unwrap();
    assert_eq!(
        meta.json::<Value>().await.unwrap()["installed_version"],
        "3.14.2"
    );

    let register = async |token: &str, scope: &str| {
        let url = format!("{api}/{scope}/actions/runners/registration-token");
        client
            .post(url)
            .bearer_auth(token)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(register("ghp_token", "orgs/acme").await, 201);
    assert_eq!(register("ghp_token", "repos/acme/app").await, 201);
    assert_eq!(register("ghp_wrong", "orgs/acme").await, 401);
    assert_eq!(register("ghp_token", "orgs/unknown").await, 404);
    assert_eq!(register("ghp_token", "orgs/closed").await, 403);

    let now = jiff::Timestamp::now().as_second();
    let login = async |key: &str, claims: Value, installation: &str| {
        let url = format!("{api}/app/installations/{installation}/access_tokens");
        let answer = client
            .post(url)
            .bearer_auth(assertion(key, &claims))
            .send()
            .await
            .unwrap();
        (
            answer.status().as_u16(),
            answer.json::<Value>().await.unwrap(),
        )
    };
    let claims = json!({ "iss": "12", "iat": now - 60, "exp": now + 540 });
    let (status, body) = login(App::PRIVATE_KEY, claims.clone(), "34").await;
    assert_eq!(status, 201);
    assert_eq!(
        register(body["token"].as_str().unwrap(), "orgs/acme").await,
        201
    );
    assert_eq!(
        login(App::OTHER_PRIVATE_KEY, claims.clone(), "34").await.0,
        401
    );
    assert_eq!(login(App::PRIVATE_KEY, claims, "99").await.0, 404);
    let too_long = json!({ "iss": "12", "iat": now - 60, "exp": now + 3600 });
    let (status, body) = login(App::PRIVATE_KEY, too_long, "34").await;
    assert_eq!(status, 401);
    assert_eq!(
        body["message"],
        "'Expiration time' claim ('exp') is too far in the future"
    );
    let ahead = json!({ "iss": "12", "iat": now + 300, "exp": now + 500 });
    assert_eq!(login(App::PRIVATE_KEY, ahead, "34").await.0, 401);
    let stranger = json!({ "iss": "13", "iat": now - 60, "exp": now + 540 });
    assert_eq!(login(App::PRIVATE_KEY, stranger, "34").await.0, 401);
}

#[tokio::test]
async fn a_listener_gets_from_a_registration_token_to_an_empty_queue() {
    let authority = Authority::new().unwrap();
    let github = github(&authority).await;
    let client = Arc::new(client(&authority.root_pem(), &[(GITHUB, github.address())]));
    let api = format!("https://{GITHUB}/api/v3");
    let token = client
        .post(format!(
            "{api}/orgs/acme/actions/runners/registration-token"
        ))
        .bearer_auth("ghp_token");
    let token = token.send().await.unwrap().json::<Value>().await.unwrap();
    let register = async |organization: &str| {
        let request = client.post(format!("{api}/actions/runner-registration"));
        let body = json!({ "url": format!("https://{GITHUB}/{organization}"), "runner_event": "register" });
        let authorization = format!("RemoteAuth {}", token["token"].as_str().unwrap());
        request
            .header("authorization", authorization)
            .json(&body)
            .send()
            .await
            .unwrap()
    };
    assert_eq!(register("closed").await.status(), 401);
    let service = register("acme").await.json::<Value>().await.unwrap();
    let (base, admin) = (
        service["url"].as_str().unwrap(),
        service["token"].as_str().unwrap(),
    );
    let claims = URL_SAFE_NO_PAD
        .decode(admin.split('.').nth(1).unwrap())
        .unwrap();
    assert!(serde_json::from_slice::<Value>(&claims).unwrap()["exp"].is_u64());

    let call = async |method: http::Method, path: &str, body: Value| {
        let url = format!("{base}_apis/runtime/{path}");
        let request = client
            .request(method, url)
            .query(&[("api-version", "6.0-preview")]);
        let answer = request.bearer_auth(admin).json(&body).send().await.unwrap();
        (
            answer.status().as_u16(),
            answer.json::<Value>().await.unwrap_or_default(),
        )
    };
    let without_version = client
        .get(format!("{base}_apis/runtime/runnerscalesets"))
        .bearer_auth(admin)
        .send()
        .await
        .unwrap();
    assert_eq!(without_version.status(), 400);
    assert_eq!(
        call(http::Method::GET, "runnerscalesets?name=linux", json!({}))
            .await
            .1["count"],
        0
    );
    let set = json!({ "name": "linux", "runnerGroupId": 1, "labels": [{ "type": "System", "name": "linux" }] });
    assert_eq!(
        call(http::Method::POST, "runnerscalesets", set.clone())
            .await
            .1["id"],
        1
    );
    assert_eq!(
        call(http::Method::POST, "runnerscalesets", set).await.0,
        409
    );
    assert_eq!(
        call(http::Method::GET, "runnerscalesets?name=linux", json!({}))
            .await
            .1["count"],
        1
    );
    assert_eq!(github.scale_sets(), ["linux"]);
    let owner = json!({ "ownerName": "listener-1" });
    let (_, session) = call(
        http::Method::POST,
        "runnerscalesets/1/sessions",
        owner.clone(),
    )
    .await;
    assert_eq!(session["statistics"]["totalAssignedJobs"], 0);
    assert_eq!(
        call(http::Method::POST, "runnerscalesets/1/sessions", owner)
            .await
            .0,
        409
    );
    let runner = call(
        http::Method::POST,
        "runnerscalesets/1/generatejitconfig",
        json!({ "name": "linux-abc" }),
    )
    .await;
    assert_eq!(runner.1["encodedJITConfig"], "eyJ9");

    let queue = session["messageQueueUrl"].as_str().unwrap();
    let message = client
        .get(queue)
        .bearer_auth(session["messageQueueAccessToken"].as_str().unwrap())
        .send()
        .await;
    assert_eq!(message.unwrap().status(), 202);
    assert_eq!(
        client
            .get(queue)
            .bearer_auth("wrong")
            .send()
            .await
            .unwrap()
            .status(),
        401
    );
    assert_eq!(
        call(http::Method::DELETE, "runnerscalesets/1", json!({}))
            .await
            .0,
        204
    );
    assert!(github.scale_sets().is_empty());
    assert!(
        github
            .asked()
            .iter()
            .any(|asked| asked.authorization.as_deref() == Some("RemoteAuth"))
    );
}

#[test]
fn a_secret_is_found_in_every_form() {
    use crate::support::arc_setup::ensure_hidden;

    let secret = "p@ss/word";
    for text in [
        secret.to_owned(),
        STANDARD.encode(secret),
        "http://jane:p%40ss%2Fword@proxy".to_owned(),
    ] {
        let error = ensure_hidden("TOKEN", secret, "stderr", &format!("error: {text}."))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("TOKEN") && !error.contains(secret),
            "{error}"
        );
    }
    ensure_hidden("TOKEN", secret, "stderr", "error: ***").unwrap();
}
