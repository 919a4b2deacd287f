//! What holds for every text: generated objects in every spelling of YAML, and texts that are none.

use proptest::prelude::*;
use serde_json::{Map, json};

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
            json!({"name": "c", "image": image, "args": arguments, "env": variables, "tty": true})
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
        json!({"apiVersion": group, "kind": kind, "metadata": {"name": "x", "labels": {"a/b": "~c"}}, "spec": spec,
            "data": {"pod.yaml": spec.to_string()}})
    })
}

/// Writes a value in YAML whose spelling is chosen by `dice`.
struct Writer {
    dice: u64,
    newline: &'static str,
}

impl Writer {
    fn roll(&mut self, sides: u64) -> u64 {
        self.dice = self
            .dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.dice >> 33) % sides
    }

    /// A value behind a key or a dash, with what ends its line.
    fn value(&mut self, value: &Value, indent: usize, out: &mut String) {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                if self.roll(8) == 0 {
                    out.push(' ');
                    self.flow(value, out);
                    self.end(out);
                } else {
                    self.end(out);
                    self.fields(fields, indent, out);
                }
            }
            Value::Array(items) if !items.is_empty() => {
                if self.roll(6) == 0 {
                    out.push(' ');
                    self.flow(value, out);
                    self.end(out);
                } else {
                    self.end(out);
                    for item in items {
                        out.push_str(&" ".repeat(indent));
                        out.push('-');
                        self.value(item, indent + 2, out);
                    }
                }
            }
            Value::String(text) => self.text(text, indent, out),
            other => {
                out.push(' ');
                out.push_str(&other.to_string());
                self.end(out);
            }
        }
    }

    fn fields(&mut self, fields: &Map<String, Value>, indent: usize, out: &mut String) {
        for (key, value) in fields {
            if self.roll(9) == 0 {
                out.push_str("# image: quay.io/comment:1");
                out.push_str(self.newline);
            }
            out.push_str(&" ".repeat(indent));
            match self.roll(5) {
                0 => out.push_str(&json!(key).to_string()),
                _ => out.push_str(key),
            }
            out.push(':');
            let deeper = indent + 1 + usize::try_from(self.roll(4)).unwrap();
            self.value(value, deeper, out);
        }
    }

    fn end(&mut self, out: &mut String) {
        if self.roll(7) == 0 {
            out.push_str("   # quay.io/comment");
        }
        out.push_str(self.newline);
    }

    fn flow(&mut self, value: &Value, out: &mut String) {
        let breaks = |writer: &mut Self, out: &mut String| {
            if writer.roll(5) == 0 {
                out.push_str(writer.newline);
                out.push_str(&" ".repeat(40));
            }
        };
        match value {
            Value::Object(fields) => {
                out.push('{');
                for (index, (key, value)) in fields.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    breaks(self, out);
                    out.push_str(&json!(key).to_string());
                    out.push_str(": ");
                    self.flow(value, out);
                }
                out.push('}');
            }
            Value::Array(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    breaks(self, out);
                    self.flow(item, out);
                }
                out.push(']');
            }
            Value::String(text) => self.one_line(text, out),
            other => out.push_str(&other.to_string()),
        }
    }

    /// A text on one line: without quotes where that is surely the same, else between quotes.
    fn one_line(&mut self, text: &str, out: &mut String) {
        let is_simple = yaml::is_plain_text(text)
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_./:@=".contains(&byte))
            && !text.ends_with(':');
        match self.roll(4) {
            0 if is_simple => out.push_str(text),
            1 if !text.contains('\n') => {
                out.push('\'');
                out.push_str(&text.replace('\'', "''"));
                out.push('\'');
            }
            2 => {
                out.push('"');
                for letter in text.chars() {
                    match (self.roll(9), letter) {
                        (0, _) => out.extend([format!("\\U{:08x}", u32::from(letter))]),
                        (1, letter) if u32::from(letter) < 256 => {
                            out.extend([format!("\\x{:02x}", u32::from(letter))]);
                        }
                        (_, '"' | '\\') => out.extend(['\\', letter]),
                        (_, '\n') => out.push_str("\\n"),
                        _ => out.push(letter),
                    }
                }
                out.push('"');
            }
            _ => out.push_str(&json!(text).to_string()),
        }
    }

    fn text(&mut self, text: &str, indent: usize, out: &mut String) {
        let fits_block = !text.is_empty() && !text.starts_with([' ', '\n']) && !text.contains('\r');
        if self.roll(4) == 0 && fits_block {
            let breaks = text.len() - text.trim_end_matches('\n').len();
            let chomping = match breaks {
                0 => "-",
                1 => "",
                _ => "+",
            };
            let is_one_line = !text.trim_end_matches('\n').contains('\n') && breaks < 2;
            let header = if is_one_line && self.roll(2) == 0 {
                '>'
            } else {
                '|'
            };
            out.extend([format!(" {header}{chomping}{}", self.newline)]);
            let body = text.strip_suffix('\n').unwrap_or(text);
            for line in body.split('\n') {
                if !line.is_empty() {
                    out.push_str(&" ".repeat(indent));
                    out.push_str(line);
                }
                out.push_str(self.newline);
            }
            return;
        }
        match self.roll(6) {
            // Folded over two lines within quotes or without.
            0 if text.contains(' ')
                && !text.contains(['\n', '#', '\'', ':'])
                && !text.contains("  ")
                && text.trim() == text =>
            {
                out.push_str(" '");
                let broken = format!("{}{}", self.newline, " ".repeat(indent + 1));
                out.push_str(&text.replacen(' ', &broken, 1));
                out.push('\'');
            }
            _ => {
                out.push(' ');
                self.one_line(text, out);
            }
        }
        self.end(out);
    }
}

/// Objects, and a text that says them.
fn stream() -> impl Strategy<Value = (Vec<Value>, String)> {
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
fn mutated() -> impl Strategy<Value = String> {
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

/// Each edit taken back gives the text as it was.
fn taken_back(rewritten: &Rewritten, before: &str, after: &str) -> String {
    let mut text = after.to_owned();
    for edit in rewritten.edits.iter().rev() {
        let grown: isize = rewritten
            .edits
            .iter()
            .filter(|other| other.bytes.start < edit.bytes.start)
            .map(|other| other.text.len().cast_signed() - other.bytes.len().cast_signed())
            .sum();
        let start = edit.bytes.start.checked_add_signed(grown).unwrap();
        assert_eq!(&text[start..start + edit.text.len()], edit.text);
        text.replace_range(start..start + edit.text.len(), &before[edit.bytes.clone()]);
    }
    text
}

fn read(text: &str, reading: Reading) -> Result<Rewritten, Failure> {
    rewrite(
        text,
        "x",
        &rules(),
        &mut Meeting::default(),
        (reading, Telling::Each),
    )
}

/// What holds for every text that can be read.
fn holds(text: &str) -> Result<(), TestCaseError> {
    let Ok(rewritten) = read(text, Reading::Whole) else {
        return Ok(());
    };
    let after = rewritten.written(text);
    prop_assert_eq!(taken_back(&rewritten, text, &after), text);
    // A second time nothing is left to do.
    let again = read(&after, Reading::Whole);
    prop_assert!(again.is_ok(), "{:?}\n{}", again, after);
    let again = again.unwrap();
    prop_assert_eq!(&again.edits, &[], "{}", after);
    // What is not parsed has nothing in it.
    let by_words = read(text, Reading::ByWords);
    prop_assert!(by_words.is_ok());
    prop_assert_eq!(by_words.unwrap(), rewritten);
    Ok(())
}

/// Pods that share images, containers and lists by anchors, aliases and merge keys.
fn anchored() -> impl Strategy<Value = String> {
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
    const ITEMS: [&str; 6] = [
        "{name: a, image: ONE}",
        "&c {name: b, image: ONE}",
        "*c",
        "{<<: *c, name: d}",
        "{<<: [*c, {image: ONE}], name: e}",
        "{name: f, image: nginx, args: [--side-image, ONE]}",
    ];
    let item = (
        prop::sample::select(&ITEMS[..]),
        prop::sample::select(&ONES[..]),
    );
    let item = item.prop_map(|(item, one)| item.replace("ONE", one));
    (prop::sample::select(&ONES[..]), prop::collection::vec(item, 1..5)).prop_map(|(label, items)| {
        let items: Vec<String> = items.iter().map(|item| format!("  - {item}\n")).collect();
        let items = items.concat();
        format!("apiVersion: v1\nkind: Pod\nmetadata: {{annotations: {{x: {label}}}}}\nspec:\n  containers:\n{items}")
    })
}

proptest! {
    #[test]
    fn anchors_keep_the_same_promises(text in anchored()) {
        holds(&text)?;
    }

    #[test]
    fn a_stream_says_the_same_with_its_slots_replaced((objects, text) in stream()) {
        let said = yaml::parse_documents(&text, "x");
        prop_assert!(said.is_ok(), "{:?}\n{}", said, text);
        prop_assert_eq!(&said.unwrap(), &objects, "{}", text);
        let rewritten = read(&text, Reading::Whole);
        prop_assert!(rewritten.is_ok(), "{:?}\n{}", rewritten, text);
        let after = rewritten.unwrap().written(&text);
        prop_assert_eq!(yaml::parse_documents(&after, "x").unwrap(), expected(&text), "{}", after);
        holds(&text)?;
    }

    #[test]
    fn a_broken_stream_is_an_error_or_keeps_the_same_promises(text in mutated()) {
        holds(&text)?;
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}") {
        holds(&text)?;
    }
}
