//! The GitHub server: who may register what, and a listener's way to its queue.

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

/// A controller that has registered for `acme`.
struct Registered {
    client: reqwest::Client,
    base: String,
    token: String,
}

impl Registered {
    async fn new(authority: &Authority, github: &Github) -> Self {
        let client = client(&authority.root_pem(), &[(GITHUB, github.address())]);
        let api = format!("https://{GITHUB}/api/v3");
        let token = format!("{api}/orgs/acme/actions/runners/registration-token");
        let token = client
            .post(token)
            .bearer_auth("ghp_token")
            .send()
            .await
            .unwrap();
        let token = token.json::<Value>().await.unwrap();
        let register = async |organization: &str| {
            let url = format!("https://{GITHUB}/{organization}");
            let request = client.post(format!("{api}/actions/runner-registration"));
            let request = request.json(&json!({ "url": url, "runner_event": "register" }));
            let remote = format!("RemoteAuth {}", token["token"].as_str().unwrap());
            request
                .header("authorization", remote)
                .send()
                .await
                .unwrap()
        };
        assert_eq!(register("closed").await.status(), 401);
        let service = register("acme").await.json::<Value>().await.unwrap();
        let text = |key: &str| service[key].as_str().unwrap().to_owned();
        Self {
            base: text("url"),
            token: text("token"),
            client,
        }
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let url = format!("{}_apis/runtime/{path}", self.base);
        let request = self
            .client
            .request(method.parse().unwrap(), url)
            .json(&body);
        let request = request.query(&[("api-version", "6.0-preview")]);
        let answer = request.bearer_auth(&self.token).send().await.unwrap();
        (
            answer.status().as_u16(),
            answer.json().await.unwrap_or_default(),
        )
    }

    async fn get(&self, url: &str, token: &str) -> u16 {
        let answer = self
            .client
            .get(url)
            .bearer_auth(token)
            .send()
            .await
            .unwrap();
        answer.status().as_u16()
    }
}

#[tokio::test]
async fn a_controller_registers_and_keeps_scale_sets() {
    let authority = Authority::new().unwrap();
    let github = github(&authority).await;
    let controller = Registered::new(&authority, &github).await;
    let claims = controller.token.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert!(claims["exp"].is_u64());

    let bare = format!("{}_apis/runtime/runnerscalesets", controller.base);
    assert_eq!(controller.get(&bare, &controller.token).await, 400);
    assert_eq!(controller.get(&bare, "wrong").await, 401);
    let set = json!({ "name": "linux", "runnerGroupId": 1, "labels": [{ "type": "System", "name": "linux" }] });
    let by_name = "runnerscalesets?name=linux";
    assert_eq!(
        controller.call("GET", by_name, json!({})).await.1["count"],
        0
    );
    let (_, created) = controller
        .call("POST", "runnerscalesets", set.clone())
        .await;
    assert_eq!(created["id"], 1);
    assert_eq!(controller.call("POST", "runnerscalesets", set).await.0, 409);
    assert_eq!(
        controller.call("GET", by_name, json!({})).await.1["count"],
        1
    );
    assert_eq!(github.scale_sets(), ["linux"]);
    let (status, _) = controller
        .call("DELETE", "runnerscalesets/1", json!({}))
        .await;
    assert_eq!(status, 204);
    assert!(github.scale_sets().is_empty());
    let asked = github.asked();
    assert!(
        asked
            .iter()
            .any(|asked| asked.authorization.as_deref() == Some("RemoteAuth"))
    );
}

#[tokio::test]
async fn a_listener_opens_one_session_and_finds_an_empty_queue() {
    let authority = Authority::new().unwrap();
    let github = github(&authority).await;
    let controller = Registered::new(&authority, &github).await;
    controller
        .call("POST", "runnerscalesets", json!({ "name": "linux" }))
        .await;
    let (sessions, owner) = (
        "runnerscalesets/1/sessions",
        json!({ "ownerName": "listener-1" }),
    );
    let (_, session) = controller.call("POST", sessions, owner.clone()).await;
    assert_eq!(session["statistics"]["totalAssignedJobs"], 0);
    assert_eq!(controller.call("POST", sessions, owner).await.0, 409);
    let queue = session["messageQueueUrl"].as_str().unwrap();
    let token = session["messageQueueAccessToken"].as_str().unwrap();
    assert_eq!(controller.get(queue, token).await, 202);
    assert_eq!(controller.get(queue, "wrong").await, 401);
    let runner = json!({ "name": "linux-abc" });
    let path = "runnerscalesets/1/generatejitconfig";
    let (_, configuration) = controller.call("POST", path, runner.clone()).await;
    assert_eq!(configuration["encodedJITConfig"], "eyJ9");
    assert_eq!(controller.call("POST", path, runner).await.0, 409);
}
