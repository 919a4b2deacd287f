use serde_json::json;

use super::*;
use crate::config::{ExistingController, ExistingSecret};
use crate::object::pods::{Role, sites};
use crate::object::{Credential, LateForm, LateSource};
use crate::plan::readable_by_workflows;

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

/// What this container reads of Secrets for its proxy, and whether anything in it tells an account.
fn accounts(env: &Value) -> Vec<String> {
    let variables = env.as_array().into_iter().flatten();
    let of_proxy = |one: &&Value| {
        let name = one["name"].as_str().unwrap_or_default().to_lowercase();
        name.contains("proxy")
    };
    variables
        .filter(of_proxy)
        .filter_map(|one| {
            let secret = one.pointer("/valueFrom/secretKeyRef/name");
            let composed = one["value"].as_str().filter(|value| value.contains('@'));
            secret
                .and_then(Value::as_str)
                .or(composed)
                .map(str::to_owned)
        })
        .collect()
}

fn existing(name: &str) -> ExistingSecret {
    ExistingSecret {
        name: name.to_owned(),
        keys: [].into(),
    }
}

/// In every release and mode, with an account that is given and with one in a Secret, with one runner namespace and a
/// second one: what runners' pods hold, what the rest holds, and where Secrets lie.
fn every_release(runners: &ProxyRunners, holds: impl Fn(&str) -> bool) {
    let given = [
        ProxyCredentials::Given,
        ProxyCredentials::ExistingSecret(existing("vault")),
    ];
    for ((name, config), credentials) in fixtures::matrix()
        .into_iter()
        .flat_map(|one| given.clone().map(|credentials| (one.clone(), credentials)))
    {
        let mut config = locked_down(config);
        if let Some(proxy) = &mut config.proxy {
            proxy.credentials = Some(credentials.clone());
            proxy.runners = runners.clone();
        }
        let done = passes(&config, &facts());
        let ours = match credentials {
            ProxyCredentials::Given => "arc-proxy",
            ProxyCredentials::ExistingSecret(_) => "vault",
        };
        let (mut of_runners, mut of_others) = (0, 0);
        for manifest in &done.manifests {
            let object = &manifest.object;
            let place = format!("{name} {}", manifest.reference());
            assert_eq!(object.pointer("/spec/proxy"), None, "{place}");
            if manifest.kind() == "Secret" && manifest.reference().name == "arc-proxy" {
                let namespace = manifest.reference().namespace;
                assert_eq!(namespace.as_deref(), Some("arc-systems"), "{place}");
            }
            if manifest.kind() == "ConfigMap" {
                // Pods of jobs have become text.
                let text = object["data"].to_string();
                assert!(!text.contains(ours) || holds(ours), "{place}: {text}");
                assert!(
                    !text.contains("proxy.corp") || text.contains("http_proxy"),
                    "{place}"
                );
            }
            for site in sites(object)
                .iter()
                .filter(|site| site.role != Role::RbacProxy)
            {
                let env = site.env.get(object).cloned().unwrap_or_default();
                let found = accounts(&env);
                let place = format!("{place} {}: {found:?}", site.name);
                if matches!(site.role, Role::Controller | Role::Listener) {
                    of_others += 1;
                    assert!(found.iter().any(|one| one == ours), "{place}");
                    assert!(!found.iter().any(|one| one == "own"), "{place}");
                } else {
                    of_runners += 1;
                    assert!(found.iter().all(|one| holds(one)), "{place}");
                    let url = item(&env, "name", "https_proxy").unwrap();
                    assert!(
                        url["value"].as_str().unwrap().contains("proxy.corp"),
                        "{place}"
                    );
                }
            }
        }
        assert!(of_runners > 0 && of_others > 0, "{name}");
        let told = readable_by_workflows(&done.manifests).join("\n");
        assert!(!told.contains(ours), "{name}: {told}");
        assert_eq!(
            told.contains("Secret own ("),
            holds("own"),
            "{name}: {told}"
        );
        let expected = config.existing_secrets();
        let lies = |secret: &str| -> Vec<&str> {
            let named = expected.iter().filter(|one| one.name == secret);
            named.map(|one| one.namespace.as_str()).collect()
        };
        if ours == "vault" {
            assert_eq!(lies("vault"), ["arc-systems"], "{name}");
        }
        let own: &[&str] = if holds("own") { &["arc-runners"] } else { &[] };
        assert_eq!(lies("own"), own, "{name}");
    }
}

#[test]
fn without_an_account_runners_hold_nothing_of_it_in_every_release() {
    every_release(&ProxyRunners::None, |_| false);
}

#[test]
fn with_an_account_of_their_own_runners_hold_that_one_alone() {
    let own = ProxyRunners::ExistingSecret(existing("own"));
    every_release(&own, |held| {
        held == "own" || held.contains("$(ARC_PROXY_PASSWORD)@")
    });
}

#[test]
fn pods_of_jobs_get_the_account_of_runners() {
    for (runners, text, absent) in [
        (
            ProxyRunners::None,
            "value: http://proxy.corp:3128",
            "secretKeyRef",
        ),
        (ProxyRunners::Same, "name: arc-proxy", "own"),
        (
            ProxyRunners::ExistingSecret(existing("own")),
            "name: own",
            "arc-proxy",
        ),
    ] {
        let mut config = locked_down(fixtures::config(
            Mode::ScaleSet,
            "0.14.2",
            ContainerMode::Kubernetes,
        ));
        if let Some(proxy) = &mut config.proxy {
            proxy.runners = runners;
        }
        let done = passes(&config, &facts());
        let pod = done.object("ConfigMap", "arc-job-pods")["data"]["pod.yaml"].as_str();
        let pod = pod.unwrap();
        assert!(pod.contains(text) && !pod.contains(absent), "{pod}");
    }
}

#[test]
fn a_legacy_controller_that_is_there_already_needs_no_secret_of_ours() {
    let mut config = locked_down(fixtures::config(
        Mode::Legacy,
        "0.27.6",
        ContainerMode::Dind,
    ));
    config.controller.existing = Some(ExistingController {
        namespace: "theirs".to_owned(),
        name: "manager".to_owned(),
    });
    assert_eq!(config.proxy_account_namespaces(), ["theirs", "arc-runners"]);
    if let Some(proxy) = &mut config.proxy {
        proxy.runners = ProxyRunners::None;
    }
    assert!(config.proxy_account_namespaces().is_empty());
    config.mode = Mode::ScaleSet;
    // The listener is ours, and beside the controller.
    assert_eq!(config.proxy_account_namespaces(), ["theirs"]);
}
