use super::*;

fn manager(version: (u32, u32, u32)) -> LegacyManager {
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "arc"},
        "spec": {"template": {"spec": {"containers": [{"name": "manager", "image": "r/actions-runner-controller:v1",
            "command": ["/manager"], "args": ["--docker-image=r/docker:29", "--docker-gid", "77",
                "--runner-image-pull-secret=one", "--runner-image-pull-secret=two"]}]}}}});
    LegacyManager::of(
        &deployment,
        ArcVersion::new(version.0, version.1, version.2),
    )
}

#[test]
fn the_daemon_of_the_last_releases_listens_on_a_socket_that_both_mount() {
    let spec = json!({"image": "r/runner:1", "volumes": [{"name": "work", "emptyDir": {}}],
        "volumeMounts": [{"name": "work", "mountPath": "/runner/_work"}],
        "dockerEnv": [{"name": "A", "value": "1"}], "dockerVarRunVolumeSizeLimit": "64Mi",
        "dockerVolumeMounts": [{"name": "certs", "mountPath": "/etc/docker/certs.d"}]});
    let pod = pod_spec(&spec, &manager((0, 27, 6)));
    let [runner, docker] = &pod["containers"].as_array().unwrap()[..] else {
        panic!("{pod}")
    };
    assert_eq!(docker["image"], "r/docker:29");
    assert_eq!(
        docker["args"],
        json!([
            "dockerd",
            "--host=unix:///run/docker.sock",
            "--group=$(DOCKER_GROUP_GID)"
        ])
    );
    assert_eq!(
        docker["env"],
        json!([{"name": "A", "value": "1"}, {"name": "DOCKER_GROUP_GID", "value": "77"}])
    );
    let paths = |container: &Value| -> Vec<String> {
        items_at(container, "/volumeMounts")
            .iter()
            .map(|mount| mount["mountPath"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(paths(runner), ["/runner/_work", "/runner", "/run"]);
    assert_eq!(
        paths(docker),
        ["/etc/docker/certs.d", "/runner", "/runner/_work", "/run"]
    );
    assert_eq!(runner["env"][0]["value"], "unix:///run/docker.sock");
    assert_eq!(
        pod["volumes"],
        json!([{"name": "work", "emptyDir": {}}, {"name": "runner", "emptyDir": {}},
            {"name": "var-run", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}}])
    );
    assert_eq!(
        pod["imagePullSecrets"],
        json!([{"name": "one"}, {"name": "two"}])
    );
}

#[test]
fn earlier_daemons_are_reached_by_tls_with_their_own_arguments() {
    let pod = pod_spec(&json!({"image": "r/runner:1"}), &manager((0, 25, 2)));
    let docker = &pod["containers"][1];
    assert_eq!(docker.get("args"), None);
    assert_eq!(
        docker["env"],
        json!([{"name": "DOCKER_TLS_CERTDIR", "value": "/certs"}])
    );
    let names: Vec<&Value> = items_at(&pod["containers"][0], "/env")
        .iter()
        .map(|variable| &variable["name"])
        .collect();
    assert_eq!(
        names,
        ["DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"]
    );
    // 0.27.3 alone kept the socket one directory deeper.
    let pod = pod_spec(&json!({"image": "r/runner:1"}), &manager((0, 27, 3)));
    assert_eq!(
        pod["containers"][0]["env"][0]["value"],
        "unix:///run/docker/docker.sock"
    );
}

#[test]
fn a_written_container_keeps_what_it_says_and_gains_the_rest() {
    let spec = json!({"image": "r/runner:1", "resources": {"limits": {"cpu": "1"}},
        "containers": [{"name": "runner"}, {"name": "docker", "image": "own/docker:1"}, {"name": "mine", "image": "m"}]});
    let pod = pod_spec(&spec, &manager((0, 27, 6)));
    let containers = pod["containers"].as_array().unwrap();
    let names: Vec<&Value> = containers
        .iter()
        .map(|container| &container["name"])
        .collect();
    assert_eq!(names, ["runner", "docker", "mine"]);
    assert_eq!(containers[0]["resources"], json!({"limits": {"cpu": "1"}}));
    assert_eq!(containers[1]["image"], "own/docker:1");
    assert_eq!(
        containers[1]["securityContext"],
        json!({"privileged": true})
    );
}

#[test]
fn a_manager_without_flags_takes_what_is_compiled_in() {
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "arc"},
        "spec": {"template": {"spec": {"containers": [{"name": "manager", "image": "r/actions-runner-controller:v1",
            "command": ["/manager"]}]}}}});
    let manager = LegacyManager::of(&deployment, ArcVersion::new(0, 27, 6));
    let pod = pod_spec(&json!({}), &manager);
    let images: Vec<&Value> = items_at(&pod, "/containers")
        .iter()
        .map(|container| &container["image"])
        .collect();
    assert_eq!(images, ["summerwind/actions-runner:latest", "docker:dind"]);
}

#[test]
fn containers_that_are_written_out_for_an_early_release_are_left_alone() {
    let spec = json!({"dockerEnabled": false, "containers": [{"name": "runner", "image": "r/runner:1"}],
        "volumes": [{"name": "workspace", "emptyDir": {}}]});
    let pod = pod_spec(&spec, &manager((0, 18, 2)));
    assert_eq!(pod["containers"], spec["containers"]);
    assert_eq!(pod["volumes"], spec["volumes"]);
}

#[test]
fn a_claim_is_made_for_the_pod_of_kubernetes_mode_and_nothing_lies_at_runner() {
    let spec = json!({"image": "r/runner:1", "containerMode": "kubernetes", "volumeSizeLimit": "0",
        "workVolumeClaimTemplate": {"storageClassName": "fast"}});
    let pod = pod_spec(&spec, &manager((0, 27, 6)));
    assert_eq!(
        pod["volumes"],
        json!([{"name": "work", "ephemeral": {"volumeClaimTemplate": {"spec": {"storageClassName": "fast"}}}}])
    );
    assert_eq!(
        pod["containers"],
        json!([{"name": "runner", "image": "r/runner:1",
            "volumeMounts": [{"name": "work", "mountPath": "/runner/_work"}]}])
    );
}

#[test]
fn a_runner_set_joins_its_template_and_what_stands_beside_it() {
    let config = json!({"image": "r/runner:22.04", "dockerEnv": [{"name": "A", "value": "1"}], "replicas": 3});
    let template = json!({"hostNetwork": true, "containers": [
        {"name": "runner", "image": "r/runner:22.04"}, {"name": "docker", "image": "own/docker:1", "env": []}]});
    let pod = pod_spec_of_set(&config, &template, &manager((0, 27, 6)));
    assert_eq!(pod["hostNetwork"], true);
    assert_eq!(pod.get("replicas"), None);
    let docker = &pod["containers"][1];
    assert_eq!(docker["securityContext"], json!({"privileged": true}));
    assert_eq!(
        docker["env"],
        json!([{"name": "A", "value": "1"}, {"name": "DOCKER_GROUP_GID", "value": "121"}])
    );
}
