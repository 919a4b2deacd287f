//! From what a probe left, or why it did not run, to the cells of its place.

use serde_json::json;

use super::*;
use crate::failure::{Exit, Failure};

fn registry(image: &str) -> Target {
    Target {
        name: format!("registry of {image}"),
        asked: Asked::Registry,
        url: "https://r.corp/v2/".to_owned(),
        image: Some(image.to_owned()),
        named: Some("docker:dind".to_owned()),
        mirror: None,
        is_kept: false,
    }
}

fn probe(spot: Spot, images: &[&str]) -> Probe {
    let containers: Vec<_> = images
        .iter()
        .enumerate()
        .map(|(number, image)| json!({"name": format!("c{number}"), "image": image}))
        .collect();
    Probe {
        place: Place::of(spot),
        pod: json!({"spec": {"containers": containers}}),
        asked: vec![0],
        remarks: Vec::new(),
    }
}

fn pull_failed(image: &str) -> Ended {
    let failure = Failure::new(
        "image-unauthorized",
        Exit::ApplyFailed,
        "Pod a/b does not become ready",
    )
    .why(format!("container runner, image {image}"))
    .evidence("the node's event: 401 Unauthorized");
    Ended::Failed(failure.details().clone())
}

fn brief(state: &State) -> &str {
    match state {
        State::Ok { .. } => "ok",
        State::Blocked(blocked) => &blocked.brief,
        State::Unproven { .. } => "?",
        State::Behind { .. } | State::Never => "-",
    }
}

#[test]
fn nodes_are_judged_by_whether_the_pods_images_came() {
    let targets = [
        registry("r.corp/a:1"),
        registry("docker.io/library/docker:dind"),
        registry("o.corp/x:1"),
    ];
    let said = || Ended::Said(String::new());
    let ran = [
        (probe(Spot::Controller, &["r.corp/a:1"]), said()),
        (probe(Spot::Dind, &["r.corp/a:1", "docker:29-dind"]), said()),
    ];
    let column = node(&targets, &ran);
    let states: Vec<&str> = column.states.iter().map(brief).collect();
    assert_eq!(states, ["ok", "ok", "?"]);

    let failed = [
        (probe(Spot::Controller, &["r.corp/a:1"]), said()),
        (
            probe(Spot::Runner, &["r.corp/b:1"]),
            pull_failed("r.corp/b:1"),
        ),
        (
            probe(Spot::Dind, &["r.corp/a:1", "docker:29-dind"]),
            pull_failed("r.corp/a:1"),
        ),
    ];
    let column = node(&targets, &failed);
    let states: Vec<&str> = column.states.iter().map(brief).collect();
    // Docker Hub's image was not tried, since the pod ended before.
    assert_eq!(states, ["http 401", "?", "?"]);
    let State::Blocked(blocked) = &column.states[0] else {
        panic!("{column:?}")
    };
    assert!(
        blocked.why.contains("r.corp/b:1") && blocked.why.contains("401"),
        "{blocked:?}"
    );
}

#[test]
fn a_daemon_is_judged_by_its_pull_and_a_cut_message_proves_nothing() {
    let run = Run::new(3);
    let mark = run.mark();
    let states = |spot, message: &str| {
        let ended = Ended::Said(message.to_owned());
        let column = of_probe(
            &probe(spot, &[]),
            &ended,
            &[registry("r.corp/a:1")],
            &run,
            &|_| false,
        );
        column.states
    };
    let pulled = format!("{mark} 0 0\n{mark} end 0\n");
    assert_eq!(brief(&states(Spot::Dind, &pulled)[0]), "ok");
    let refused = format!("{mark} 0 1 Error response from daemon: unauthorized: no");
    assert_eq!(brief(&states(Spot::Dind, &refused)[0]), "http 401");
    for nothing in ["", "probe-1 0 0", &format!("{mark} end 0")] {
        assert_eq!(brief(&states(Spot::Runner, nothing)[0]), "?", "{nothing}");
    }
    let token = format!(
        "{mark} 0 0 :401:0:0:1:1:1: \n{mark} 0t 6 :0:0:0:0:0:0: curl: (6) Could not resolve host: t"
    );
    assert_eq!(brief(&states(Spot::Runner, &token)[0]), "token: dns");
}
