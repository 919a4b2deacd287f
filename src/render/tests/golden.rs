//! Golden renders of the oldest and the newest release in every container mode.

use std::fmt::Write as _;

use crate::config::{
    BusyScaling, Config, ContainerMode, ExistingController, ExistingSecret, GithubCredentials,
    Mode, RunnerKind, Schedule, Scope, Watch, WebhookCertificate,
};
use crate::object::Manifest;
use crate::render::fixtures;

use super::rendered;

fn text(manifests: &[Manifest]) -> String {
    let mut text = String::new();
    for manifest in manifests {
        // The definitions have a snapshot of their own.
        if manifest.kind() == "CustomResourceDefinition" {
            continue;
        }
        text.push_str(&document(manifest));
    }
    text
}

fn document(manifest: &Manifest) -> String {
    let object = serde_yaml::to_string(&manifest.object).unwrap();
    let mut text = format!("---\n{object}");
    for late in &manifest.lates {
        writeln!(text, "# late {}: {:?}", late.pointer, late.from).unwrap();
    }
    text
}

#[test]
fn oldest_and_newest_release_in_every_container_mode() {
    for (name, config) in fixtures::matrix() {
        let edges = ["0.9.0", "0.14.2", "0.18.2", "0.27.6"];
        if edges.contains(&config.version.to_string().as_str()) {
            insta::assert_snapshot!(name, text(&rendered(&config)));
        }
    }
}

#[test]
fn definitions() {
    for (mode, release) in [
        (Mode::ScaleSet, "0.14.2"),
        (Mode::Legacy, "0.18.2"),
        (Mode::Legacy, "0.27.6"),
    ] {
        let config = fixtures::config(mode, release, ContainerMode::None);
        let definitions: String = rendered(&config)
            .iter()
            .filter(|manifest| manifest.kind() == "CustomResourceDefinition")
            .map(document)
            .collect();
        insta::assert_snapshot!(
            format!("definitions-{mode:?}-{release}").to_lowercase(),
            definitions
        );
    }
}

#[test]
fn runner_sets_under_a_controller_that_is_there() {
    let mut config = fixtures::config(Mode::ScaleSet, "0.14.2", ContainerMode::None);
    config.controller.existing = Some(ExistingController {
        namespace: "platform".to_owned(),
        name: "arc-gha-rs-controller".to_owned(),
    });
    insta::assert_snapshot!("existing-controller", text(&rendered(&config)));
}

#[test]
fn whole_cluster_several_namespaces_and_an_app() {
    let mut config = fixtures::config(Mode::ScaleSet, "0.14.2", ContainerMode::Dind);
    config.controller.watch = Watch::Cluster;
    config.controller.replicas = 2;
    config.github.credentials = GithubCredentials::App {
        id: "12".to_owned(),
        installation_id: "34".to_owned(),
    };
    let mut second = config.runner_sets[0].clone();
    second.name = "deploy".to_owned();
    second.namespace = "deployers".to_owned();
    second.container_mode = ContainerMode::None;
    second.group = Some("production".to_owned());
    config.runner_sets.push(second);
    insta::assert_snapshot!("whole-cluster", text(&rendered(&config)));
}

#[test]
fn every_legacy_kind_and_scaling() {
    insta::assert_snapshot!(
        "legacy-kinds",
        text(&rendered(&every_legacy_kind("0.27.6")))
    );
}

/// A legacy configuration with each kind of runner set, scaling and a login of its own.
pub(super) fn every_legacy_kind(release: &str) -> Config {
    let mut config = fixtures::config(Mode::Legacy, release, ContainerMode::Dind);
    config.webhook_certificate = WebhookCertificate::CertManager {
        cluster_issuer: None,
    };
    config.rbac_proxy = None;
    let base = config.runner_sets[0].clone();

    let deployment = &mut config.runner_sets[0];
    deployment.scaling.queue_repositories = Some(vec!["one".to_owned()]);
    deployment.scaling.scale_down_delay_seconds = Some(300);
    deployment.scaling.busy = Some(BusyScaling {
        up_threshold: "0.75".to_owned(),
        down_threshold: "0.3".to_owned(),
        up_factor: "1.4".to_owned(),
        down_factor: "0.7".to_owned(),
    });
    deployment.scaling.schedules = vec![Schedule {
        start: "2026-01-05T07:00:00+01:00".to_owned(),
        end: "2026-01-05T19:00:00+01:00".to_owned(),
        min: 30,
        frequency: Some("Daily".to_owned()),
        until: Some("2027-01-01T00:00:00Z".to_owned()),
    }];
    deployment.max = 30;

    let mut set = base.clone();
    set.name = "stateful".to_owned();
    set.kind = RunnerKind::RunnerSet;
    set.dind_image = Some("registry.example/dind:1".to_owned());
    set.min = 2;
    set.max = 2;
    config.runner_sets.push(set);

    let mut single = base;
    single.name = "single".to_owned();
    single.kind = RunnerKind::Runner;
    single.scope = Scope::Repository("octo/one".to_owned());
    single.dind_image = Some("registry.example/dind:1".to_owned());
    single.work_volume = fixtures::claim();
    single.max = 1;
    if release == "0.27.6" {
        single.github_secret = Some(ExistingSecret {
            name: "octo-login".to_owned(),
            keys: std::collections::BTreeMap::new(),
        });
    }
    config.runner_sets.push(single);
    config
}
