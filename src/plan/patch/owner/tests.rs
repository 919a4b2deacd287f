use super::*;
use serde_json::json;

#[test]
fn every_tool_is_known_by_its_marks() {
    let with = |labels: Value, annotations: Value| {
        owner(&json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"namespace": "n", "name": "x", "labels": labels, "annotations": annotations}}))
            .map(|owner| owner.to_string())
    };
    assert_eq!(with(json!({}), json!({})), None);
    assert_eq!(
        with(
            json!({"app.kubernetes.io/managed-by": "Helm"}),
            json!({"meta.helm.sh/release-name": "arc"})
        ),
        Some("Helm release arc".into())
    );
    assert_eq!(
        with(
            json!({"app.kubernetes.io/managed-by": "Helm"}),
            json!({"argocd.argoproj.io/tracking-id": "ci:apps/Deployment:n/x"})
        ),
        Some("Argo CD application ci".into())
    );
    assert_eq!(
        with(
            json!({"helm.toolkit.fluxcd.io/name": "arc", "helm.toolkit.fluxcd.io/namespace": "flux-system"}),
            json!({"meta.helm.sh/release-name": "arc"})
        ),
        Some("Flux HelmRelease flux-system/arc".into())
    );
    assert_eq!(
        with(
            json!({}),
            json!({"objectset.rio.cattle.io/id": "default-arc"})
        ),
        Some("Fleet bundle default-arc".into())
    );
    assert_eq!(
        with(json!({"olm.owner": "arc.v1"}), json!({})),
        Some("OLM arc.v1".into())
    );
}

#[test]
fn a_tool_without_marks_is_known_by_what_it_wrote() {
    let written = |manager: &str, field: &str| {
        let entry = json!({"manager": manager, "operation": "Apply", "fieldsV1": {field: {}}});
        owner(&json!({"metadata": {"namespace": "n", "managedFields": [entry]}}))
            .map(|owner| owner.to_string())
    };
    assert_eq!(
        written("argocd-controller", "f:spec"),
        Some("Argo CD application (name unknown)".into())
    );
    assert_eq!(
        written("kustomize-controller", "f:spec"),
        Some("Flux Kustomization (name unknown)".into())
    );
    // Who only labels an object does not write its images back.
    assert_eq!(written("argocd-controller", "f:metadata"), None);
    assert_eq!(written("kubectl-client-side-apply", "f:spec"), None);
}

fn deployment(labels: &Value, annotations: &Value, manager: &str) -> Option<String> {
    let fields = json!([{"manager": manager, "operation": "Update", "fieldsV1": {"f:spec": {}}}]);
    let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "n",
        "labels": labels, "annotations": annotations, "managedFields": fields}});
    owner(&object).map(|owner| owner.to_string())
}

#[test]
fn an_application_owns_what_it_names_and_no_copy_of_it() {
    let of = |id: &str| {
        let annotations = json!({"argocd.argoproj.io/tracking-id": id});
        deployment(&json!({}), &annotations, "kubectl")
    };
    assert_eq!(
        of("shop:apps/Deployment:n/d").as_deref(),
        Some("Argo CD application shop")
    );
    // An application in a namespace of its own.
    assert_eq!(
        of("team_shop:apps/Deployment:n/d").as_deref(),
        Some("Argo CD application team/shop")
    );
    for copied in [
        "shop:apps/Deployment:n/other",
        "shop:apps/Deployment:elsewhere/d",
        "shop:apps/StatefulSet:n/d",
        "shop:/Deployment:n/d",
    ] {
        assert_eq!(of(copied), None, "{copied}");
    }
}

#[test]
fn a_charts_label_alone_does_not_outweigh_who_wrote_the_spec() {
    let chart =
        json!({"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": "shop"});
    let none = json!({});
    assert_eq!(
        deployment(&chart, &none, "argocd-controller").as_deref(),
        Some("Argo CD application shop")
    );
    assert_eq!(
        deployment(&chart, &none, "kubectl-client-side-apply").as_deref(),
        Some("Helm release (name unknown)")
    );
    let release = json!({"meta.helm.sh/release-name": "shop"});
    assert_eq!(
        deployment(&chart, &release, "argocd-controller").as_deref(),
        Some("Helm release shop")
    );
}

#[test]
fn what_a_bundle_of_olm_brings_names_its_version() {
    let bundle = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"labels": {"olm.managed": "true"},
        "ownerReferences": [{"kind": "ClusterServiceVersion", "name": "shop.v1"}]}});
    assert_eq!(owner(&bundle).unwrap().to_string(), "OLM shop.v1");
}

#[test]
fn rancher_names_what_it_deploys_from() {
    let object = json!({"metadata": {"labels": {"objectset.rio.cattle.io/hash": "x"}, "annotations": {
        "objectset.rio.cattle.io/id": "", "objectset.rio.cattle.io/owner-gvk": "k3s.cattle.io/v1, Kind=Addon",
        "objectset.rio.cattle.io/owner-name": "coredns", "objectset.rio.cattle.io/owner-namespace": "kube-system"}}});
    assert_eq!(
        owner(&object).unwrap().to_string(),
        "Rancher Addon kube-system/coredns"
    );
}
