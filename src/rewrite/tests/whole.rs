use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::config::RunnerKind;
use crate::image_ref::ImageReference;
use crate::object::pods::{Role, absent_slots, image_slots, pod_specs, sites};
use crate::object::{LateSource, Source};
use crate::rules::Outcome;

/// Every mode, release and container mode, with every kind of runner.
fn matrix() -> &'static [(String, Config)] {
    static MATRIX: LazyLock<Vec<(String, Config)>> = LazyLock::new(every_install);
    &MATRIX
}

pub(super) fn every_install() -> Vec<(String, Config)> {
    let mut found = fixtures::matrix();
    for (name, config) in fixtures::matrix() {
        for kind in [RunnerKind::Runner, RunnerKind::RunnerSet] {
            let mut config = config.clone();
            config.runner_sets[0].kind = kind;
            config.runner_sets[0].max = 1;
            config.runner_sets[0].min = 1;
            if config.mode == Mode::Legacy
                && crate::render::render(&config, &fixtures::facts()).is_ok()
            {
                found.push((format!("{name} {kind:?}"), config));
            }
        }
    }
    found
}

#[test]
fn every_kind_of_runner_is_there() {
    for kind in ["RunnerSet", "Runner\""] {
        assert!(
            matrix()
                .iter()
                .any(|(name, _)| format!("{name}\"").contains(kind)),
            "{kind}"
        );
    }
}

#[test]
fn every_release_and_mode_goes_through_and_a_second_run_changes_nothing() {
    let facts = facts();
    for (name, config) in matrix() {
        let config = locked_down(config.clone());
        let done = passes(&config, &facts);
        let rules = RuleSet::compile(&config.registry.rules).unwrap();
        for manifest in &done.manifests {
            for slot in image_slots(&manifest.object) {
                let reference = ImageReference::parse(&slot.text).unwrap();
                assert_eq!(
                    rules.decide(&reference).outcome,
                    Outcome::AlreadyThere,
                    "{name} {slot:?}"
                );
            }
            assert!(absent_slots(&manifest.object).is_empty(), "{name}");
        }
        let mut again = done.manifests.clone();
        let context = Context {
            config: &config,
            facts: &facts,
        };
        run(&mut again, &context, &rules).unwrap();
        assert_eq!(again, done.manifests, "{name}");
    }
}

#[test]
fn every_container_gets_what_it_needs_in_every_release_and_mode() {
    let facts = facts();
    for (name, config) in matrix() {
        let done = passes(&locked_down(config.clone()), &facts);
        for manifest in &done.manifests {
            let object = &manifest.object;
            for site in sites(object) {
                let place = format!("{name} {} {}", manifest.reference(), site.name);
                let env = site.env.get(object).cloned().unwrap_or_default();
                let mounts = site.mounts.get(object).cloned().unwrap_or_default();
                if site.role != Role::RbacProxy {
                    for name in [
                        "HTTP_PROXY",
                        "HTTPS_PROXY",
                        "NO_PROXY",
                        "http_proxy",
                        "https_proxy",
                        "no_proxy",
                    ] {
                        assert!(item(&env, "name", name).is_some(), "{place} {name}");
                    }
                }
                if site.role != Role::Init {
                    assert!(
                        item(&mounts, "mountPath", "/etc/arc-setup/ca").is_some(),
                        "{place}"
                    );
                    assert_eq!(
                        variable(&env, "SSL_CERT_DIR"),
                        Some("/etc/ssl/certs:/etc/arc-setup/ca"),
                        "{place}"
                    );
                }
                if site.runs_docker {
                    assert!(
                        item(&mounts, "mountPath", "/etc/docker/certs.d").is_some(),
                        "{place}"
                    );
                }
                let secrets = site
                    .pod
                    .pointer
                    .child("imagePullSecrets")
                    .get(object)
                    .cloned();
                assert_eq!(secrets, Some(json!([{"name": "arc-pull"}])), "{place}");
                for mount in mounts.as_array().unwrap() {
                    let volumes = site.volumes().get(object).cloned().unwrap_or_default();
                    let volume = mount["name"].as_str().unwrap();
                    let built = ["work", "runner", "var-run"].contains(&volume);
                    assert!(
                        built || item(&volumes, "name", volume).is_some(),
                        "{place} {volume}"
                    );
                }
            }
        }
    }
}

#[test]
fn what_passes_add_stands_between_namespaces_and_pods() {
    let done = install(Mode::ScaleSet, "0.14.2", ContainerMode::Dind);
    let at = |test: &dyn Fn(&Manifest) -> bool| -> Vec<usize> {
        let found = done.manifests.iter().enumerate();
        found
            .filter(|(_, manifest)| test(manifest))
            .map(|(at, _)| at)
            .collect()
    };
    let added = at(&|manifest| matches!(manifest.source, Source::Pass(_)));
    let namespaces = at(&|manifest| manifest.kind() == "Namespace");
    let pods = at(&|manifest| !pod_specs(&manifest.object).is_empty());
    assert_eq!(added.len(), 8);
    assert!(namespaces.last() < added.first());
    assert!(added.last() < pods.first());
}

#[test]
fn pods_roll_when_what_they_read_changes() {
    let config = locked_down(fixtures::config(
        Mode::ScaleSet,
        "0.14.2",
        ContainerMode::Dind,
    ));
    let hashes = |config: &Config, facts: &Facts| -> Vec<String> {
        let done = passes(config, facts);
        let set = done.object("AutoscalingRunnerSet", "build").clone();
        let text = |value: &Value, pointer: &str| {
            value.pointer(pointer).unwrap().as_str().unwrap().to_owned()
        };
        let hash = "/annotations/arc-setup.dev~1config-hash";
        vec![
            text(done.deployment(), &format!("/spec/template/metadata{hash}")),
            text(&set, &format!("/spec/template/metadata{hash}")),
            text(&set, &format!("/spec/listenerTemplate/metadata{hash}")),
            text(
                &set,
                "/metadata/annotations/actions.github.com~1values-hash",
            ),
        ]
    };
    let one = facts();
    let before = hashes(&config, &one);
    assert_eq!(before, hashes(&config, &one));
    let other = hashes(&config, &facts());
    for (one, other) in before.iter().zip(&other) {
        assert_ne!(one, other);
    }
    let mut newer = config;
    newer.controller.image =
        Some("ghcr.io/actions/gha-runner-scale-set-controller:0.14.1".to_owned());
    let newer = hashes(&newer, &one);
    assert_eq!(before[..3], newer[..3]);
    assert_ne!(before[3], newer[3]);
}

/// What holds the bundle, and what reads it.
#[test]
fn another_bundle_changes_what_reads_it_and_nothing_else() {
    for (name, config) in fixtures::matrix() {
        let config = locked_down(config);
        let (one, mut other) = (facts(), facts());
        other.cluster = one.cluster.clone();
        let (one, other) = (passes(&config, &one), passes(&config, &other));
        let changed = one.manifests.iter().zip(&other.manifests);
        let changed = changed.filter(|(one, other)| one != other);
        let mut changed: Vec<String> = changed
            .map(|(one, _)| one.reference())
            .map(|object| format!("{} {}", object.kind, object.name))
            .collect();
        changed.sort();
        changed.dedup();
        let (set, controller) = match config.mode {
            Mode::ScaleSet => ("AutoscalingRunnerSet build", "Deployment arc-controller"),
            Mode::Legacy => (
                "RunnerDeployment build",
                "Deployment arc-controller-manager",
            ),
        };
        let set = set.replace("RunnerDeployment", config.runner_sets[0].kind.object_kind());
        let mut wanted = vec![set.as_str(), "ConfigMap arc-ca", controller];
        wanted.sort_unstable();
        assert_eq!(changed, wanted, "{name}");
    }
}

#[test]
fn the_controller_follows_its_secrets() {
    let done = install(Mode::Legacy, "0.27.6", ContainerMode::Dind);
    let deployment = done
        .manifests
        .iter()
        .find(|manifest| manifest.kind() == "Deployment")
        .unwrap();
    let mut followed: Vec<&str> = deployment
        .lates
        .iter()
        .filter_map(|late| match &late.from {
            LateSource::ResourceVersionOf { name, .. } => Some(name.as_str()),
            _ => None,
        })
        .collect();
    followed.sort_unstable();
    assert!(followed.contains(&"arc-proxy"), "{followed:?}");
    assert!(followed.contains(&"arc-controller-manager"), "{followed:?}");
    for late in &deployment.lates {
        assert_eq!(late.pointer.get(&deployment.object), None);
    }
}

#[test]
fn nothing_is_asked_for_and_nothing_but_hashes_is_changed() {
    let config = fixtures::config(Mode::ScaleSet, "0.14.2", ContainerMode::Dind);
    let done = passes(&config, &fixtures::facts());
    let rules: Vec<&str> = done
        .changes
        .iter()
        .map(|change| change.rule.as_str())
        .collect();
    assert_eq!(rules, ["hashes"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn passes_over_any_user_template_are_idempotent(
        names in proptest::collection::vec("(HTTP_PROXY|no_proxy|SSL_CERT_DIR|MY_IMAGE|GIT_SSL_CAPATH|OTHER)", 0..4),
        value in "(quay\\.io/)?[a-z]{1,6}(/[a-z]{1,5})?(:[a-z0-9]{1,4})?",
        mount in "(/etc/arc-setup/ca|/etc/docker/certs.d(/x)?|/data)",
        container in "(runner|dind|docker|extra)",
        case in 0_usize..1000,
    ) {
        let matrix = matrix();
        let (name, config) = matrix[case % matrix.len()].clone();
        let mut config = locked_down(config);
        let env: Vec<Value> = names.iter().map(|name| json!({"name": name, "value": value})).collect();
        config.runner_sets[0].pod_template = Some(json!({"spec": {
            "containers": [{"name": container, "image": value, "env": env,
                "volumeMounts": [{"name": "mine", "mountPath": mount}]}],
            "volumes": [{"name": "mine", "emptyDir": {}}]}}));
        let facts = fixtures::facts();
        let done = passes(&config, &facts);
        let mut again = done.manifests.clone();
        let rules = RuleSet::compile(&config.registry.rules).unwrap();
        run(&mut again, &Context { config: &config, facts: &facts }, &rules).unwrap();
        for (twice, once) in again.iter().zip(&done.manifests) {
            prop_assert_eq!(twice, once, "{}", name);
        }
        prop_assert_eq!(again.len(), done.manifests.len());
        // What the user set is what the pod gets.
        let runner_pods = done.manifests.iter().filter(|manifest| manifest.reference().name == "build");
        for manifest in runner_pods {
            for site in sites(&manifest.object).iter().filter(|site| site.name == container) {
                let env = site.env.get(&manifest.object).cloned().unwrap_or_default();
                for name in names.iter().filter(|name| *name != "MY_IMAGE") {
                    prop_assert_eq!(variable(&env, name), Some(value.as_str()), "{}", name);
                }
            }
        }
    }
}
