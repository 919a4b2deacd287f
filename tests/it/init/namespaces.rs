//! What was there before: namespaces and CRDs of others.

use serde_json::{Value, json};

use crate::support::arc_setup::skipped;

use super::site::Site;
use super::{STORY, STORY_OF_SCALE_SETS};

const SETS: &str = "autoscalingrunnersets.actions.github.com";

#[tokio::test]
async fn a_namespace_that_exists_is_labelled_only_when_that_is_wanted() {
    let site = Site::start(STORY).await;
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": "actions-runners", "labels": {"team": "theirs"}}});
    site.apply(&namespace);
    let read = || site.get(&["namespace", "actions-runners"])["metadata"].clone();
    let before = read();
    site.installed().await;
    assert_eq!(read(), before);
    site.installed().await;
    assert_eq!(read(), before);
    site.init(&["--wait", "manager", "--manage-namespaces"])
        .await
        .expect_code(0);
    let labels = &read()["labels"];
    assert_eq!(labels["team"], "theirs");
    assert_eq!(labels["app.kubernetes.io/managed-by"], "arc-setup");
}

/// A small CRD as an old release might have left it, whose spec has these fields.
fn old_definition(fields: &[&str]) -> Value {
    let open = json!({"x-kubernetes-preserve-unknown-fields": true});
    let fields: serde_json::Map<String, Value> = fields
        .iter()
        .map(|field| ((*field).to_owned(), open.clone()))
        .collect();
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": SETS, "annotations": {"controller-gen.kubebuilder.io/version": "v0.7.0"}},
        "spec": {"group": "actions.github.com", "scope": "Namespaced",
            "names": {"kind": "AutoscalingRunnerSet", "listKind": "AutoscalingRunnerSetList",
                "plural": "autoscalingrunnersets", "singular": "autoscalingrunnerset"},
            "versions": [{"name": "v1alpha1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                    "spec": {"type": "object", "properties": fields},
                    "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}}}]}})
}

#[tokio::test]
async fn a_definition_of_others_is_kept_or_too_old() {
    let site = Site::start(STORY_OF_SCALE_SETS).await;
    site.apply(&old_definition(&[
        "githubConfigUrl",
        "githubConfigSecret",
        "template",
        "runnerScaleSetName",
    ]));
    site.established(SETS).await;
    let before = site.world().await;
    let refused = site.init(&[]).await.expect_code(3);
    for said in ["crd-too-old", "maxRunners", SETS, "--crds"] {
        assert!(refused.stderr.contains(said), "{said}: {}", refused.stderr);
    }
    assert_eq!(before, site.world().await);
    // No flag takes it.
    site.init(&["--force-conflicts"]).await.expect_code(3);

    site.kubectl(&["delete", "crd", SETS]);
    let mut roomy = old_definition(&[]);
    roomy["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"] =
        json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    site.apply(&roomy);
    site.established(SETS).await;
    let kept = site.get(&["crd", SETS]);
    let outcome = site.installed().await;
    assert!(
        outcome
            .stderr
            .contains("someone else installed it; it is never changed"),
        "{}",
        outcome.stderr
    );
    assert_eq!(site.get(&["crd", SETS])["spec"], kept["spec"]);
    assert_eq!(
        site.get(&["crd", SETS])["metadata"]["generation"],
        kept["metadata"]["generation"]
    );
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "a variable names the copy, and whoever has none is told"
)]
async fn upstreams_own_definitions_are_kept() {
    let Some(directory) = std::env::var_os("ARC_SETUP_UPSTREAM_CRDS") else {
        skipped("upstream's own definitions: ARC_SETUP_UPSTREAM_CRDS names no copy of them");
        return;
    };
    for (config, release, group) in [
        (STORY, "legacy-v0.27.6", "actions.summerwind.dev"),
        (
            STORY_OF_SCALE_SETS,
            "scale-set-0.14.2",
            "actions.github.com",
        ),
    ] {
        let site = Site::start(config).await;
        let mut kept = Vec::new();
        for file in std::fs::read_dir(std::path::Path::new(&directory).join(release)).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            for object in arc_setup::yaml::parse_documents(&text, "upstream").unwrap() {
                let name = object["metadata"]["name"].as_str().unwrap().to_owned();
                if name.ends_with(group) {
                    site.apply(&object);
                    site.established(&name).await;
                    kept.push(name);
                }
            }
        }
        assert!(kept.len() >= 3, "{kept:?}");
        let read = |site: &Site| {
            kept.iter()
                .map(|name| site.get(&["crd", name]))
                .collect::<Vec<_>>()
        };
        let before = read(&site);
        let outcome = site.installed().await;
        assert!(
            outcome.stderr.contains("it is never changed"),
            "{}",
            outcome.stderr
        );
        assert_eq!(read(&site), before);
    }
}
