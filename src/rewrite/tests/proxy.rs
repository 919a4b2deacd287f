use serde_json::json;

use super::*;
use crate::config::ExistingSecret;
use crate::object::{Credential, LateForm, LateSource};

const DIRECT: &str = "corp.example,.corp.example,localhost,127.0.0.1,::1,[::1],.svc,cluster.local,.cluster.local,\
                      kubernetes.default.svc,169.254.169.254,10.43.0.1";

fn runner_pod(done: &Done) -> &Value {
    &done.object("AutoscalingRunnerSet", "build")["spec"]["template"]["spec"]
}

#[test]
fn credentials_come_from_a_secret_in_each_namespace() {
    let done = install(Mode::ScaleSet, "0.14.2", ContainerMode::Dind);
    let pod = runner_pod(&done);
    let reference = json!({"secretKeyRef": {"name": "arc-proxy", "key": "https"}});
    for list in ["containers", "initContainers"] {
        for container in pod[list].as_array().unwrap() {
            let value = item(&container["env"], "name", "https_proxy").unwrap();
            assert_eq!(value["valueFrom"], reference);
            assert_eq!(variable(&container["env"], "NO_PROXY"), Some(DIRECT));
        }
    }
    let secret = done
        .manifests
        .iter()
        .find(|manifest| manifest.reference().name == "arc-proxy");
    let lates = &secret.unwrap().lates;
    let keys: Vec<&str> = lates.iter().map(|late| late.pointer.as_str()).collect();
    assert_eq!(
        keys,
        [
            "/data/username",
            "/data/password",
            "/data/http",
            "/data/https"
        ]
    );
    assert_eq!(
        lates[3].from,
        LateSource::Credential(LateForm::ProxyUrl {
            url: "http://proxy.corp:3128".to_owned(),
            username: Credential::ProxyUsername,
            password: Credential::ProxyPassword,
        })
    );
}

#[test]
fn scale_sets_get_their_own_proxy_field() {
    let done = install(Mode::ScaleSet, "0.14.2", ContainerMode::None);
    let set = done.object("AutoscalingRunnerSet", "build");
    let side = json!({"url": "http://proxy.corp:3128", "credentialSecretRef": "arc-proxy"});
    let direct: Vec<&str> = DIRECT.split(',').collect();
    assert_eq!(
        set["spec"]["proxy"],
        json!({"http": side, "https": side, "noProxy": direct})
    );
}

#[test]
fn an_existing_secret_is_composed_in_the_container() {
    let mut config = locked_down(fixtures::config(
        Mode::Legacy,
        "0.27.6",
        ContainerMode::Dind,
    ));
    if let Some(proxy) = &mut config.proxy {
        proxy.credentials = Some(ProxyCredentials::ExistingSecret(ExistingSecret {
            name: "vault".to_owned(),
            keys: [("username".to_owned(), "user".to_owned())].into(),
        }));
    }
    let done = passes(&config, &facts());
    let env = &done.object("RunnerDeployment", "build")["spec"]["template"]["spec"]["dockerEnv"];
    assert_eq!(
        variable(env, "HTTPS_PROXY"),
        Some("http://$(ARC_PROXY_USERNAME):$(ARC_PROXY_PASSWORD)@proxy.corp:3128")
    );
    let names: Vec<&str> = env
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    let at = |name: &str| names.iter().position(|one| *one == name);
    // Kubernetes expands only what stands before.
    assert!(at("ARC_PROXY_PASSWORD") < at("http_proxy"));
    assert_eq!(
        item(env, "name", "ARC_PROXY_USERNAME").unwrap()["valueFrom"],
        json!({"secretKeyRef": {"name": "vault", "key": "user"}})
    );
}

#[test]
fn clients_of_the_kubernetes_api_use_its_name() {
    let done = install(Mode::ScaleSet, "0.14.2", ContainerMode::Kubernetes);
    let runner = &runner_pod(&done)["containers"][0];
    assert_eq!(
        variable(&runner["env"], "KUBERNETES_SERVICE_HOST"),
        Some("kubernetes.default.svc")
    );
    let done = install(Mode::ScaleSet, "0.14.2", ContainerMode::Dind);
    let dind = item(&runner_pod(&done)["initContainers"], "name", "dind").unwrap();
    assert_eq!(variable(&dind["env"], "KUBERNETES_SERVICE_HOST"), None);
}

#[test]
fn controllers_use_the_name_only_where_the_address_is_unknown() {
    let config = locked_down(fixtures::config(
        Mode::ScaleSet,
        "0.14.2",
        ContainerMode::None,
    ));
    let host = |facts: &Facts| {
        let done = passes(&config, facts);
        let deployment = done
            .manifests
            .iter()
            .find(|one| one.kind() == "Deployment")
            .unwrap();
        let env = &deployment.object["spec"]["template"]["spec"]["containers"][0]["env"];
        variable(env, "KUBERNETES_SERVICE_HOST").map(str::to_owned)
    };
    let mut read = facts();
    read.cluster.api_server_hosts = vec!["10.43.0.1".to_owned()];
    assert_eq!(host(&read), None);
    read.cluster.api_server_hosts.clear();
    assert_eq!(host(&read).as_deref(), Some("kubernetes.default.svc"));
}

#[test]
fn the_users_variables_survive_and_are_told() {
    let mut config = locked_down(fixtures::config(
        Mode::ScaleSet,
        "0.14.2",
        ContainerMode::Dind,
    ));
    config.runner_sets[0].pod_template = Some(json!({"spec": {"containers": [
        {"name": "dind", "env": [{"name": "HTTPS_PROXY", "value": "http://other:1"}]}]}}));
    let done = passes(&config, &facts());
    let dind = item(&runner_pod(&done)["initContainers"], "name", "dind").unwrap();
    assert_eq!(
        variable(&dind["env"], "HTTPS_PROXY"),
        Some("http://other:1")
    );
    let told = done
        .changes
        .iter()
        .find(|change| change.rule.starts_with("proxy: kept"))
        .unwrap();
    assert_eq!(told.before, told.after);
}
