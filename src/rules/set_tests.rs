use proptest::prelude::*;

use super::*;
use crate::rules::{Matcher, Meeting, Scope};

const TARGET: &str = "registry.artifactory.mydomain.com";

fn rule(id: &str, matcher: Matcher, action: Action) -> RuleSpec {
    RuleSpec::new(id, matcher, action)
}

fn to(target: &str) -> Action {
    Action::Rewrite {
        target: target.to_owned(),
        drop_library: false,
    }
}

fn host(id: &str, source: &str, action: Action) -> RuleSpec {
    rule(id, Matcher::Host(source.to_owned()), action)
}

/// The rules of the story.
fn story() -> RuleSet {
    RuleSet::compile(&[
        host("quay", "quay.io", to(TARGET)),
        host("ghcr", "ghcr.io", to(&format!("{TARGET}/ghcr"))),
        host("hub", "docker.io", Action::Keep),
    ])
    .unwrap()
}

fn outcome(rules: &RuleSet, image: &str) -> Outcome {
    rules.decide(&ImageReference::parse(image).unwrap()).outcome
}

fn rewrites(rules: &RuleSet, image: &str, expected: &str) {
    assert_eq!(
        outcome(rules, image),
        Outcome::Rewritten(expected.to_owned()),
        "{image}"
    );
}

#[test]
fn the_rbac_proxy_of_the_story_is_relabelled_once() {
    let rules = story();
    let target = format!("{TARGET}/brancz/kube-rbac-proxy:v0.8.0");
    rewrites(&rules, "quay.io/brancz/kube-rbac-proxy:v0.8.0", &target);
    assert_eq!(outcome(&rules, &target), Outcome::AlreadyThere);
    rewrites(
        &rules,
        "ghcr.io/actions/x:1",
        &format!("{TARGET}/ghcr/actions/x:1"),
    );
    for image in ["docker:dind", "summerwind/actions-runner:v0.18.2"] {
        assert_eq!(outcome(&rules, image), Outcome::Kept);
    }
    assert_eq!(outcome(&rules, "gcr.io/a"), Outcome::NoRule);
}

#[test]
fn one_registry_for_everything() {
    for drop_library in [false, true] {
        let everything = Action::Rewrite {
            target: "reg:5000/remote".to_owned(),
            drop_library,
        };
        let rules = RuleSet::compile(&[rule("registry.host", Matcher::Any, everything)]).unwrap();
        let library = if drop_library { "" } else { "library/" };
        let nginx = format!("reg:5000/remote/{library}nginx");
        for image in [
            "nginx",
            "library/nginx",
            "docker.io/nginx",
            "index.docker.io/library/nginx",
            "registry-1.docker.io/library/nginx",
        ] {
            rewrites(&rules, image, &nginx);
        }
        rewrites(&rules, "quay.io/library/x", "reg:5000/remote/library/x");
        rewrites(&rules, "summerwind/x:v1", "reg:5000/remote/summerwind/x:v1");
        let digest = format!("@sha256:{}", "a".repeat(64));
        rewrites(
            &rules,
            &format!("x/y:1{digest}"),
            &format!("reg:5000/remote/x/y:1{digest}"),
        );
        assert_eq!(outcome(&rules, "reg:5000/remote/x"), Outcome::AlreadyThere);
        rewrites(&rules, "reg:5000/other/x", "reg:5000/remote/other/x");
    }
}

#[test]
fn a_mirror_on_the_source_host_is_told_apart_by_its_path() {
    let rules = RuleSet::compile(&[host("quay", "quay.io", to("quay.io/corp-mirror"))]).unwrap();
    rewrites(&rules, "quay.io/x", "quay.io/corp-mirror/x");
    assert_eq!(
        outcome(&rules, "quay.io/corp-mirror/x"),
        Outcome::AlreadyThere
    );
}

#[test]
fn a_host_that_only_begins_like_the_target_is_foreign() {
    let rules = RuleSet::compile(&[rule("all", Matcher::Any, to(TARGET))]).unwrap();
    rewrites(&rules, &format!("{TARGET}.evil/x"), &format!("{TARGET}/x"));
}

#[test]
fn an_output_that_is_another_input_is_refused_with_both_names() {
    let chains = [
        host("b", "mirror.corp", to("other.corp")),
        host("b", "mirror.corp", Action::Deny),
        rule(
            "b",
            Matcher::Prefix("mirror.corp/quay/x".into()),
            to("other.corp"),
        ),
        rule(
            "b",
            Matcher::Repository("mirror.corp/quay/x".into()),
            to("other.corp"),
        ),
        rule("b", Matcher::Glob("*.corp/**".into()), to("other.com")),
    ];
    for taker in chains {
        let maker = host("a", "quay.io", to("mirror.corp/quay"));
        let problems = RuleSet::compile(&[maker, taker]).unwrap_err();
        assert_eq!(problems[0].rules, ["a", "b"]);
    }
    let elsewhere = rule(
        "b",
        Matcher::Prefix("mirror.corp/old".into()),
        to("mirror.corp/quay"),
    );
    assert!(RuleSet::compile(&[host("a", "quay.io", to("mirror.corp/quay")), elsewhere]).is_ok());
}

#[test]
fn a_scoped_rule_takes_only_what_stands_in_its_place() {
    let mut scoped = host("env", "quay.io", to("mirror.corp/env"));
    scoped.scope = Scope {
        fields: vec!["/spec/**/env/**".to_owned()],
        ..Scope::default()
    };
    let rules = RuleSet::compile(&[scoped, host("quay", "quay.io", to(TARGET))]).unwrap();
    let reference = ImageReference::parse("quay.io/x").unwrap();
    let at = |field| Place {
        kind: "Pod",
        namespace: None,
        field,
    };
    let rule = |decision: Decision| decision.rule.unwrap();
    let env = at("/spec/containers/0/env/0/value");
    assert_eq!(rule(rules.decide_at(&reference, &env)), "env");
    let image = at("/spec/containers/0/image");
    assert_eq!(rule(rules.decide_at(&reference, &image)), "quay");
    assert_eq!(rule(rules.decide(&reference)), "quay");
}

#[test]
fn every_problem_is_told_at_once() {
    let problems = RuleSet::compile(&[
        host("a", "nohost", to("https://x.y")),
        rule("b", Matcher::Any, to("registry")),
    ])
    .unwrap_err();
    let ids: Vec<_> = problems
        .iter()
        .map(|problem| problem.rules[0].as_str())
        .collect();
    assert_eq!(ids, ["a", "a", "b"]);
}

#[test]
fn two_images_in_one_target_collide() {
    let rules = RuleSet::compile(&[rule("all", Matcher::Any, to(TARGET))]).unwrap();
    let mut meeting = Meeting::default();
    for image in ["docker.io/a/b:1", "quay.io/a/b:1", "a/b:1", "quay.io/a/b:2"] {
        let reference = ImageReference::parse(image).unwrap();
        meeting.note(&reference, &rules.decide(&reference));
    }
    let collisions = meeting.collisions();
    assert_eq!(collisions.len(), 1);
    assert_eq!(collisions[0].target, format!("{TARGET}/a/b:1"));
    let sources: Vec<_> = collisions[0].sources.keys().collect();
    assert_eq!(sources, ["docker.io/a/b:1", "quay.io/a/b:1"]);
}

#[test]
fn a_name_that_grows_over_255_is_told_and_not_cut() {
    let rules = RuleSet::compile(&[rule("all", Matcher::Any, to(TARGET))]).unwrap();
    let path = format!("quay.io/{}", "a".repeat(240));
    assert!(matches!(outcome(&rules, &path), Outcome::TooLong(name) if name.len() > 255));
}

#[test]
fn mirrors_are_whole_hosts() {
    let mut specs = vec![
        rule(
            "part",
            Matcher::Prefix("gcr.io/kubebuilder".into()),
            to(TARGET),
        ),
        host("quay", "quay.io", to(&format!("{TARGET}/quay-remote"))),
        host("hub", "docker.io", Action::Keep),
        host("deny", "bad.io", Action::Deny),
    ];
    specs[2].mirror = Some(format!("{TARGET}/hub"));
    let listed = |specs: &[RuleSpec]| -> Vec<String> {
        let rules = RuleSet::compile(specs).unwrap();
        let mirrors = rules.mirrors().into_iter();
        mirrors
            .map(|(host, mirror)| format!("{host} {}", mirror.place))
            .collect()
    };
    assert_eq!(
        listed(&specs),
        [
            format!("docker.io {TARGET}/hub"),
            format!("quay.io {TARGET}/quay-remote")
        ]
    );
    specs.push(rule("all", Matcher::Any, to(TARGET)));
    assert_eq!(
        listed(&specs)[2..],
        [format!("ghcr.io {TARGET}"), format!("gcr.io {TARGET}")]
    );
}

proptest! {
    #[test]
    fn deciding_twice_is_deciding_once(
        image in "([a-z]{1,5}(\\.io|\\.com|:5000)/)?([a-z]{1,4}/){0,3}[a-z]{1,6}(:[a-z0-9]{1,4})?",
        target in "(quay\\.io|reg:5000|docker\\.io)(/[a-z]{1,4}){0,2}",
        drop_library: bool,
    ) {
        let action = Action::Rewrite { target, drop_library };
        let specs = [host("quay", "quay.io", action.clone()), rule("all", Matcher::Any, action)];
        let rules = RuleSet::compile(&specs).unwrap();
        if let Outcome::Rewritten(once) = outcome(&rules, &image) {
            prop_assert_eq!(outcome(&rules, &once), Outcome::AlreadyThere);
        }
    }
}
