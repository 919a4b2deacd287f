//! What the API server's admission says to pods and objects: pod security, quota, LimitRange, policies.

use serde_json::json;

use super::place::Place;
use crate::control_plane::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn dind_in_a_namespace_that_enforces_baseline_is_refused_with_the_label_to_set() {
    let place = Place::start("baseline").await;
    place.look(&[]).await.expect_code(0);
    let label = "pod-security.kubernetes.io/enforce=baseline";
    place.kubectl(&["label", "namespace", &place.runners(), label]);
    let findings = place.findings(&[]).await;
    findings.expect(3, &["pod-security"]);
    let told = findings.only("pod-security", "failed");
    let remedy = format!(
        "kubectl label namespace {} pod-security.kubernetes.io/enforce=privileged",
        place.runners()
    );
    assert!(
        told.contains(&remedy) && told.contains("updatepsa") && told.contains("privileged"),
        "{told}"
    );
    // Nobody labels a namespace of somebody else's.
    let labels = place.kubectl(&["get", "namespace", &place.runners(), "--show-labels"]);
    assert!(labels.contains(label), "{labels}");
    place
        .look(&["--container-mode", "none"])
        .await
        .expect_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_up_quota_and_a_limit_range_are_told_together() {
    let place = Place::start("quota").await;
    let (systems, runners) = (place.systems(), place.runners());
    place.apply(
        &json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "full", "namespace": systems},
        "spec": {"hard": {"pods": "0"}}}),
    );
    place.apply(
        &json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small", "namespace": runners},
        "spec": {"limits": [{"type": "Container", "max": {"memory": "16Mi"}, "default": {"memory": "16Mi"}}]}}),
    );
    let findings = eventually("the quota counts", async || {
        let findings = place.findings(&[]).await;
        (findings.blocking().len() == 2).then_some(findings)
    })
    .await;
    findings.expect(3, &["limit-range", "quota-exceeded"]);
    // The manager's pod and the listener's.
    let quotas = findings.with("quota-exceeded", "failed");
    assert_eq!(quotas.len(), 2, "{quotas:?}");
    let quota = quotas[0].to_string();
    assert!(
        quota.contains("exceeded quota: full") && quota.contains(&systems),
        "{quota}"
    );
    let limit = findings.only("limit-range", "failed");
    assert!(
        limit.contains("maximum memory usage per Container is 16Mi") && limit.contains(&runners),
        "{limit}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_denies_is_named_with_its_message() {
    let place = Place::start("policy").await;
    let runners = place.runners();
    place.apply(&json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "no-privileged"},
        "spec": {"failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]},
            "validations": [{"expression": "false", "message": "ask the platform team"}]}}));
    place.apply(&json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "no-privileged"},
        "spec": {"policyName": "no-privileged", "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": runners}}}}}));
    let findings = eventually("the policy holds", async || {
        let findings = place.findings(&[]).await;
        (!findings.blocking().is_empty()).then_some(findings)
    })
    .await;
    findings.expect(3, &["policy-denied"]);
    let told = findings.only("policy-denied", "failed");
    assert!(
        told.contains("no-privileged") && told.contains("ask the platform team"),
        "{told}"
    );
}
