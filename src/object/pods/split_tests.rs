use serde_json::json;

use super::*;

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn written(parts: &Value, image: &str) -> Option<Value> {
    let mut after = parts.clone();
    for replacement in replacements(&Pointer::root(), parts.as_object().unwrap(), image)? {
        let Value::String(text) = replacement.pointer.get_mut(&mut after)? else {
            panic!("no text at {}", replacement.pointer)
        };
        text.replace_range(replacement.span, &replacement.text);
    }
    assert_eq!(compose(after.as_object().unwrap()).as_deref(), Some(image));
    Some(after)
}

#[test]
fn the_parts_make_one_reference() {
    let cases = [
        (
            json!({"repository": "quay.io/a/b", "tag": "v1"}),
            "quay.io/a/b:v1",
        ),
        (
            json!({"registry": "quay.io", "repository": "a/b", "tag": 3}),
            "quay.io/a/b:3",
        ),
        (
            json!({"registry": "", "repository": "a/b", "tag": null}),
            "a/b",
        ),
        (
            json!({"repository": "a/b", "tag": "v1", "digest": DIGEST}),
            &format!("a/b:v1@{DIGEST}"),
        ),
    ];
    for (parts, image) in cases {
        assert_eq!(compose(parts.as_object().unwrap()).as_deref(), Some(image));
    }
    for parts in [
        json!({"repository": ""}),
        json!({"repository": {"name": "a"}}),
        json!({"repository": "a/b", "tag": 1.1}),
        json!({"repository": "a/b", "tag": ["v1"]}),
        json!({"tag": "v1"}),
    ] {
        assert_eq!(compose(parts.as_object().unwrap()), None, "{parts}");
    }
}

#[test]
fn a_repository_alone_is_no_image() {
    let judged = |named: bool, fields: Value| {
        certainty(named, fields.as_object().unwrap()).map(|(certainty, _)| certainty)
    };
    let certain = Some(Certainty::Certain);
    let suspected = Some(Certainty::Suspected(Suspicion::Parts));
    for (fields, named, other) in [
        (json!({"repository": "a/b", "tag": ""}), certain, None),
        (
            json!({"repository": "a/b", "pullPolicy": "Always"}),
            certain,
            None,
        ),
        (json!({"repository": "quay.io/a/b"}), certain, None),
        (
            json!({"repository": "quay.io/a/b", "tag": "v1"}),
            certain,
            suspected,
        ),
        (
            json!({"registry": "quay.io", "repository": "a/b", "tag": "v1"}),
            certain,
            certain,
        ),
        (
            json!({"registry": "", "repository": "a/b", "digest": ""}),
            certain,
            certain,
        ),
        (json!({"repository": "a/b"}), suspected, None),
        (
            json!({"repository": "https://github.com/a/b", "tag": "v1"}),
            None,
            None,
        ),
        (
            json!({"repository": "{{ .Values.x }}", "tag": "v1"}),
            None,
            None,
        ),
        (json!({"registry": "quay.io", "tag": "v1"}), None, None),
    ] {
        assert_eq!(judged(true, fields.clone()), named, "image: {fields}");
        assert_eq!(judged(false, fields.clone()), other, "source: {fields}");
    }
}

/// A whole number reads as it is written; of another the spelling is lost.
#[test]
fn a_name_is_told_where_its_version_cannot_be_read() {
    let judged = |named: bool, fields: &Value| certainty(named, fields.as_object().unwrap());
    let version = Certainty::Suspected(Suspicion::Version);
    for tag in [
        json!(1.1),
        json!(1e23),
        json!(-5),
        json!(true),
        json!("${TAG}"),
    ] {
        let apart = json!({"registry": "quay.io", "repository": "a/b", "tag": tag});
        let joined = json!({"repository": "src.corp/a/b", "tag": tag});
        for named in [true, false] {
            let expected = Some((version, "quay.io/a/b".to_owned()));
            assert_eq!(judged(named, &apart), expected, "{apart}");
            let expected = Some((version, "src.corp/a/b".to_owned()));
            assert_eq!(judged(named, &joined), expected, "{joined}");
        }
        let path = json!({"repository": "a/b", "tag": tag});
        assert_eq!(judged(false, &path), None, "{path}");
    }
    let whole = json!({"registry": "quay.io", "repository": "a/b", "tag": 16});
    let expected = Some((Certainty::Certain, "quay.io/a/b:16".to_owned()));
    assert_eq!(judged(true, &whole), expected);
    for parts in [
        json!({"repository": "quay.io/a/b", "tag": ["v1"]}),
        json!({"repository": "https://github.com/a/b", "tag": 1.1}),
    ] {
        assert_eq!(judged(true, &parts), None, "{parts}");
    }
}

#[test]
fn each_part_goes_where_it_stood() {
    let cases = [
        (
            json!({"repository": "quay.io/a/b", "tag": "v1"}),
            "reg.corp/a/b:v1".to_owned(),
            json!({"repository": "reg.corp/a/b", "tag": "v1"}),
        ),
        (
            json!({"registry": "quay.io", "repository": "a/b", "tag": "v1"}),
            "reg.corp:5000/quay/a/b:v1".to_owned(),
            json!({"registry": "reg.corp:5000", "repository": "quay/a/b", "tag": "v1"}),
        ),
        (
            json!({"registry": "quay.io/a", "repository": "b", "tag": "v1"}),
            "reg.corp/quay/a/b:v1".to_owned(),
            json!({"registry": "reg.corp/quay/a", "repository": "b", "tag": "v1"}),
        ),
        (
            json!({"registry": "quay.io", "repository": "a/b", "tag": "v1", "digest": ""}),
            format!("reg.corp/a/b:v1@{DIGEST}"),
            json!({"registry": "reg.corp", "repository": "a/b", "tag": "v1", "digest": DIGEST}),
        ),
        (
            json!({"repository": "quay.io/a/b", "tag": "v1"}),
            format!("reg.corp/a/b:v1@{DIGEST}"),
            json!({"repository": "reg.corp/a/b", "tag": format!("v1@{DIGEST}")}),
        ),
        (
            json!({"repository": "quay.io/a/b", "tag": 3}),
            "reg.corp/a/b:3".to_owned(),
            json!({"repository": "reg.corp/a/b", "tag": 3}),
        ),
        (
            json!({"repository": "quay.io/a/b:v1", "tag": ""}),
            format!("reg.corp/a/b:v1@{DIGEST}"),
            json!({"repository": format!("reg.corp/a/b:v1@{DIGEST}"), "tag": ""}),
        ),
    ];
    for (before, image, after) in cases {
        assert_eq!(written(&before, &image), Some(after), "{before}");
    }
}

#[test]
fn what_the_keys_cannot_say_is_not_written() {
    for (parts, image) in [
        (
            json!({"repository": "quay.io/a/b"}),
            format!("reg.corp/a/b@{DIGEST}"),
        ),
        (
            json!({"repository": "quay.io/a/b"}),
            "reg.corp/a/b:v2".to_owned(),
        ),
        (
            json!({"repository": "quay.io/a/b", "tag": 3}),
            "reg.corp/a/b:4".to_owned(),
        ),
    ] {
        assert_eq!(written(&parts, &image), None, "{parts}");
    }
}
