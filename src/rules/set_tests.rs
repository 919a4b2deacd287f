use super::*;
use crate::rules::{Action, Matcher, Meeting, Scope};

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
        let ids: Vec<_> = problems[0].rules.iter().map(|rule| &rule.id).collect();
        assert_eq!(ids, ["a", "b"]);
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
        .map(|problem| problem.rules[0].id.as_str())
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

/// A pin makes one image of every version of a repository, and none of two repositories.
#[test]
fn what_a_pin_makes_one_does_not_collide() {
    let digest = |letter: &str| format!("sha256:{}", letter.repeat(64));
    let mut pin = rule("pin", Matcher::Repository("docker".into()), Action::Pin);
    pin.pin = Some(digest("0"));
    let mut all = rule("all", Matcher::Any, to(TARGET));
    all.pin = Some(digest("1"));
    let rules = RuleSet::compile(&[pin, all]).unwrap();
    let met = |images: &[&str]| {
        let mut meeting = Meeting::default();
        for image in images {
            let reference = ImageReference::parse(image).unwrap();
            meeting.note(&reference, &rules.decide(&reference));
        }
        meeting.collisions()
    };
    let pinned = format!("docker:dind@{}", digest("2"));
    assert_eq!(
        met(&["docker:dind", &pinned, "docker.io/library/docker:dind"]),
        []
    );
    let met = met(&["quay.io/a/b:1", "a/b:1"]);
    let sources: Vec<_> = met[0].sources.keys().collect();
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

fn template(id: &str, matcher: Matcher, target: &str) -> RuleSpec {
    rule(id, matcher, to(target))
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
fn an_expression_that_names_a_target_is_refused_and_one_for_every_host_is_not() {
    let maker = || host("a", "quay.io", to("mirror.corp/quay"));
    for expression in [r"(mirror|other)\.corp/.*", r"mirror\.corp/quay/x:1", r"m.*"] {
        let taker = rule("b", Matcher::Regex(expression.into()), Action::Deny);
        let problems = RuleSet::compile(&[maker(), taker]).unwrap_err();
        assert!(
            problems[0].message.contains("mirror.corp/quay"),
            "{expression}"
        );
    }
    for expression in [
        r".*",
        r"[^/]+/library/.*",
        r"ghcr\.io/.*",
        r"mirror\.corp/old/.*",
    ] {
        let taker = rule("b", Matcher::Regex(expression.into()), Action::Deny);
        assert!(RuleSet::compile(&[maker(), taker]).is_ok(), "{expression}");
    }
    let everything = rule("b", Matcher::Glob("**".into()), to("reg.corp"));
    assert!(RuleSet::compile(&[maker(), everything]).is_ok());
    let sub = template("a", Matcher::Any, "{host_slug}.reg.corp/{path}");
    let taker = host("b", "quay-io.reg.corp", Action::Deny);
    assert!(RuleSet::compile(&[sub, taker]).is_err());
}

#[test]
fn two_sources_in_one_place_are_a_warning_with_both_names() {
    let warned = |specs: &[RuleSpec]| RuleSet::compile(specs).unwrap().warnings().len();
    let (quay, ghcr) = (
        host("a", "quay.io", to("reg.corp")),
        host("b", "ghcr.io", to("reg.corp")),
    );
    let warnings = RuleSet::compile(&[quay.clone(), ghcr]).unwrap().warnings();
    let ids: Vec<_> = warnings[0].rules.iter().map(|rule| &rule.id).collect();
    assert_eq!(ids, ["a", "b"]);
    assert!(
        warnings[0]
            .message
            .contains("host quay.io and host ghcr.io")
    );
    // Parts of one registry keep their own paths; one place for everything is what a catch-all is for.
    let part = |id, path: &str| rule(id, Matcher::Prefix(path.into()), to("reg.corp"));
    assert_eq!(warned(&[part("a", "quay.io/a"), part("b", "quay.io/b")]), 0);
    assert_eq!(
        warned(&[quay.clone(), rule("b", Matcher::Any, to("reg.corp"))]),
        0
    );
    assert_eq!(
        warned(&[quay, host("b", "ghcr.io", to("reg.corp/ghcr"))]),
        0
    );
    let apart = |id, source| template(id, Matcher::Host(source), "reg.corp/{host}/{path}");
    assert_eq!(
        warned(&[apart("a", "quay.io".into()), apart("b", "ghcr.io".into())]),
        0
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
