//! The GitHub server: who may register what, and a listener's way to its queue.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivatePkcs1KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use crate::support::authority::{Authority, Sends};
use crate::support::github::{App, Github, Job, Setup as GithubSetup};

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

    /// As a runner speaks, with the token of its own.
    async fn as_runner(&self, method: &str, path: &str, token: &str, body: Value) -> (u16, Value) {
        let url = format!("{}_apis/distributedtask/pools/1/{path}", self.base);
        let request = self.client.request(method.parse().unwrap(), url);
        let request = request.query(&[("api-version", "6.0-preview")]);
        let answer = request.json(&body).bearer_auth(token).send().await.unwrap();
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
    assert_eq!(configuration["runner"]["name"], "linux-abc");
    assert_eq!(controller.call("POST", path, runner).await.0, 409);
}

/// What stands in a configuration that a runner is started with.
fn jit_file(configuration: &Value, name: &str) -> Value {
    let decode = |text: &str| STANDARD.decode(text).unwrap();
    let files = decode(configuration["encodedJITConfig"].as_str().unwrap());
    let files: Value = serde_json::from_slice(&files).unwrap();
    serde_json::from_slice(&decode(files[name].as_str().unwrap())).unwrap()
}

#[tokio::test]
async fn a_job_goes_from_its_offer_through_a_listener_to_a_runner_and_ends() {
    let authority = Authority::new().unwrap();
    let github = github(&authority).await;
    let controller = Registered::new(&authority, &github).await;
    assert!(github.offer_job("orgs/acme", "linux").is_err());
    controller
        .call("POST", "runnerscalesets", json!({ "name": "linux" }))
        .await;
    let owner = json!({ "ownerName": "listener-1" });
    let sessions = "runnerscalesets/1/sessions";
    let (_, session) = controller.call("POST", sessions, owner).await;
    let queue = session["messageQueueUrl"].as_str().unwrap();
    let token = session["messageQueueAccessToken"].as_str().unwrap();
    let last = std::cell::Cell::new(0);
    let next_message = async || {
        let url = format!("{queue}?lastMessageId={}", last.get());
        let answer = controller.client.get(url).bearer_auth(token).send().await;
        let message = answer.unwrap().json::<Value>().await.unwrap();
        last.set(message["messageId"].as_u64().unwrap());
        let body: Value = serde_json::from_str(message["body"].as_str().unwrap()).unwrap();
        let kind = body[0]["messageType"].as_str().unwrap().to_owned();
        (kind, message["statistics"]["totalAssignedJobs"].clone())
    };

    let job = github.offer_job("orgs/acme", "linux").unwrap();
    assert_eq!(next_message().await, ("JobAvailable".to_owned(), json!(0)));
    // With the queue's token, not with the controller's.
    let acquire = "runnerscalesets/1/acquirejobs";
    assert_eq!(controller.call("POST", acquire, json!([job])).await.0, 401);
    let listener = Registered {
        client: controller.client.clone(),
        base: controller.base.clone(),
        token: token.to_owned(),
    };
    let (_, acquired) = listener.call("POST", acquire, json!([job, 99])).await;
    assert_eq!(acquired["value"], json!([job]));
    assert_eq!(next_message().await, ("JobAssigned".to_owned(), json!(1)));

    let generate = "runnerscalesets/1/generatejitconfig";
    let runner = json!({ "name": "linux-abc", "workFolder": "_work" });
    let (_, configuration) = controller.call("POST", generate, runner).await;
    let told = jit_file(&configuration, ".runner");
    assert_eq!(told["ServerUrl"], controller.base);
    let token = jit_file(&configuration, ".credentials");
    let token = token["Data"]["Token"].as_str().unwrap();
    let agent = json!({ "agent": { "id": told["AgentId"] }, "ownerName": "linux-abc" });
    let (_, session) = controller
        .as_runner("POST", "sessions", token, agent.clone())
        .await;
    assert_eq!(
        controller
            .as_runner("POST", "sessions", token, agent)
            .await
            .0,
        409
    );
    assert!(github.runners()[0].is_online());
    let session = session["sessionId"].as_str().unwrap();
    let messages = format!("messages?sessionId={session}");
    let (_, message) = controller
        .as_runner("GET", &messages, token, json!({}))
        .await;
    assert_eq!(message["messageType"], "RunnerJobRequest");
    assert_eq!(next_message().await.0, "JobStarted");
    let runner = "linux-abc".to_owned();
    assert_eq!(github.job(job), Some(Job::Running { runner }));

    let done = json!({ "result": "succeeded" });
    let request = format!("jobrequests/{job}");
    let (status, _) = controller.as_runner("PATCH", &request, token, done).await;
    assert_eq!(status, 200);
    assert_eq!(next_message().await, ("JobCompleted".to_owned(), json!(0)));
    let result = "succeeded".to_owned();
    assert_eq!(github.job(job), Some(Job::Completed { result }));
    assert!(github.runners().is_empty());
}

#[tokio::test]
async fn a_handshake_is_counted_whether_or_not_the_client_trusts_us() {
    let authority = Authority::new().unwrap();
    let github = github(&authority).await;
    let meta = format!("https://{GITHUB}/api/v3/meta");
    let trusting = client(&authority.root_pem(), &[(GITHUB, github.address())]);
    trusting.get(&meta).send().await.unwrap();
    let other = Authority::new().unwrap();
    let distrusting = client(&other.root_pem(), &[(GITHUB, github.address())]);
    assert!(distrusting.get(&meta).send().await.is_err());
    // The client may be back before our side has read its alert.
    let handshakes = loop {
        let handshakes = github.handshakes();
        if handshakes.len() == 2 {
            break handshakes;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(handshakes[0].failure, None);
    assert_eq!(handshakes[0].server_name.as_deref(), Some(GITHUB));
    let failure = handshakes[1].failure.as_deref().unwrap_or_default();
    assert!(failure.contains("fatal alert"), "{failure}");
}
