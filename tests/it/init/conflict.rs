//! Fields of another manager: named, left alone, and taken only when that is said.

use serde_json::json;

use super::STORY_OF_SCALE_SETS;
use super::site::Site;
use super::world::versions;

#[tokio::test]
async fn another_owner_is_named_with_its_field() {
    let site = Site::start(STORY_OF_SCALE_SETS).await;
    site.installed().await;
    let set = ["autoscalingrunnersets", "-n", "arc-runners", "rancher-dind"];
    let patch = json!({"spec": {"maxRunners": 99}}).to_string();
    let patching = [
        "patch",
        "--type=merge",
        "--field-manager=the-other-team",
        "-p",
        &patch,
    ];
    site.kubectl(&[&patching, &set[..]].concat());
    let before = site.world().await;
    let dry = site.init(&["--dry-run"]).await;
    assert!(dry.stderr.contains("the-other-team"), "{}", dry.stderr);
    let refused = site.init(&["--wait", "none"]).await.expect_code(22);
    for said in [
        "the-other-team",
        ".spec.maxRunners",
        "rancher-dind",
        "--force-conflicts",
    ] {
        let failure = refused.stderr.split("\nerror:").nth(1).unwrap_or_default();
        assert!(failure.contains(said), "{said}: {}", refused.stderr);
    }
    assert_eq!(versions(&before), versions(&site.world().await));
    site.init(&["--wait", "none", "--force-conflicts"])
        .await
        .expect_code(0);
    assert_eq!(site.get(&set)["spec"]["maxRunners"], 10);
    // From now on it is ours again.
    let again = site.init(&["--wait", "none"]).await.expect_code(0);
    assert!(again.stderr.contains("nothing to do"), "{}", again.stderr);
}

#[tokio::test]
async fn a_definitions_fields_are_never_taken() {
    let site = Site::start(STORY_OF_SCALE_SETS).await;
    site.installed().await;
    let definition = "crd/autoscalingrunnersets.actions.github.com";
    let patch = json!([{"op": "replace", "path": "/spec/versions/0/additionalPrinterColumns", "value": []}]).to_string();
    site.kubectl(&[
        "patch",
        definition,
        "--type=json",
        "--field-manager=the-other-team",
        "-p",
        &patch,
    ]);
    let before = site.world().await;
    for flags in [
        &["--wait", "none"][..],
        &["--wait", "none", "--force-conflicts"],
    ] {
        let refused = site.init(flags).await.expect_code(22);
        assert!(
            refused.stderr.contains("the-other-team"),
            "{}",
            refused.stderr
        );
        let said = refused.stderr.split("\nerror:").nth(1).unwrap_or_default();
        assert!(
            said.contains("the-other-team owns .spec.versions"),
            "{}",
            refused.stderr
        );
        assert!(!said.contains("--force-conflicts"), "{said}");
    }
    assert_eq!(versions(&before), versions(&site.world().await));
}
