use serde_json::{Value, json};

use super::*;
use crate::object::{ObjectRef, Pointer};
use crate::observe::Found;
use crate::plan::adopt::{hand_edits, snippet};

fn edit(name: &str, before: &str, after: &str) -> HandEdit {
    HandEdit {
        object: ObjectRef::new("apps/v1", "Deployment", Some("n"), name),
        pointer: Pointer::new("/spec/template/spec/containers/0/image"),
        place: "container c".into(),
        manager: "kubectl-set".into(),
        time: None,
        before: (!before.is_empty()).then(|| before.to_owned()),
        known_from: None,
        after: after.to_owned(),
    }
}

fn offered(edits: &[(&str, &str)], present: &[RuleSpec], standing: &[&str]) -> Adoption {
    let edits = edits.iter().map(|(before, after)| edit("d", before, after));
    let standing: Vec<String> = standing.iter().map(|image| (*image).to_owned()).collect();
    offer(edits.collect(), present, false, &standing)
}

fn shown(adoption: &Adoption) -> Vec<String> {
    let rules = adoption.rules.iter();
    rules
        .map(|rule| format!("{} {} → {}", rule.matcher, rule.source, rule.rewrite))
        .collect()
}

#[test]
fn the_most_general_rule_that_does_it_is_offered() {
    /// Edits by hand, other images, the rules.
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str], &'a [&'a str]);
    let cases: [Case<'_>; 6] = [
        (
            &[
                ("quay.io/brancz/p:1", "r.corp/brancz/p:1"),
                ("quay.io/a/b:1", "r.corp/a/b:2"),
            ],
            &[],
            &["host quay.io → r.corp"],
        ),
        (
            &[("quay.io/brancz/p:1", "r.corp/quay/brancz/p:1")],
            &["docker:dind"],
            &["host quay.io → r.corp/quay"],
        ),
        // Another image of the host works as it is: only what was moved is taken.
        (
            &[("nginx:1", "r.corp/library/nginx:1")],
            &["docker:dind", "nginx:1"],
            &["repository docker.io/library/nginx → r.corp"],
        ),
        (
            &[
                ("quay.io/a/b:1", "r.corp/one/a/b:1"),
                ("quay.io/c/d:1", "r.corp/two/c/d:1"),
            ],
            &[],
            &[
                "repository quay.io/a/b → r.corp/one",
                "repository quay.io/c/d → r.corp/two",
            ],
        ),
        (&[("quay.io/a/b:1", "quay.io/a/b:2")], &[], &[]),
        (&[("nginx:1", "r.corp/apache:1")], &[], &[]),
    ];
    for (edits, standing, rules) in cases {
        let adoption = offered(edits, &[], standing);
        assert_eq!(shown(&adoption), rules, "{adoption:?}");
        assert!(!adoption.has_conflicts());
    }
}

#[test]
fn an_image_that_went_two_ways_is_a_conflict() {
    let adoption = offered(
        &[
            ("quay.io/a/b:1", "r.corp/a/b:1"),
            ("quay.io/a/b:1", "s.corp/a/b:1"),
            ("quay.io/c/d:1", "r.corp/c/d:1"),
        ],
        &[],
        &[],
    );
    assert_eq!(shown(&adoption), ["repository quay.io/c/d → r.corp"]);
    assert!(adoption.has_conflicts());
    assert_eq!(adoption.passed[0].edits.len(), 2);
}

#[test]
fn what_the_rules_say_already_or_forbid_is_not_offered() {
    let host = |id: &str, host: &str, action: Action| {
        RuleSpec::new(id, Matcher::Host(host.to_owned()), action)
    };
    let rewrite = |target: &str| Action::Rewrite {
        target: target.to_owned(),
        drop_library: false,
    };
    let edits = [("quay.io/a/b:1", "r.corp/a/b:1")];
    let known = offered(
        &edits,
        &[host("registry.map[0]", "quay.io", rewrite("r.corp"))],
        &[],
    );
    assert_eq!((known.known, known.rules.len()), (1, 0));
    // The map comes behind the list, so that a new rule of the list decides before it.
    let over = offered(
        &edits,
        &[host("registry.map[0]", "quay.io", rewrite("s.corp"))],
        &[],
    );
    assert_eq!(shown(&over), ["host quay.io → r.corp"]);
    let kept = offered(
        &edits,
        &[host("registry.rules[0]", "quay.io", Action::Keep)],
        &[],
    );
    assert!(
        kept.passed[0]
            .why
            .contains("registry.rules[0] takes quay.io/a/b first"),
        "{kept:?}"
    );
    // Its target is the source of another rule.
    let loops = offered(
        &edits,
        &[host("registry.map[0]", "r.corp", rewrite("s.corp"))],
        &[],
    );
    assert!(
        loops.passed[0].why.contains("does not go with the others"),
        "{loops:?}"
    );
}

fn live(image: &str, manager: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "n",
            "annotations": {"deployment.kubernetes.io/revision": "3"},
            "managedFields": [{"manager": manager, "operation": "Update", "time": "2026-11-26T20:00:00Z",
                "fieldsV1": {"f:spec": {"f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"c\"}": {"f:image": {}}}}}}}}]},
        "spec": {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}})
}

fn revision(number: u32, image: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"annotations": {"deployment.kubernetes.io/revision": number.to_string()}},
        "spec": {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}})
}

#[test]
fn an_edit_that_no_controller_has_seen_yet_follows_the_revision_that_is_named() {
    let mut object = live("r.corp/a/b:1", "kubectl-set");
    object["metadata"]["generation"] = json!(2);
    object["status"] = json!({"observedGeneration": 1});
    let history = vec![revision(3, "quay.io/a/b:1")];
    let edits = hand_edits(&Found { object, history }, &[]);
    assert_eq!(edits[0].before.as_deref(), Some("quay.io/a/b:1"));
}

#[test]
fn what_stood_there_is_found_behind_upgrades_too() {
    let found = Found {
        object: live("r.corp/a/b:2", "kubectl-set"),
        history: vec![
            revision(3, "r.corp/a/b:2"),
            revision(1, "quay.io/a/b:1"),
            revision(2, "r.corp/a/b:1"),
        ],
    };
    let edits = hand_edits(&found, &[]);
    assert_eq!(edits[0].before.as_deref(), Some("quay.io/a/b:1"));
    assert_eq!(edits[0].known_from.as_deref(), Some("revision 1"));
    let adoption = offer(edits, &[], false, &[]);
    assert_eq!(
        snippet(&adoption.rules),
        "registry:\n  rules:\n    # Deployment n/d, container c: quay.io/a/b:1 → r.corp/a/b:2\n    #   by kubectl-set at 2026-11-26T20:00:00Z; what stood there is known from revision 1\n    - host: quay.io\n      rewrite: r.corp\n"
    );
}

#[test]
fn only_people_and_whom_one_names_are_taken() {
    let found = |manager: &str| Found {
        object: live("r.corp/brancz/kube-rbac-proxy:v0.8.0", manager),
        history: Vec::new(),
    };
    assert!(hand_edits(&found("kubectl-client-side-apply"), &[]).is_empty());
    assert!(hand_edits(&found("argocd-controller"), &[]).is_empty());
    assert_eq!(
        hand_edits(&found("deploy.sh"), &["deploy.sh".to_owned()]).len(),
        1
    );
    // Without any history ARC's own images are still known.
    let edits = hand_edits(&found("rancher"), &[]);
    assert_eq!(
        edits[0].before.as_deref(),
        Some("quay.io/brancz/kube-rbac-proxy:v0.8.0")
    );
    assert_eq!(edits[0].known_from.as_deref(), Some("ARC's releases"));
}
