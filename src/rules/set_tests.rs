use super::*;
use crate::rules::samples::{TARGET, host, rule, template, to};
use crate::rules::{Action, Matcher, Scope};

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
fn a_name_that_grows_over_255_is_told_and_not_cut() {
    let rules = RuleSet::compile(&[rule("all", Matcher::Any, to(TARGET))]).unwrap();
    let path = format!("quay.io/{}", "a".repeat(240));
    assert!(matches!(outcome(&rules, &path), Outcome::TooLong(name) if name.len() > 255));
}

#[test]
fn a_template_is_done_where_its_literal_part_stands() {
    let rules = RuleSet::compile(&[
        template(
            "sub",
            Matcher::Host("quay.io".into()),
            "{host_slug}.reg.corp/{path}",
        ),
        template("all", Matcher::Any, "mirror.corp/by-host/{host}/{path}"),
    ])
    .unwrap();
    rewrites(&rules, "quay.io/a/b:1", "quay-io.reg.corp/a/b:1");
    assert_eq!(
        outcome(&rules, "quay-io.reg.corp/a/b:1"),
        Outcome::AlreadyThere
    );
    // The host itself, another domain and a name that only begins like the target are foreign.
    rewrites(&rules, "reg.corp/a", "mirror.corp/by-host/reg.corp/a");
    rewrites(
        &rules,
        "quay-io.reg.corp.evil/a",
        "mirror.corp/by-host/quay-io.reg.corp.evil/a",
    );
    rewrites(
        &rules,
        "mirror.corp/by-hosts/a",
        "mirror.corp/by-host/mirror.corp/by-hosts/a",
    );
    let why = match outcome(&rules, "localhost:5000/a") {
        Outcome::Unusable { why, .. } => why,
        other => panic!("{other:?}"),
    };
    assert!(why.contains("no image reference"), "{why}");
}

#[test]
fn a_pin_gives_the_digest_and_keeps_the_spelling() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let other = format!("sha256:{}", "b".repeat(64));
    let pinned = |matcher, action| RuleSpec {
        pin: Some(digest.clone()),
        ..rule("pin", matcher, action)
    };
    let rules = RuleSet::compile(&[
        pinned(Matcher::Exact("nginx:1".into()), Action::Pin),
        pinned(Matcher::Repository("quay.io/a".into()), to("reg.corp")),
        host("hub", "docker.io", to("hub.corp")),
    ])
    .unwrap();
    rewrites(&rules, "nginx:1", &format!("nginx:1@{digest}"));
    assert_eq!(
        outcome(&rules, &format!("nginx:1@{digest}")),
        Outcome::AlreadyThere
    );
    // Another digest is another image: the exact rule does not take it.
    rewrites(
        &rules,
        &format!("nginx:1@{other}"),
        &format!("hub.corp/library/nginx:1@{other}"),
    );
    rewrites(&rules, "quay.io/a:1", &format!("reg.corp/a:1@{digest}"));
    rewrites(
        &rules,
        &format!("quay.io/a@{other}"),
        &format!("reg.corp/a@{digest}"),
    );
    // What another rule would take again is refused, not written.
    let chased = RuleSet::compile(&[
        host("hub", "docker.io", to("hub.corp")),
        rule("never", Matcher::Any, Action::Keep),
    ]);
    assert!(chased.is_ok());
    let chased = RuleSet::compile(&[
        template(
            "one",
            Matcher::Exact(format!("nginx:1@{digest}")),
            "reg.corp/{path}",
        ),
        pinned(Matcher::Exact("nginx:1".into()), Action::Pin),
    ])
    .unwrap();
    assert!(
        matches!(outcome(&chased, "nginx:1"), Outcome::Unusable { why, .. } if why.contains("rule 'one'"))
    );
}

#[test]
fn every_rule_that_was_asked_says_why_it_does_not_decide() {
    let mut scoped = host("env", "quay.io", to("mirror.corp/env"));
    scoped.scope.kinds = vec!["Pod".to_owned()];
    let rules = RuleSet::compile(&[
        host("hub", "docker.io", Action::Keep),
        scoped,
        host("quay", "quay.io", to(TARGET)),
    ])
    .unwrap();
    let reference = ImageReference::parse("quay.io/x").unwrap();
    let explained = rules.explain(&reference, None);
    assert_eq!(explained.by.unwrap().rule.id, "quay");
    let before: Vec<_> = explained
        .before
        .iter()
        .map(|asked| asked.why.as_str())
        .collect();
    assert_eq!(
        before,
        [
            "not taken by host docker.io",
            "taken, but the rule is for kind Pod only"
        ]
    );
    let done = ImageReference::parse(&format!("{TARGET}/x")).unwrap();
    let explained = rules.explain(&done, None);
    assert_eq!(
        explained.by.unwrap().why,
        format!("it stands under {TARGET}")
    );
    assert!(explained.before.is_empty());
}
