//! Before it writes, it asks the registry: what is not there is not written, and what nobody can tell is told.

use serde_json::{Value, json};

use super::PATCHED;
use super::install::{Install, PROXY, marked};
use crate::support::company::Company;
use crate::support::control_plane::ControlPlane;
use crate::support::registry::Answer;

const CONFIG: &str = "examples/locked-down-rancher/arc-setup.yaml";
const REPOSITORY: &str = "brancz/kube-rbac-proxy";

/// An install whose program asks the company's registry, through its proxy and with its account.
async fn site(namespace: &str) -> (Company, Install) {
    let plane = ControlPlane::shared().await.unwrap();
    let company = Company::start(CONFIG).await.unwrap();
    let program = company.program(&plane.kubeconfig("story").unwrap());
    let install = Install::of(plane, namespace, program.unwrap()).await;
    install.create(marked(&json!({}), &json!({}))).await;
    (company, install)
}

const ARGUMENTS: &[&str] = &["--config", CONFIG, "--yes", "--no-wait"];

#[tokio::test]
async fn what_is_not_in_the_registry_is_asked_for_and_nothing_of_the_object_changes() {
    let (company, install) = site("patched-absent").await;
    let before = install.deployment().await;
    let outcome = install.with(ARGUMENTS).await.expect_code(20);
    for part in [
        "not patched: not in the registry",
        "ask its owner for",
        PROXY,
        PATCHED,
        "MANIFEST_UNKNOWN",
        "Deployment patched-absent/controller-manager",
    ] {
        assert!(outcome.stdout.contains(part), "{part}: {}", outcome.stdout);
    }
    let after = install.deployment().await;
    assert_eq!(after["spec"], before["spec"]);
    let receipt = after["metadata"]["annotations"].to_string();
    assert!(!receipt.contains("arc-setup.dev"), "{receipt}");
    let json = install.with(&[ARGUMENTS, &["-o", "json"]].concat()).await;
    let answer: Value = serde_json::from_str(&json.expect_code(20).stdout).unwrap();
    assert_eq!(answer["objects"][0]["treatment"], "absent");
    assert_eq!(answer["absentImages"][0]["before"], PROXY);
    // Nobody is asked.
    let dry = [ARGUMENTS, &["--dry-run", "--no-verify"]].concat();
    let asked = company.registry.asked().len();
    install.with(&dry).await.expect_code(0);
    assert_eq!(company.registry.asked().len(), asked);

    company.registry.add(&format!("{REPOSITORY}:v0.8.0"));
    let outcome = install.with(ARGUMENTS).await.expect_code(0);
    assert!(!outcome.stdout.contains("not verified"), "{outcome:?}");
    assert_eq!(install.proxy_image().await, PATCHED);
    // Both answers came through the company's proxy, with its account.
    assert!(company.registry.asked().len() > asked);
}

#[tokio::test]
async fn what_the_registry_denies_is_told_and_stops_only_where_that_is_required() {
    let (company, install) = site("patched-denied").await;
    company.registry.answer_with(REPOSITORY, Answer::Denied);
    let required = [ARGUMENTS, &["--require-verified"]].concat();
    let outcome = install.with(&required).await.expect_code(20);
    for part in [
        "not known to be in the registry",
        "whether they can be pulled",
    ] {
        assert!(outcome.stdout.contains(part), "{part}: {}", outcome.stdout);
    }
    assert_eq!(install.proxy_image().await, PROXY);

    let outcome = install.with(ARGUMENTS).await.expect_code(0);
    assert!(
        outcome.stdout.contains("not verified"),
        "{}",
        outcome.stdout
    );
    assert_eq!(install.proxy_image().await, PATCHED);
}
