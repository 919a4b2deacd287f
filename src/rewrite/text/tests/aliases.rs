//! Anchors and aliases: one text in several places, of which only those change that are images.

use super::*;

#[test]
fn an_anchor_changes_once_for_all_its_uses() {
    let text = "apiVersion: v1\nkind: Pod\nspec:\n  initContainers:\n  - image: &i quay.io/a:1\n  containers:\n  - &c\n    image: *i\n    name: a\n  - <<: *c\n    name: b\n";
    let rewritten = rewritten(text);
    assert_eq!(rewritten.written(text), text.replace("quay.io", "reg.corp"));
    assert_eq!(rewritten.edits.len(), 1);
    assert_eq!(rewritten.findings.changes.len(), 3);
}

#[test]
fn uses_of_an_anchor_that_decide_differently_are_told_and_left() {
    let text = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {namespace: a}, spec: {containers: [{image: &i quay.io/a:1}]}}\n- {apiVersion: v1, kind: Pod, metadata: {namespace: b}, spec: {containers: [{image: *i}]}}\n";
    let mut spec = quay_to("reg.corp");
    spec.scope.namespaces = vec!["a".to_owned()];
    let rules = RuleSet::compile(&[spec]).unwrap();
    let rewritten = rewrite(text, "x", &rules, &mut Meeting::default(), BY_WORDS).unwrap();
    assert_eq!(rewritten.edits, []);
    assert_eq!(rewritten.findings.changes, []);
    assert_eq!(rewritten.findings.skipped[0].at.line, 4);
    assert!(rewritten.findings.skipped[0].reason.contains("anchor"));
}

#[test]
fn an_alias_is_replaced_where_its_anchor_is_no_image() {
    let text = "\
apiVersion: v1
kind: Pod
metadata:
  annotations:
    built-from: &image \"quay.io/a:1\"  # the anchor
    flag: &flag --side-image=quay.io/b:1
spec:
  containers:
  - {name: a, image: *image}
  - name: b
    image: *image # the alias
    args: [*flag, --log]
";
    let rewritten = rewritten(text);
    let expected = text
        .replace("image: *image", "image: reg.corp/a:1")
        .replace("[*flag,", "['--side-image=reg.corp/b:1',");
    assert_eq!(rewritten.written(text), expected);
    assert_eq!(after(&expected), expected);
    let told: Vec<(usize, usize)> = rewritten
        .findings
        .changes
        .iter()
        .map(|change| (change.at.line, change.at.column))
        .collect();
    assert_eq!(told, [(9, 22), (11, 12), (12, 12)]);
}

#[test]
fn an_image_whose_anchor_serves_another_place_stays_and_is_told() {
    for other in ["metadata: {annotations: {x: *i}}", "x: {*i : 1}"] {
        let text = format!(
            "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: &i quay.io/a:1\n  - image: *i\n{other}\n"
        );
        let rewritten = rewritten(&text);
        // The alias is an image, and can be written without changing any other place.
        assert_eq!(
            rewritten.written(&text),
            text.replace("image: *i", "image: reg.corp/a:1")
        );
        let skipped = &rewritten.findings.skipped;
        assert_eq!((skipped.len(), skipped[0].at.line), (1, 5));
        assert!(skipped[0].reason.contains("stay as they are"));
    }
}

#[test]
fn uses_of_an_anchor_that_become_different_images_are_written_out() {
    let text = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {namespace: a}, spec: {containers: [{image: &i quay.io/a:1}]}}\n- {apiVersion: v1, kind: Pod, metadata: {namespace: b}, spec: {containers: [{image: *i}]}}\n";
    let of = |namespace: &str| {
        let mut spec = quay_to(&format!("reg.corp/{namespace}"));
        spec.id = namespace.to_owned();
        spec.scope.namespaces = vec![namespace.to_owned()];
        spec
    };
    let rules = RuleSet::compile(&[of("a"), of("b")]).unwrap();
    let rewritten = rewrite(text, "x", &rules, &mut Meeting::default(), BY_WORDS).unwrap();
    let expected = text
        .replace("&i quay.io/a:1", "&i reg.corp/a/a:1")
        .replace("image: *i", "image: reg.corp/b/a:1");
    assert_eq!(rewritten.written(text), expected);
    assert_eq!(rewritten.findings.skipped, []);
}

#[test]
fn a_container_that_stands_elsewhere_changes_at_its_anchor() {
    let text = "apiVersion: v1\nkind: Pod\nx-base: &base\n  image: quay.io/a:1\nspec:\n  containers:\n  - <<: *base\n    name: a\n  - <<: *base\n    name: b\n";
    assert_eq!(after(text), text.replace("quay.io", "reg.corp"));
}

#[test]
fn a_text_within_a_text_changes_where_no_other_place_shares_it() {
    let map = |label: &str, image: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\ndata:\n  pod.yaml: |\n    apiVersion: v1\n    kind: Pod\n    metadata: {{labels: {{x: {label}}}}}\n    spec:\n      containers:\n      - image: {image}\n      - image: *i\n"
        )
    };
    let text = map("y", "&i quay.io/a:1");
    assert_eq!(after(&text), text.replace("quay.io", "reg.corp"));
    for text in [map("&i quay.io/a:1", "nginx"), map("&i quay.io/a:1", "*i")] {
        let rewritten = rewritten(&text);
        assert_eq!(rewritten.edits, []);
        assert_eq!(rewritten.findings.suspected[0].text, "quay.io/a:1");
    }
}

#[test]
fn containers_that_stand_where_they_are_no_images_stay_and_are_told_once() {
    let text = "\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: {name: p}
  spec:
    containers: &c
    - {name: a, image: quay.io/a:1}
- apiVersion: example.com/v1
  kind: Foo
  metadata: {name: f}
  spec:
    stuff: *c
    other: {image: quay.io/b:1}
";
    let rewritten = rewritten(text);
    assert_eq!(rewritten.edits, []);
    let [skipped] = rewritten.findings.skipped.as_slice() else {
        panic!("{:?}", rewritten.findings);
    };
    assert_eq!(
        (skipped.at.line, skipped.image.as_str()),
        (9, "quay.io/a:1")
    );
    assert!(skipped.reason.contains("no image"), "{}", skipped.reason);
    let suspected = rewritten.findings.suspected.iter();
    let suspected: Vec<usize> = suspected.map(|one| one.at.line).collect();
    assert_eq!(suspected, [15]);
}

/// Only quay.io/a moves, to a registry and a directory.
pub(super) fn of_team_a() -> RuleSet {
    let action = Action::Rewrite {
        target: "reg.corp/m".to_owned(),
        drop_library: false,
    };
    let matcher = Matcher::Prefix("quay.io/a".to_owned());
    RuleSet::compile(&[RuleSpec::new("a", matcher, action)]).unwrap()
}

/// What is rewritten by `rules`, with the images that stay although a rule takes them.
fn by(rules: &RuleSet, text: &str) -> (String, Vec<String>) {
    let rewritten = rewrite(text, "x", rules, &mut Meeting::default(), BY_WORDS).unwrap();
    let stay = rewritten.findings.skipped.iter();
    let stay = stay.map(|skipped| skipped.image.clone()).collect();
    (rewritten.written(text), stay)
}

#[test]
fn a_part_that_another_image_shares_stays_with_it() {
    let text = "\
apiVersion: example.com/v1
kind: Foo
metadata: {name: x}
spec:
  a:
    image: {registry: &r quay.io, repository: a/x, tag: v1}
  b:
    image: {registry: *r, repository: b/x, tag: v1}
";
    let stays = (text.to_owned(), vec!["quay.io/a/x:v1".to_owned()]);
    assert_eq!(by(&of_team_a(), text), stays);
    // Where the image that changes has the alias, that is written out.
    let text = text.replace("a/x", "c/x").replace("b/x", "a/x");
    let written = text.replace("*r, repository: a/x", "reg.corp, repository: m/a/x");
    assert_eq!(by(&of_team_a(), &text), (written, vec![]));
}

#[test]
fn a_part_that_comes_by_a_merge_key_stays_where_another_image_has_it() {
    let text = "\
# chart values
defaults: &d
  registry: quay.io
  tag: v1
web:
  image:
    <<: *d
    repository: a/web
db:
  image:
    <<: *d
    repository: b/db
";
    let stays = (text.to_owned(), vec!["quay.io/a/web:v1".to_owned()]);
    assert_eq!(by(&of_team_a(), text), stays);
    // Both images move.
    let both = text.replace("b/db", "a/db");
    let written = both
        .replace("quay.io", "reg.corp")
        .replace("repository: a/", "repository: m/a/");
    assert_eq!(by(&of_team_a(), &both), (written, vec![]));
    // What is no image says the same as before.
    for other in ["  <<: *d\n  path: x\n", "  - *d\n"] {
        let text = format!("{both}other:\n{other}");
        let stay = ["quay.io/a/web:v1", "quay.io/a/db:v1"].map(str::to_owned);
        assert_eq!(by(&of_team_a(), &text), (text.clone(), stay.to_vec()));
    }
}

#[test]
fn a_pin_lands_in_no_other_image() {
    let matcher = Matcher::Repository("quay.io/a/b".to_owned());
    let mut spec = RuleSpec::new("pin", matcher, Action::Pin);
    spec.pin = Some(format!("sha256:{}", "0".repeat(64)));
    let rules = RuleSet::compile(&[spec]).unwrap();
    let text = "\
image: &tagged
  repository: quay.io/a/b
  tag: &t v1
version: *t
other:
  image:
    repository: quay.io/c/d
    tag: *t
copy: *tagged
";
    let stays = (text.to_owned(), vec!["quay.io/a/b:v1".to_owned()]);
    assert_eq!(by(&rules, text), stays);
    let text = "one: {image: {repository: quay.io/c/d, tag: &t v1}}\ntwo: {image: {repository: quay.io/a/b, tag: *t}}\n";
    let pinned = format!("v1@sha256:{}", "0".repeat(64));
    let (after, stay) = by(&rules, text);
    assert_eq!((after, stay), (text.replace("*t", &pinned), vec![]));
}

#[test]
fn what_stays_is_told_in_full_where_changes_are_only_counted() {
    let text = "\
apiVersion: v1
kind: Pod
spec:
  containers:
  - image: &i quay.io/a:1
  - image: *i
  - image: quay.io/b:1
metadata: {annotations: {x: *i}}
";
    let told = |telling| {
        let by = (Reading::ByWords, telling);
        rewrite(text, "x", &rules(), &mut Meeting::default(), by).unwrap()
    };
    let (each, number) = (told(Telling::Each), told(Telling::Number));
    assert_eq!(each.findings.skipped.len(), 1, "{each:?}");
    assert_eq!(number.findings.skipped, each.findings.skipped);
    assert_eq!(number.edits, each.edits);
    assert_eq!(number.findings.changed, each.findings.changes.len());
    assert_eq!(number.findings.changes, []);
}
