//! What GitHub says to the login and of itself.

use std::collections::BTreeSet;

use super::place::Place;
use crate::support::authority::Sends;
use crate::support::github::{Github, Setup};

const TOKEN: &str = "ghp_demonstration0000000000000000000000";
const REPOSITORY: &str = "repos/robbos/testing-grounds";

/// A server in the company's place.
async fn server(place: &Place, setup: Setup) -> Github {
    let host = place.company.github_host();
    let api = format!("api.{host}");
    let tls = place
        .company
        .authority
        .server(&[host, &api], Sends::LeafOnly)
        .unwrap();
    Github::start(tls, setup).await.unwrap()
}

fn setup(version: &str) -> Setup {
    Setup {
        enterprise_version: Some(version.to_owned()),
        token: Some(TOKEN.to_owned()),
        scopes: BTreeSet::from([REPOSITORY.to_owned()]),
        ..Setup::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_of_a_registration_token_has_an_id_of_its_own() {
    let mut place = Place::start("login").await;
    place.findings(&[]).await.expect(0, &[]);

    let findings = place.findings(&["--github-repo", "robbos/unknown"]).await;
    findings.expect(3, &["github-not-found"]);
    let told = findings.only("github-not-found", "failed");
    assert!(told.contains("/repos/robbos/unknown"), "{told}");

    let forbidden = setup("3.17.0");
    let forbidden = Setup {
        forbidden: forbidden.scopes.clone(),
        ..forbidden
    };
    let forbidden = server(&place, forbidden).await;
    let _proxy = place.proxy(Some(&forbidden), None).await;
    let findings = place.findings(&[]).await;
    findings.expect(3, &["github-forbidden"]);
    let told = findings.only("github-forbidden", "failed");
    assert!(told.contains("Resource not accessible"), "{told}");

    place.program.secret_env(
        "ARC_SETUP_GITHUB_TOKEN",
        "ghp_canaryThatGithubDoesNotKnow000000000",
    );
    let findings = place.findings(&[]).await;
    findings.expect(3, &["github-credentials"]);
    let told = findings.only("github-credentials", "failed");
    assert!(told.contains("Bad credentials"), "{told}");
    assert_eq!(findings.document["code"], "github-credentials");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_server_and_the_release_that_works_with_none_are_refused_for_scale_sets() {
    let mut place = Place::start("server").await;
    let old = server(&place, setup("3.8.12")).await;
    let _proxy = place.proxy(Some(&old), None).await;
    let findings = place.findings(&[]).await;
    findings.expect(3, &["github-server-version"]);
    let told = findings.only("github-server-version", "failed");
    assert!(
        told.contains("3.8.12") && told.contains("3.9 or newer") && told.contains("mode: legacy"),
        "{told}"
    );

    let outcome = place
        .look(&["--arc-version", "0.14.0"])
        .await
        .expect_code(2);
    assert!(
        outcome
            .stderr
            .contains("0.14.0 does not work with a GitHub Enterprise Server"),
        "{}",
        outcome.stderr
    );
}
