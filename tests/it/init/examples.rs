//! Every example is installed, in both generations, and stays as it is when it is installed again.

use serde_json::json;

use super::certificate;
use super::site::Site;
use super::world::versions;
use super::{STORY, STORY_OF_SCALE_SETS};

/// Installs it and checks that these objects are there and that a second run writes nothing and has no need to try.
async fn installs(site: &Site, wait: &str, objects: &[&[&str]]) {
    let outcome = site.init(&["--wait", wait]).await.expect_code(0);
    assert!(outcome.stdout.is_empty(), "{}", outcome.stdout);
    for object in objects {
        site.get(object);
    }
    let before = site.world().await;
    let again = ["--wait", wait, "-vv"];
    let again = site.init(&again).await.expect_code(0);
    assert!(again.stderr.contains("nothing to do"), "{}", again.stderr);
    assert!(!again.stderr.contains("PATCH"), "{}", again.stderr);
    let after = site.world().await;
    assert_eq!(versions(&before), versions(&after));
}

#[tokio::test]
async fn the_story() {
    let site = Site::start(STORY).await;
    let objects: &[&[&str]] = &[
        &[
            "deployment",
            "-n",
            "actions-runner-system",
            "arc-controller-manager",
        ],
        &[
            "runner.actions.summerwind.dev",
            "-n",
            "actions-runners",
            "gh-runner",
        ],
        &["secret", "-n", "actions-runner-system", "arc-setup-arc"],
    ];
    installs(&site, "manager", objects).await;
    // What the API server asked about the runner, its webhook answered.
    let calls = site.plane.webhooks().unwrap().calls();
    assert!(
        calls
            .iter()
            .any(|call| call.object == "Runner actions-runners/gh-runner"),
        "{calls:?}"
    );
}

#[tokio::test]
async fn the_story_with_scale_sets() {
    let site = Site::start(STORY_OF_SCALE_SETS).await;
    let objects: &[&[&str]] = &[
        &["deployment", "-n", "arc-systems", "arc-controller"],
        &["autoscalingrunnersets", "-n", "arc-runners", "rancher-dind"],
    ];
    installs(&site, "manager", objects).await;
}

#[tokio::test]
async fn aks_with_defaults() {
    let site = Site::start("examples/aks-defaults/arc-setup.yaml").await;
    let objects: &[&[&str]] = &[&["autoscalingrunnersets", "-n", "arc-runners", "aks"]];
    installs(&site, "manager", objects).await;
}

#[tokio::test]
async fn an_enterprise_server_with_an_app() {
    let site = Site::start("examples/ghes-app/arc-setup.yaml").await;
    let objects: &[&[&str]] = &[&[
        "autoscalingrunnersets",
        "-n",
        "arc-runners",
        "platform-kubernetes",
    ]];
    installs(&site, "none", objects).await;
}

#[tokio::test]
async fn existing_secrets_alone() {
    let site = Site::start("examples/existing-secrets/arc-setup.yaml").await;
    let namespaces = ["arc-systems", "arc-runners"];
    for namespace in namespaces {
        site.plane.create_namespace(namespace).await.unwrap();
        let secret = |name: &str, kind: &str, data: serde_json::Value| {
            json!({"apiVersion": "v1", "kind": "Secret", "type": kind,
                "metadata": {"name": name, "namespace": namespace}, "stringData": data})
        };
        let app = json!({"github_app_id": "1", "github_app_installation_id": "2", "github_app_private_key": "canary-of-the-vault"});
        let account = json!({"username": "robot", "password": "canary-of-the-vault"});
        let docker =
            json!({"auths": {"registry.example.com": {"auth": "Y2FuYXJ5LW9mLXRoZS12YXVsdA=="}}})
                .to_string();
        site.apply(&json!({"apiVersion": "v1", "kind": "List", "items": [
            secret("github-app", "Opaque", app.clone()),
            secret("github-app-docker", "Opaque", app),
            secret("registry-account", "kubernetes.io/dockerconfigjson", json!({".dockerconfigjson": docker})),
            secret("registry-read-only", "Opaque", account.clone()),
            secret("proxy-account", "Opaque", account),
        ]}));
    }
    let before = site.get(&["secrets", "-A"]);
    let objects: &[&[&str]] = &[
        &["autoscalingrunnersets", "-n", "arc-runners", "small"],
        &["autoscalingrunnersets", "-n", "arc-runners", "docker"],
    ];
    installs(&site, "manager", objects).await;
    for secret in before["items"].as_array().unwrap() {
        let metadata = &secret["metadata"];
        let text = |key: &str| metadata[key].as_str().unwrap().to_owned();
        let now = site.get(&["secret", "-n", &text("namespace"), &text("name")]);
        assert_eq!(&now, secret);
    }
}

#[tokio::test]
async fn all_ways_to_scale_of_the_first_generation() {
    let site = Site::start("examples/legacy-scaling/arc-setup.yaml").await;
    let before = site.world().await;
    // The example wants cert-manager, which is not there.
    let refused = site.init(&[]).await.expect_code(3);
    for said in [
        "Issuer",
        "cert-manager.io/v1",
        "webhookCertificate.issuer: generate",
    ] {
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
    }
    assert_eq!(versions(&before), versions(&site.world().await));

    let kinds = [("issuers", "Issuer"), ("certificates", "Certificate")];
    for (plural, kind) in kinds {
        site.apply(&certificate::kind_of_cert_manager(plural, kind));
    }
    for (plural, _) in kinds {
        site.established(&format!("{plural}.cert-manager.io")).await;
    }
    let objects: &[&[&str]] = &[
        &["runnerdeployments", "-n", "arc-runners", "office-hours"],
        &["runnerdeployments", "-n", "arc-runners", "builds"],
        &[
            "runnersets.actions.summerwind.dev",
            "-n",
            "arc-runners",
            "cached",
        ],
        &[
            "horizontalrunnerautoscalers",
            "-n",
            "arc-runners",
            "office-hours",
        ],
        &["certificates.cert-manager.io", "-n", "arc-systems"],
    ];
    let _issuer = certificate::CertManager::follow(site.client.clone());
    installs(&site, "manager", objects).await;
}
