//! The GitHub server: who may register what, and a listener's way to its queue.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivatePkcs1KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use crate::support::authority::{Authority, Sends};
use crate::support::github::{App, Github, Setup as GithubSetup};

use super::{GITHUB, client};

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
