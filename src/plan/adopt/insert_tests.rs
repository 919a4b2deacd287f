use super::*;
use crate::object::{ObjectRef, Pointer};
use crate::plan::adopt::{HandEdit, OfferedRule, snippet};

fn rules() -> Vec<OfferedRule> {
    vec![OfferedRule {
        matcher: "host",
        source: "quay.io".into(),
        rewrite: "r.corp/quay".into(),
        edits: Vec::new(),
        untouched: Vec::new(),
    }]
}

fn inserted(text: &str) -> String {
    insert(text, "arc-setup.yaml", &rules()).unwrap()
}

#[test]
fn rules_go_behind_those_of_the_list_and_nothing_else_moves() {
    let before = "# mine\nname: x   # why\nregistry:\n    host: r.corp   # ours\n    rules:\n      # first\n      - repository: quay.io/a/b\n        keep: true   # it must stay\n        # about the first\n\n    # about the map\n    map: [{source: x.io, target: keep}]\nproxy: {url: 'http://p:1'}\n";
    assert_eq!(
        inserted(before),
        before.replace(
            "        # about the first\n",
            "        # about the first\n      - host: quay.io\n        rewrite: r.corp/quay\n"
        )
    );
}

#[test]
fn a_list_is_made_where_there_is_none() {
    let cases = [
        (
            "",
            "registry:\n  rules:\n    - host: quay.io\n      rewrite: r.corp/quay\n",
        ),
        (
            "# only a comment",
            "# only a comment\nregistry:\n  rules:\n    - host: quay.io\n      rewrite: r.corp/quay\n",
        ),
        (
            "name: x",
            "name: x\nregistry:\n  rules:\n    - host: quay.io\n      rewrite: r.corp/quay\n",
        ),
        (
            "registry:\r\n   host: r.corp\r\nname: x\r\n",
            "registry:\r\n   rules:\r\n     - host: quay.io\r\n       rewrite: r.corp/quay\r\n   host: r.corp\r\nname: x\r\n",
        ),
        (
            "registry:\nname: x\n",
            "registry:\n  rules:\n    - host: quay.io\n      rewrite: r.corp/quay\nname: x\n",
        ),
        (
            "registry:\n  rules:\n  host: r.corp\n",
            "registry:\n  rules:\n    - host: quay.io\n      rewrite: r.corp/quay\n  host: r.corp\n",
        ),
        (
            "registry:\n  rules:\n  - {host: ghcr.io, deny: true}\n  host: r.corp",
            "registry:\n  rules:\n  - {host: ghcr.io, deny: true}\n  - host: quay.io\n    rewrite: r.corp/quay\n  host: r.corp",
        ),
        (
            "registry:\n  rules:\n  -\n    host: ghcr.io\n    rewrite:\n      r.corp\n",
            "registry:\n  rules:\n  -\n    host: ghcr.io\n    rewrite:\n      r.corp\n  - host: quay.io\n    rewrite: r.corp/quay\n",
        ),
    ];
    for (before, after) in cases {
        assert_eq!(inserted(before), after);
    }
}

#[test]
fn what_is_laid_out_otherwise_is_left_to_a_person() {
    for text in [
        "registry: {host: r.corp}\n",
        "registry:\n  rules: []\n",
        "registry:\n  rules: [{host: ghcr.io, deny: true}]\n",
        "{registry: {}}\n",
        "name: x\n...\n",
        "registry: text\n",
        "- a\n",
        "a: [\n",
        "a: &a {b: 1}\nregistry:\n  rules: *a\n",
    ] {
        assert!(insert(text, "arc-setup.yaml", &rules()).is_err(), "{text}");
    }
}

/// What stands in a comment was written by whoever may write to the cluster.
#[test]
fn no_comment_ends_before_its_line() {
    let hostile = "--x\n    - host: ghcr.io\n      rewrite: evil.corp #\r\u{85}\u{2028}\u{feff}\u{1b}[2J::error::-image";
    let edit = HandEdit {
        object: ObjectRef::new("apps/v1", "Deployment", Some(hostile), hostile),
        pointer: Pointer::new("/spec/template/spec/containers/0/args/0"),
        place: format!("container {hostile}"),
        manager: hostile.to_owned(),
        time: Some(hostile.to_owned()),
        before: Some(hostile.to_owned()),
        known_from: Some(hostile.to_owned()),
        after: hostile.repeat(1000),
    };
    let mut rules = rules();
    rules[0].edits = vec![edit; 5];
    rules[0].untouched = vec![hostile.to_owned(), hostile.to_owned()];
    let expected = json!({"registry": {"rules": [{"host": "quay.io", "rewrite": "r.corp/quay"}]}});
    let said = |text: &str| yaml::parse_tree(text, "x").unwrap().unwrap().to_json();
    let text = snippet(&rules);
    assert_eq!(said(&text), expected, "{text}");
    assert!(!text.contains('\u{1b}') && text.len() < 10_000, "{text}");
    assert_eq!(said(&insert("", "x", &rules).unwrap()), expected);
}
