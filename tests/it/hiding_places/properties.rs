//! What holds for any value that calls itself an object.

use arc_setup::object::pods::{
    CustomKinds, ImageSlot, SlotKind, absent_slots, containers, image_slots, pod_specs,
    replacements, sites, suspected, write_slots,
};
use arc_setup::yaml;
use proptest::prelude::*;
use serde_json::{Map, Number, Value, json};

/// What the walks look for, so that random values are no plain noise.
const KEYS: [&str; 30] = [
    "apiVersion",
    "kind",
    "metadata",
    "spec",
    "template",
    "jobTemplate",
    "podTemplate",
    "containers",
    "initContainers",
    "ephemeralContainers",
    "volumes",
    "image",
    "reference",
    "args",
    "command",
    "env",
    "dockerEnv",
    "name",
    "value",
    "valueFrom",
    "registry",
    "repository",
    "tag",
    "digest",
    "data",
    "items",
    "annotations",
    "proxyImage",
    "a/b~c",
    "dindSidecarRepositoryAndTag",
];

const TEXTS: [&str; 26] = [
    "quay.io/a/b:1",
    "nginx",
    "docker:dind",
    "[fc00::1]:5000/a",
    "foo/Bar",
    "",
    "é",
    "v1",
    "apps/v1",
    "example.com/v1",
    "actions.summerwind.dev/v1alpha1",
    "actions.github.com/v1alpha1",
    "Pod",
    "Deployment",
    "List",
    "ConfigMap",
    "Thing",
    "RunnerSet",
    "--docker-image=a:1,b/c:2",
    "--runner-image",
    "--set=x.image=quay.io/a,b=c",
    "image=quay.io/k:1",
    "sh -c 'x --y-image=quay.io/z:1'",
    "RELATED_IMAGE_X",
    "spec: {containers: [{name: a, image: quay.io/a:1, args: [--b-image=c/d:1]}]}",
    "image = 'a/b'\n{{",
];

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        8 => prop::sample::select(&TEXTS[..]).prop_map(|text| json!(text)),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => any::<i64>().prop_map(|number| json!(number)),
        1 => Just(Value::Number(Number::from_f64(1.1).unwrap())),
        1 => ".{0,12}".prop_map(Value::String),
    ];
    leaf.prop_recursive(7, 96, 6, |inner| {
        let key = prop_oneof![9 => prop::sample::select(&KEYS[..]).prop_map(str::to_owned), 1 => ".{0,6}"];
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            3 => prop::collection::vec((key, inner), 0..7)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// A pod, with fields that are what they should be, most of the time.
fn pod() -> impl Strategy<Value = Value> {
    let text = || prop::sample::select(&TEXTS[..]);
    let words = prop::collection::vec(text(), 0..4);
    let env = prop::collection::vec((text(), text()), 0..3);
    let container =
        (text(), text(), words, env, value()).prop_map(|(name, image, args, env, odd)| {
            let env: Vec<Value> = env
                .into_iter()
                .map(|(name, value)| json!({"name": name, "value": value}))
                .collect();
            json!({"name": name, "image": image, "args": args, "env": env, "command": odd})
        });
    (prop::collection::vec(container, 1..3), value())
        .prop_map(|(containers, volumes)| json!({"containers": containers, "volumes": volumes}))
}

fn object() -> impl Strategy<Value = Value> {
    const KINDS: [(&str, &str); 9] = [
        ("v1", "Pod"),
        ("apps/v1", "Deployment"),
        ("batch/v1", "CronJob"),
        ("v1", "PodTemplate"),
        ("actions.summerwind.dev/v1alpha1", "Runner"),
        ("actions.summerwind.dev/v1alpha1", "RunnerSet"),
        ("example.com/v1", "Thing"),
        ("", ""),
        ("v1", "ConfigMap"),
    ];
    (prop::sample::select(&KINDS[..]), pod(), value()).prop_map(|((version, kind), pod, odd)| {
        let template = json!({"metadata": odd, "spec": pod});
        let mut object = match kind {
            "Pod" | "Runner" => json!({"spec": pod}),
            "CronJob" => json!({"spec": {"jobTemplate": {"spec": {"template": template}}}}),
            "PodTemplate" => json!({"template": template, "spec": odd}),
            "ConfigMap" => json!({"data": {"a": yaml::to_string(&json!({"spec": pod})), "b": pod.to_string(),
                "c": yaml::to_string(&json!({"apiVersion": "v1", "kind": "Pod", "spec": pod})), "d": odd}}),
            _ => json!({"spec": {"template": template, "image": odd}, "image": odd}),
        };
        if !kind.is_empty() {
            object["apiVersion"] = json!(version);
            object["kind"] = json!(kind);
        }
        object
    })
}

/// The span is the text, where the pointer says.
fn is_valid(object: &Value, slot: &ImageSlot) -> bool {
    match (&slot.kind, slot.pointer.get(object)) {
        (SlotKind::Split, Some(Value::Object(_))) => slot.span.is_empty() && !slot.text.is_empty(),
        (_, Some(Value::String(text))) => text.get(slot.span.clone()) == Some(slot.text.as_str()),
        _ => false,
    }
}

fn holds(object: &Value) -> Result<(), TestCaseError> {
    let slots = image_slots(object);
    for slot in &slots {
        prop_assert!(is_valid(object, slot), "{slot:?} in {object}");
    }
    // Whatever else is asked of it: no panic.
    let _ = (
        pod_specs(object),
        containers(object),
        sites(object),
        absent_slots(object),
    );
    let mut kinds = CustomKinds::default();
    kinds.read_object(object);
    let certain = |pointer: &str| slots.iter().any(|slot| slot.pointer.as_str() == pointer);
    for suspect in suspected(object) {
        let is_text = suspect.pointer.get(object).is_some_and(Value::is_string);
        // A text of a ConfigMap may hold both.
        let is_both =
            certain(suspect.pointer.as_str()) && !suspect.pointer.as_str().contains("/data/");
        prop_assert!(!(is_text && is_both), "{suspect:?} in {object}");
    }
    let images: Vec<(ImageSlot, String)> = slots
        .into_iter()
        .enumerate()
        .map(|(index, slot)| (slot, format!("registry.corp:5000/new/{index}:{index}")))
        .collect();
    let wanted: Vec<(String, String)> = images
        .iter()
        .filter(|(slot, image)| !replacements(object, slot, image).is_empty())
        .map(|(slot, image)| (slot.pointer.to_string(), image.clone()))
        .collect();
    let mut after = object.clone();
    let edits = write_slots(&mut after, &images);
    let found: Vec<(String, String)> = image_slots(&after)
        .into_iter()
        .map(|slot| (slot.pointer.to_string(), slot.text))
        .filter(|(_, text)| text.starts_with("registry.corp:5000/new/"))
        .collect();
    prop_assert_eq!(found, wanted, "{} became {}", object, after);
    for edit in edits {
        let Some(Value::String(text)) = edit.pointer.get_mut(&mut after) else {
            return Err(TestCaseError::fail("a text has gone"));
        };
        prop_assert_eq!(&*text, &edit.after);
        *text = edit.before;
    }
    prop_assert_eq!(&after, object);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_object_keeps_its_form_and_gives_back_what_is_written(object in object()) {
        holds(&object)?;
    }

    #[test]
    fn any_value_is_looked_through_without_a_panic(value in value()) {
        holds(&value)?;
    }
}
