//! What a reader of a diff would see, case by case.

use super::*;

/// A pod whose one container has this `image` line and what follows it.
fn pod(image: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  containers:\n  - name: c\n    image: {image}\n"
    )
}

#[test]
fn only_the_bytes_of_the_reference_change() {
    let text = "\
# the controller
apiVersion: apps/v1   # stable
kind: Deployment
metadata: {name:   web,  labels: { 'a': \"b\" } }
spec:
    template:
        spec:
            initContainers: [ {name: i, image: 'quay.io/a/init:1'} ]
            containers:
            -   image:   \"quay.io/a/b:v1\"   # keep me
                name: web
                args: [ --log, \"--side-image=ghcr.io/x/y:2,quay.io/z:1\" ]

                env:
                - {name: RELATED_IMAGE_X, value: quay.io/r/x@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef}
            - name: kept
              image: nginx
# the end
";
    let expected = text
        .replace("quay.io/", "reg.corp/")
        .replace("ghcr.io/", "reg.corp/ghcr/");
    assert_eq!(after(text), expected);
    assert_eq!(after(&expected), expected);
}

#[test]
fn line_endings_and_marks_survive() {
    for text in [
        pod("quay.io/a/b:1").replace('\n', "\r\n"),
        format!("\u{feff}{}", pod("quay.io/a/b:1")),
        format!(
            "%YAML 1.2\n---\n{}...\n# c\n---\n{}",
            pod("quay.io/a:1"),
            pod("'quay.io/b:1'")
        ),
        pod("quay.io/a/b:1").trim_end().to_owned(),
    ] {
        assert_eq!(
            after(&text),
            text.replace("quay.io/", "reg.corp/"),
            "{text:?}"
        );
    }
}

#[test]
fn every_style_of_scalar_keeps_its_spelling() {
    for (image, now) in [
        ("quay.io/a:1", "reg.corp/a:1"),
        ("'quay.io/a:1'", "'reg.corp/a:1'"),
        ("\"quay.io/a:1\"", "\"reg.corp/a:1\""),
        ("\"quay.io\\/a:1\"", "\"reg.corp/a:1\""),
        ("\"\\x71uay.io/a:1\"", "\"reg.corp/a:1\""),
        ("!!str quay.io/a:1", "!!str reg.corp/a:1"),
        ("&x quay.io/a:1", "&x reg.corp/a:1"),
        ("|-\n      quay.io/a:1", "|-\n      reg.corp/a:1"),
        (">-\n\n      quay.io/a:1", ">-\n\n      reg.corp/a:1"),
        ("\n      quay.io/a:1", "\n      reg.corp/a:1"),
    ] {
        // A block scalar with a blank line before it says that line too, so it is no reference.
        if image.starts_with('>') {
            assert_eq!(after(&pod(image)), pod(image));
        } else {
            assert_eq!(after(&pod(image)), pod(now), "{image}");
        }
    }
}

#[test]
fn json_is_rewritten_too() {
    let text = "{\n\t\"apiVersion\": \"v1\", \"kind\": \"PodList\",\n\t\"items\": [{\"kind\": \"Pod\", \"apiVersion\": \"v1\",\n\t\t\"spec\": {\"containers\": [{\"image\": \"quay.io\\/a:1\"}]}}]\n}\n";
    let rewritten = rewritten(text);
    assert_eq!(
        rewritten.written(text),
        text.replace("quay.io\\/a:1", "reg.corp/a:1")
    );
    let change = &rewritten.findings.changes[0];
    assert_eq!((change.at.line, change.at.column), (4, 38));
    assert_eq!(change.at.pointer, "/items/0/spec/containers/0/image");
}

#[test]
fn a_change_says_where_what_and_by_which_rule() {
    let text = format!(
        "---\n# c\n---\n{}",
        pod("  nginx\n  - name: d\n    image: 'quay.io/a/b:1'")
    );
    let rewritten = rewritten(&text);
    let [change] = rewritten.findings.changes.as_slice() else {
        panic!("{:?}", rewritten.findings)
    };
    assert_eq!((change.at.line, change.at.column), (12, 13));
    assert_eq!(change.at.pointer, "/spec/containers/1/image");
    assert_eq!(change.at.object.to_string(), "Pod p");
    assert_eq!(
        (change.before.as_str(), change.after.as_str()),
        ("quay.io/a/b:1", "reg.corp/a/b:1")
    );
    assert_eq!(change.rule, "map quay.io");
}

#[test]
fn what_a_rule_refuses_and_what_is_no_reference_is_told() {
    let text = format!("{}---\n{}", pod("evil.example.com/a:1"), pod("foo/Bar"));
    let findings = rewritten(&text).findings;
    assert_eq!(findings.refused[0].code, "image-rule-denied");
    assert_eq!(
        (findings.refused[0].at.line, findings.refused[0].at.column),
        (7, 12)
    );
    assert_eq!(findings.skipped[0].image, "foo/Bar");
    assert_eq!(findings.skipped[0].at.line, 15);
}

#[test]
fn what_stays_is_told_at_the_image_as_what_changes_is() {
    for (line, column) in [
        ("'evil.example.com/a:1'", 13),
        ("\"foo/Bar\"", 13),
        ("'quay.io/a:1'", 13),
        ("quay.io/a:1", 12),
    ] {
        let findings = rewritten(&pod(line)).findings;
        let places = [
            findings.refused.first().map(|one| &one.at),
            findings.skipped.first().map(|one| &one.at),
            findings.changes.first().map(|one| &one.at),
        ];
        let at: Vec<_> = places.into_iter().flatten().collect();
        assert_eq!((at[0].line, at[0].column), (7, column), "{line}");
    }
    // Within a text, too.
    let text = pod("nginx").replace(
        "    image: nginx",
        "    image: nginx\n    args: ['--side-image=evil.example.com/a:1']",
    );
    let at = &rewritten(&text).findings.refused[0].at;
    assert_eq!((at.line, at.column), (8, 26));
}

#[test]
fn suspects_and_compiled_in_images_are_told_and_never_written() {
    let text = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: controller-manager, namespace: actions-runner-system}
spec:
  template:
    spec:
      containers:
      - name: manager
        image: summerwind/actions-runner-controller:v0.18.2
        command: [/manager]
        args:
        - --docker-image=docker:dind
      - name: other
        image: nginx
        command: [sh, -c, run quay.io/a/b:1]
        env: [{name: SIDE_IMAGE, value: $(REGISTRY)/a/c:1}]
";
    let rules = RuleSet::compile(&[RuleSpec::new(
        "all",
        Matcher::Any,
        Action::Rewrite {
            target: "reg.corp".to_owned(),
            drop_library: false,
        },
    )])
    .unwrap();
    let rewritten = rewrite(text, "x", &rules, &mut Meeting::default(), BY_WORDS).unwrap();
    assert_eq!(rewritten.findings.suspected[0].text, "quay.io/a/b:1");
    assert_eq!(rewritten.findings.suspected[0].at.line, 15);
    let later = &rewritten.findings.suspected[1];
    assert_eq!(
        (later.text.as_str(), &later.after, &later.rule, later.why),
        ("$(REGISTRY)/a/c:1", &None, &None, Suspicion::Later)
    );
    let absent = &rewritten.findings.absent[0];
    assert_eq!(absent.name, "--runner-image");
    assert_eq!(
        absent.item,
        "--runner-image=reg.corp/summerwind/actions-runner:latest"
    );
    assert_eq!(
        (absent.at.line, absent.at.pointer.as_str()),
        (12, "/spec/template/spec/containers/0/args")
    );
    assert!(
        rewritten
            .written(text)
            .contains("sh, -c, run quay.io/a/b:1]")
    );
}

#[test]
fn what_only_looks_like_a_place_stays() {
    let text = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{\"spec\":{\"containers\":[{\"image\":\"quay.io/a:1\"}]}}'
spec:
  template:
    spec:
      containers:
      - {name: a, image: nginx}
      volumes:
      - rbd: {image: quay.io/a:1}
status:
  image: quay.io/a:1
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
spec: {template: {spec: {containers: [{image: quay.io/a:1}]}}}
---
- image: quay.io/a:1
---
image: quay.io/a:1
";
    assert_eq!(after(text), text);
}

#[test]
fn a_new_name_that_would_say_something_else_is_quoted() {
    let rules = RuleSet::compile(&[quay_to("[fc00::1]:5000")]).unwrap();
    for (image, now) in [
        ("quay.io/a:1 # c", "'[fc00::1]:5000/a:1' # c"),
        ("'quay.io/a:1'", "'[fc00::1]:5000/a:1'"),
    ] {
        let text = pod(image);
        let rewritten = rewrite(&text, "x", &rules, &mut Meeting::default(), BY_WORDS);
        assert_eq!(rewritten.unwrap().written(&text), pod(now));
    }
}

#[test]
fn a_new_name_that_needs_quotes_in_a_text_within_a_text_stays_and_is_told() {
    let rules = RuleSet::compile(&[RuleSpec::new(
        "six",
        Matcher::Host("quay.io".to_owned()),
        Action::Rewrite {
            target: "[fc00::1]:5000".to_owned(),
            drop_library: false,
        },
    )])
    .unwrap();
    let text = "apiVersion: v1\nkind: ConfigMap\ndata:\n  a.yaml: |\n    apiVersion: v1\n    kind: Pod\n    spec: {containers: [{name: c, image: quay.io/a:1}]}\n";
    let rewritten = rewrite(text, "x", &rules, &mut Meeting::default(), BY_WORDS).unwrap();
    assert_eq!(rewritten.edits, []);
    let reason = &rewritten.findings.skipped[0].reason;
    assert!(
        reason.starts_with("[fc00::1]:5000/a:1 would have to stand in quotes"),
        "{reason}"
    );
}

#[test]
fn two_images_that_would_be_one_are_refused() {
    let rules = RuleSet::compile(&[
        RuleSpec::new(
            "a",
            Matcher::Host("quay.io".to_owned()),
            Action::Rewrite {
                target: "reg.corp".to_owned(),
                drop_library: false,
            },
        ),
        RuleSpec::new(
            "b",
            Matcher::Host("ghcr.io".to_owned()),
            Action::Rewrite {
                target: "reg.corp".to_owned(),
                drop_library: false,
            },
        ),
    ])
    .unwrap();
    let mut meeting = Meeting::default();
    for image in ["quay.io/a:1", "ghcr.io/a:1"] {
        rewrite(&pod(image), image, &rules, &mut meeting, BY_WORDS).unwrap();
    }
    assert_eq!(meeting.check().unwrap_err().code(), "image-collision");
}

#[test]
fn a_document_that_cannot_be_read_is_an_error_with_its_place() {
    for (broken, line) in [
        ("image: a\nimage: b\n", 9),
        ("image: [\n", 8),
        ("image: 'a\n", 8),
        ("a:\n\timage: b\n", 9),
        ("image: *nowhere\n", 8),
    ] {
        let text = format!(
            "{}---\n{broken}",
            pod("quay.io/a:1").trim_end_matches('\n').to_owned() + "\n"
        );
        let failure =
            rewrite(&text, "x.yaml", &rules(), &mut Meeting::default(), BY_WORDS).unwrap_err();
        assert!(failure.details().what.starts_with("x.yaml:"), "{failure}");
        assert!(
            line_of(&failure).abs_diff(line) <= 1,
            "{failure} for {broken:?}, about line {line}"
        );
    }
}

#[test]
fn a_large_stream_is_read_in_shares_and_told_in_order() {
    let mut text = String::new();
    while text.len() < 3 * WORTH_A_THREAD {
        text.push_str("---\n");
        text.push_str(&pod("quay.io/a/b:1"));
    }
    let rewritten = rewritten(&text);
    assert!(rewritten.written(&text) == text.replace("quay.io/", "reg.corp/"));
    let lines = rewritten
        .findings
        .changes
        .iter()
        .map(|change| change.at.line);
    assert!(lines.is_sorted_by(|one, next| one < next));
    // The first of two broken documents is told.
    let first = text.replacen("image: quay", "image: [quay", 1) + "---\nimage: [\n";
    let failure = rewrite(&first, "x", &rules(), &mut Meeting::default(), BY_WORDS).unwrap_err();
    assert!(line_of(&failure) < 20, "{failure}");
}

#[test]
fn a_list_is_told_as_one_document() {
    let text = "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Pod\n  spec: {containers: [{image: nginx}]}\n- apiVersion: v1\n  kind: Pod\n  spec: {containers: [{image: quay.io/a:1}]}\nkind: List\n";
    let rewritten = rewritten(text);
    assert_eq!(rewritten.written(text), text.replace("quay.io", "reg.corp"));
    let at = &rewritten.findings.changes[0].at;
    assert_eq!((at.line, at.column), (8, 31));
    assert_eq!(at.pointer, "/items/1/spec/containers/0/image");
}

#[test]
fn a_custom_kind_is_known_by_a_definition_anywhere_in_the_text() {
    // No field ends in `template`: only the schema tells that a pod stands there.
    let object = "apiVersion: example.com/v1\nkind: Farm\nmetadata: {name: f}\nspec:\n  worker:\n    spec:\n      containers:\n      - {name: w, image: quay.io/a:1, args: [--side-image=quay.io/b:1]}\n";
    let fields = "args command env envFrom imagePullPolicy resources securityContext volumeMounts";
    let fields: Vec<String> = fields
        .split(' ')
        .map(|name| format!("{name}: {{type: array}}, "))
        .collect();
    let of_container = fields.concat();
    let definition = format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: farms.example.com}}\nspec:\n  group: example.com\n  names: {{kind: Farm, plural: farms}}\n  scope: Namespaced\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n        type: object\n        properties:\n          spec:\n            type: object\n            properties:\n              worker:\n                type: object\n                properties:\n                  spec:\n                    type: object\n                    properties:\n                      containers:\n                        type: array\n                        items:\n                          type: object\n                          properties: {{{of_container}name: {{type: string}}, image: {{type: string}}}}\n"
    );
    let rewritten_object = object.replace("quay.io", "reg.corp");
    assert_eq!(after(object), object);
    assert_eq!(rewritten(object).findings.suspected.len(), 2);
    for (text, expected) in [
        (
            format!("{definition}---\n{object}"),
            format!("{definition}---\n{rewritten_object}"),
        ),
        (
            format!("{object}---\n{definition}"),
            format!("{rewritten_object}---\n{definition}"),
        ),
    ] {
        assert_eq!(after(&text), expected);
        assert!(rewritten(&text).findings.suspected.is_empty());
    }
    // In a list too, as kubectl gives it.
    let indented = definition.replace('\n', "\n  ");
    let list = format!(
        "apiVersion: v1\nkind: List\nitems:\n- {}\n",
        indented.trim_end()
    );
    assert_eq!(
        after(&format!("{object}---\n{list}")),
        format!("{rewritten_object}---\n{list}")
    );
}

#[test]
fn what_a_text_names_twice_is_told_once() {
    let steps = "    - {uses: 'docker://quay.io/a/b:1'}\n".repeat(2);
    let text = format!(
        "apiVersion: v1\nkind: ConfigMap\ndata:\n  workflow: |\n    jobs:\n{steps}    - {{uses: 'docker://quay.io/c:1'}}\n"
    );
    let suspected = rewritten(&text).findings.suspected;
    let told: Vec<&str> = suspected.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(told, ["quay.io/a/b:1", "quay.io/c:1"]);
}
