//! A registry, a GitHub server and a proxy that take connections and never say a word.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::net::TcpListener;

use super::place::Place;
use crate::support::connect_proxy::{ConnectProxy, Proxied};

/// What a person waits for at most.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_never_answer_cost_a_bounded_time_and_block_nothing() {
    let mut place = Place::start("silence").await;
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = silent.local_addr().unwrap();
    let host = place.company.github_host();
    let routes = BTreeMap::from([
        (format!("{}:443", place.company.registry_host()), address),
        (format!("{host}:443"), address),
        (format!("api.{host}:443"), address),
    ]);
    let proxy = ConnectProxy::start(Proxied {
        routes,
        account: None,
    })
    .await
    .unwrap();
    // Behind the proxy nobody answers; then the proxy itself does not.
    for url in [proxy.url(), format!("http://{address}")] {
        place.program.env("ARC_SETUP_PROXY", &url);
        let outcome = place.look(&["-o", "json"]).await.expect_code(0);
        assert!(outcome.took < PATIENCE, "{url}: {:?}", outcome.took);
        let findings = super::place::Findings::of(&outcome);
        findings.expect(0, &[]);
        assert_eq!(findings.with("tls-unreachable", "unknown").len(), 2);
        assert_eq!(findings.with("image-unknown", "unknown").len(), 1);
        findings.only("github-unreachable", "unknown");
    }
}
