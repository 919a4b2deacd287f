//! What stands around the cluster is what it is said to be: without these, nothing that is shown about proxy,
//! certificates or accounts means anything.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use http::StatusCode;
use serde_json::json;

use crate::evidence::Since;
use crate::harness::topic;
use crate::lab::Lab;
use crate::parts::github::{DIRECT_HOST, ORGANIZATION, OUTSIDE_HOST, TOKEN};
use crate::parts::namespaces::{GITHUB_OUTSIDE, WAY_OUT, strays};
use crate::parts::registry::{self, FLAPPING_HOST, MIRROR_READER, PULLER};
use crate::parts::squid::{self, Entry};
use crate::pods::Sandbox;

topic!(company:
    one_github_server_is_behind_the_proxy,
    the_other_is_reached_directly_alone,
    servers_send_their_own_certificate_alone,
    the_registry_knows_its_accounts,
    a_pull_outlasts_a_flapping_registry,
);

/// By it the registry's log tells these proofs from others.
const USER_AGENT: &str = "proof-of-the-company";

/// How a client comes out of the lab.
#[derive(Debug, Clone, Copy)]
enum Way {
    Direct,
    Proxy(&'static str, &'static str),
}

const THROUGH: Way = Way::Proxy(squid::USER, squid::PASSWORD);

#[expect(
    clippy::disallowed_methods,
    reason = "this client tests the lab, not arc-setup's transport"
)]
fn client(authorities: &Path, way: Way) -> Result<reqwest::Client> {
    let roots = reqwest::Certificate::from_pem_bundle(&std::fs::read(authorities)?)?;
    let builder = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only(roots)
        .timeout(Duration::from_secs(20))
        .user_agent(USER_AGENT);
    let builder = match way {
        Way::Direct => builder,
        Way::Proxy(user, password) => {
            let proxy = reqwest::Proxy::all(format!("http://{}:{}", squid::HOST, squid::PORT))?;
            builder.proxy(proxy.basic_auth(user, password))
        }
    };
    Ok(builder.build()?)
}

fn meta(host: &str) -> String {
    format!("https://{host}/api/v3/meta")
}

/// Everything that an error says.
fn said(error: &reqwest::Error) -> String {
    format!("{error:?}")
}

async fn one_github_server_is_behind_the_proxy(lab: Arc<Lab>) -> Result<()> {
    let since = Since::now(&lab)?;
    let bundle = lab.pki.bundle();
    let through = client(&bundle, THROUGH)?;
    let answer = through.get(meta(OUTSIDE_HOST)).send().await?;
    ensure!(answer.status() == StatusCode::OK, "{answer:?}");
    was_proxied(&lab, &since, OUTSIDE_HOST, Some(squid::USER), 200)?;
    let token = format!(
        "https://{OUTSIDE_HOST}/api/v3/orgs/{ORGANIZATION}/actions/runners/registration-token"
    );
    let answer = through.post(token).bearer_auth(TOKEN).send().await?;
    ensure!(answer.status() == StatusCode::CREATED, "{answer:?}");

    let wrong = client(&bundle, Way::Proxy(squid::USER, "wrong"))?;
    let refused = wrong.get(meta(OUTSIDE_HOST)).send().await;
    let refused = refused.err().context("a wrong password was let in")?;
    ensure!(said(&refused).contains("ProxyAuthRequired"), "{refused:?}");
    was_proxied(&lab, &since, OUTSIDE_HOST, Some(squid::USER), 407)?;
    for other in [registry::HOST, "public.example", "10.244.0.1"] {
        let refused = through.get(format!("https://{other}/")).send().await;
        ensure!(refused.is_err(), "the proxy let {other} through");
        was_proxied(&lab, &since, other, Some(squid::USER), 403)?;
    }

    let direct = client(&bundle, Way::Direct)?;
    let refused = direct.get(meta(OUTSIDE_HOST)).send().await;
    let refused = refused.err().context("reached without the proxy")?;
    ensure!(said(&refused).contains("dns"), "{refused:?}");
    let by_address = direct.get(meta(&GITHUB_OUTSIDE.to_string())).send().await;
    ensure!(
        by_address.is_err_and(|error| error.is_connect()),
        "there is a direct way"
    );
    let strays = strays()?;
    let is_recorded = strays
        .iter()
        .any(|stray| stray.destination == GITHUB_OUTSIDE);
    ensure!(is_recorded, "{strays:?}");
    Ok(())
}

/// Others may use the proxy at the same time: what is looked for is there among what they did.
fn was_proxied(
    lab: &Lab,
    since: &Since,
    host: &str,
    user: Option<&str>,
    status: u16,
) -> Result<()> {
    let proxied = since.of(lab, WAY_OUT)?.proxied;
    let entry = Entry {
        client: WAY_OUT.into(),
        user: user.map(str::to_owned),
        method: "CONNECT".to_owned(),
        target: format!("{host}:443"),
        status,
    };
    ensure!(proxied.contains(&entry), "no {entry:?} in {proxied:#?}");
    Ok(())
}

async fn the_other_is_reached_directly_alone(lab: Arc<Lab>) -> Result<()> {
    let since = Since::now(&lab)?;
    let bundle = lab.pki.bundle();
    let answer = client(&bundle, Way::Direct)?
        .get(meta(DIRECT_HOST))
        .send()
        .await?;
    ensure!(answer.status() == StatusCode::OK, "{answer:?}");
    let proxied = since.all(&lab)?.proxied;
    let is_asked = proxied
        .iter()
        .any(|entry| entry.target.contains(DIRECT_HOST));
    ensure!(!is_asked, "the proxy was asked: {proxied:#?}");
    let refused = client(&bundle, THROUGH)?
        .get(meta(DIRECT_HOST))
        .send()
        .await;
    ensure!(refused.is_err(), "the proxy let it through");
    Ok(())
}

async fn servers_send_their_own_certificate_alone(lab: Arc<Lab>) -> Result<()> {
    let servers = [
        (meta(OUTSIDE_HOST), THROUGH),
        (meta(DIRECT_HOST), Way::Direct),
        (format!("https://{}/v2/", registry::HOST), Way::Direct),
        (format!("https://{FLAPPING_HOST}/v2/"), Way::Direct),
    ];
    for (url, way) in servers {
        let ask = async |authorities: &Path| -> Result<_> {
            Ok(client(authorities, way)?.get(&url).send().await)
        };
        let refused = ask(&lab.pki.root()).await?;
        let refused = refused
            .err()
            .with_context(|| format!("{url}: the root was enough"))?;
        ensure!(
            said(&refused).contains("UnknownIssuer"),
            "{url}: {refused:?}"
        );
        for enough in [lab.pki.issuing(), lab.pki.bundle()] {
            ask(&enough)
                .await?
                .with_context(|| format!("{url} with {}", enough.display()))?;
        }
    }
    let failed = |handshakes: Vec<crate::support::https::Handshake>| {
        handshakes
            .into_iter()
            .filter(|one| one.failure.is_some())
            .count()
    };
    for server in [&lab.github.outside, &lab.github.direct] {
        ensure!(
            failed(server.handshakes()) > 0,
            "a refused certificate was not counted"
        );
    }
    Ok(())
}

async fn the_registry_knows_its_accounts(lab: Arc<Lab>) -> Result<()> {
    let client = client(&lab.pki.bundle(), Way::Direct)?;
    let manifest = format!(
        "https://{}/v2/library/busybox/manifests/1.35",
        registry::HOST
    );
    let ask = async |login: Option<(&str, &str)>, url: &str| -> Result<u16> {
        let accept = "application/vnd.oci.image.manifest.v1+json";
        let mut request = client.get(url).header("accept", accept);
        if let Some((user, password)) = login {
            request = request.basic_auth(user, Some(password));
        }
        Ok(request.send().await?.status().as_u16())
    };
    let since = Since::now(&lab)?;
    for account in [PULLER, MIRROR_READER] {
        let status = ask(Some((account.user, account.password)), &manifest).await?;
        ensure!(status == 200, "{}: {status}", account.user);
    }
    ensure!(ask(None, &manifest).await? == 401, "let in without a login");
    let wrong = ask(Some((PULLER.user, "wrong")), &manifest).await?;
    ensure!(wrong == 401, "a wrong password: {wrong}");
    let absent = manifest.replace("1.35", "absent");
    let absent = ask(Some((PULLER.user, PULLER.password)), &absent).await?;
    ensure!(absent == 404, "an absent tag: {absent}");
    let mut logged = since.all(&lab)?.requests;
    logged.retain(|request| request.user_agent == USER_AGENT);
    let logged: Vec<_> = logged
        .into_iter()
        .map(|request| (request.user, request.status))
        .collect();
    let by = |account: registry::Account| Some(account.user.to_owned());
    let expected = [
        (by(PULLER), 200),
        (by(MIRROR_READER), 200),
        (None, 401),
        (None, 401),
        (by(PULLER), 404),
    ];
    ensure!(logged == expected, "{logged:?}");
    Ok(())
}

async fn a_pull_outlasts_a_flapping_registry(lab: Arc<Lab>) -> Result<()> {
    let sandbox = Sandbox::new(&lab, "company-flapping").await?;
    sandbox
        .pull_secret_for(FLAPPING_HOST, "pull", PULLER)
        .await?;
    let outage = lab.flapping.fail_for(Duration::from_secs(5)).await;
    sandbox
        .apply(&json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": { "name": "one" },
            "spec": {
                "imagePullSecrets": [{ "name": "pull" }],
                "terminationGracePeriodSeconds": 0,
                "containers": [{
                    "name": "main",
                    "image": format!("{FLAPPING_HOST}/lab/busybox:1.35"),
                    "command": ["sleep", "3600"],
                }],
            },
        }))
        .await?;
    sandbox.wait_until_ready("pod/one").await?;
    ensure!(outage.refused() > 0, "nothing was refused");
    sandbox.delete().await
}
