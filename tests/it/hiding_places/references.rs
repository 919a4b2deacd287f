//! Cases 1 to 11: references and rules.

use arc_setup::image_ref::{ImageReference, ImageReferenceReason};
use arc_setup::plan::patch::Verdict;
use arc_setup::rules::{Meeting, Outcome, RuleSet};
use serde_json::json;

use super::{
    TARGET, changes, compile, decided, deployment, everything, keep, pair, rewrite, rewritten,
    story,
};

const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[test]
fn case_01_the_storys_image_is_rewritten_and_a_second_run_does_nothing() {
    let object = deployment(&json!({"containers": [
        {"name": "manager", "image": "summerwind/actions-runner-controller:v0.18.2", "command": ["/manager"],
         "args": ["--docker-image=docker:dind", "--runner-image=summerwind/actions-runner:v0.18.2"]},
        {"name": "kube-rbac-proxy", "image": "quay.io/brancz/kube-rbac-proxy:v0.8.0"}]}));
    let after = format!("{TARGET}/brancz/kube-rbac-proxy:v0.8.0");
    assert_eq!(
        changes(&object, &story()),
        [pair("/spec/template/spec/containers/1/image", after)]
    );
}

#[test]
fn case_02_what_is_kept_is_byte_identical() {
    let object = deployment(&json!({"containers": [
        {"name": "docker", "image": "docker:dind"},
        {"name": "runner", "image": "summerwind/actions-runner:v0.18.2",
         "env": [{"name": "ACTIONS_RUNNER_IMAGE", "value": "nginx"}]}]}));
    assert_eq!(decided(&object, &story()).verdict, Verdict::Unchanged);
}

#[test]
fn case_03_every_spelling_of_docker_hub_gives_one_target() {
    for image in [
        "nginx",
        "library/nginx",
        "docker.io/nginx",
        "index.docker.io/library/nginx",
        "registry-1.docker.io/library/nginx",
    ] {
        let expected = Some(format!("{TARGET}/hub/library/nginx"));
        assert_eq!(rewritten(&everything(), image), expected, "{image}");
    }
}

#[test]
fn case_04_tag_and_digest_are_both_kept() {
    for suffix in [
        format!(":1@sha256:{HEX}"),
        format!("@sha512:{HEX}{HEX}"),
        ":1".to_owned(),
    ] {
        let expected = Some(format!("{TARGET}/x{suffix}"));
        assert_eq!(rewritten(&story(), &format!("quay.io/x{suffix}")), expected);
    }
    let image = format!("quay.io/repo:sha256:{HEX}");
    let error = ImageReference::parse(&image).unwrap_err();
    assert_eq!(error.reason, ImageReferenceReason::Tag);
    // In an object it stays as it is.
    let object = deployment(&json!({"containers": [{"name": "c", "image": image}]}));
    assert_eq!(decided(&object, &story()).verdict, Verdict::Stays);
}

#[test]
fn case_05_hosts_are_recognised() {
    for (image, host) in [
        ("localhost:5000/a", "localhost:5000"),
        ("localhost/a", "localhost"),
        ("[fc00::1]:5000/a", "[fc00::1]:5000"),
        ("reg:5000/a", "reg:5000"),
        ("my-reg.corp.com/a", "my-reg.corp.com"),
        ("10.0.0.1:80/a", "10.0.0.1:80"),
        ("registry/a", "docker.io"),
    ] {
        assert_eq!(
            ImageReference::parse(image).unwrap().host(),
            host,
            "{image}"
        );
        if host != "docker.io" {
            let rules = compile(&[rewrite(host, TARGET)]);
            assert_eq!(
                rewritten(&rules, image),
                Some(format!("{TARGET}/a")),
                "{image}"
            );
        }
    }
}

#[test]
fn case_06_upper_case_and_image_ids() {
    assert_eq!(ImageReference::parse("Foo/bar").unwrap().host(), "Foo");
    let error = ImageReference::parse("foo/Bar").unwrap_err();
    assert_eq!(error.reason, ImageReferenceReason::UpperCase(4));
    // Both stay, and a person is told where and why.
    let object = deployment(&json!({"containers": [
        {"name": "a", "image": "foo/Bar"}, {"name": "b", "image": HEX}, {"name": "c", "image": "quay.io/c:1"}]}));
    let decided = decided(&object, &everything());
    assert!(matches!(decided.verdict, Verdict::Patch(_)), "{decided:?}");
    assert_eq!(decided.notes.len(), 2, "{decided:?}");
    assert!(decided.notes[0].contains("container a") && decided.notes[0].contains("byte 4"));
    assert!(decided.notes[1].contains("container b") && decided.notes[1].contains("image id"));
    assert_eq!(
        changes(&object, &everything()),
        [pair(
            "/spec/template/spec/containers/2/image",
            format!("{TARGET}/c:1")
        )]
    );
}

/// As case 4 and case 6, where a flag or a variable names the image.
#[test]
fn a_mistake_is_told_with_its_place_in_flags_and_variables_too() {
    let object = deployment(&json!({"containers": [{"name": "a", "image": "quay.io/c:1",
        "args": ["--docker-image=quay.io/a/B:1", "--metrics-addr=127.0.0.1:8080"],
        "env": [{"name": "ACTIONS_RUNNER_IMAGE", "value": format!("quay.io/a/b:sha256:{HEX}")}]}]}));
    let decided = decided(&object, &everything());
    assert!(matches!(decided.verdict, Verdict::Patch(_)), "{decided:?}");
    let notes = &decided.notes;
    assert_eq!(notes.len(), 2, "{decided:?}");
    assert!(notes[0].contains("--docker-image") && notes[0].contains("byte 10"));
    assert!(notes[1].contains("ACTIONS_RUNNER_IMAGE") && notes[1].contains("invalid tag"));
    assert_eq!(changes(&object, &everything()).len(), 1);
}

#[test]
fn case_07_a_mirror_on_the_source_host_is_rewritten_once() {
    let rules = compile(&[rewrite("quay.io", "quay.io/corp-mirror")]);
    let once = rewritten(&rules, "quay.io/x:1").unwrap();
    assert_eq!(once, "quay.io/corp-mirror/x:1");
    assert_eq!(rewritten(&rules, &once), None);
    // The boundary is a path component.
    assert_eq!(
        rewritten(&rules, "quay.io/corp-mirrors/x:1").as_deref(),
        Some("quay.io/corp-mirror/corp-mirrors/x:1")
    );
}

#[test]
fn case_08_a_longer_host_is_not_the_mirror() {
    let evil = format!("{TARGET}.evil");
    let rules = compile(&[
        rewrite("quay.io", TARGET),
        rewrite(&evil, &format!("{TARGET}/evil")),
    ]);
    let image = format!("{evil}/x:1");
    assert_eq!(
        rewritten(&rules, &image),
        Some(format!("{TARGET}/evil/x:1"))
    );
    let decided = |image: &str| {
        story()
            .decide(&ImageReference::parse(image).unwrap())
            .outcome
    };
    assert_eq!(decided(&image), Outcome::NoRule);
    assert_eq!(decided(&format!("{TARGET}/x:1")), Outcome::AlreadyThere);
}

#[test]
fn case_09_a_rule_whose_output_is_another_ones_input_is_refused() {
    let specs = [
        rewrite("quay.io", "mirror.corp/quay"),
        rewrite("mirror.corp", TARGET),
    ];
    let problems = RuleSet::compile(&specs).unwrap_err();
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("map quay.io") && told[0].contains("map mirror.corp"),
        "{told:?}"
    );
}

#[test]
fn case_10_two_sources_of_one_target_are_told() {
    let rules = compile(&[
        rewrite("quay.io", TARGET),
        rewrite("ghcr.io", TARGET),
        keep("docker.io"),
    ]);
    let mut meeting = Meeting::default();
    for image in [
        "quay.io/a/b:1",
        "quay.io/a/b:2",
        "ghcr.io/a/b:1",
        "ghcr.io/c/d:1",
    ] {
        let reference = ImageReference::parse(image).unwrap();
        meeting.note(&reference, &rules.decide(&reference));
    }
    let collisions = meeting.collisions();
    assert_eq!(collisions.len(), 1, "{collisions:?}");
    assert_eq!(collisions[0].target, format!("{TARGET}/a/b:1"));
    let sources: Vec<&String> = collisions[0].sources.keys().collect();
    assert_eq!(sources, ["ghcr.io/a/b:1", "quay.io/a/b:1"]);
}

#[test]
fn case_11_a_name_over_255_bytes_is_an_error() {
    let path = "a/".repeat(115) + "b";
    let image = format!("quay.io/{path}:1");
    let reference = ImageReference::parse(&image).unwrap();
    let outcome = story().decide(&reference).outcome;
    assert_eq!(outcome, Outcome::TooLong(format!("{TARGET}/{path}")));
    let object = deployment(&json!({"containers": [{"name": "c", "image": image}]}));
    let Verdict::Refused(reasons) = decided(&object, &story()).verdict else {
        panic!("not refused")
    };
    assert!(reasons[0].contains("255"), "{reasons:?}");
}
