//! Where images hide, and where only something that looks like one does: the cases that other tools have failed on,
//! each by its number, through what `rewrite` and `patch-images` are made of.
//!
//! [`CASES`] is the whole list; each case is a test of that name, at the lowest level that fails for the right reason.

mod custom_kinds;
mod objects;
mod owners;
mod properties;
mod references;
mod texts;

use std::path::Path;

use arc_setup::image_ref::ImageReference;
use arc_setup::object::Operation;
use arc_setup::plan::patch::{Decided, Patch, Verdict, Wanted, decide};
use arc_setup::rules::{Action, Matcher, Outcome, RuleSet, RuleSpec};
use serde_json::{Value, json};

/// Every case, with the file that holds its test.
const CASES: [(&str, &str); 27] = [
    (
        "case_01_the_storys_image_is_rewritten_and_a_second_run_does_nothing",
        "references",
    ),
    ("case_02_what_is_kept_is_byte_identical", "references"),
    (
        "case_03_every_spelling_of_docker_hub_gives_one_target",
        "references",
    ),
    ("case_04_tag_and_digest_are_both_kept", "references"),
    ("case_05_hosts_are_recognised", "references"),
    ("case_06_upper_case_and_image_ids", "references"),
    (
        "case_07_a_mirror_on_the_source_host_is_rewritten_once",
        "references",
    ),
    ("case_08_a_longer_host_is_not_the_mirror", "references"),
    (
        "case_09_a_rule_whose_output_is_another_ones_input_is_refused",
        "references",
    ),
    ("case_10_two_sources_of_one_target_are_told", "references"),
    ("case_11_a_name_over_255_bytes_is_an_error", "references"),
    (
        "case_12_every_list_and_image_volumes_but_no_ceph",
        "objects",
    ),
    (
        "case_13_every_kind_and_the_users_own_comments_and_anchors",
        "texts",
    ),
    (
        "case_14_a_runner_deployment_has_a_scalar_beside_its_lists",
        "objects",
    ),
    ("case_15_flags_count_by_their_names", "objects"),
    ("case_16_two_items_comma_lists_and_scripts", "objects"),
    (
        "case_17_variables_count_by_their_names_and_value_from_is_skipped",
        "objects",
    ),
    ("case_18_mappings_of_parts", "objects"),
    ("case_19_a_pod_in_a_config_map_keeps_its_form", "texts"),
    ("case_20_stale_copies_are_left_alone", "objects"),
    ("case_21_pull_secrets_are_appended_once", "owners"),
    (
        "case_22_the_pull_policy_stays_and_a_movable_tag_is_told",
        "owners",
    ),
    (
        "case_23_a_job_is_skipped_and_the_source_of_a_pod_is_named",
        "owners",
    ),
    (
        "case_24_a_tool_that_owns_the_object_is_told_what_to_change",
        "owners",
    ),
    (
        "case_25_an_index_without_the_nodes_architecture_is_no_image_for_them",
        "src/observe/targets/tests.rs",
    ),
    (
        "case_26_attestations_may_be_missing_and_images_may_not",
        "src/observe/targets/tests.rs",
    ),
    (
        "case_27_any_namespace_windows_line_endings_and_ten_megabytes",
        "texts",
    ),
];

#[test]
fn every_case_has_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (number, (name, file)) in (1..).zip(CASES) {
        assert!(name.starts_with(&format!("case_{number:02}_")), "{name}");
        let file = if file.contains('/') {
            file.to_owned()
        } else {
            format!("tests/it/hiding_places/{file}.rs")
        };
        let text = std::fs::read_to_string(root.join(&file)).unwrap();
        let at = text
            .find(&format!("fn {name}()"))
            .unwrap_or_else(|| panic!("{file} has no {name}"));
        let attribute = text[..at].trim_end().trim_end_matches("async").trim_end();
        assert!(attribute.ends_with("test]"), "{name} in {file} is no test");
    }
}

const TARGET: &str = "registry.artifactory.mydomain.com";

fn rewrite(host: &str, target: &str) -> RuleSpec {
    let action = Action::Rewrite {
        target: target.to_owned(),
        drop_library: false,
    };
    RuleSpec::new(
        format!("map {host}"),
        Matcher::Host(host.to_owned()),
        action,
    )
}

fn keep(host: &str) -> RuleSpec {
    RuleSpec::new(
        format!("keep {host}"),
        Matcher::Host(host.to_owned()),
        Action::Keep,
    )
}

fn compile(specs: &[RuleSpec]) -> RuleSet {
    RuleSet::compile(specs).unwrap()
}

/// The rules of the cases: quay.io loses its host, ghcr.io gets a key, the nodes mirror docker.io.
fn story() -> RuleSet {
    compile(&[
        rewrite("quay.io", TARGET),
        rewrite("ghcr.io", &format!("{TARGET}/ghcr")),
        keep("docker.io"),
    ])
}

/// As [`story`], with docker.io rewritten, too.
fn everything() -> RuleSet {
    compile(&[
        rewrite("quay.io", TARGET),
        rewrite("ghcr.io", &format!("{TARGET}/ghcr")),
        rewrite("docker.io", &format!("{TARGET}/hub")),
    ])
}

/// What the rules make of an image; None where they leave it.
fn rewritten(rules: &RuleSet, image: &str) -> Option<String> {
    match rules.decide(&ImageReference::parse(image).unwrap()).outcome {
        Outcome::Rewritten(target) => Some(target),
        _ => None,
    }
}

fn decided(object: &Value, rules: &RuleSet) -> Decided {
    decide(object, rules, &Wanted::default())
}

fn patch(object: &Value, rules: &RuleSet) -> Patch {
    match decided(object, rules).verdict {
        Verdict::Patch(patch) => *patch,
        other => panic!("{other:?}"),
    }
}

/// Every text that a patch of `object` changes: pointer and what stands there then. A second run does nothing.
fn changes(object: &Value, rules: &RuleSet) -> Vec<(String, String)> {
    let patch = patch(object, rules);
    let again = decided(&patch.after(object), rules).verdict;
    let is_done = matches!(again, Verdict::Unchanged | Verdict::Stays);
    assert!(is_done, "a second run: {again:?}");
    let replaced = patch.operations.iter().filter_map(|one| match one {
        Operation::Replace { path, value } => Some(pair(path.as_str(), value.as_str().unwrap())),
        _ => None,
    });
    replaced.collect()
}

fn pair(at: &str, text: impl Into<String>) -> (String, String) {
    (at.to_owned(), text.into())
}

fn deployment(spec: &Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "n"},
        "spec": {"template": {"spec": spec}}})
}

fn pod(spec: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"}, "spec": spec})
}

/// What may be an image and is left alone.
fn suspects(object: &Value) -> Vec<String> {
    arc_setup::object::pods::suspected(object)
        .into_iter()
        .map(|suspect| suspect.text)
        .collect()
}
