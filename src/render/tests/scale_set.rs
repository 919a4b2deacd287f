//! What scale sets need beyond the common properties.

use serde_json::json;

use crate::config::{
    ContainerMode, ExistingController, ExistingSecret, GithubCredentials, Mode, Watch,
};
use crate::facts::{ControllerFacts, KubernetesVersion};
use crate::object::{Credential, LateForm, LateSource};
use crate::render::{fixtures, render};

use super::{has, names, only, rendered};

fn config(container_mode: ContainerMode) -> crate::config::Config {
    fixtures::config(Mode::ScaleSet, "0.14.2", container_mode)
}

#[test]
fn a_watched_namespace_needs_no_cluster_role() {
    let manifests = rendered(&config(ContainerMode::Kubernetes));
    assert!(!has(&manifests, "ClusterRole"));
    assert!(!has(&manifests, "ClusterRoleBinding"));
    let mut cluster = config(ContainerMode::None);
    cluster.controller.watch = Watch::Cluster;
    let manifests = rendered(&cluster);
    only(&manifests, "ClusterRole", "arc-arc-systems-controller");
    let deployment = only(&manifests, "Deployment", "arc-controller");
    assert!(
        !deployment
            .object
            .to_string()
            .contains("watch-single-namespace")
    );
}

#[test]
fn several_namespaces_cannot_be_watched_one_by_one() {
    let mut config = config(ContainerMode::None);
    let mut second = config.runner_sets[0].clone();
    second.name = "deploy".to_owned();
    second.namespace = "deployers".to_owned();
    config.runner_sets.push(second);
    let failure = render(&config, &fixtures::facts()).unwrap_err();
    assert_eq!(failure.code(), "arc-unsupported");
}

#[test]
fn only_the_authority_lets_the_controller_read_config_maps() {
    let rules = |config: &crate::config::Config| {
        only(&rendered(config), "Role", "arc-build-manager").object["rules"].to_string()
    };
    let mut config = config(ContainerMode::None);
    assert!(!rules(&config).contains("configmaps"));
    config.ca_bundle = Some("ca.pem".into());
    assert!(rules(&config).contains("configmaps"));
}

#[test]
fn dind_is_a_sidecar_where_cluster_and_release_have_them() {
    let place = |release: &str, minor: u32| {
        let config = fixtures::config(Mode::ScaleSet, release, ContainerMode::Dind);
        let facts = crate::facts::Facts::assumed(KubernetesVersion { major: 1, minor });
        let manifests = render(&config, &facts).unwrap();
        let spec =
            only(&manifests, "AutoscalingRunnerSet", "build").object["spec"]["template"]["spec"]
                .clone();
        (
            names(&spec["initContainers"], "name").join(","),
            names(&spec["containers"], "name").join(","),
        )
    };
    let sidecar = ("init-dind-externals,dind".to_owned(), "runner".to_owned());
    let beside = ("init-dind-externals".to_owned(), "runner,dind".to_owned());
    assert_eq!(place("0.14.2", 29), sidecar);
    assert_eq!(place("0.14.2", 28), beside);
    assert_eq!(place("0.9.0", 33), beside);
}

#[test]
fn an_existing_controller_gets_runner_sets_only() {
    let mut config = config(ContainerMode::None);
    config.controller.existing = Some(ExistingController {
        namespace: "platform".to_owned(),
        name: "theirs".to_owned(),
    });
    let mut facts = fixtures::facts();
    facts.cluster.controllers.push(ControllerFacts {
        namespace: "platform".to_owned(),
        name: "theirs".to_owned(),
        version: None,
        scale_set: true,
        watches: None,
        install: None,
        service_account: "their-account".to_owned(),
        runner_sets: Vec::new(),
    });
    let manifests = render(&config, &facts).unwrap();
    for kind in ["Deployment", "CustomResourceDefinition", "ClusterRole"] {
        assert!(!has(&manifests, kind), "{kind}");
    }
    let binding = only(&manifests, "RoleBinding", "arc-build-manager");
    assert_eq!(
        binding.object["subjects"],
        json!([{"kind": "ServiceAccount", "name": "their-account", "namespace": "platform"}])
    );
    let namespaces: Vec<_> = manifests
        .iter()
        .filter(|manifest| manifest.kind() == "Namespace")
        .map(|manifest| manifest.reference().name)
        .collect();
    assert_eq!(namespaces, ["arc-runners"]);
}

#[test]
fn a_namespace_that_exists_is_left_alone_unless_it_is_managed() {
    let mut config = config(ContainerMode::None);
    let mut facts = fixtures::facts();
    facts
        .cluster
        .namespaces
        .insert("arc-runners".to_owned(), std::collections::BTreeMap::new());
    let count = |config: &crate::config::Config| {
        render(config, &facts)
            .unwrap()
            .iter()
            .filter(|manifest| manifest.kind() == "Namespace")
            .count()
    };
    assert_eq!(count(&config), 1);
    config.namespaces.manage = true;
    assert_eq!(count(&config), 2);
}

#[test]
fn an_app_is_data_and_one_late_key() {
    let mut config = config(ContainerMode::None);
    config.github.credentials = GithubCredentials::App {
        id: "12".to_owned(),
        installation_id: "34".to_owned(),
    };
    let manifests = rendered(&config);
    let secret = only(&manifests, "Secret", "arc-github");
    assert_eq!(
        secret.object["data"],
        json!({"github_app_id": "MTI=", "github_app_installation_id": "MzQ="})
    );
    assert_eq!(secret.lates.len(), 1);
    assert_eq!(
        secret.lates[0].from,
        LateSource::Credential(LateForm::Bytes(Credential::GithubAppPrivateKey))
    );
}

#[test]
fn the_users_own_secret_is_named_and_not_made() {
    let mut config = config(ContainerMode::None);
    config.github.credentials = GithubCredentials::ExistingSecret(ExistingSecret {
        name: "from-vault".to_owned(),
        keys: std::collections::BTreeMap::new(),
    });
    let manifests = rendered(&config);
    assert!(!has(&manifests, "Secret"));
    assert_eq!(
        only(&manifests, "AutoscalingRunnerSet", "build").text("/spec/githubConfigSecret"),
        Some("from-vault")
    );
}

#[test]
fn the_users_definition_replaces_ours_and_is_labelled() {
    let mut facts = fixtures::facts();
    let mut own = json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "ephemeralrunners.actions.github.com"},
        "spec": {"own": true},
    });
    facts.crds.push(own.clone());
    let manifests = render(&config(ContainerMode::None), &facts).unwrap();
    let found = only(
        &manifests,
        "CustomResourceDefinition",
        "ephemeralrunners.actions.github.com",
    );
    own["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": "arc-setup"});
    assert_eq!(found.object, own);
}

#[test]
fn some_definitions_of_the_user_beside_some_of_ours_are_refused() {
    let mut config = config(ContainerMode::None);
    config.crds = Some("crds".into());
    let mut facts = fixtures::facts();
    let definition = |name: &str| json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": name}});
    for name in [
        "ephemeralrunners",
        "ephemeralrunnersets",
        "autoscalinglisteners",
    ] {
        let definition = definition(&format!("{name}.actions.github.com"));
        facts.crds.push(definition);
    }
    let failure = render(&config, &facts).unwrap_err();
    assert_eq!(failure.code(), "crds");
    let why = &failure.details().why;
    assert_eq!(
        why[0],
        "there is no autoscalingrunnersets.actions.github.com"
    );
    facts
        .crds
        .push(definition("autoscalingrunnersets.actions.github.com"));
    render(&config, &facts).unwrap();
}

#[test]
fn replicas_need_a_leader() {
    let mut config = config(ContainerMode::None);
    assert!(
        !rendered(&config)
            .iter()
            .any(|manifest| manifest.reference().name.ends_with("leader-election"))
    );
    config.controller.replicas = 2;
    let manifests = rendered(&config);
    only(&manifests, "Role", "arc-controller-leader-election");
    let deployment = only(&manifests, "Deployment", "arc-controller");
    assert!(
        deployment
            .object
            .to_string()
            .contains("--leader-election-id=arc-controller")
    );
}
