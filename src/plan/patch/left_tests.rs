//! What is left as it is, and that it is said.

use super::*;
use crate::object::pods::CustomKinds;

fn pod(spec: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"}, "spec": spec})
}

fn web(containers: &Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "n"},
        "spec": {"template": {"spec": {"containers": containers}}}})
}

fn there() -> String {
    format!("{TARGET}/a/b:1")
}

fn decided(object: &Value, rules: &RuleSet) -> Decided {
    decide(object, rules, &Wanted::default())
}

#[test]
fn an_image_that_stays_is_told_also_where_nothing_else_changes() {
    let container = json!({"name": "c", "image": there()});
    let mut arguments = container.clone();
    arguments["args"] = json!(["--x-image=quay.io/c/d:1"]);
    let mut variables = container.clone();
    variables["env"] = json!([{"name": "X_IMAGE", "value": "quay.io/c/d:1"}]);
    let pods = [
        json!({"containers": [container], "ephemeralContainers": [{"name": "e", "image": "quay.io/c/d:1"}]}),
        json!({"containers": [arguments]}),
        json!({"containers": [variables]}),
        json!({"containers": [container], "volumes": [{"name": "v", "image": {"reference": "quay.io/c/d:1"}}]}),
    ];
    for spec in pods {
        let decided = decided(&pod(&spec), &story());
        assert_eq!(decided.verdict, Verdict::Stays, "{spec}");
        assert!(
            decided.notes[0].contains("quay.io/c/d:1 stays"),
            "{:?}",
            decided.notes
        );
    }
    let malformed = web(&json!([{"name": "c", "image": "quay.io/Foo/Bar:1"}]));
    let malformed = decided(&malformed, &story());
    assert_eq!(malformed.verdict, Verdict::Stays);
    assert!(
        malformed.notes[0].contains("container c: left as it is"),
        "{:?}",
        malformed.notes
    );
}

#[test]
fn an_image_whose_registry_comes_later_is_told_without_a_rule() {
    let container = json!({"name": "c", "image": there(), "env": [{"name": "X_IMAGE", "value": "$(REGISTRY)/c/d:1"}]});
    let decided = decided(&web(&json!([container])), &story());
    assert_eq!(
        decided.notes,
        [
            "container c X_IMAGE: $(REGISTRY)/c/d:1 may be an image (its registry or path is put in later): not touched"
        ]
    );
}

#[test]
fn parts_that_no_key_can_pin_are_told() {
    let mut pin = rewrite("quay.io");
    pin.pin = Some(format!("sha256:{}", "0".repeat(64)));
    let rules = RuleSet::compile(&[pin]).unwrap();
    let object = json!({"apiVersion": "example.com/v1", "kind": "App", "metadata": {"name": "a"},
        "spec": {"image": {"repository": "quay.io/a/b"}}});
    let decided = decided(&object, &rules);
    assert_eq!(decided.verdict, Verdict::Stays);
    assert!(
        decided.notes[0].contains("no key there can say"),
        "{:?}",
        decided.notes
    );
}

#[test]
fn what_a_controller_makes_is_not_told_of() {
    let mut made = pod(
        &json!({"containers": [{"name": "c", "image": there(), "args": ["--x-image=quay.io/c/d:1"]}]}),
    );
    made["metadata"]["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "controller": true}]);
    assert!(matches!(decided(&made, &story()).verdict, Verdict::Made(_)));
}

#[test]
fn suspects_that_a_rule_would_take_are_told_and_change_nothing() {
    let script = "docker pull quay.io/c/d:1; docker pull ghcr.io/e/f:1";
    let object = web(&json!([{"name": "c", "image": there(), "command": ["sh", "-c", script]}]));
    let unchanged = decided(&object, &story());
    assert_eq!(unchanged.verdict, Verdict::Unchanged);
    let [note] = unchanged.notes.as_slice() else {
        panic!("{:?}: no rule takes ghcr.io", unchanged.notes)
    };
    assert!(
        note.contains("quay.io/c/d:1 may be an image") && note.contains("map quay.io"),
        "{note}"
    );
    // Beside a patch, too; what a controller makes is as its source is.
    let mut object = object;
    object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("quay.io/a/b:1");
    let decided_patch = decided(&object, &story());
    assert!(matches!(decided_patch.verdict, Verdict::Patch(_)));
    assert_eq!(decided_patch.notes, unchanged.notes);
    let mut made = pod(&object["spec"]["template"]["spec"]);
    made["spec"]["containers"][0]["image"] = json!(there());
    made["metadata"]["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "controller": true}]);
    assert_eq!(decided(&made, &story()).notes, Vec::<String>::new());
}

#[test]
fn of_many_suspects_some_are_named() {
    let script: Vec<String> = (0..1000)
        .map(|number| format!("docker pull quay.io/c/d:{number}"))
        .collect();
    let object =
        web(&json!([{"name": "c", "image": there(), "command": ["sh", "-c", script.join("\n")]}]));
    let notes = decided(&object, &story()).notes;
    assert_eq!(notes.len(), 9);
    assert!(notes[8].starts_with("992 more"), "{}", notes[8]);
}

/// Rollouts as their schema has them, and a kind of which only lists of containers are known.
fn kinds() -> CustomKinds {
    let mut container = json!({"name": {"type": "string"}, "image": {"type": "string"}});
    for key in [
        "command",
        "args",
        "env",
        "ports",
        "resources",
        "volumeMounts",
    ] {
        container[key] = json!({"type": "array", "items": {"type": "string"}});
    }
    let containers = json!({"type": "array", "items": {"type": "object", "properties": container}});
    let template = |more: &[&str]| {
        let mut spec = json!({"containers": containers});
        for key in more {
            spec[*key] = json!({"type": "array", "items": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
        }
        json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
            "template": {"type": "object", "properties": {"spec": {"type": "object", "properties": spec}}}}}}})
    };
    let mut kinds = CustomKinds::default();
    for (kind, schema) in [
        (
            "Rollout",
            template(&["volumes", "imagePullSecrets", "serviceAccountName"]),
        ),
        ("Bare", template(&[])),
    ] {
        kinds.read_object(&json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "x"}, "spec": {"group": "example.com", "names": {"kind": kind, "plural": "xs"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}]}}));
    }
    assert_eq!(kinds.iter().count(), 2);
    kinds
}

#[test]
fn a_custom_kinds_pod_gets_the_pull_secret_where_it_takes_one() {
    let kinds = kinds();
    let wanted = Wanted {
        pull_secret: Some("mirror"),
        custom_kinds: Some(&kinds),
        ..Wanted::default()
    };
    let object = |kind: &str| {
        json!({"apiVersion": "example.com/v1", "kind": kind, "metadata": {"name": "r", "namespace": "n"},
        "spec": {"template": {"spec": {"containers": [{"name": "c", "image": "quay.io/a/b:1"}]}}}})
    };
    let rollout = patch(&object("Rollout"), &story(), &wanted);
    assert_eq!(
        rollout.after["spec"]["template"]["spec"]["imagePullSecrets"],
        json!([{"name": "mirror"}])
    );
    let bare = decide(&object("Bare"), &story(), &wanted);
    assert!(matches!(bare.verdict, Verdict::Patch(_)));
    assert!(
        bare.notes
            .iter()
            .any(|note| note.contains("/spec/template/spec: mirror is not appended")),
        "{:?}",
        bare.notes
    );
}

#[test]
fn a_receipt_that_cannot_be_read_is_not_written_over() {
    let mut object = manager();
    object["metadata"]["annotations"] = json!({ORIGINAL_IMAGES: "{\"version\":3}"});
    let Verdict::Refused(reasons) = decided(&object, &story()).verdict else {
        panic!()
    };
    assert!(
        reasons[0].contains("a later arc-setup wrote it"),
        "{reasons:?}"
    );
    assert_eq!(undo(&object).verdict, Verdict::Refused(reasons));
}

#[test]
fn an_immutable_config_map_is_skipped() {
    let text =
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: c\n    image: quay.io/a/b:1\n";
    let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "namespace": "n"},
        "data": {"pod.yaml": text}});
    assert!(matches!(
        decided(&object, &story()).verdict,
        Verdict::Patch(_)
    ));
    object["immutable"] = json!(true);
    let Verdict::Skipped(why) = decided(&object, &story()).verdict else {
        panic!()
    };
    assert!(why.reason.contains("immutable"), "{why}");
    assert!(
        why.remedy.contains("kubectl delete configmap m -n n"),
        "{why}"
    );
}

#[test]
fn a_denied_image_is_refused_only_where_something_can_be_done() {
    let rules = RuleSet::compile(&[rule("docker.io", Action::Deny)]).unwrap();
    let spec = json!({"containers": [{"name": "c", "image": "docker.io/a/b:1"}]});
    let mut mirror = pod(&spec);
    mirror["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": "x"});
    let mut finished = pod(&spec);
    finished["status"] = json!({"phase": "Succeeded"});
    let mut made = pod(&spec);
    made["metadata"]["ownerReferences"] = json!([{"apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus", "name": "k8s", "controller": true}]);
    let job = |status: Value| {
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j", "namespace": "n"},
        "spec": {"template": {"spec": spec}}, "status": status})
    };
    let done = job(json!({"conditions": [{"type": "Complete", "status": "True"}]}));
    for (object, what) in [
        (&mirror, "static"),
        (&finished, "finished"),
        (&made, "made"),
        (&done, "finished"),
    ] {
        let decided = decided(object, &rules);
        let said = match &decided.verdict {
            Verdict::Skipped(why) => why.to_string(),
            Verdict::Made(maker) => maker.to_string(),
            other => panic!("{what}: {other:?}"),
        };
        assert!(said.contains(what), "{said}");
        assert!(
            decided.notes[0].contains("is denied by map docker.io"),
            "{what}: {:?}",
            decided.notes
        );
    }
    // A Job that still runs can be deleted.
    assert!(matches!(
        decided(&job(json!({})), &rules).verdict,
        Verdict::Refused(_)
    ));
}

/// A kind without pods, whose fields may be anything: only a person can tell, whoever owns the object and whatever a rule
/// says of it.
#[test]
fn what_may_be_an_image_of_a_kind_without_pods_is_left_and_told() {
    let mut kinds = CustomKinds::default();
    let text = json!({"type": "string"});
    let image = json!({"type": "object", "properties": {"repository": text, "tag": text}});
    kinds.read_object(&json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "spec": {"group": "example.com", "names": {"kind": "Proxy"}, "versions": [{"name": "v1", "served": true, "storage": true,
            "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object", "properties": {
                "image": image, "template": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}}}}}]}}));
    let proxy = |image: &str| {
        json!({"apiVersion": "example.com/v1", "kind": "Proxy", "metadata": {"name": "p", "namespace": "n"},
        "spec": {"image": {"repository": image, "tag": "v1"}}})
    };
    let mut owned = proxy("quay.io/a/b");
    owned["metadata"]["annotations"] =
        json!({"argocd.argoproj.io/tracking-id": "shop:example.com/Proxy:n/p"});
    let of_helm = json!({"meta.helm.sh/release-name": "r", "meta.helm.sh/release-namespace": "n"});
    let mut of_chart = owned.clone();
    of_chart["metadata"]["annotations"] = of_helm;
    let denied = RuleSpec::new("no", Matcher::Host("quay.io".to_owned()), Action::Deny);
    let deny = RuleSet::compile(&[denied]).unwrap();
    for (object, rules, force) in [
        (proxy("quay.io/a/b"), story(), false),
        (owned.clone(), story(), false),
        (of_chart, story(), true),
        (proxy("quay.io/a/b"), deny, false),
    ] {
        let wanted = Wanted {
            custom_kinds: Some(&kinds),
            force,
            ..Wanted::default()
        };
        let decided = decide(&object, &rules, &wanted);
        assert!(
            matches!(decided.verdict, Verdict::Skipped(_)),
            "{decided:?}"
        );
        assert!(decided.arrivals.is_empty() && decided.untaken.is_empty());
        let named = Wanted {
            is_named: true,
            ..wanted
        };
        let decided = decide(&object, &rules, &named);
        assert!(
            !matches!(decided.verdict, Verdict::Skipped(_)),
            "{decided:?}"
        );
    }
    let mut template = proxy("quay.io/a/b");
    template["spec"]["template"] =
        json!({"spec": {"containers": [{"name": "c", "image": "quay.io/c/d:1"}]}});
    let wanted = Wanted {
        custom_kinds: Some(&kinds),
        ..Wanted::default()
    };
    let decided = decide(&template, &story(), &wanted);
    assert!(matches!(decided.verdict, Verdict::Patch(_)), "{decided:?}");
}

#[test]
fn what_an_earlier_run_with_other_rules_wrote_is_not_as_these_want_it() {
    let before = web(&json!([{"name": "c", "image": "quay.io/a/b:1"}]));
    let live = patch(&before, &story(), &Wanted::default()).after;
    let target = |host: &str, target: &str| {
        let action = Action::Rewrite {
            target: target.to_owned(),
            drop_library: false,
        };
        RuleSet::compile(&[rule(host, action)]).unwrap()
    };
    let found = decided(&live, &target("quay.io", "two.corp"));
    assert_eq!(found.verdict, Verdict::Unchanged);
    assert!(found.is_by_other_rules);
    assert_eq!(
        found.notes,
        [format!(
            "container c: {} was written by an earlier run with other rules; of quay.io/a/b:1 these would make two.corp/a/b:1 [map quay.io]: put it back with --undo first",
            there()
        )]
    );
    // Rules that take other images have nothing to say of it.
    for rules in [target("docker.io", "two.corp"), story()] {
        let found = decided(&live, &rules);
        assert!(
            !found.is_by_other_rules && found.notes.is_empty(),
            "{:?}",
            found.notes
        );
    }
}
