//! All that is wrong in one run, and nothing written: seen from the store, and from the wire.

use arc_setup::checks::catalogue;
use serde_json::json;

use super::place::Findings;
use crate::init::site::Site;
use crate::support::control_plane::ControlPlane;
use crate::support::recording_proxy::{Recorded, RecordingProxy};
use crate::support::registry::Answer;

const CONFIG: &str = "examples/locked-down-rancher-scale-set/arc-setup.yaml";

#[tokio::test(flavor = "multi_thread")]
async fn all_findings_come_in_one_run_and_nothing_is_written() {
    let plane = ControlPlane::isolated(crate::support::control_plane::Options::full())
        .await
        .unwrap();
    let plane = std::sync::Arc::new(plane);
    plane.create_namespace("arc-systems").await.unwrap();
    plane.create_namespace("arc-runners").await.unwrap();
    let mut site = Site::on(plane, CONFIG).await;
    site.kubectl(&[
        "label",
        "namespace",
        "arc-runners",
        "pod-security.kubernetes.io/enforce=restricted",
    ]);
    site.apply(
        &json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "full", "namespace": "arc-systems"},
        "spec": {"hard": {"pods": "0"}}}),
    );
    crate::control_plane::eventually("the quota counts", async || {
        let quota = site.get(&["resourcequota", "full", "-n", "arc-systems"]);
        quota["status"]["hard"]["pods"].is_string().then_some(())
    })
    .await;
    let runner = "ghcr-remote/actions/actions-runner";
    site.company.registry.answer_with(runner, Answer::Missing);
    site.program.secret_env(
        "ARC_SETUP_GITHUB_TOKEN",
        "ghp_canaryThatGithubDoesNotKnow000000000",
    );
    let root = site.company.authority.root_pem();
    let recorder = RecordingProxy::start(site.client.clone()).await.unwrap();
    let kubeconfig = site
        .program
        .file("kubeconfig", recorder.kubeconfig("site"))
        .unwrap();
    site.program.env("KUBECONFIG", kubeconfig);

    let before = site.world().await;
    let outcome = site.init(&["-o", "json"]).await;
    let findings = Findings::of(&outcome);
    findings.expect(
        3,
        &[
            "github-credentials",
            "image-absent",
            "pod-security",
            "quota-exceeded",
        ],
    );
    assert_eq!(findings.document["code"], "preflight");
    for finding in findings.all() {
        let id = finding["id"].as_str().unwrap();
        assert!(catalogue::entry(id).is_some(), "{id}");
        if finding["verdict"] == "failed" {
            assert!(!finding["remedy"][0].as_str().unwrap().is_empty(), "{id}");
            assert!(outcome.stderr.contains(&format!("[{id}]")), "{id}");
        }
    }
    assert!(site.world().await == before, "something was written");
    let asked = recorder.take();
    let written: Vec<_> = asked.iter().filter(|one| one.writes()).collect();
    assert!(asked.len() > 20 && written.is_empty(), "{written:?}");
    assert!(asked.iter().any(|one| one.query.contains("dryRun=All")));

    // The trust that is missing hides neither pods nor quota.
    let file = site.program.file("root.pem", root).unwrap();
    site.program.env("ARC_SETUP_CA_BUNDLE", file);
    let findings = Findings::of(&site.init(&["-o", "json"]).await);
    findings.expect(
        3,
        &[
            "image-untrusted",
            "pod-security",
            "quota-exceeded",
            "tls-untrusted",
        ],
    );
    assert!(!recorder.take().iter().any(Recorded::writes));
}
