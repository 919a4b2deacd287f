//! A real user of the cluster who may do much, and not all that is needed.

use serde_json::json;

use super::place::{Findings, Place};

/// Grants `rules` in both namespaces of `place`.
fn grant(place: &Place, user: &str, rules: &serde_json::Value) {
    for namespace in [place.systems(), place.runners()] {
        place.apply(
            &json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
            "metadata": {"name": "team", "namespace": namespace}, "rules": rules}),
        );
        place.apply(
            &json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"name": "team", "namespace": namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "team"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}]}),
        );
    }
}

async fn as_user(place: &mut Place, user: &str) -> Findings {
    let kubeconfig = place.plane.kubeconfig_for(user, &[], "team").unwrap();
    place.program.env("KUBECONFIG", kubeconfig);
    place.findings(&["--context", "team"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_missing_right_is_told_at_once_with_a_way_to_check_it() {
    let mut place = Place::start("nothing").await;
    let findings = as_user(&mut place, "jo").await;
    findings.expect(3, &["rights"]);
    let denied = findings.with("rights", "failed");
    let runners = place.runners();
    let told = |words: &str| {
        assert!(
            denied
                .iter()
                .any(|finding| finding.to_string().contains(words)),
            "{words}: {denied:#?}"
        );
    };
    told("create customresourcedefinitions.apiextensions.k8s.io in the whole cluster");
    told(&format!("create secrets in namespace {runners}"));
    told(&format!("kubectl auth can-i create secrets -n {runners}"));
    // The runner set wants no runner while idle: a pod of it will be tried.
    for verb in ["create", "delete", "list", "watch"] {
        told(&format!("{verb} pods in namespace {runners}"));
    }
    told("--no-pull-test");
    // What may not be read is no proof that nobody is there.
    findings.only("cluster-unread", "unknown");
    findings.only("controller-overlap", "unknown");
    // A right is told once, not again for each object that needs it.
    let subjects: Vec<&str> = denied
        .iter()
        .filter_map(|finding| finding["subject"].as_str())
        .collect();
    let mut distinct = subjects.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), subjects.len(), "{subjects:#?}");
    assert!(
        !subjects
            .iter()
            .any(|subject| subject.starts_with("Secret ")),
        "{subjects:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn escalation_is_refused_where_can_i_says_yes() {
    let mut place = Place::start("escalation").await;
    let rules = json!([
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]},
        {"apiGroups": ["", "apps", "rbac.authorization.k8s.io", "actions.github.com"],
        "resources": ["serviceaccounts", "secrets", "configmaps", "deployments", "roles", "rolebindings", "autoscalingrunnersets"],
        "verbs": ["get", "list", "create", "patch"]}]);
    grant(&place, "kim", &rules);
    let findings = as_user(&mut place, "kim").await;
    assert_eq!(findings.code, Some(3));
    let told = findings.with("rights-escalation", "failed");
    assert!(!told.is_empty(), "{:#}", json!(findings.all()));
    let told = told[0].to_string();
    for words in ["Role", "attempting to grant", "escalate"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    // Namespaces that are there need no right to make them.
    let denied = findings.with("rights", "failed");
    assert!(
        !denied
            .iter()
            .any(|finding| finding.to_string().contains(" namespaces")),
        "{denied:#?}"
    );
    // RBAC itself says yes to the Role.
    let granted = format!(
        "create roles.rbac.authorization.k8s.io in namespace {}",
        place.systems()
    );
    assert!(
        !findings
            .with("rights", "failed")
            .iter()
            .any(|finding| finding["subject"] == granted.as_str()),
        "{:#}",
        json!(findings.all())
    );
}
