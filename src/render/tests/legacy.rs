//! What the legacy generation needs beyond the common properties.

use serde_json::{Value, json};

use crate::config::{
    Config, ContainerMode, ExistingSecret, GithubCredentials, Mode, RunnerKind, Scope, Watch,
    WebhookCertificate,
};
use crate::object::{LateSource, Manifest, SecretKey};
use crate::render::{fixtures, render, versions};

use super::golden::every_legacy_kind;
use super::{has, names, only, rendered};

fn config(release: &str, container_mode: ContainerMode) -> Config {
    fixtures::config(Mode::Legacy, release, container_mode)
}

fn runner_spec(manifests: &[Manifest]) -> &Value {
    &only(manifests, "RunnerDeployment", "build").object["spec"]["template"]["spec"]
}

#[test]
fn the_oldest_release_runs_on_roles_alone_but_for_the_metrics_proxy() {
    let mut config = config("0.18.2", ContainerMode::Dind);
    let manifests = rendered(&config);
    let cluster: Vec<_> = manifests
        .iter()
        .filter(|manifest| manifest.kind() == "ClusterRole")
        .map(|manifest| manifest.reference().name)
        .collect();
    assert_eq!(cluster, ["arc-arc-systems-metrics-reviews"]);
    config.rbac_proxy = None;
    assert!(!has(&rendered(&config), "ClusterRole"));
}

#[test]
fn the_newest_release_always_lists_volumes() {
    let mut config = config("0.27.6", ContainerMode::None);
    config.rbac_proxy = None;
    let manifests = rendered(&config);
    let role = only(&manifests, "ClusterRole", "arc-arc-systems-volumes");
    assert_eq!(role.object["rules"][0]["verbs"], json!(["list", "watch"]));
    config.controller.watch = Watch::Cluster;
    only(
        &rendered(&config),
        "ClusterRole",
        "arc-arc-systems-controller-manager",
    );
}

#[test]
fn the_manager_reads_secrets_only_for_logins_of_single_sets() {
    let mut config = config("0.27.6", ContainerMode::None);
    let rules = |config: &Config| {
        only(&rendered(config), "Role", "arc-controller-manager").object["rules"].to_string()
    };
    assert!(!rules(&config).contains("secrets"));
    config.runner_sets[0].github_secret = Some(ExistingSecret {
        name: "own".to_owned(),
        keys: std::collections::BTreeMap::new(),
    });
    assert!(rules(&config).contains("secrets"));
}

#[test]
fn nothing_is_mounted_at_runner_where_a_container_may_start_twice() {
    for release in ["0.18.2", "0.20.0", "0.23.0"] {
        let manifests = rendered(&config(release, ContainerMode::Dind));
        let spec = runner_spec(&manifests);
        assert_eq!(spec["dockerEnabled"], false, "{release}");
        assert_eq!(names(&spec["containers"], "name"), ["runner", "docker"]);
        let mounts = names(&spec["containers"][0]["volumeMounts"], "mountPath");
        assert!(!mounts.contains(&"/runner"), "{release}");
        let limit = (release != "0.18.2").then_some("0");
        assert_eq!(spec["volumeSizeLimit"].as_str(), limit, "{release}");
        // Its generated volumes would meet ours.
        let volumes = names(&spec["volumes"], "name");
        assert!(!volumes.contains(&"work") && !volumes.contains(&"runner"));
    }
}

#[test]
fn generated_docker_takes_our_work_volume_and_no_other_mode_has_one_of_that_name() {
    let dind = rendered(&config("0.27.6", ContainerMode::Dind));
    assert_eq!(runner_spec(&dind)["volumes"][0]["name"], "work");
    let none = rendered(&config("0.27.6", ContainerMode::None));
    assert_eq!(runner_spec(&none)["volumes"][0]["name"], "workspace");
    assert_eq!(runner_spec(&none)["dockerEnabled"], false);
    let kubernetes = rendered(&config("0.27.6", ContainerMode::Kubernetes));
    assert!(runner_spec(&kubernetes).get("volumes").is_none());
    assert_eq!(runner_spec(&kubernetes)["containerMode"], "kubernetes");
    assert_eq!(
        runner_spec(&kubernetes)["workVolumeClaimTemplate"]["storageClassName"],
        "fast"
    );
}

#[test]
fn an_own_dind_image_names_containers_without_taking_their_fields() {
    let mut config = config("0.27.6", ContainerMode::Dind);
    let mut second = config.runner_sets[0].clone();
    second.name = "other".to_owned();
    second.dind_image = Some("registry.example/dind:1".to_owned());
    config.runner_sets.push(second);
    let manifests = rendered(&config);
    assert!(runner_spec(&manifests).get("containers").is_none());
    let other = only(&manifests, "RunnerDeployment", "other");
    assert_eq!(
        other.object["spec"]["template"]["spec"]["containers"],
        json!([
            {"name": "runner"},
            {"name": "docker", "image": "registry.example/dind:1", "imagePullPolicy": "IfNotPresent"},
        ])
    );
}

#[test]
fn temporary_files_lie_in_the_work_volume() {
    for (name, config) in fixtures::matrix() {
        let inside = matches!(
            config.runner_sets[0].container_mode,
            ContainerMode::None | ContainerMode::Dind
        );
        let text: String = rendered(&config)
            .iter()
            .map(|manifest| manifest.object.to_string())
            .collect();
        assert_eq!(text.contains("/_work/_tmp\""), inside, "{name}");
        assert_eq!(text.contains("\"subPath\":\"_tmp\""), inside, "{name}");
    }
}

#[test]
fn an_autoscaler_owns_the_number_of_runners() {
    let mut config = config("0.27.6", ContainerMode::None);
    let manifests = rendered(&config);
    let deployment = only(&manifests, "RunnerDeployment", "build");
    assert!(deployment.object["spec"].get("replicas").is_none());
    only(&manifests, "HorizontalRunnerAutoscaler", "build");
    config.runner_sets[0].min = 4;
    let manifests = rendered(&config);
    let deployment = only(&manifests, "RunnerDeployment", "build");
    assert_eq!(deployment.object["spec"]["replicas"], 4);
    assert!(!has(&manifests, "HorizontalRunnerAutoscaler"));
}

#[test]
fn the_pod_webhook_never_comes_without_its_selector() {
    for release in fixtures::releases(Mode::Legacy) {
        for watch in [Watch::Runners, Watch::Cluster] {
            let mut config = config(release, ContainerMode::None);
            config.controller.watch = watch;
            let manifests = rendered(&config);
            let hooks = only(
                &manifests,
                "MutatingWebhookConfiguration",
                "arc-arc-systems-mutate",
            );
            for hook in hooks.object["webhooks"].as_array().unwrap() {
                if hook["rules"][0]["resources"] == json!(["pods"]) {
                    assert_ne!(*release, "0.18.2");
                    assert!(hook["objectSelector"]["matchLabels"].is_object());
                }
                assert_eq!(
                    hook["namespaceSelector"].is_object(),
                    watch == Watch::Runners
                );
            }
        }
    }
}

#[test]
fn every_webhook_trusts_the_secret_that_is_served() {
    let mut config = config("0.27.6", ContainerMode::None);
    config.webhook_certificate = WebhookCertificate::ExistingSecret(ExistingSecret {
        name: "own-cert".to_owned(),
        keys: [("ca.crt".to_owned(), "authority.pem".to_owned())].into(),
    });
    let manifests = rendered(&config);
    let hooks = only(
        &manifests,
        "MutatingWebhookConfiguration",
        "arc-arc-systems-mutate",
    );
    assert_eq!(hooks.lates.len(), 4);
    for (index, late) in hooks.lates.iter().enumerate() {
        assert_eq!(
            late.pointer.as_str(),
            format!("/webhooks/{index}/clientConfig/caBundle")
        );
        assert_eq!(
            late.from,
            LateSource::CaBundleOf(SecretKey {
                namespace: "arc-systems".to_owned(),
                name: "own-cert".to_owned(),
                key: "authority.pem".to_owned(),
            })
        );
    }
    config.webhook_certificate = WebhookCertificate::CertManager {
        cluster_issuer: Some("corp".to_owned()),
    };
    let manifests = rendered(&config);
    assert!(manifests.iter().all(|manifest| {
        manifest
            .lates
            .iter()
            .all(|late| !matches!(late.from, LateSource::CaBundleOf(_)))
    }));
    assert!(!has(&manifests, "Issuer"));
    only(
        &manifests,
        "Certificate",
        "arc-controller-manager-serving-cert",
    );
}

#[test]
fn keys_of_the_users_secret_are_followed() {
    let mut config = config("0.18.2", ContainerMode::None);
    config.github.credentials = GithubCredentials::ExistingSecret(ExistingSecret {
        name: "from-vault".to_owned(),
        keys: [("github_token".to_owned(), "pat".to_owned())].into(),
    });
    let manifests = rendered(&config);
    let manager = &only(&manifests, "Deployment", "arc-controller-manager").object["spec"]["template"]
        ["spec"]["containers"][0];
    assert_eq!(
        manager["env"][0],
        json!({"name": "GITHUB_TOKEN", "valueFrom": {"secretKeyRef": {
            "name": "from-vault", "key": "pat", "optional": true,
        }}})
    );
}

#[test]
fn what_a_release_lacks_is_refused_by_name() {
    let refused = |config: &Config| {
        let failure = render(config, &fixtures::facts()).unwrap_err();
        assert_eq!(failure.code(), "arc-unsupported");
        failure.to_string()
    };
    assert!(refused(&config("0.24.1", ContainerMode::Kubernetes)).contains("0.25.0"));
    assert!(refused(&config("0.19.0", ContainerMode::None)).contains("0.19.0"));
    let mut set = config("0.18.2", ContainerMode::None);
    set.runner_sets[0].kind = RunnerKind::RunnerSet;
    assert!(refused(&set).contains("0.20.0"));
    let mut claim = config("0.18.2", ContainerMode::None);
    claim.runner_sets[0].work_volume = fixtures::claim();
    assert!(refused(&claim).contains("0.20.0"));
    assert!(refused(&config("0.27.6", ContainerMode::KubernetesNovolume)).contains("generation"));
}

#[test]
fn every_kind_names_its_own_login_in_both_objects() {
    let manifests = rendered(&every_legacy_kind("0.27.6"));
    let single = only(&manifests, "Runner", "single");
    assert_eq!(
        single.text("/spec/githubAPICredentialsFrom/secretRef/name"),
        Some("octo-login")
    );
    assert_eq!(single.text("/spec/repository"), Some("octo/one"));
    let scaled = only(&manifests, "HorizontalRunnerAutoscaler", "build");
    // Controllers refuse every other pair and every other order.
    assert_eq!(
        names(&scaled.object["spec"]["metrics"], "type"),
        [
            "PercentageRunnersBusy",
            "TotalNumberOfQueuedAndInProgressWorkflowRuns"
        ]
    );
    assert_eq!(
        scaled.object["spec"]["scheduledOverrides"][0]["recurrenceRule"],
        json!({"frequency": "Daily", "untilTime": "2027-01-01T00:00:00Z"})
    );
}

#[test]
fn no_image_is_asked_for_that_nothing_runs() {
    let mut config = config("0.18.2", ContainerMode::Dind);
    config.runner_sets[0].image = Some("summerwind/actions-runner:v0.18.2".to_owned());
    config.runner_sets[0].dind_image = Some("docker:20.10-dind".to_owned());
    let text: String = rendered(&config)
        .iter()
        .map(|manifest| manifest.object.to_string())
        .collect();
    for default in [versions::runner_image(Mode::Legacy), versions::dind_image()] {
        assert!(!text.contains(default), "{default}");
    }
    assert!(text.contains("--docker-image=docker:20.10-dind"));
    assert!(text.contains("--runner-image=summerwind/actions-runner:v0.18.2"));
}

#[test]
fn a_server_with_its_own_api_host_is_named_in_full() {
    let mut config = config("0.27.6", ContainerMode::None);
    config.github.url = "https://corp.ghe.com".to_owned();
    let manifests = rendered(&config);
    let manager = only(&manifests, "Deployment", "arc-controller-manager")
        .object
        .to_string();
    assert!(manager.contains("\"value\":\"https://api.corp.ghe.com/\""));
    assert!(manager.contains("--runner-github-url=https://corp.ghe.com\""));
    assert!(!manager.contains("GITHUB_ENTERPRISE_URL"));
}

#[test]
fn a_repository_is_scaled_by_its_own_queue_where_nothing_else_is_said() {
    let mut config = config("0.27.6", ContainerMode::None);
    let metrics = |config: &Config| {
        let manifests = rendered(config);
        only(&manifests, "HorizontalRunnerAutoscaler", "build").object["spec"]["metrics"].clone()
    };
    // Runners of an organization: which queues count is not known.
    assert!(metrics(&config).is_null());
    config.runner_sets[0].scope = Scope::Repository("octo/one".to_owned());
    assert_eq!(
        metrics(&config),
        json!([{"type": "TotalNumberOfQueuedAndInProgressWorkflowRuns"}])
    );
}

#[test]
fn the_run_directory_of_a_generated_daemon_has_room_where_it_can_be_said() {
    for (release, mode, limit) in [
        ("0.27.4", ContainerMode::Dind, Value::Null),
        ("0.27.5", ContainerMode::Dind, json!("64Mi")),
        ("0.27.6", ContainerMode::Dind, json!("64Mi")),
        ("0.27.6", ContainerMode::None, Value::Null),
    ] {
        let manifests = rendered(&config(release, mode));
        assert_eq!(
            runner_spec(&manifests)["dockerVarRunVolumeSizeLimit"],
            limit,
            "{release} {mode:?}"
        );
    }
}

#[test]
fn pods_of_a_runner_set_are_selected_by_the_webhook_that_gives_them_their_token() {
    for release in ["0.20.0", "0.27.6"] {
        let mut config = config(release, ContainerMode::None);
        config.runner_sets[0].kind = RunnerKind::RunnerSet;
        let manifests = rendered(&config);
        let hooks = only(
            &manifests,
            "MutatingWebhookConfiguration",
            "arc-arc-systems-mutate",
        );
        let wanted = &hooks.object["webhooks"][3]["objectSelector"]["matchLabels"];
        let set = only(&manifests, "RunnerSet", "build");
        let labels = &set.object["spec"]["template"]["metadata"]["labels"];
        for (key, value) in wanted.as_object().unwrap() {
            assert_eq!(&labels[key], value, "{release} {key}");
        }
    }
}

#[test]
fn a_runner_waits_for_the_daemon_that_is_written_out_beside_it() {
    for (release, mode, waits) in [
        ("0.18.2", ContainerMode::Dind, "true"),
        ("0.18.2", ContainerMode::None, "false"),
        ("0.20.0", ContainerMode::Dind, "true"),
    ] {
        let manifests = rendered(&config(release, mode));
        let env = &runner_spec(&manifests)["containers"][0]["env"];
        let enabled = json!({"name": "DOCKER_ENABLED", "value": waits});
        assert!(
            env.as_array().unwrap().contains(&enabled),
            "{release} {mode:?}"
        );
    }
}
