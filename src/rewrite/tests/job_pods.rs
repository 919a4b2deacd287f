use serde_json::json;

use super::*;
use crate::config::RunnerKind;

/// What the hooks read.
fn template(done: &Done) -> Value {
    let text = &done.object("ConfigMap", "arc-job-pods")["data"]["pod.yaml"];
    let parsed = crate::yaml::parse_documents(text.as_str().unwrap(), "pod.yaml").unwrap();
    assert_eq!(parsed.len(), 1);
    parsed.into_iter().next().unwrap()
}

#[test]
fn a_job_container_gets_what_the_runner_has() {
    for mode in [ContainerMode::Kubernetes, ContainerMode::KubernetesNovolume] {
        let done = install(Mode::ScaleSet, "0.14.2", mode);
        let spec = &template(&done)["spec"];
        assert_eq!(spec["imagePullSecrets"], json!([{"name": "arc-pull"}]));
        assert_eq!(
            spec["volumes"],
            json!([{"name": "arc-setup-ca", "configMap": {"name": "arc-ca"}}])
        );
        let job = item(&spec["containers"], "name", "$job").unwrap();
        assert_eq!(
            variable(&job["env"], "NODE_EXTRA_CA_CERTS"),
            Some("/etc/arc-setup/ca/ca.crt")
        );
        assert_eq!(
            variable(&job["env"], "SSL_CERT_DIR"),
            Some("/etc/ssl/certs:/etc/arc-setup/ca")
        );
        assert!(
            variable(&job["env"], "NO_PROXY")
                .unwrap()
                .contains("10.43.0.1")
        );
        let proxy = item(&job["env"], "name", "https_proxy").unwrap();
        assert_eq!(proxy["valueFrom"]["secretKeyRef"]["name"], "arc-proxy");
        // The hooks put the image there, and their own lists before ours; every other field would replace theirs.
        let mut fields: Vec<&String> = job.as_object().unwrap().keys().collect();
        fields.sort();
        assert_eq!(fields, ["env", "name", "volumeMounts"]);
        let mut fields: Vec<&String> = spec.as_object().unwrap().keys().collect();
        fields.sort();
        assert_eq!(fields, ["containers", "imagePullSecrets", "volumes"]);
    }
}

#[test]
fn the_runner_names_the_template_and_mounts_it() {
    let of = |done: &Done, kind: &str, at: &str| {
        let object = done.object(kind, "build");
        let read = |list: &str| object.pointer(&format!("{at}/{list}")).cloned().unwrap();
        (
            variable(&read("env"), "ACTIONS_RUNNER_CONTAINER_HOOK_TEMPLATE").map(str::to_owned),
            item(&read("volumeMounts"), "name", "arc-setup-job-pods").cloned(),
        )
    };
    let wanted = (
        Some("/etc/arc-setup/job-pods/pod.yaml".to_owned()),
        Some(
            json!({"name": "arc-setup-job-pods", "mountPath": "/etc/arc-setup/job-pods", "readOnly": true}),
        ),
    );
    let done = install(Mode::ScaleSet, "0.14.2", ContainerMode::Kubernetes);
    let runner = "/spec/template/spec/containers/0";
    assert_eq!(of(&done, "AutoscalingRunnerSet", runner), wanted);
    let mut config = locked_down(fixtures::config(
        Mode::Legacy,
        "0.27.6",
        ContainerMode::Kubernetes,
    ));
    config.runner_sets[0].kind = RunnerKind::RunnerDeployment;
    let done = passes(&config, &facts());
    assert_eq!(of(&done, "RunnerDeployment", "/spec/template/spec"), wanted);
}

#[test]
fn a_template_of_the_users_own_stays_and_is_told() {
    let mut config = locked_down(fixtures::config(
        Mode::ScaleSet,
        "0.14.2",
        ContainerMode::Kubernetes,
    ));
    let own = json!([{"name": "ACTIONS_RUNNER_CONTAINER_HOOK_TEMPLATE", "value": "/home/runner/pod.yaml"}]);
    config.runner_sets[0].pod_template =
        Some(json!({"spec": {"containers": [{"name": "runner", "env": own}]}}));
    let done = passes(&config, &facts());
    let pod = &done.object("AutoscalingRunnerSet", "build")["spec"]["template"]["spec"];
    assert_eq!(item(&pod["volumes"], "name", "arc-setup-job-pods"), None);
    let kept = done
        .changes
        .iter()
        .find(|change| change.rule.starts_with("job pods: kept"));
    assert_eq!(kept.unwrap().after, Some(own[0].clone()));
}

#[test]
fn there_is_none_where_nothing_is_wanted_or_no_hook_makes_pods() {
    let bare = fixtures::config(Mode::ScaleSet, "0.14.2", ContainerMode::Kubernetes);
    let mut without = facts();
    without.ca.clear();
    let has = |done: &Done| {
        let mut names = done.manifests.iter().map(Manifest::reference);
        names.any(|one| one.name == "arc-job-pods" || one.kind == "PodTemplate")
    };
    assert!(!has(&passes(&bare, &without)));
    assert!(!has(&install(
        Mode::ScaleSet,
        "0.14.2",
        ContainerMode::Dind
    )));
}
