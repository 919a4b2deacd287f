use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Patch, Wanted, decide};
use super::*;
use crate::rules::{Action, Matcher, RuleSet, RuleSpec};

const TARGET: &str = "registry.example.com/mirror";

fn rewrite(host: &str, target: &str) -> RuleSpec {
    let action = Action::Rewrite {
        target: target.to_owned(),
        drop_library: false,
    };
    RuleSpec::new(host, Matcher::Host(host.to_owned()), action)
}

fn rules() -> RuleSet {
    let rewrite = |host: &str| rewrite(host, TARGET);
    RuleSet::compile(&[rewrite("quay.io"), rewrite("docker.io"), rewrite("ghcr.io")]).unwrap()
}

fn deployment(containers: &Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "n", "uid": "u", "generation": 1},
        "spec": {"template": {"spec": {"containers": containers}}}})
}

fn patched_with(object: &Value, wanted: &Wanted<'_>) -> Value {
    match decide(object, &rules(), wanted).verdict {
        Verdict::Patch(patch) => checked(object, *patch).after,
        other => panic!("{other:?}"),
    }
}

fn patched(object: &Value) -> Value {
    patched_with(object, &Wanted::default())
}

fn undone(object: &Value) -> (Value, Vec<String>) {
    let decided = undo(object);
    match decided.verdict {
        Verdict::Patch(patch) => (checked(object, *patch).after, decided.notes),
        other => panic!("{other:?}"),
    }
}

/// The operations make of the object what the patch says.
fn checked(object: &Value, patch: Patch) -> Patch {
    let mut after = object.clone();
    for operation in &patch.operations {
        apply(&mut after, operation).unwrap_or_else(|| panic!("{operation} on {after}"));
    }
    assert_eq!(after.to_string(), patch.after.to_string());
    patch
}

fn apply(object: &mut Value, operation: &Value) -> Option<()> {
    let path = Pointer::new(operation["path"].as_str()?);
    let value = operation["value"].clone();
    match operation["op"].as_str()? {
        "test" => (path.get(object).cloned().unwrap_or_default() == value).then_some(()),
        "remove" => path.remove(object).map(|_| ()),
        "replace" => {
            *path.get_mut(object)? = value;
            Some(())
        }
        "add" if path.as_str().ends_with("/-") => {
            path.parent()?.get_mut(object)?.as_array_mut()?.push(value);
            Some(())
        }
        "add" => path.put(object, value).ok().map(|_| ()),
        _ => None,
    }
}

#[test]
fn what_was_changed_since_stays_and_is_told() {
    let object = deployment(&json!([
        {"name": "a", "image": "quay.io/a/a:1"}, {"name": "b", "image": "quay.io/b/b:1"}]));
    let mut live = patched(&object);
    live["spec"]["template"]["spec"]["containers"][0]["image"] = json!("quay.io/a/a:2");
    let (after, notes) = undone(&live);
    let mut expected = object;
    expected["spec"]["template"]["spec"]["containers"][0]["image"] = json!("quay.io/a/a:2");
    assert_eq!(after.to_string(), expected.to_string());
    assert_eq!(
        notes,
        ["container a: quay.io/a/a:2 was put there since and stays; before, it was quay.io/a/a:1"]
    );
}

#[test]
fn containers_are_known_by_name_wherever_they_stand() {
    let object = deployment(&json!([
        {"name": "a", "image": "quay.io/a/a:1"}, {"name": "b", "image": "quay.io/b/b:1"}]));
    let mut live = patched(&object);
    let containers = live["spec"]["template"]["spec"]["containers"]
        .as_array_mut()
        .unwrap();
    // The new one has the very image that was written at the index where it stands now.
    let first = containers[0]["image"].clone();
    containers.insert(0, json!({"name": "new", "image": first}));
    containers.remove(2);
    let (after, notes) = undone(&live);
    let expected = deployment(&json!([
        {"name": "new", "image": first}, {"name": "a", "image": "quay.io/a/a:1"}]));
    assert_eq!(after.to_string(), expected.to_string());
    assert!(
        notes[0].contains(
            "b (/spec/template/spec/containers/1/image) is gone; quay.io/b/b:1 stood there"
        ),
        "{notes:?}"
    );
}

#[test]
fn arguments_are_found_where_they_moved_to() {
    let object = deployment(
        &json!([{"name": "manager", "image": "quay.io/x/actions-runner-controller:v0.27.6",
        "args": ["--proxy-image", "quay.io/p/p:1", "--sidecar-image=quay.io/a/b:1,r.corp/c:1,quay.io/c/d:2"]}]),
    );
    let wanted = Wanted {
        pull_secret: Some("mirror"),
        ..Wanted::default()
    };
    let mut live = patched_with(&object, &wanted);
    let args = live["spec"]["template"]["spec"]["containers"][0]["args"]
        .as_array_mut()
        .unwrap();
    args.insert(0, json!("--v=10"));
    args.push(json!("--last"));
    assert_eq!(args.len(), 8);
    // One of the list's images is upgraded by hand, and another put before it.
    let list = args[3]
        .as_str()
        .unwrap()
        .replace("r.corp/c:1", "r.corp/cc:2");
    args[3] = json!(list.replace("/c/d:2", "/c/d:3"));
    let (after, notes) = undone(&live);
    let args = &after["spec"]["template"]["spec"]["containers"][0]["args"];
    assert_eq!(
        *args,
        json!([
            "--v=10",
            "--proxy-image",
            "quay.io/p/p:1",
            format!("--sidecar-image=quay.io/a/b:1,r.corp/cc:2,{TARGET}/c/d:3"),
            "--last"
        ])
    );
    assert_eq!(
        after["spec"]["template"]["spec"].get("imagePullSecrets"),
        None
    );
    assert_eq!(notes.len(), 1, "{notes:?}");
}

#[test]
fn a_list_that_was_made_stays_while_others_use_it() {
    let object = deployment(
        &json!([{"name": "manager", "image": "quay.io/x/actions-runner-controller:v0.27.6"}]),
    );
    let wanted = Wanted {
        pull_secret: Some("mirror"),
        ..Wanted::default()
    };
    let live = patched_with(&object, &wanted);
    let (after, _) = undone(&live);
    assert_eq!(after.to_string(), object.to_string());
    let mut live = live;
    let spec = &mut live["spec"]["template"]["spec"];
    spec["imagePullSecrets"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "mine"}));
    spec["containers"][0]["args"][0] = json!("--docker-image=mine.example.com/dind:1");
    let (after, notes) = undone(&live);
    let spec = &after["spec"]["template"]["spec"];
    assert_eq!(spec["imagePullSecrets"], json!([{"name": "mine"}]));
    assert_eq!(
        spec["containers"][0]["args"],
        json!(["--docker-image=mine.example.com/dind:1"])
    );
    assert!(
        notes[0].contains("container manager --docker-image"),
        "{notes:?}"
    );
}

#[test]
fn a_rolled_back_revision_needs_nothing_but_the_receipt_gone() {
    let object = deployment(&json!([{"name": "a", "image": "quay.io/a/a:1"}]));
    let mut live = patched(&object);
    live["spec"] = object["spec"].clone();
    let (after, notes) = undone(&live);
    assert_eq!(after.to_string(), object.to_string());
    assert!(notes.is_empty(), "{notes:?}");
    assert_eq!(undo(&after).verdict, Verdict::Unchanged);
}

#[test]
fn a_receipt_of_the_first_form_is_undone_too() {
    let mut object = deployment(&json!([
        {"name": "manager", "image": format!("{TARGET}/x/arc:1"), "args": ["--v=1", format!("--docker-image={TARGET}/library/docker:dind")]},
        {"name": "b", "image": format!("{TARGET}/b/b:2")}]));
    let containers = "/spec/template/spec/containers";
    object["metadata"]["annotations"] = json!({"mine": "x", ORIGINAL_IMAGES: json!({
        format!("{containers}/0/image"): "quay.io/x/arc:1",
        format!("{containers}/0/args/1"): null,
        format!("{containers}/1/image"): "quay.io/b/b:1"}).to_string()});
    let (after, notes) = undone(&object);
    let mut expected = deployment(&json!([
        {"name": "manager", "image": "quay.io/x/arc:1", "args": ["--v=1"]},
        {"name": "b", "image": format!("{TARGET}/b/b:2")}]));
    expected["metadata"]["annotations"] = json!({"mine": "x"});
    assert_eq!(after.to_string(), expected.to_string());
    assert!(notes[0].starts_with("container b: "), "{notes:?}");
}

#[test]
fn copies_and_what_cannot_be_read_are_left_alone() {
    let mut object = patched(&deployment(
        &json!([{"name": "a", "image": "quay.io/a/a:1"}]),
    ));
    object["kind"] = json!("ReplicaSet");
    object["metadata"]["ownerReferences"] =
        json!([{"kind": "Deployment", "name": "d", "controller": true}]);
    assert_eq!(undo(&object).verdict, Verdict::Unchanged);
    object["metadata"]["annotations"][ORIGINAL_IMAGES] = json!("{");
    let Verdict::Refused(reasons) = undo(&object).verdict else {
        panic!()
    };
    assert!(reasons[0].contains("cannot be read"), "{reasons:?}");
}

fn image() -> impl Strategy<Value = String> {
    let host = prop_oneof![
        Just("quay.io/"),
        Just("ghcr.io/"),
        Just(""),
        Just("docker.io/"),
        Just("other.example.com/"),
        Just("registry.example.com/mirror/")
    ];
    (host, "[a-c]{1,2}(/[a-c]){0,2}", "(:[a-z0-9.]{1,3})?")
        .prop_map(|(host, path, tag)| format!("{host}{path}{}", tag.replace(":.", ":1")))
}

fn argument() -> impl Strategy<Value = Vec<String>> {
    prop_oneof![
        image().prop_map(|image| vec![format!("--docker-image={image}")]),
        image().prop_map(|image| vec!["--runner-image".to_owned(), image]),
        (image(), image()).prop_map(|(one, other)| vec![format!("--sidecar-image={one},{other}")]),
        Just(vec!["--v=10".to_owned()]),
        Just(vec!["--metrics-addr=127.0.0.1:8080".to_owned()]),
    ]
}

fn container(name: String) -> impl Strategy<Value = Value> {
    let env = prop::collection::vec(
        (
            prop_oneof![
                Just("RELATED_IMAGE_A"),
                Just("ACTIONS_RUNNER_IMAGE"),
                Just("ACTIONS_RUNNER_CONTAINER_HOOKS"),
                Just("X")
            ],
            image(),
        )
            .prop_map(|(name, value)| json!({"name": name, "value": value})),
        0..3,
    );
    (
        image(),
        prop::option::of(prop::collection::vec(argument(), 0..4)),
        prop::option::of(env),
        prop::option::of(prop_oneof![Just("Always"), Just("IfNotPresent")]),
    )
        .prop_map(move |(image, args, env, policy)| {
            let mut container = json!({"name": name, "image": image});
            if let Some(policy) = policy {
                container["imagePullPolicy"] = json!(policy);
            }
            if let Some(args) = args {
                container["args"] = json!(args.concat());
            }
            if let Some(env) = env {
                container["env"] = json!(env);
            }
            container
        })
}

fn pod() -> impl Strategy<Value = Value> {
    let list = |prefix: &'static str| {
        prop::collection::vec(Just(()), 0..3).prop_flat_map(move |items| {
            let each: Vec<_> = (0..items.len())
                .map(|index| container(format!("{prefix}{index}")))
                .collect();
            each
        })
    };
    let volume = image().prop_map(|image| json!({"name": "v", "image": {"reference": image}}));
    let first = prop_oneof![Just("manager"), Just("runner"), Just("kube-rbac-proxy")]
        .prop_flat_map(|name| container(name.to_owned()));
    (
        first,
        list("c"),
        prop::option::of(list("i")),
        prop::option::of(list("e")),
        prop::option::of(prop::collection::vec(volume, 0..2)),
        prop::option::of(prop::collection::vec(
            "[a-c]".prop_map(|name| json!({"name": name})),
            0..3,
        )),
        prop::option::of(image()),
    )
        .prop_map(
            |(first, mut containers, init, ephemeral, volumes, secrets, image)| {
                containers.insert(0, first);
                let mut pod = json!({"serviceAccountName": "x"});
                for (key, value) in [
                    ("initContainers", init.map(|items| json!(items))),
                    ("containers", Some(json!(containers))),
                    ("ephemeralContainers", ephemeral.map(|items| json!(items))),
                    ("volumes", volumes.map(|items| json!(items))),
                    ("imagePullSecrets", secrets.map(|items| json!(items))),
                    ("image", image.map(|image| json!(image))),
                ] {
                    if let Some(value) = value {
                        pod[key] = value;
                    }
                }
                pod
            },
        )
}

fn object() -> impl Strategy<Value = Value> {
    let kinds = prop_oneof![
        Just(("v1", "Pod", "")),
        Just(("v1", "PodTemplate", "t")),
        Just(("apps/v1", "Deployment", "st")),
        Just(("apps/v1", "StatefulSet", "st")),
        Just(("apps/v1", "DaemonSet", "st")),
        Just(("apps/v1", "ReplicaSet", "st")),
        Just(("batch/v1", "CronJob", "sjst")),
        Just(("actions.summerwind.dev/v1alpha1", "Runner", "")),
        Just(("actions.summerwind.dev/v1alpha1", "RunnerDeployment", "st")),
        Just(("actions.summerwind.dev/v1alpha1", "RunnerSet", "st")),
        Just(("actions.github.com/v1alpha1", "AutoscalingRunnerSet", "st")),
    ];
    let annotations = prop::option::of(prop_oneof![Just(json!({})), Just(json!({"a": "b"}))]);
    (kinds, pod(), annotations, any::<bool>()).prop_map(|((version, kind, way), pod, annotations, listener)| {
        let mut spec = json!({"replicas": 1});
        if way == "st" {
            spec["template"] = json!({"metadata": {"labels": {"a": "b"}}, "spec": pod});
        }
        if way == "sjst" {
            spec["jobTemplate"] = json!({"spec": {"template": {"spec": pod}}});
        }
        if way.is_empty() {
            spec = pod.clone();
        }
        if kind == "AutoscalingRunnerSet" && listener {
            spec["listenerTemplate"] = json!({"spec": pod});
        }
        let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": "o"}, "spec": spec});
        if way == "t" {
            object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": "o"}, "template": {"spec": pod}});
        }
        if let Some(annotations) = annotations {
            object["metadata"]["annotations"] = annotations;
        }
        object
    })
}

/// Every text that was rewritten, by pointer.
fn rewritten(before: &Value, after: &Value, at: &Pointer, found: &mut Vec<Pointer>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            for (key, value) in before {
                if let Some(after) = after.get(key) {
                    rewritten(value, after, &at.child(key), found);
                }
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            for (index, (before, after)) in before.iter().zip(after).enumerate() {
                rewritten(before, after, &at.index(index), found);
            }
        }
        (Value::String(before), Value::String(after)) if before != after => found.push(at.clone()),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// undo(patch(x)) = x, to the byte; with a pull secret too, and after a second patch by other rules.
    #[test]
    fn undo_restores_every_object(object in object(), secret in any::<bool>(), twice in any::<bool>()) {
        let accounts = ["account".to_owned()];
        let wanted = Wanted {
            pull_secret: secret.then_some("mirror"),
            force: false,
            service_account_pull_secrets: &accounts,
            custom_kinds: None,
        };
        let Verdict::Patch(patch) = decide(&object, &rules(), &wanted).verdict else { return Ok(()) };
        let mut live = checked(&object, *patch).after;
        prop_assert_eq!(decide(&live, &rules(), &wanted).verdict, Verdict::Unchanged);
        if twice {
            let onward = rewrite("registry.example.com", "new.example.com/much/longer");
            let onward = RuleSet::compile(&[onward]).unwrap();
            if let Verdict::Patch(patch) = decide(&live, &onward, &wanted).verdict {
                live = checked(&live, *patch).after;
            }
        }
        let (after, notes) = undone(&live);
        // What stood under the first target already was rewritten by the second rules only, and is undone with them.
        prop_assert_eq!(after.to_string(), object.to_string());
        prop_assert!(notes.is_empty(), "{:?}", notes);
    }

    /// Images that a person wrote since stay; everything else goes back.
    #[test]
    fn undo_keeps_what_a_person_wrote_since(object in object(), picked in any::<prop::sample::Index>()) {
        let Verdict::Patch(patch) = decide(&object, &rules(), &Wanted::default()).verdict else { return Ok(()) };
        let mut live = patch.after;
        let mut texts = Vec::new();
        rewritten(&object, &live, &Pointer::root(), &mut texts);
        texts.retain(|at| at.as_str().ends_with("/image"));
        if texts.is_empty() { return Ok(()) }
        let at = &texts[picked.index(texts.len())];
        let mut expected = object;
        for object in [&mut live, &mut expected] {
            *at.get_mut(object).unwrap() = json!("mine.example.com/upgraded:2");
        }
        let (after, notes) = undone(&live);
        prop_assert_eq!(after.to_string(), expected.to_string());
        prop_assert_eq!(notes.len(), 1);
    }
}
