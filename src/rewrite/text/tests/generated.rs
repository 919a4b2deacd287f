//! Objects of every kind, and texts that say them in every spelling of YAML; texts that are none.

use proptest::prelude::*;
use serde_json::json;

use super::spelling::Writer;
use super::*;

const IMAGES: [&str; 10] = [
    "quay.io/a/b:v1",
    "ghcr.io/org/app",
    "nginx",
    "docker:dind",
    "reg.corp/a/b:v1",
    "quay.io/x@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "quay.io/x:1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "foo/Bar",
    "",
    "quay.io/é",
];

fn image() -> impl Strategy<Value = String> {
    prop::sample::select(&IMAGES[..]).prop_map(str::to_owned)
}

fn argument() -> impl Strategy<Value = String> {
    prop_oneof![
        image().prop_map(|image| format!("--side-image={image}")),
        (image(), image())
            .prop_map(|(one, two)| format!("--images={one} --extra-image={one},{two}")),
        (image(), image()).prop_map(|(one, two)| format!("--extra-image={one},{two}")),
        image().prop_map(|image| format!("sh -c 'run {image}'")),
        Just("--runner-image".to_owned()),
        Just("--sync-period=10m".to_owned()),
        Just(" two  lines\n  with: blanks # and more\n\n".to_owned()),
        image(),
    ]
}

fn container() -> impl Strategy<Value = Value> {
    let environment =
        prop::sample::select(&["ACTIONS_RUNNER_IMAGE", "RELATED_IMAGE_X", "LEVEL"][..]);
    let variables = prop::collection::vec((environment, image()), 0..3);
    (
        image(),
        prop::collection::vec(argument(), 0..4),
        variables,
        any::<bool>(),
    )
        .prop_map(|(image, arguments, variables, split)| {
            let variables: Vec<Value> = variables
                .into_iter()
                .map(|(name, value)| json!({"name": name, "value": value}))
                .collect();
            let image = match image.rsplit_once(':') {
                Some((repository, tag)) if split && !image.contains('@') => {
                    json!({"repository": repository, "tag": tag, "pullPolicy": "Always"})
                }
                _ => Value::String(image),
            };
            json!({"name": "c", "image": image, "args": arguments, "env": variables, "tty": true,
                "ports": [{"containerPort": 80, "name": "image"}],
                "livenessProbe": {"exec": {"command": ["check", "--side-image=quay.io/probe:1"]}},
                "resources": {"limits": {"cpu": "100m"}, "image": "quay.io/resources:1"}})
        })
}

/// What only the words of its parts tell of: custom kinds, the values of a chart.
fn other() -> impl Strategy<Value = Value> {
    let parts = json!({"registry": "quay.io", "repository": "a/b", "tag": "v1"});
    let custom = |spec: Value| json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "x"}, "spec": spec});
    (image(), container(), 0..8u8).prop_map(move |(image, container, kind)| match kind {
        0 => json!({"image": parts, "replicaCount": 1}),
        1 => json!({"actionsRunnerRepositoryAndTag": image}),
        2 => custom(json!({"package": image})),
        3 => custom(json!({"agent": {"repository": image, "version": "v1"}})),
        4 => custom(json!({"note": format!("see {image}")})),
        5 => custom(json!({"podTemplate": {"spec": {"containers": [container]}}})),
        6 => custom(json!({"replicas": 3})),
        _ => json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"},
            "data": {"a.conf": format!("base = {image}\n"), "list": custom(json!({"package": image})).to_string()}}),
    })
}

fn object() -> impl Strategy<Value = Value> {
    prop_oneof![3 => workload(), 1 => other()]
}

fn workload() -> impl Strategy<Value = Value> {
    const KINDS: [&str; 7] = [
        "Pod",
        "Deployment",
        "CronJob",
        "RunnerDeployment",
        "ConfigMap",
        "Service",
        "Runner",
    ];
    let containers = prop::collection::vec(container(), 0..3);
    (containers, prop::sample::select(&KINDS[..]), image()).prop_map(|(containers, kind, image)| {
        let pod = json!({"containers": containers, "volumes": [
            {"name": "v", "image": {"reference": image}}, {"name": "r", "rbd": {"image": image}}]});
        let template = json!({"template": {"spec": pod}});
        let (group, spec) = match kind {
            "Pod" => ("v1", pod),
            "Deployment" => ("apps/v1", template),
            "CronJob" => ("batch/v1", json!({"jobTemplate": {"spec": template}})),
            "RunnerDeployment" => ("actions.summerwind.dev/v1alpha1", template),
            "Runner" => ("actions.summerwind.dev/v1alpha1", json!({"image": image, "dockerEnv": []})),
            "ConfigMap" => ("v1", json!({"data": yaml::to_string(&pod)})),
            _ => ("v1", json!({"ports": [1.5, 80, null, "0644", "yes"]})),
        };
        json!({"apiVersion": group, "kind": kind, "metadata": {"name": "x", "labels": {"a/b": "~c", "image": "quay.io/label:1"}}, "spec": spec,
            "data": {"pod.yaml": spec.to_string()}})
    })
}

/// Objects, and a text that says them.
pub(super) fn stream() -> impl Strategy<Value = (Vec<Value>, String)> {
    let objects = prop::collection::vec(object(), 1..4);
    (objects, any::<u64>(), any::<bool>(), any::<bool>()).prop_map(
        |(objects, dice, windows, list)| {
            let objects = if list {
                vec![json!({"apiVersion": "v1", "kind": "List", "items": objects})]
            } else {
                objects
            };
            let newline = if windows { "\r\n" } else { "\n" };
            let mut writer = Writer { dice, newline };
            let mut text = String::new();
            for object in &objects {
                text.push_str("---");
                writer.end(&mut text);
                match writer.roll(6) {
                    0 => text.extend([format!("{object:#}{newline}")]),
                    1 => text.push_str(&yaml::to_string(object)),
                    _ => {
                        if let Value::Object(fields) = object {
                            writer.fields(fields, 0, &mut text);
                        }
                    }
                }
            }
            (objects, text)
        },
    )
}

/// A stream with a few of its bytes changed, doubled or gone.
pub(super) fn mutated() -> impl Strategy<Value = String> {
    let change = (
        any::<prop::sample::Index>(),
        0..3u8,
        any::<prop::sample::Index>(),
    );
    (stream(), prop::collection::vec(change, 1..6)).prop_map(|((_, text), changes)| {
        const PIECES: [&str; 14] = [
            "\t", "\n", "'", "\"", "*a", "&a ", "{", "]", ": ", "- ", "\n---\n", "\u{feff}",
            "<<: ", "|\n",
        ];
        let mut letters: Vec<char> = text.chars().collect();
        for (at, kind, piece) in changes {
            if letters.is_empty() {
                break;
            }
            let at = at.index(letters.len());
            match kind {
                0 => {
                    letters.remove(at);
                }
                1 => {
                    let piece = PIECES[piece.index(PIECES.len())];
                    letters.splice(at..at, piece.chars());
                }
                _ => {
                    let letter = letters[at];
                    letters.insert(at, letter);
                }
            }
        }
        letters.into_iter().collect()
    })
}

/// Pods that share texts by anchors and aliases.
pub(super) fn aliased() -> impl Strategy<Value = String> {
    pods_of(&ITEMS_WITHOUT_ANCHOR)
}

/// Pods that share containers and lists too, by merge keys as well.
pub(super) fn anchored() -> impl Strategy<Value = String> {
    pods_of(&ITEMS)
}

/// The values of a chart, whose images share parts by anchors, aliases and merge keys. What is called `note` and `other`
/// is no image.
pub(super) fn shared_parts() -> impl Strategy<Value = String> {
    const ITEMS: [&str; 8] = [
        "image: {registry: HOST, repository: PATH, tag: TAG}",
        "image: &m {registry: HOST, repository: PATH, tag: TAG}",
        "image: {<<: *m, repository: PATH}",
        "image: {<<: *d, repository: PATH}",
        "image: {<<: [*d, *m]}",
        "image: *m",
        "note: HOST",
        "other: {<<: *d, path: x}",
    ];
    const HOSTS: [&str; 5] = ["&r quay.io", "*r", "quay.io", "docker.io", "\"quay.io\""];
    const PATHS: [&str; 5] = ["a/x", "&p a/y", "b/x", "&p b/y", "*p"];
    const TAGS: [&str; 3] = ["v1", "&t v2", "*t"];
    let host = || prop::sample::select(&HOSTS[..]);
    let tag = || prop::sample::select(&TAGS[..]);
    let path = prop::sample::select(&PATHS[..]);
    let item = (prop::sample::select(&ITEMS[..]), host(), path, tag());
    let item = item.prop_map(|(item, host, path, tag)| {
        let item = item.replace("HOST", host).replace("PATH", path);
        item.replace("TAG", tag)
    });
    let items = prop::collection::vec(item, 1..6);
    (host(), tag(), items).prop_map(|(host, tag, items)| {
        let items = items.iter().zip(0..);
        let items: Vec<String> = items
            .map(|(item, index)| format!("c{index}: {{{item}}}\n"))
            .collect();
        let items = items.concat();
        // Aliases find their anchors here where no item has them.
        format!("x: [&r quay.io, &p a/y, &t v2]\ny: &m {{registry: quay.io, repository: b/z, tag: v1}}\ndefaults: &d {{registry: {host}, tag: {tag}}}\n{items}")
    })
}

const ITEMS_WITHOUT_ANCHOR: [&str; 3] = [
    "{name: a, image: ONE}",
    "{name: e, image: nginx, env: [{name: SIDE_IMAGE, value: ONE}]}",
    "{name: f, image: nginx, args: [--side-image, ONE]}",
];
const ITEMS: [&str; 6] = [
    "{name: a, image: ONE}",
    "&c {name: b, image: ONE}",
    "*c",
    "{<<: *c, name: d}",
    "{<<: [*c, {image: ONE}], name: e}",
    "{name: f, image: nginx, args: [--side-image, ONE]}",
];

/// Aliases find their anchors here where no item has them.
const BEFORE: &str =
    "x: [&i quay.io/z:1, &j ghcr.io/z:1, &k nginx]\ny: &c {name: z, image: quay.io/y:1}\n";

fn pods_of(items: &'static [&'static str]) -> impl Strategy<Value = String> {
    const ONES: [&str; 9] = [
        "&i quay.io/a:1",
        "&i nginx",
        "*i",
        "quay.io/b:1",
        "&j 'ghcr.io/c:1'",
        "*j",
        "*k",
        "&i foo/Bar",
        "\"quay.io\\/d\"",
    ];
    let item = (prop::sample::select(items), prop::sample::select(&ONES[..]));
    let item = item.prop_map(|(item, one)| item.replace("ONE", one));
    let one = || prop::sample::select(&ONES[..]);
    // Places that are no image, before all anchors and behind them.
    let items = prop::collection::vec(item, 1..5);
    let before = prop_oneof![3 => Just(BEFORE), 1 => Just("")];
    let all = (before, one(), items, one());
    all.prop_map(|(before, label, items, status)| {
        let items: Vec<String> = items.iter().map(|item| format!("  - {item}\n")).collect();
        let items = items.concat();
        format!("apiVersion: v1\nkind: Pod\n{before}metadata: {{annotations: {{x: {label}}}}}\nspec:\n  containers:\n{items}status: {{x: {status}}}\n")
    })
}
