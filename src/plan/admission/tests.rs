use serde_json::json;

use super::*;
use crate::object::Common;
use crate::rules::{Action, Matcher, RuleSet, RuleSpec, Scope};
use crate::yaml;

fn rules() -> RuleSet {
    let rule = |id: &str, matcher, action| RuleSpec::new(id, matcher, action);
    let to = |target: &str, drop_library| Action::Rewrite {
        target: target.to_owned(),
        drop_library,
    };
    RuleSet::compile(&[
        rule("one", Matcher::Exact("quay.io/a/b:1".into()), Action::Keep),
        rule(
            "it's",
            Matcher::Repository("quay.io/a/b".into()),
            Action::Deny,
        ),
        rule(
            "quay",
            Matcher::Host("quay.io".into()),
            to("mirror.corp/quay", false),
        ),
        rule(
            "gcr",
            Matcher::Glob("*.gcr.io/**".into()),
            to("mirror.corp/gcr", false),
        ),
        rule("rest", Matcher::Any, to("mirror.corp/all", true)),
    ])
    .unwrap()
}

fn admission<'a>(
    rules: &'a RuleSet,
    common: &'a Common,
    namespaces: &'a [String],
) -> Admission<'a> {
    Admission {
        install: "arc",
        home: "arc-systems",
        common,
        namespaces,
        rules,
        failing: Failing::Open,
        api: Api::V1,
    }
}

#[test]
fn the_policies_are_as_they_were_read() {
    let (rules, common) = (rules(), Common::default());
    let namespaces = ["arc-runners".to_owned(), "big-runners".to_owned()];
    let manifests = policies(&admission(&rules, &common, &namespaces)).unwrap();
    let texts: Vec<String> = manifests
        .iter()
        .map(|manifest| yaml::to_string(&manifest.object))
        .collect();
    insta::assert_snapshot!(texts.join("---\n"));
}

#[test]
fn closed_means_that_pods_are_refused_in_both_policies() {
    let (rules, common) = (rules(), Common::default());
    let namespaces = ["arc-runners".to_owned()];
    let closed = Admission {
        failing: Failing::Closed,
        api: Api::V1Beta1,
        ..admission(&rules, &common, &namespaces)
    };
    let manifests = policies(&closed).unwrap();
    let versions: Vec<String> = manifests
        .iter()
        .map(|manifest| manifest.reference().api_version)
        .collect();
    let (v1, beta) = (
        "admissionregistration.k8s.io/v1",
        "admissionregistration.k8s.io/v1beta1",
    );
    assert_eq!(versions, [beta, beta, v1, v1]);
    for policy in [&manifests[0], &manifests[2]] {
        assert_eq!(policy.text("/spec/failurePolicy"), Some("Fail"));
    }
    let actions = manifests[3].object.pointer("/spec/validationActions");
    assert_eq!(actions, Some(&json!(["Deny"])));
}

#[test]
fn a_probe_has_an_example_of_each_rule_that_rewrites() {
    let rules = rules();
    let probe = probe(&rules, "arc-runners").unwrap();
    let ids: Vec<&str> = probe
        .expected
        .iter()
        .map(|proof| proof.rule.as_str())
        .collect();
    assert_eq!(ids, ["quay", "gcr", "rest"]);
    // The first rule of which something cannot be rewritten.
    let caught = probe.caught.as_ref().unwrap();
    let image = caught["spec"]["containers"][0]["image"].as_str().unwrap();
    assert_eq!(image, format!("quay.io/{}", "a".repeat(255)));
    let mut answer = probe.pod.clone();
    assert_eq!(probe.missed(&answer).len(), 3);
    for (index, proof) in probe.expected.iter().enumerate() {
        answer["spec"]["containers"][index]["image"] = json!(proof.to);
    }
    assert!(probe.missed(&answer).is_empty());
    let keep = RuleSpec::new("keep", Matcher::Any, Action::Keep);
    assert!(super::probe(&RuleSet::compile(&[keep]).unwrap(), "x").is_none());
}

#[test]
fn a_rule_stands_in_the_table_where_it_can_apply_and_says_where() {
    let scoped = |id: &str, kinds: &[&str], namespaces: &[&str], fields: &[&str]| {
        let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let action = Action::Rewrite {
            target: "mirror.corp".to_owned(),
            drop_library: false,
        };
        let mut rule = RuleSpec::new(id, Matcher::Host("quay.io".into()), action);
        rule.scope = Scope {
            kinds: list(kinds),
            namespaces: list(namespaces),
            fields: list(fields),
        };
        rule
    };
    let rules = RuleSet::compile(&[
        scoped("deployments", &["Deployment"], &[], &[]),
        scoped("elsewhere", &[], &["prod-*"], &[]),
        scoped("one", &["P*"], &["arc-*"], &[]),
        scoped(
            "both",
            &[],
            &["*-runners"],
            &["/spec/**/env/**", "/spec/volumes/**"],
        ),
    ])
    .unwrap();
    let namespaces = ["arc-runners".to_owned(), "big-runners".to_owned()];
    let table = table::Table::of(&rules, &namespaces).unwrap();
    insta::assert_snapshot!(table.rows, @r"
    [
      {'rule': 'one', 'takes': 'below', 'what': 'quay.io/', 'namespaces': '^(?:arc-runners)$', 'does': 'rewrite', 'to': 'mirror.corp/{path}', 'tail': '{:tag}{@digest}'},
      {'rule': 'both', 'takes': 'below', 'what': 'quay.io/', 'fields': '^//spec(?:/[^/]*)*/env(?:/[^/]*)*$|^//spec/volumes(?:/[^/]*)*$', 'does': 'rewrite', 'to': 'mirror.corp/{path}', 'tail': '{:tag}{@digest}'}
    ]
    ");
}

#[test]
fn templates_expressions_and_pins_bring_their_expressions() {
    let to = |target: &str| Action::Rewrite {
        target: target.to_owned(),
        drop_library: false,
    };
    let pin = format!("sha256:{}", "0a".repeat(32));
    let pinned = |id: &str, matcher, action| RuleSpec {
        pin: Some(pin.clone()),
        ..RuleSpec::new(id, matcher, action)
    };
    let expression = |text: &str| Matcher::Regex(text.to_owned());
    let rules = RuleSet::compile(&[
        pinned(
            "pin",
            Matcher::Repository("quay.io/a/b".into()),
            Action::Pin,
        ),
        pinned(
            "both",
            Matcher::Repository("quay.io/c".into()),
            to("reg.corp/pinned"),
        ),
        RuleSpec::new(
            "slug",
            expression(r"quay\.io/[a-z&&[^x]]+/.*"),
            to("{host_slug}.mirror.corp/k/{path}"),
        ),
        RuleSpec::new(
            "tag",
            Matcher::Host("ghcr.io".into()),
            to("reg.corp/gh/{path}:{tag}"),
        ),
    ])
    .unwrap();
    let common = Common::default();
    let namespaces = ["arc-runners".to_owned()];
    let manifests = policies(&admission(&rules, &common, &namespaces)).unwrap();
    insta::assert_snapshot!(yaml::to_string(&manifests[0].object["spec"]["variables"]));
}

#[test]
fn what_the_api_server_cannot_say_is_refused_with_the_rule() {
    let to = |target: &str| Action::Rewrite {
        target: target.to_owned(),
        drop_library: false,
    };
    let regex = |text: &str| Matcher::Regex(text.to_owned());
    let rules = RuleSet::compile(&[
        RuleSpec::new("word", regex(r"quay\.io/\b{start}x"), to("reg.corp")),
        RuleSpec::new(
            "hub",
            Matcher::Host("ghcr.io".into()),
            to("docker.io/corp/{name}"),
        ),
    ])
    .unwrap();
    let common = Common::default();
    let namespaces = ["arc-runners".to_owned()];
    let refused = policies(&admission(&rules, &common, &namespaces)).unwrap_err();
    let failure = unspeakable(&refused);
    let why = failure.details().why.join("\n");
    assert!(
        why.contains("word: the API server has no beginning"),
        "{why}"
    );
    assert!(
        why.contains("hub: a template whose target is Docker Hub"),
        "{why}"
    );
}
