use serde_json::json;

use super::*;

fn pod(done: &Done) -> &Value {
    &done.object("AutoscalingRunnerSet", "build")["spec"]["template"]["spec"]
}

fn prepare(pod: &Value) -> Option<&Value> {
    item(&pod["initContainers"], "name", "arc-setup-prepare")
}

#[test]
fn programs_that_read_one_file_get_public_roots_and_the_companys() {
    let done = install(Mode::ScaleSet, "0.14.2", ContainerMode::None);
    let pod = pod(&done);
    let runner = item(&pod["containers"], "name", "runner").unwrap();
    for name in ["CURL_CA_BUNDLE", "PIP_CERT", "REQUESTS_CA_BUNDLE"] {
        let bundle = Some("/etc/arc-setup/bundle/ca-bundle.crt");
        assert_eq!(variable(&runner["env"], name), bundle, "{name}");
    }
    let mount = item(&runner["volumeMounts"], "name", "arc-setup-bundle").unwrap();
    assert_eq!(mount["readOnly"], true);
    let prepare = prepare(pod).unwrap();
    // Only the image knows its own roots.
    assert_eq!(prepare["image"], runner["image"]);
    assert_eq!(variable(&runner["env"], "DOCKER_CONFIG"), None);
    assert_eq!(
        done.manifests
            .iter()
            .filter(|one| one.reference().name == "arc-buildkit")
            .count(),
        0
    );
}

#[test]
fn dockers_client_gets_proxy_and_builders_where_there_is_a_daemon() {
    let done = install(Mode::ScaleSet, "0.14.2", ContainerMode::Dind);
    let pod = pod(&done);
    let runner = item(&pod["containers"], "name", "runner").unwrap();
    let client = "/etc/arc-setup/docker-client";
    assert_eq!(variable(&runner["env"], "DOCKER_CONFIG"), Some(client));
    // Logins are written there.
    let mount = item(&runner["volumeMounts"], "mountPath", client).unwrap();
    assert_eq!(mount.get("readOnly"), None);
    let prepare = prepare(pod).unwrap();
    let proxy = item(&prepare["env"], "name", "https_proxy").unwrap();
    assert_eq!(proxy["valueFrom"]["secretKeyRef"]["name"], "arc-proxy");
    let text = done.object("ConfigMap", "arc-buildkit")["data"]["buildkitd.toml"]
        .as_str()
        .unwrap();
    let own = format!("[registry.\"{TARGET}\"]\n  ca = [\"/etc/arc-setup/ca/ca.crt\"]\n");
    assert!(text.contains(&own), "{text}");
    let mirror = format!("[registry.\"quay.io\"]\n  mirrors = [\"{TARGET}\"]\n");
    assert!(text.contains(&mirror), "{text}");
}

#[test]
fn what_the_user_says_stays() {
    let mut config = locked_down(fixtures::config(
        Mode::ScaleSet,
        "0.14.2",
        ContainerMode::Dind,
    ));
    let env = json!([
        {"name": "DOCKER_CONFIG", "value": "/home/runner/mine"},
        {"name": "PIP_CERT", "value": "/mine.pem"},
    ]);
    config.runner_sets[0].pod_template =
        Some(json!({"spec": {"containers": [{"name": "runner", "env": env}]}}));
    let done = passes(&config, &facts());
    let pod = pod(&done);
    let runner = item(&pod["containers"], "name", "runner").unwrap();
    assert_eq!(variable(&runner["env"], "PIP_CERT"), Some("/mine.pem"));
    assert_eq!(
        variable(&runner["env"], "DOCKER_CONFIG"),
        Some("/home/runner/mine")
    );
    assert_eq!(
        item(&pod["volumes"], "name", "arc-setup-docker-client"),
        None
    );
    let kept = |name: &str| {
        done.changes.iter().any(|change| {
            change.rule.contains("kept")
                && change
                    .after
                    .as_ref()
                    .is_some_and(|after| after["name"] == name)
        })
    };
    assert!(kept("PIP_CERT") && kept("DOCKER_CONFIG"));
}

#[test]
fn it_runs_as_whom_the_runner_runs() {
    let mut config = locked_down(fixtures::config(
        Mode::ScaleSet,
        "0.14.2",
        ContainerMode::None,
    ));
    config.runner_sets[0].pod_template = Some(json!({"spec": {"containers": [
        {"name": "runner", "securityContext": {"runAsUser": 2000, "privileged": false}}]}}));
    let done = passes(&config, &facts());
    let context = &prepare(pod(&done)).unwrap()["securityContext"];
    assert_eq!(context["runAsUser"], 2000);
    assert_eq!(context["allowPrivilegeEscalation"], false);
    assert_eq!(context.get("privileged"), None);
}

#[test]
fn there_is_none_where_nothing_is_wanted() {
    let mut without = facts();
    without.ca.clear();
    let bare = fixtures::config(Mode::ScaleSet, "0.14.2", ContainerMode::Dind);
    let done = passes(&bare, &without);
    assert_eq!(prepare(pod(&done)), None);
}
