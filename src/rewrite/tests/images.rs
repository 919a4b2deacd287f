use serde_json::json;

use super::*;
use crate::config::{ExistingController, ExistingSecret};
use crate::object::Pointer;
use crate::object::pods::{Role, image_slots};
use crate::object::{Credential, LateForm, LateSource, Source};
use crate::rewrite::images::listing;

/// quay.io is relabelled, docker.io is left alone because the nodes mirror it.
fn story() -> Config {
    let mut config = fixtures::config(Mode::Legacy, "0.18.2", ContainerMode::Dind);
    config.registry.rules = vec![
        rule("quay", Matcher::Host("quay.io".into()), to(TARGET)),
        rule("hub", Matcher::Host("docker.io".into()), Action::Keep),
    ];
    config
}

fn images(done: &Done) -> Vec<String> {
    let mut images = Vec::new();
    for manifest in &done.manifests {
        for slot in image_slots(&manifest.object) {
            // What a pass adds has the runner's own.
            let container = slot.pointer.as_str().trim_end_matches("/image");
            let name = Pointer::new(container).child("name");
            if name.get(&manifest.object) != Some(&json!("arc-setup-prepare")) {
                images.push(slot.text);
            }
        }
    }
    images
}

#[test]
fn the_story_relabels_one_image_and_keeps_the_rest_byte_for_byte() {
    let before = crate::render::render(&story(), &facts()).unwrap();
    let done = passes(&story(), &facts());
    let proxy = format!("{TARGET}/brancz/kube-rbac-proxy:v0.8.0");
    assert!(images(&done).contains(&proxy));
    let changed: Vec<_> = done
        .changes
        .iter()
        .filter(|change| change.before != change.after && change.rule == "quay")
        .map(|change| change.after.clone().unwrap())
        .collect();
    assert_eq!(changed, [json!(proxy)]);
    let kept = |texts: Vec<String>| -> Vec<String> {
        texts
            .into_iter()
            .filter(|text| !text.contains("brancz"))
            .collect()
    };
    let rendered = Done {
        manifests: before,
        changes: Vec::new(),
    };
    assert_eq!(kept(images(&done)), kept(images(&rendered)));
}

#[test]
fn a_registry_alone_covers_every_image_with_tags_kept() {
    for (name, config) in fixtures::matrix() {
        let before = crate::render::render(&config, &facts()).unwrap();
        let before = images(&Done {
            manifests: before,
            changes: Vec::new(),
        });
        let done = passes(&locked_down(config), &facts());
        let tag = |text: &String| text.rsplit(':').next().unwrap_or_default().to_owned();
        let after: Vec<String> = images(&done);
        for image in &after {
            assert!(image.starts_with(&format!("{TARGET}/")), "{name} {image}");
        }
        // kubernetes mode adds the hook's image.
        for (old, new) in before.iter().zip(&after) {
            assert_eq!(tag(old), tag(new), "{name}");
        }
    }
}

#[test]
fn the_hook_copies_from_the_runners_own_image() {
    let done = install(Mode::ScaleSet, "0.14.2", ContainerMode::Kubernetes);
    let runner =
        &done.object("AutoscalingRunnerSet", "build")["spec"]["template"]["spec"]["containers"][0];
    let image = runner["image"].as_str().unwrap();
    assert_eq!(
        variable(&runner["env"], "ACTIONS_RUNNER_IMAGE"),
        Some(image)
    );
}

#[test]
fn the_listener_gets_the_managers_image() {
    let done = install(Mode::ScaleSet, "0.14.2", ContainerMode::None);
    let manager = &done.deployment()["spec"]["template"]["spec"]["containers"][0];
    let listener = variable(&manager["env"], "CONTROLLER_MANAGER_CONTAINER_IMAGE");
    assert_eq!(listener, manager["image"].as_str());
}

#[test]
fn the_gate_names_object_pointer_and_rule() {
    let mut config = story();
    config.registry.rules[1].action = Action::Deny;
    let failure = try_passes(&config, &facts()).unwrap_err();
    assert_eq!(failure.code(), "image-rule-denied");
    let text = format!("{:?}", failure.details());
    for part in [
        "Deployment arc-systems/arc-controller-manager",
        "/spec/template/spec/containers/0/image",
        "hub",
    ] {
        assert!(text.contains(part), "{text}");
    }
    config.registry.rules.pop();
    let failure = try_passes(&config, &facts()).unwrap_err();
    assert_eq!(failure.code(), "image-foreign");
    assert_eq!(failure.details().remedy.len(), 1);

    config.registry.rules.clear();
    config.runner_sets[0].image = Some("Not An Image".to_owned());
    assert_eq!(
        try_passes(&config, &facts()).unwrap_err().code(),
        "image-invalid"
    );
}

#[test]
fn images_that_would_meet_are_refused() {
    let mut config = locked_down(fixtures::config(
        Mode::ScaleSet,
        "0.14.2",
        ContainerMode::Dind,
    ));
    config.runner_sets[0].image = Some("quay.io/corp/x:1".to_owned());
    config.runner_sets[0].dind_image = Some("ghcr.io/corp/x:1".to_owned());
    let failure = try_passes(&config, &facts()).unwrap_err();
    assert_eq!(failure.code(), "image-collision");
    assert_eq!(failure.details().evidence.len(), 2);
}

#[test]
fn the_pull_secret_is_everywhere_before_the_first_pod() {
    let done = install(Mode::ScaleSet, "0.14.2", ContainerMode::Dind);
    let secrets: Vec<_> = done
        .manifests
        .iter()
        .filter(|manifest| manifest.reference().name == "arc-pull")
        .collect();
    let namespaces: Vec<_> = secrets
        .iter()
        .filter_map(|secret| secret.reference().namespace)
        .collect();
    assert_eq!(namespaces, ["arc-systems", "arc-runners"]);
    let expected = LateSource::Credential(LateForm::DockerConfig {
        credential: Credential::PullSecret,
        hosts: vec![TARGET.to_owned()],
    });
    assert_eq!(secrets[0].lates[0].from, expected);
    assert_eq!(secrets[0].source, Source::Pass("images".to_owned()));
    let manager = &done.deployment()["spec"]["template"]["spec"]["containers"][0];
    let flags = manager["args"].as_array().unwrap();
    assert!(flags.contains(&json!("--auto-scaler-image-pull-secrets=arc-pull")));
}

#[test]
fn a_flag_that_the_release_lacks_is_never_written() {
    for (release, expected) in [("0.18.2", false), ("0.20.0", false), ("0.27.6", true)] {
        let done = install(Mode::Legacy, release, ContainerMode::Dind);
        let args = done.deployment()["spec"]["template"]["spec"]["containers"][0]["args"].clone();
        let has = args
            .as_array()
            .unwrap()
            .contains(&json!("--runner-image-pull-secret=arc-pull"));
        assert_eq!(has, expected, "{release}");
    }
}

#[test]
fn pull_secrets_are_appended_once_and_replace_nothing() {
    let mut config = locked_down(fixtures::config(
        Mode::ScaleSet,
        "0.14.2",
        ContainerMode::None,
    ));
    config.registry.pull_secret = Some(PullSecret::ExistingSecret(ExistingSecret {
        name: "theirs".to_owned(),
        keys: std::collections::BTreeMap::new(),
    }));
    config.controller.pod_template = Some(json!({"spec": {"imagePullSecrets": [{"name": "own"}]}}));
    let done = passes(&config, &facts());
    let list = &done.deployment()["spec"]["template"]["spec"]["imagePullSecrets"];
    assert_eq!(list, &json!([{"name": "own"}, {"name": "theirs"}]));
    assert!(
        !done
            .manifests
            .iter()
            .any(|manifest| manifest.reference().name == "theirs")
    );
}

#[test]
fn under_an_existing_controller_its_namespace_gets_what_the_listener_reads() {
    let mut config = locked_down(fixtures::config(
        Mode::ScaleSet,
        "0.14.2",
        ContainerMode::None,
    ));
    config.controller.existing = Some(ExistingController {
        namespace: "platform".to_owned(),
        name: "arc".to_owned(),
    });
    let Ok(done) = try_passes(&config, &facts()) else {
        panic!("an existing controller is fine");
    };
    for name in ["arc-pull", "arc-ca", "arc-proxy"] {
        assert!(done.manifests.iter().any(|manifest| {
            let reference = manifest.reference();
            reference.name == name && reference.namespace.as_deref() == Some("platform")
        }));
    }
}

#[test]
fn the_list_says_before_after_rule_place_and_purpose() {
    let mut config = story();
    config.registry.rules[1].mirror = Some(format!("{TARGET}/hub"));
    let manifests = crate::render::render(&config, &facts()).unwrap();
    let rules = RuleSet::compile(&config.registry.rules).unwrap();
    let uses = listing(&manifests, &rules);
    let proxy = uses
        .iter()
        .find(|image| image.why == Role::RbacProxy)
        .unwrap();
    assert_eq!(proxy.before, "quay.io/brancz/kube-rbac-proxy:v0.8.0");
    assert_eq!(
        proxy.after,
        format!("{TARGET}/brancz/kube-rbac-proxy:v0.8.0")
    );
    assert_eq!(proxy.rule.as_deref(), Some("quay"));
    let dind = uses.iter().find(|image| image.why == Role::Dind).unwrap();
    assert!(dind.kept && dind.before == dind.after);
    assert_eq!(dind.mirror, Some(format!("{TARGET}/hub")));
    let purposes: std::collections::BTreeSet<String> =
        uses.iter().map(|image| image.why.to_string()).collect();
    let purposes: Vec<&str> = purposes.iter().map(String::as_str).collect();
    assert_eq!(
        purposes,
        ["controller", "dind", "init", "rbac-proxy", "runner"]
    );
}

#[test]
fn a_container_without_an_image_names_the_one_that_was_meant() {
    for (mode, version, name, meant) in [
        (Mode::ScaleSet, "0.14.2", "runer", Some("runner")),
        (Mode::Legacy, "0.27.6", "dockr", Some("docker")),
        (Mode::ScaleSet, "0.14.2", "something-else", None),
    ] {
        let mut config = locked_down(fixtures::config(mode, version, ContainerMode::Dind));
        let template = json!({"spec": {"containers": [
            {"name": name, "resources": {"limits": {"memory": "4Gi"}}}]}});
        config.runner_sets[0].pod_template = Some(template);
        let failure = try_passes(&config, &facts()).unwrap_err();
        assert_eq!(failure.code(), "container-image");
        let details = failure.details();
        assert!(details.what.contains(name), "{details:?}");
        let told = meant.map(|meant| format!("did you mean '{meant}'?"));
        assert_eq!(
            told.is_some_and(|told| details.remedy[0].starts_with(&told)),
            meant.is_some(),
            "{details:?}"
        );
    }
    // Merged with what stands there, or built by the controller.
    for (mode, version, name) in [
        (Mode::ScaleSet, "0.14.2", "runner"),
        (Mode::ScaleSet, "0.14.2", "dind"),
        (Mode::Legacy, "0.27.6", "docker"),
        (Mode::Legacy, "0.27.6", "runner"),
    ] {
        let mut config = locked_down(fixtures::config(mode, version, ContainerMode::Dind));
        let template = json!({"spec": {"containers": [
            {"name": name, "terminationMessagePolicy": "FallbackToLogsOnError"}]}});
        config.runner_sets[0].pod_template = Some(template);
        try_passes(&config, &facts()).unwrap();
    }
}

/// A pod whose containers have these images, in a folded block of ours: what is compared is the whole object.
fn pod(images: &[String]) -> Manifest {
    let containers: Vec<Value> = images
        .iter()
        .enumerate()
        .map(|(index, image)| json!({"name": format!("c{index}"), "image": image}))
        .collect();
    let object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"},
        "spec": {"containers": containers, "nodeSelector": {"image": images.first()}}});
    Manifest::new(object, Source::Template("test".to_owned()))
}

proptest::proptest! {
    /// Whatever stands in the place of an image: only what the rules rewrite changes, and by no byte else.
    #[test]
    fn what_is_not_rewritten_is_written_back_byte_for_byte(
        images in proptest::collection::vec(
            proptest::prop_oneof![
                "((quay\\.io|docker\\.io|index\\.docker\\.io|ghcr\\.io|R\\.x)/)?[a-z]{1,5}(/[a-zA-Z_.]{1,6})?(:[a-z0-9.]{1,6})?",
                "\\PC{0,20}",
            ],
            1..5,
        ),
    ) {
        let config = story();
        let rules = RuleSet::compile(&config.registry.rules).unwrap();
        let facts = facts();
        let context = Context { config: &config, facts: &facts };
        let mut expected = pod(&images);
        for (index, image) in images.iter().enumerate() {
            if let Ok(reference) = crate::image_ref::ImageReference::parse(image)
                && reference.host() == "quay.io"
            {
                let rewritten = format!("{TARGET}/{}{}", reference.path(), reference.suffix());
                expected.object["spec"]["containers"][index]["image"] = json!(rewritten);
            }
        }
        let mut manifests = vec![pod(&images)];
        crate::rewrite::images::run(&mut manifests, &context, &rules);
        // The pass gives every pod the pull secret; nothing else is added.
        if let Some(spec) = manifests[0].object["spec"].as_object_mut() {
            spec.remove("imagePullSecrets");
        }
        proptest::prop_assert_eq!(manifests[0].object.to_string(), expected.object.to_string());
    }
}
