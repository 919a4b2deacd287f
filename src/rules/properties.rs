//! What holds for any list of rules that can be compiled, and any image.

use std::ops::Range;

use proptest::prelude::*;

use super::*;
use crate::image_ref::ImageReference;

fn host() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "docker.io",
        "index.docker.io",
        "quay.io",
        "ghcr.io",
        "reg.corp",
        "quay-io.reg.corp",
        "localhost:5000",
        "Mirror",
    ])
    .prop_map(str::to_owned)
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop::sample::select(vec!["a", "b", "library", "quay", "x-y"]),
        1..4,
    )
    .prop_map(|components| components.join("/"))
}

const DIGESTS: [&str; 2] = [
    "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
];

fn image() -> impl Strategy<Value = String> {
    let tag = prop::option::of(prop::sample::select(vec!["1", "v2.0", "latest"]));
    let digest = prop::option::of(prop::sample::select(DIGESTS.to_vec()));
    (prop::option::of(host()), path(), tag, digest).prop_map(|(host, path, tag, digest)| {
        let host = host.map_or_else(String::new, |host| host + "/");
        let tag = tag.map_or_else(String::new, |tag| format!(":{tag}"));
        let digest = digest.map_or_else(String::new, |digest| format!("@{digest}"));
        [host, path, tag, digest].concat()
    })
}

fn matcher() -> impl Strategy<Value = Matcher> {
    let globs = vec![
        "*.io",
        "*.corp/**",
        "**",
        "**/a/**",
        "quay.io/*",
        "*/library/*",
    ];
    let expressions = vec![
        r"(quay|ghcr)\.io/.*",
        r".*/a(:.*)?(@.*)?",
        r"[^/]+/library/.*",
        r".*:v2\..*",
        r"reg\.corp/quay/.*",
        r".*@sha256:a+",
    ];
    prop_oneof![
        image().prop_map(Matcher::Exact),
        (host(), path()).prop_map(|(host, path)| Matcher::Repository(format!("{host}/{path}"))),
        (host(), path()).prop_map(|(host, path)| Matcher::Prefix(format!("{host}/{path}"))),
        host().prop_map(Matcher::Host),
        prop::sample::select(globs).prop_map(|glob| Matcher::Glob(glob.to_owned())),
        prop::sample::select(expressions).prop_map(|text| Matcher::Regex(text.to_owned())),
        Just(Matcher::Any),
    ]
}

fn target() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => host(),
        3 => (host(), path()).prop_map(|(host, path)| format!("{host}/{path}")),
        4 => prop::sample::select(vec![
            "{host_slug}.reg.corp/{path}",
            "x-{host_slug}.reg.corp/k/{path_nolib}",
            "{host}.mirror.corp/{name}",
            "reg.corp/{host}/{path}",
            "reg.corp/{host_slug}-{name}",
            "reg.corp/a/{path}:{tag}-corp",
            "reg.corp/{path}@{digest}",
            "docker.io/{name}",
            "quay.io/mirror/{path_nolib}",
            "reg.corp/fixed:{tag}",
        ])
        .prop_map(str::to_owned),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        5 => (target(), any::<bool>())
            .prop_map(|(target, drop_library)| Action::Rewrite { target, drop_library }),
        1 => Just(Action::Keep),
        1 => Just(Action::Deny),
        2 => Just(Action::Pin),
    ]
}

fn scope() -> impl Strategy<Value = Scope> {
    let somewhere = Scope {
        kinds: vec!["Pod".to_owned()],
        ..Scope::default()
    };
    prop_oneof![4 => Just(Scope::default()), 1 => Just(somewhere)]
}

fn rules() -> impl Strategy<Value = Vec<RuleSpec>> {
    rules_of(1..6)
}

/// Enough of them that many have to do with each other.
pub(super) fn many_rules() -> impl Strategy<Value = Vec<RuleSpec>> {
    rules_of(1..40)
}

fn rules_of(number: Range<usize>) -> impl Strategy<Value = Vec<RuleSpec>> {
    let pin = prop::option::of(prop::sample::select(DIGESTS.to_vec()));
    let rule = (matcher(), action(), scope(), pin).prop_map(|(matcher, action, scope, pin)| {
        let pin = match &action {
            Action::Pin => Some(DIGESTS[0]),
            Action::Rewrite { .. } => pin,
            Action::Keep | Action::Deny => None,
        };
        RuleSpec {
            pin: pin.map(str::to_owned),
            scope,
            ..RuleSpec::new("", matcher, action)
        }
    });
    prop::collection::vec(rule, number).prop_map(|mut rules| {
        for (index, rule) in rules.iter_mut().enumerate() {
            rule.id = format!("rule {index}");
        }
        rules
    })
}

/// What the rules make of an image as it is written.
fn rewrite(rules: &RuleSet, image: &str) -> String {
    let place = Place {
        kind: "Pod",
        namespace: None,
        field: "/spec/containers/0/image",
    };
    let decided = ImageReference::parse(image).map(|reference| rules.decide_at(&reference, &place));
    match decided {
        Ok(Decision {
            outcome: Outcome::Rewritten(result),
            ..
        }) => result,
        _ => image.to_owned(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn rewriting_twice_is_rewriting_once(rules in rules(), images in prop::collection::vec(image(), 1..12)) {
        if let Ok(rules) = RuleSet::compile(&rules) {
            for image in images {
                let once = rewrite(&rules, &image);
                let twice = rewrite(&rules, &once);
                prop_assert_eq!(&twice, &once, "{}", image);
                let name = ImageReference::parse(&once).unwrap().name();
                prop_assert!(name.len() <= crate::image_ref::NAME_LIMIT);
            }
        }
    }

    #[test]
    fn what_is_explained_is_what_is_decided(rules in rules(), image in image()) {
        if let Ok(rules) = RuleSet::compile(&rules) {
            let reference = ImageReference::parse(&image).unwrap();
            let explained = rules.explain(&reference, None);
            prop_assert_eq!(&explained.decision, &rules.decide(&reference));
            let by = explained.by.map(|by| by.rule.id);
            prop_assert_eq!(by, explained.decision.rule);
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_text_in_a_rule_is_answered(text in "\\PC{0,60}", image in image()) {
        let matchers = [
            Matcher::Exact(text.clone()),
            Matcher::Repository(text.clone()),
            Matcher::Prefix(text.clone()),
            Matcher::Host(text.clone()),
            Matcher::Glob(text.clone()),
            Matcher::Regex(text.clone()),
        ];
        let to = |target: &str| Action::Rewrite { target: target.to_owned(), drop_library: false };
        let braced = format!("reg.corp/{{{text}}}");
        for target in ["reg.corp", &text, &braced, &format!("{text}{{path}}")] {
            for matcher in &matchers {
                let rule = RuleSpec {
                    scope: Scope { fields: vec![text.clone()], kinds: vec![text.clone()], ..Scope::default() },
                    pin: Some(text.clone()),
                    ..RuleSpec::new("a", matcher.clone(), to(target))
                };
                let plain = RuleSpec::new("b", matcher.clone(), to(target));
                for rules in [vec![rule], vec![plain]] {
                    if let Ok(rules) = RuleSet::compile(&rules) {
                        let _ = rewrite(&rules, &image);
                    }
                }
            }
        }
    }
}

/// The property is worth something only where rules are compiled and images rewritten.
#[test]
fn the_generated_rules_are_mostly_usable() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let (mut compiled, mut changed, mut templates) = (0, 0, 0);
    for _ in 0..400 {
        let specs = rules().new_tree(&mut runner).unwrap().current();
        let Ok(rules) = RuleSet::compile(&specs) else {
            continue;
        };
        compiled += 1;
        for _ in 0..5 {
            let image = image().new_tree(&mut runner).unwrap().current();
            if rewrite(&rules, &image) != image {
                changed += 1;
                templates += usize::from(specs.iter().any(
                    |spec| matches!(&spec.action, Action::Rewrite { target, .. } if target.contains('{')),
                ));
            }
        }
    }
    assert!(
        compiled > 80 && changed > 80 && templates > 20,
        "{compiled} {changed} {templates}"
    );
}
