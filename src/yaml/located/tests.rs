use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::yaml::{Lines, parse_documents};

fn one(text: &str) -> Document<'_> {
    located_documents(text, "x.yaml").unwrap().remove(0)
}

/// The bytes of the scalar at a pointer.
fn raw<'a>(text: &'a str, pointer: &str) -> &'a str {
    let document = one(text);
    let place = document.find(document.root(), pointer).unwrap();
    &text[document.scalar(place).unwrap().bytes]
}

/// The bytes that stand for `part` within the scalar at a pointer.
fn bytes_of<'a>(text: &'a str, pointer: &str, part: &str) -> &'a str {
    let document = one(text);
    let place = document.find(document.root(), pointer).unwrap();
    let scalar = document.scalar(place).unwrap();
    let said = document.value().pointer(pointer).unwrap().as_str().unwrap();
    let at = said.find(part).unwrap();
    let range = at..at + part.len();
    let found = document.bytes_of(&scalar, said, &[range]).unwrap();
    &text[found[0].clone()]
}

#[test]
fn every_style_has_its_bytes() {
    let text = "a: one # c\nb: 'it''s'\nc: \"d\\n\"\nd: |\n  x\n   y\ne: [p, {q: r}]\n\"f/~\": z\n";
    for (pointer, expected) in [
        ("/a", "one"),
        ("/b", "'it''s'"),
        ("/c", "\"d\\n\""),
        ("/d", "x\n   y\n"),
        ("/e/0", "p"),
        ("/e/1/q", "r"),
        ("/f~1~0", "z"),
    ] {
        assert_eq!(raw(text, pointer), expected, "{pointer}");
    }
}

#[test]
fn a_part_of_a_text_has_its_bytes_in_every_style() {
    for (text, part, expected) in [
        ("a: x y:1\n", "y:1", "y:1"),
        ("a: one\n   two\n\n   three\n", "two", "two"),
        ("a: one\r\n   two\r\n", "one two", "one\r\n   two"),
        ("a: 'it''s x:1'\n", "s x:1", "s x:1"),
        ("a: 'p ''q'' r'\n", "'q'", "''q''"),
        ("a: \"\\tx:1\\n\"\n", "x:1", "x:1"),
        ("a: \"\\x78:\\u0031\"\n", "x:1", "\\x78:\\u0031"),
        ("a: \"x\\\n   y\"\n", "xy", "x\\\n   y"),
        ("a: \"\\ud834\\udd1e x\"\n", "x", "x"),
        ("a: |\n  p\n   x:1\n", "x:1", "x:1"),
        ("a: |\r\n  p\r\n  x:1\r\n", "x:1", "x:1"),
        ("a: |2+\n    x:1\n\n", "x:1", "x:1"),
        ("a: >-\n\n  p\n  x:1\n\n   q\n", "x:1", "x:1"),
        ("a: |\n  é x:1", "x:1", "x:1"),
    ] {
        assert_eq!(bytes_of(text, "/a", part), expected, "{text:?}");
    }
}

#[test]
fn an_alias_and_a_merge_key_lead_to_the_anchor() {
    let text = "base: &b\n  image: &i nginx\n  name: x\nuse:\n  <<: *b\n  name: y\nlist:\n- *i\n- <<: [{image: z}, *b]\n";
    let document = one(text);
    let anchor = document.find(document.root(), "/base/image").unwrap();
    for pointer in ["/use/image", "/list/0"] {
        let place = document.find(document.root(), pointer).unwrap();
        assert_eq!(document.scalar(place), document.scalar(anchor), "{pointer}");
    }
    assert_eq!(raw(text, "/use/name"), "y");
    assert_eq!(raw(text, "/list/1/image"), "z");
    assert_eq!(raw(text, "/list/1/name"), "x");
    assert!(document.has_aliases());
}

#[test]
fn wide_mappings_are_walked_once_and_say_the_same() {
    for width in [31, 32, 33, 2_000] {
        let keys: Vec<usize> = (0..width).map(|number| number * 7919 % width).collect();
        let of = |prefix: &str| -> String {
            let lines = keys.iter().map(|key| format!("  {prefix}{key}: {key}v\n"));
            lines.collect()
        };
        let text = format!(
            "base: &b\n{}use:\n{}  <<: *b\n  last: x\n",
            of("m"),
            of("k")
        );
        let document = one(&text);
        let said = |pointer: &str| {
            let place = document.find(document.root(), pointer)?;
            Some(&text[document.scalar(place)?.bytes])
        };
        for key in &keys {
            let expected = format!("{key}v");
            for pointer in [format!("/use/k{key}"), format!("/use/m{key}")] {
                assert_eq!(said(&pointer), Some(expected.as_str()), "{pointer}");
            }
        }
        assert_eq!(said("/use/last"), Some("x"));
        assert_eq!(said("/use/none"), None);
        let remembered = document.entries.borrow();
        let remembered: usize = remembered.values().map(Vec::len).sum();
        let wide = |entries: usize| if entries > 32 { entries } else { 0 };
        assert_eq!(remembered, wide(width) + wide(width + 2));
    }
}

#[test]
fn lines_and_columns_are_those_of_the_stream() {
    let text = "\u{feff}# c\r\na: 1\r\n---\r\nb:\r\n- é: nginx\r\n";
    let documents = located_documents(text, "x.yaml").unwrap();
    let document = &documents[1];
    let place = document.find(document.root(), "/b/0/é").unwrap();
    let scalar = document.scalar(place).unwrap();
    assert_eq!(
        Lines::of(document.part()).position(scalar.bytes.start),
        (5, 6)
    );
    assert_eq!(&text[scalar.bytes], "nginx");
    let failure = located_documents("a: 1\n---\nb: [\n", "x.yaml").unwrap_err();
    assert!(failure.details().what.starts_with("x.yaml:3:"), "{failure}");
    let failure = located_documents("a: 1\n---\nb: 1\nb: 2\n", "x.yaml").unwrap_err();
    assert!(
        failure.details().what.starts_with("x.yaml:4:1"),
        "{failure}"
    );
}

#[test]
fn unusual_documents_read_as_the_reader_of_values_reads_them() {
    for text in [
        "a: yes\nb: 0644\nc: 1_000\nd: ~\ne:\nf: .inf5\ng: 1.10\nh: -3\ni: 1e3\nj: 10Mi\nk: 0x1F\nl: 07:00\n",
        "a: !!str 5\nb: !!int '7'\nc: ! x\nd: !custom y\n",
        "8080: a\n0x10: b\ntrue: c\n~: d\n",
        "? [a, b]\n: c\n",
        "\"a\\x41\": 1\n'it''s': 2\n",
        "{\n\t\"a\": [1, true, null, \"x\"],\n\t\"b\": {}\n}\n",
        "%YAML 1.2\n---\na: 1\n...\n# c\n%YAML 1.2\n---\nb: 2\n",
        "a: &x [1]\nb: *x\n",
        "- - a\n  - b\n-\n",
        "text\n",
        "a: 18446744073709551615\nb: 9999999999999999999999\nc: 00\nd: 0\n",
        "a: Null\nb: TRUE\nc: NaN\nd: Inf\ne: infinity\nf: y\ng: Off\n",
        "a: -\nb: +\nc: .\nd: '-'\ne: =\nf: <\n",
    ] {
        let located = located_documents(text, "x");
        match parse_documents(text, "x") {
            Ok(values) => {
                let found: Vec<Value> = located
                    .unwrap()
                    .iter()
                    .map(|document| document.value().clone())
                    .collect();
                assert_eq!(found, values, "{text}");
            }
            Err(failure) => assert_eq!(
                located.unwrap_err().details().why,
                failure.details().why,
                "{text}"
            ),
        }
    }
}

#[test]
fn bombs_and_depth_end_in_a_failure() {
    let bomb: String = ["a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned()]
        .into_iter()
        .chain("bcdefgh".chars().zip("abcdefg".chars()).map(|(name, of)| {
            let uses = vec![format!("*{of}"); 9].join(",");
            format!("{name}: &{name} [{uses}]\n")
        }))
        .collect();
    let deep = "[".repeat(5000);
    let nested: Vec<String> = (0..500)
        .map(|depth| format!("{}a:\n", " ".repeat(depth)))
        .collect();
    let nested = nested.concat();
    let many = format!("[{}]", "a,".repeat(1_000_001));
    for text in [&bomb, &deep, &nested, &many, "a: &a [*a]\n"] {
        let failure = located_documents(text, "x.yaml").unwrap_err();
        assert_eq!(failure.code(), "yaml-invalid");
    }
}

#[test]
fn errors_and_debug_never_repeat_the_text() {
    for text in [
        "a: \"canary\n",
        "canary: 1\n\tcanary: 2",
        "canary: 1\ncanary: 2",
    ] {
        let failure = located_documents(text, "x.yaml").unwrap_err();
        assert!(!format!("{:?}", failure.details()).contains("canary"));
    }
    assert!(!format!("{:?}", one("a: canary\n")).contains("canary"));
}

/// A text made of what YAML is made of: most are no YAML, many are.
fn snippets() -> impl Strategy<Value = String> {
    const WORDS: [&str; 40] = [
        "a",
        "b: ",
        "image: ",
        "nginx:1",
        "\n",
        "\n  ",
        "\n    ",
        "- ",
        "\r\n",
        "\t",
        "|\n",
        ">-\n",
        "'",
        "\"",
        "''",
        "\\n",
        "\\\n",
        "&x ",
        "*x",
        "<<: ",
        "{",
        "}",
        "[",
        "]",
        ", ",
        ": ",
        "? ",
        "# c",
        "\n---\n",
        "\n...\n",
        "!!str ",
        "0644",
        "yes",
        "~",
        "1.5",
        "é",
        "\u{feff}",
        "%YAML 1.2\n",
        "x y",
        "\r",
    ];
    prop::collection::vec(prop::sample::select(&WORDS[..]), 0..24).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn a_stream_says_the_same_as_without_places(text in snippets()) {
        let values = parse_documents(&text, "x");
        let located = located_documents(&text, "x");
        match (values, located) {
            (Ok(values), Ok(located)) => {
                let found: Vec<Value> = located.iter().map(|document| document.value().clone()).collect();
                prop_assert_eq!(found, values);
            }
            (Err(_), Err(_)) => {}
            (values, located) => prop_assert!(false, "{values:?} {:?}", located.map(|documents| documents.len())),
        }
    }

    #[test]
    fn every_text_is_found_and_is_what_its_bytes_say(text in snippets()) {
        for document in located_documents(&text, "x").unwrap_or_default() {
            check(&document, document.value(), "")?;
        }
    }
}

/// Every text of a value is found, and its bytes are those that stand for it.
fn check(document: &Document<'_>, value: &Value, pointer: &str) -> Result<(), TestCaseError> {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                check(document, item, &format!("{pointer}/{index}"))?;
            }
        }
        Value::Object(fields) => {
            for (key, field) in fields {
                let key = key.replace('~', "~0").replace('/', "~1");
                check(document, field, &format!("{pointer}/{key}"))?;
            }
        }
        Value::String(said) if !said.trim().is_empty() => {
            let place = document.find(document.root(), pointer);
            prop_assert!(place.is_some(), "{pointer}");
            let scalar = place.and_then(|place| document.scalar(place));
            prop_assert!(scalar.is_some(), "{pointer}");
            let (start, end) = (said.len() - said.trim_start().len(), said.trim_end().len());
            let found =
                document.bytes_of(&scalar.unwrap(), said, std::slice::from_ref(&(start..end)));
            prop_assert!(found.is_some(), "{pointer} {said:?}");
        }
        _ => {}
    }
    Ok(())
}

#[test]
fn a_list_comes_item_by_item_unless_something_leads_from_one_to_another() {
    let read = |text: &'static str| {
        let mut given = Vec::new();
        let part = parts(text).next().unwrap();
        let contents = Document::read_by_item(part, "x", &mut |item| {
            let place = item.find(item.root(), "/spec/image").unwrap();
            given.push(text[item.scalar(place).unwrap().bytes].to_owned());
        });
        (
            contents.map(|contents| matches!(contents, Contents::Items)),
            given,
        )
    };
    let items = "items:\n- {apiVersion: v1, kind: A, spec: {\"im\\x61ge\": a}}\n- apiVersion: v1\n  kind: B\n  spec:\n    image: 'b'\n";
    let list = [items, "kind: List\n"].concat().leak();
    assert!(matches!(read(list), (Ok(true), given) if given == ["a", "'b'"]));
    for (text, given) in [
        // No list after all, an alias into an item, a typed list, a second key of the name.
        ([items, "kind: Other\n"].concat(), 2),
        (items.replace("'b'", "&x b") + "kind: List\nx: *x\n", 2),
        ("kind: PodList\nitems: [{spec: {image: a}}]\n".to_owned(), 0),
    ] {
        let (contents, before) = read(text.leak());
        assert_eq!((contents.unwrap(), before.len()), (false, given));
    }
    let twice = [items, "kind: List\nitems: []\n"].concat().leak();
    assert!(read(twice).0.is_err());
}

#[test]
fn values_keep_their_order() {
    let document = one("b: 1\na: {d: x, c: z}\n");
    assert_eq!(
        document.value().to_string(),
        json!({"b": 1, "a": {"d": "x", "c": "z"}}).to_string()
    );
}

/// Each was once read on a thread of its own, after the first had settled it too.
#[test]
fn numbers_that_are_none_are_refused_by_the_first() {
    let text = ["image: 1\nx:\n", &"- .inf\n".repeat(300_000)].concat();
    let part = parts(&text).next().unwrap();
    let mut scan = scan::Scan::new(part, None);
    assert!(scan.run().is_ok() && scan.unsure);
    assert_eq!(scan.read_alone, 1);
    let failure = Document::read(part, "x").unwrap_err();
    assert_eq!(
        failure.details().why,
        ["a number is infinite or not a number"]
    );
}
