use serde_json::json;

use super::*;
use crate::object::pods::pod_specs;

#[test]
fn common_labels_are_on_every_object_and_pod_and_on_no_selector() {
    for (name, mut config) in fixtures::matrix() {
        config
            .common_labels
            .insert("team".to_owned(), "build".to_owned());
        config
            .common_annotations
            .insert("owner".to_owned(), "me".to_owned());
        config
            .common_labels
            .insert("app.kubernetes.io/version".to_owned(), "9.9.9".to_owned());
        let done = passes(&config, &facts());
        for manifest in &done.manifests {
            if manifest.kind() == "CustomResourceDefinition" {
                continue;
            }
            let object = &manifest.object;
            let mut places = vec![object["metadata"].clone()];
            for pod in pod_specs(object) {
                places.extend(pod.metadata.and_then(|at| at.get(object).cloned()));
            }
            for metadata in places {
                assert_eq!(
                    metadata["labels"]["team"],
                    "build",
                    "{name} {}",
                    manifest.reference()
                );
                assert_eq!(
                    metadata["annotations"]["owner"],
                    "me",
                    "{name} {}",
                    manifest.reference()
                );
            }
            let selector = object.pointer("/spec/selector").map(ToString::to_string);
            assert!(!selector.unwrap_or_default().contains("team"), "{name}");
        }
        // The scale-set controller deletes sets whose version is another.
        let version = &done.deployment()["metadata"]["labels"]["app.kubernetes.io/version"];
        assert_ne!(version, "9.9.9");
    }
}

#[test]
fn user_templates_pass_through_rewriting_and_the_gate() {
    let mut config = locked_down(fixtures::config(
        Mode::ScaleSet,
        "0.14.2",
        ContainerMode::None,
    ));
    config.controller.pod_template = Some(json!({
        "metadata": {"annotations": {"a": "b"}},
        "spec": {"priorityClassName": "high", "containers": [{"name": "extra", "image": "quay.io/corp/extra:1"}]}}));
    config.listener_pod_template = Some(json!({"spec": {"containers": [
        {"name": "listener", "resources": {"limits": {"cpu": "1"}}}]}}));
    config.runner_sets[0].pod_template = Some(json!({"spec": {
        "initContainers": [{"name": "prepare", "image": "busybox"}], "hostAliases": [{"ip": "10.0.0.1"}]}}));
    let done = passes(&config, &facts());
    let pod = &done.deployment()["spec"]["template"];
    assert_eq!(pod["metadata"]["annotations"]["a"], "b");
    assert_eq!(pod["spec"]["priorityClassName"], "high");
    assert_eq!(
        pod["spec"]["containers"][1]["image"],
        format!("{TARGET}/corp/extra:1")
    );
    let spec = &done.object("AutoscalingRunnerSet", "build")["spec"];
    let listener = &spec["listenerTemplate"]["spec"]["containers"][0];
    assert_eq!(listener["resources"]["limits"]["cpu"], "1");
    assert_eq!(listener["resources"]["limits"]["memory"], "256Mi");
    let prepare = &spec["template"]["spec"]["initContainers"][0];
    assert_eq!(prepare["image"], format!("{TARGET}/library/busybox"));
    assert!(item(&prepare["env"], "name", "HTTP_PROXY").is_some());
}

#[test]
fn built_containers_are_changed_through_the_runners_fields() {
    let mut config = locked_down(fixtures::config(
        Mode::Legacy,
        "0.27.6",
        ContainerMode::Dind,
    ));
    config.runner_sets[0].pod_template = Some(json!({"spec": {"containers": [
        {"name": "runner", "env": [{"name": "A", "value": "1"}]},
        {"name": "docker", "env": [{"name": "B", "value": "2"}],
         "volumeMounts": [{"name": "own", "mountPath": "/own"}]}],
        "volumes": [{"name": "own", "emptyDir": {}}]}}));
    let done = passes(&config, &facts());
    let spec = &done.object("RunnerDeployment", "build")["spec"]["template"]["spec"];
    assert_eq!(variable(&spec["env"], "A"), Some("1"));
    assert!(variable(&spec["env"], "TMPDIR").is_some());
    assert_eq!(variable(&spec["dockerEnv"], "B"), Some("2"));
    assert!(item(&spec["dockerVolumeMounts"], "mountPath", "/own").is_some());
    assert!(spec.get("containers").is_none(), "{spec}");
}

#[test]
fn what_no_field_reaches_lists_every_built_container() {
    let mut config = fixtures::config(Mode::Legacy, "0.27.6", ContainerMode::Dind);
    config.runner_sets[0].pod_template = Some(json!({"spec": {"containers": [
        {"name": "docker", "securityContext": {"privileged": false}}]}}));
    let done = passes(&config, &facts());
    let spec = &done.object("RunnerDeployment", "build")["spec"]["template"]["spec"];
    assert_eq!(
        spec["containers"],
        json!([{"name": "runner"}, {"name": "docker", "securityContext": {"privileged": false}}])
    );
    assert!(variable(&spec["dockerEnv"], "SSL_CERT_DIR").is_some());
}
