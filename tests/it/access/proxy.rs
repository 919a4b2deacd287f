//! Which way the cluster's traffic goes: as kubectl's, and never through the install's own proxy.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::{Value, json};

use super::kubeconfig::{admin, look, refused};
use crate::support::arc_setup::ArcSetup;
use crate::support::company::Company;
use crate::support::connect_proxy::{ConnectProxy, Proxied};
use crate::support::control_plane::ControlPlane;

/// A name of the server's certificate that only a proxy knows the way to.
const NAME: &str = "kubernetes.default.svc";

async fn proxy(account: Option<(&str, &str)>) -> ConnectProxy {
    let plane = ControlPlane::untouched().await.unwrap();
    let url = plane.server_url();
    let address: SocketAddr = url.trim_start_matches("https://").parse().unwrap();
    let routes = BTreeMap::from([
        (format!("{NAME}:443"), address),
        (address.to_string(), address),
    ]);
    let account = account.map(|(user, password)| (user.to_owned(), password.to_owned()));
    ConnectProxy::start(Proxied { routes, account })
        .await
        .unwrap()
}

/// The administrator's kubeconfig with another server.
async fn at(server: &str) -> Value {
    let mut config = admin("proxied").await;
    config["clusters"][0]["cluster"]["server"] = json!(server);
    config
}

fn connected(proxy: &ConnectProxy, status: u16) -> Vec<String> {
    let log = proxy.log().into_iter();
    log.filter(|one| one.status == status)
        .map(|one| one.target)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kubeconfigs_proxy_beats_the_environments() {
    let mut program = ArcSetup::new().unwrap();
    let (named, other) = (proxy(None).await, proxy(None).await);
    let mut config = at(&format!("https://{NAME}")).await;
    config["clusters"][0]["cluster"]["proxy-url"] = json!(named.url());
    let file = program.file("kubeconfig", config.to_string()).unwrap();
    program
        .env("KUBECONFIG", file)
        .env("HTTPS_PROXY", other.url())
        .env("NO_PROXY", "*");
    look(&program, &[]).await.expect_code(0);
    assert!(connected(&named, 200).contains(&format!("{NAME}:443")));
    assert_eq!(other.log(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environments_proxy_is_used_unless_no_proxy_covers_the_server() {
    let mut program = ArcSetup::new().unwrap();
    let proxy = proxy(None).await;
    let config = at(&format!("https://{NAME}")).await;
    let file = program.file("kubeconfig", config.to_string()).unwrap();
    program.env("KUBECONFIG", file);
    for name in ["HTTPS_PROXY", "https_proxy"] {
        program.env(name, proxy.url());
        look(&program, &[]).await.expect_code(0);
        program.env(name, "");
    }
    let through = connected(&proxy, 200).len();
    assert!(through >= 2, "{:?}", proxy.log());
    // Covered: direct, where nobody knows the name.
    let through = proxy.log().len();
    program
        .env("HTTPS_PROXY", proxy.url())
        .env("NO_PROXY", "10.0.0.0/8,.svc");
    refused(look(&program, &[]).await, 3, "cluster-unreachable", &[NAME]);
    // Loopback never goes through a proxy, as with kubectl.
    let direct = admin("direct").await;
    let file = program.file("direct", direct.to_string()).unwrap();
    program.env("KUBECONFIG", file).env("NO_PROXY", "");
    look(&program, &[]).await.expect_code(0);
    assert_eq!(proxy.log().len(), through);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_wants_a_login_is_told_without_its_password() {
    let mut program = ArcSetup::new().unwrap();
    let proxy = proxy(Some(("jane", "right-canary"))).await;
    let mut config = at(&format!("https://{NAME}")).await;
    for (account, works) in [("jane:right-canary", true), ("jane:wrong-canary", false)] {
        let url = proxy
            .url()
            .replace("http://", &format!("http://{account}@"));
        config["clusters"][0]["cluster"]["proxy-url"] = json!(url);
        let file = program.file("kubeconfig", config.to_string()).unwrap();
        program
            .env("KUBECONFIG", file)
            .canary("the password", account.split_once(':').unwrap().1);
        let outcome = look(&program, &["-vv"]).await;
        if works {
            outcome.expect_code(0);
        } else {
            refused(outcome, 3, "cluster-unreachable", &["407", "proxy-url"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_installs_own_proxy_never_carries_the_clusters_traffic_nor_the_other_way_round() {
    let config = "examples/locked-down-rancher-scale-set/arc-setup.yaml";
    let company = Company::start(config).await.unwrap();
    let environment = proxy(None).await;
    let files = ArcSetup::new().unwrap();
    let kubeconfig = at(&format!("https://{NAME}")).await.to_string();
    let kubeconfig = files.file("kubeconfig", kubeconfig).unwrap();
    let mut program = company.program(&kubeconfig).unwrap();
    program.env("HTTPS_PROXY", environment.url());
    company.allow_images(&program).await.unwrap();
    let outcome = program
        .run(&[
            "init",
            "--dry-run",
            "--config",
            config,
            "--context",
            "proxied",
        ])
        .await
        .unwrap();
    outcome.expect_code(0);
    let own = company.proxy.log();
    assert!(
        !own.is_empty() && !own.iter().any(|one| one.target.contains(NAME)),
        "{own:?}"
    );
    let others = environment.log();
    assert!(
        !others.is_empty() && others.iter().all(|one| one.target == format!("{NAME}:443")),
        "{others:?}"
    );
}
