//! Credentials and authorities that change: what reads them is restarted, and nothing else.

use serde_json::Value;

use crate::support::authority::Authority;

use super::STORY;
use super::site::Site;

const DEPLOYMENT: [&str; 4] = [
    "deployment",
    "-n",
    "actions-runner-system",
    "arc-controller-manager",
];

/// Pod template of the manager, and generation of the Runner.
fn state(site: &Site) -> (Value, Value) {
    let runner = site.get(&[
        "runner.actions.summerwind.dev",
        "-n",
        "actions-runners",
        "gh-runner",
    ]);
    let manager = site.get(&DEPLOYMENT)["spec"]["template"].take();
    (manager, runner["metadata"]["generation"].clone())
}

fn annotations(before: &Value, after: &Value) -> Vec<String> {
    let of = |template: &Value| {
        template["metadata"]["annotations"]
            .as_object()
            .unwrap()
            .clone()
    };
    let (before, after) = (of(before), of(after));
    after
        .iter()
        .filter(|(name, value)| before.get(*name) != Some(value))
        .map(|(name, _)| name.clone())
        .collect()
}

#[tokio::test]
async fn a_changed_token_rolls_the_manager_and_a_changed_authority_what_trusts_it() {
    let mut site = Site::start(STORY).await;
    site.installed().await;
    let (manager, runner) = state(&site);

    let token = "ghp_another000000000000000000000000000000";
    site.company.github.accept_token(token);
    site.program.secret_env("ARC_SETUP_GITHUB_TOKEN", token);
    let outcome = site.installed().await;
    assert!(
        outcome.stderr.contains("github_token"),
        "{}",
        outcome.stderr
    );
    let (rolled, untouched) = state(&site);
    let changed = annotations(&manager, &rolled);
    assert_eq!(
        changed,
        ["secret-version.arc-setup.dev/arc-controller-manager"]
    );
    assert_eq!(untouched, runner);

    let mut bundle = std::fs::read_to_string(site.program.home().join("company-ca.pem")).unwrap();
    bundle.push_str(&Authority::new().unwrap().root_pem());
    site.program.file("company-ca.pem", bundle).unwrap();
    site.installed().await;
    let (trusting, _) = state(&site);
    assert_eq!(
        annotations(&rolled, &trusting),
        ["arc-setup.dev/config-hash"]
    );
    // The token's Secret stays as it was.
    let again = site.installed().await;
    assert!(again.stderr.contains("nothing to do"), "{}", again.stderr);
}
