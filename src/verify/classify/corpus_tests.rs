//! The recorded words of container runtimes, API servers and controllers, each with its cause.

use super::{PodEvidence, log_line, pull, refusal};
use crate::object::ObjectRef;

fn rows(text: &str) -> Vec<Vec<&str>> {
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.split('\t').collect())
        .collect()
}

fn pod() -> ObjectRef {
    ObjectRef::new("v1", "Pod", Some("arc-systems"), "manager-1")
}

#[test]
fn every_runtimes_words_have_their_cause() {
    let rows = rows(include_str!("../../../tests/fixtures/classify/pulls.tsv"));
    assert!(rows.len() > 40);
    for row in rows {
        let [runtime, reason, expected, message] = row[..] else {
            panic!("{row:?}")
        };
        let evidence = PodEvidence {
            object: pod(),
            container: "manager".into(),
            image: "x:1".into(),
            reason: reason.into(),
            message: message.into(),
            restarts: 0,
            last_reason: String::new(),
            last_exit: None,
        };
        let found = pull(&evidence, None, None).unwrap();
        assert_eq!(found.cause.id, expected, "{runtime}: {message}");
        assert!(found.evidence.iter().any(|text| text.contains(message)));
    }
}

#[test]
fn every_refusal_has_its_cause() {
    for row in rows(include_str!(
        "../../../tests/fixtures/classify/refusals.tsv"
    )) {
        let found = refusal(&pod(), row[1]);
        assert_eq!(found.cause.id, row[0], "{}", row[1]);
    }
}

#[test]
fn log_lines_speak_only_of_what_they_know() {
    for row in rows(include_str!("../../../tests/fixtures/classify/logs.tsv")) {
        let found = log_line(&pod(), row[1]).map_or("-", |found| found.cause.id);
        assert_eq!(found, row[0], "{}", row[1]);
    }
}
