//! Cases 13, 19 and 27: the user's own files, of which only the bytes of references change.

use arc_setup::object::pods::CustomKinds;
use arc_setup::rewrite::text::{Reading, Rewriter, Rewritten, Telling};
use arc_setup::rules::{Meeting, RuleSet};

use super::{TARGET, story};

fn read(text: &str, rules: &RuleSet) -> Rewritten {
    let rewriter = Rewriter {
        rules,
        kinds: &CustomKinds::default(),
        reading: Reading::ByWords,
        telling: Telling::Each,
    };
    rewriter
        .rewrite(text, "file.yaml", &mut Meeting::default())
        .unwrap()
}

/// The text as it is written; a second run changes nothing.
fn written(text: &str) -> String {
    let once = read(text, &story()).written(text);
    assert!(read(&once, &story()).edits.is_empty(), "a second run");
    once
}

/// Only `quay.io/` may have become the target, `count` times.
fn only_the_host_changes(text: &str, count: usize) {
    let expected = text.replace("quay.io/", &format!("{TARGET}/"));
    assert_eq!(text.matches("quay.io/").count(), count, "{text}");
    assert_eq!(written(text), expected);
}

#[test]
fn case_13_every_kind_and_the_users_own_comments_and_anchors() {
    only_the_host_changes(
        r#"# what the team installs
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}   # every night
spec:
  jobTemplate:
    spec:
      template:
        spec:
          containers:
            - &job
              name: "job"
              image:   'quay.io/a/b:1'   # keep me
            - <<: *job
              name: again
---
apiVersion: v1
kind: PodTemplate
template:
  spec:
    containers: [ {name: c, image: quay.io/c/d:2} ]
---

apiVersion: v1
kind: List
items:
- apiVersion: apps/v1
  kind: Deployment
  spec: {template: {spec: {containers: [{name: e, image: "quay.io/e:3"}]}}}
...
"#,
        3,
    );
    // A definition's schema speaks of images, with defaults and examples; none of them is pulled.
    let schema = r#"kind: CustomResourceDefinition
apiVersion: apiextensions.k8s.io/v1
spec:
  template:
    spec:
      containers:
      - {name: c, image: quay.io/a:1}
  versions:
  - name: v1
    schema:
      openAPIV3Schema:
        properties:
          spec:
            properties:
              image: {type: string, default: "quay.io/a/b:1", example: quay.io/a/b:2}
              containers:
                items: {properties: {name: {type: string}, image: {type: string}}}
                default: [{name: c, image: quay.io/a/b:1}]
"#;
    assert_eq!(written(schema), schema);
}

#[test]
fn case_19_a_pod_in_a_config_map_keeps_its_form() {
    for style in ["|", "|-", "|+", "|2"] {
        only_the_host_changes(
            &format!(
                r##"kind: ConfigMap
apiVersion: v1
data:
  # what the container hooks merge into a job's pod
  content.yaml: {style}
    metadata:
        labels: {{a: b}}

    spec:
      containers:
      - name: $job          # the job's own
        image: "quay.io/jobs/base:1"
      - {{name: proxy, image: quay.io/proxy:2, args: [--metrics-image=quay.io/m:3]}}

  other: "# a comment with an image: text"
"##
            ),
            3,
        );
    }
    // JSON with escaped quotes and line breaks, in a double-quoted text.
    only_the_host_changes(
        "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"data\": {\"pod.json\": \"{\\\"apiVersion\\\": \\\"v1\\\",\\n \
         \\\"kind\\\": \\\"Pod\\\",\\n \\\"spec\\\": {\\\"containers\\\": [{\\\"name\\\": \\\"c\\\", \\\"image\\\": \\\"quay.io/c:1\\\"}]}}\\n\"}}\n",
        1,
    );
    // What is no object within the text is told and left.
    let file = "apiVersion: v1\nkind: ConfigMap\ndata:\n  config.toml: |\n    [[runners]]\n      image = \"quay.io/r:1\"\n";
    let rewritten = read(file, &story());
    assert!(rewritten.edits.is_empty());
    let told: Vec<&str> = rewritten
        .findings
        .suspected
        .iter()
        .map(|one| one.text.as_str())
        .collect();
    assert_eq!(told, ["quay.io/r:1"]);
}

#[test]
fn case_27_any_namespace_windows_line_endings_and_ten_megabytes() {
    let document = |index: usize| {
        format!(
            "---\r\napiVersion: apps/v1\r\nkind: Deployment\r\nmetadata:\r\n  name: d{index}\r\n  namespace: team-{}\r\n\
             spec:\r\n  template:\r\n    spec:\r\n      containers:\r\n      - name: c  # {}\r\n        image: quay.io/a/b:{index}\r\n",
            index % 7,
            "x".repeat(300),
        )
    };
    only_the_host_changes(&document(1), 1);
    let mut large = String::new();
    let mut count = 0;
    while large.len() < 10 * 1024 * 1024 {
        large.push_str(&document(count));
        count += 1;
    }
    // Once: that a second run does nothing is shown on the small one.
    let after = read(&large, &story()).written(&large);
    let grown = TARGET.len() - "quay.io".len();
    assert_eq!(after.len(), large.len() + count * grown);
    assert_eq!(after.matches("\r\n").count(), large.matches("\r\n").count());
    assert_eq!(after, large.replace("quay.io/", &format!("{TARGET}/")));
}
