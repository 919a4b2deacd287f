use crate::image_ref::ImageReference;
use crate::rules::samples::{TARGET, host, rule, template, to};
use crate::rules::{Action, Matcher, Meeting, RuleSet, RuleSpec};

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

/// Runtimes pull `latest` where no tag is written.
#[test]
fn with_the_latest_tag_written_and_not_two_images_meet() {
    let rules = RuleSet::compile(&[rule("all", Matcher::Any, to(TARGET))]).unwrap();
    let mut meeting = Meeting::default();
    for image in ["quay.io/a/b:latest", "a/b", "quay.io/a/b"] {
        let reference = ImageReference::parse(image).unwrap();
        meeting.note(&reference, &rules.decide(&reference));
    }
    let collisions = meeting.collisions();
    assert_eq!(collisions[0].target, format!("{TARGET}/a/b:latest"));
    let sources: Vec<_> = collisions[0].sources.keys().collect();
    assert_eq!(sources, ["docker.io/a/b", "quay.io/a/b:latest"]);
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
    let address = rule("b", Matcher::Glob("[fc00::1]:*/**".into()), Action::Deny);
    assert!(RuleSet::compile(&[sub.clone(), address]).is_ok());
    for matcher in [
        Matcher::Host("quay-io.reg.corp".into()),
        Matcher::Glob("redhat-*.reg.corp/**".into()),
        Matcher::Regex(r"redhat-io\.reg\.corp/.*".into()),
    ] {
        let taker = rule("b", matcher, Action::Deny);
        assert!(
            RuleSet::compile(&[sub.clone(), taker.clone()]).is_err(),
            "{taker:?}"
        );
    }
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
    let apart = |id, source| template(id, Matcher::Host(source), "reg.corp/{host}/{path}");
    assert_eq!(
        warned(&[apart("a", "quay.io".into()), apart("b", "ghcr.io".into())]),
        0
    );
    // Different parts of two registries cannot meet.
    assert_eq!(warned(&[part("a", "quay.io/a"), part("b", "ghcr.io/b")]), 0);
    assert_eq!(
        warned(&[part("a", "quay.io/a"), part("b", "ghcr.io/a/b")]),
        1
    );
}

#[test]
fn a_target_within_another_one_is_a_warning_where_images_can_meet() {
    let warned = |specs: &[RuleSpec]| -> Vec<String> {
        let warnings = RuleSet::compile(specs).unwrap().warnings();
        let shown = warnings.iter().map(ToString::to_string);
        shown.collect()
    };
    let outer = |matcher| rule("a", matcher, to("reg.corp/x"));
    let inner = host("b", "docker.io", to("reg.corp/x/docker"));
    let everything_of_quay = outer(Matcher::Host("quay.io".into()));
    let said = "a and b: host quay.io goes to reg.corp/x, and host docker.io to reg.corp/x/docker: \
                docker/X of host quay.io and X of host docker.io would be one";
    assert_eq!(warned(&[everything_of_quay.clone(), inner.clone()]), [said]);
    // In the other order they meet as well, and the first is named first.
    let turned = warned(&[inner.clone(), everything_of_quay]);
    assert!(
        turned[0].starts_with("b and a: host docker.io goes to"),
        "{turned:?}"
    );
    for (matcher, can_meet) in [
        (Matcher::Prefix("quay.io/docker".into()), true),
        (Matcher::Prefix("quay.io/brancz".into()), false),
        (
            Matcher::Repository("quay.io/docker/library/nginx".into()),
            true,
        ),
        (Matcher::Repository("quay.io/docker/nginx".into()), false),
        (
            Matcher::Exact("quay.io/docker/library/nginx:1".into()),
            true,
        ),
        (Matcher::Glob("quay.io/d*/**".into()), true),
        (Matcher::Glob("quay.io/b*/**".into()), false),
        (Matcher::Any, false),
    ] {
        let specs = [outer(matcher.clone()), inner.clone()];
        assert_eq!(warned(&specs).len(), usize::from(can_meet), "{matcher}");
    }
    // Docker Hub has two components and quay.io at least as many: neither stands below the other's.
    let hub = host("a", "docker.io", to("reg.corp"));
    assert!(warned(&[hub.clone(), host("b", "quay.io", to("reg.corp/quay"))]).is_empty());
    assert_eq!(
        warned(&[hub, host("b", "registry.k8s.io", to("reg.corp/library"))]).len(),
        1
    );
    // A template is told apart by what it writes down.
    let by_host = template(
        "a",
        Matcher::Host("quay.io".into()),
        "reg.corp/{host}/{path}",
    );
    assert!(warned(&[by_host.clone(), host("b", "ghcr.io", to("reg.corp/ghcr"))]).is_empty());
    assert_eq!(
        warned(&[by_host, host("b", "ghcr.io", to("reg.corp/quay.io"))]).len(),
        1
    );
    let by_name = |text| template("a", Matcher::Host("quay.io".into()), text);
    let named = host("b", "ghcr.io", to("reg.corp/x"));
    assert!(warned(&[by_name("reg.corp/y-{name}"), named.clone()]).is_empty());
    assert_eq!(
        warned(&[by_name("reg.corp/x/y-{path_nolib}"), named]).len(),
        1
    );
}

/// A template makes a host of every registry: an expression may name any of them.
#[test]
fn an_expression_that_names_a_generated_host_is_refused() {
    let maker = template("a", Matcher::Any, "{host_slug}.mirror.corp/{path}");
    let second = |text: &str| rule("b", Matcher::Regex(text.into()), to("other.corp"));
    for text in [
        r"(gcr|k8s)-io\.mirror\.corp/.*",
        r"[a-z]+-redhat-io\.mirror\.corp/team/.*",
        r"docker-io\.mirror\.corp/.*",
    ] {
        let problems = RuleSet::compile(&[second(text), maker.clone()]).unwrap_err();
        let ids: Vec<_> = problems[0].rules.iter().map(|rule| &rule.id).collect();
        assert_eq!(ids, ["a", "b"], "{text}");
    }
    for text in [r"quay\.io/.*", r"mirror\.corp/.*", r"a_b\.mirror\.corp/.*"] {
        let rules = RuleSet::compile(&[second(text), maker.clone()]);
        assert!(rules.is_ok(), "{text}: {:?}", rules.err());
    }
}
