//! `init` as a person or a CI job runs it, against a real API server: what it makes, that it makes it once, and
//! that it touches nothing else.

mod again;
mod certificate;
mod conflict;
mod controllers;
mod examples;
mod interrupted;
mod namespaces;
mod overtaken;
mod pull_test;
mod rotation;
pub(crate) mod scale_set_controller;
pub(crate) mod site;
pub(crate) mod world;

/// The story, in the first generation of ARC and in the second.
const STORY: &str = "examples/locked-down-rancher/arc-setup.yaml";
const STORY_OF_SCALE_SETS: &str = "examples/locked-down-rancher-scale-set/arc-setup.yaml";

#[tokio::test]
async fn a_dry_run_writes_nothing_and_shows_what_would_happen() {
    let site = site::Site::start(STORY).await;
    let before = site.world().await;
    let fresh = site.init(&["--dry-run"]).await.expect_code(0);
    for said in [
        "+ Namespace actions-runners",
        "+ Runner actions-runners/gh-runner",
    ] {
        assert!(fresh.stderr.contains(said), "{said}: {}", fresh.stderr);
    }
    assert_eq!(
        world::versions(&before),
        world::versions(&site.world().await)
    );

    site.installed().await;
    let deployment = [
        "-n",
        "actions-runner-system",
        "deployment/arc-controller-manager",
    ];
    let scale = ["scale", "--replicas=3"];
    site.kubectl(&[&scale[..], &deployment].concat());
    let secret = [
        "delete",
        "secret",
        "-n",
        "actions-runner-system",
        "arc-pull",
    ];
    site.kubectl(&secret);
    let before = site.world().await;
    // No secret comes out, in any format: the program is watched for those that it was given.
    for format in ["text", "json", "yaml", "github"] {
        let changed = site
            .init(&["--dry-run", "--force-conflicts", "-o", format])
            .await
            .expect_code(0);
        assert!(changed.stderr.contains("replicas"), "{}", changed.stderr);
        assert!(
            changed
                .stderr
                .contains("+ Secret actions-runner-system/arc-pull"),
            "{}",
            changed.stderr
        );
    }
    assert_eq!(
        world::versions(&before),
        world::versions(&site.world().await)
    );
}
