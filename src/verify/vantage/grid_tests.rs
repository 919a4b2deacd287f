//! Which cell is told, and which only repeats it.

use super::*;
use crate::checks::Verdict;
use crate::failure::{Exit, Failure};
use crate::plan::vantage::Spot;
use crate::verify::vantage::Hop;

fn target(name: &str, asked: Asked, url: &str) -> Target {
    Target {
        name: name.to_owned(),
        asked,
        url: url.to_owned(),
        image: None,
        named: None,
        mirror: None,
        is_kept: false,
    }
}

fn targets() -> Vec<Target> {
    vec![
        target("web", Asked::Github, "https://ghes.corp/"),
        target("api", Asked::GithubApi, "https://ghes.corp/api/v3/meta"),
        target("codeload", Asked::Codeload, "https://codeload.corp/"),
        target("proxy", Asked::Proxy, "https://ghes.corp/"),
    ]
}

fn ok() -> State {
    State::Ok { how: String::new() }
}

fn blocked(hop: Hop, brief: &str, code: &'static str) -> State {
    State::Blocked(Blocked::new(hop, brief, code, "words"))
}

fn column(spot: Spot, states: Vec<State>) -> Column {
    Column {
        place: Place::of(spot),
        states,
        remarks: Vec::new(),
        failure: None,
    }
}

/// The states of one place, in words.
fn shown(spot: Spot, states: Vec<State>) -> Vec<String> {
    let grid = grid(targets(), vec![column(spot, states)], true);
    let words = |cell: Cell| match cell.state {
        State::Ok { .. } => "ok".to_owned(),
        State::Blocked(blocked) => blocked.brief,
        State::Behind { what } => format!("behind {what}"),
        State::Unproven { .. } => "?".to_owned(),
        State::Never => "-".to_owned(),
    };
    grid.cells.into_iter().map(words).collect()
}

#[test]
fn a_proxy_that_is_not_reached_is_told_once() {
    let down = || blocked(Hop::Proxy, "proxy: 407", "vantage-proxy-login");
    let states = vec![
        down(),
        down(),
        blocked(Hop::Dns, "dns", "vantage-dns"),
        down(),
    ];
    assert_eq!(
        shown(Spot::Runner, states),
        ["behind proxy", "behind proxy", "dns", "proxy: 407"]
    );
    // One destination that the proxy refuses is that destination's own.
    let refused = blocked(Hop::Proxy, "proxy: 403", "vantage-proxy-refused");
    let states = vec![ok(), ok(), refused, ok()];
    assert_eq!(
        shown(Spot::Runner, states),
        ["ok", "ok", "proxy: 403", "ok"]
    );
}

#[test]
fn of_one_server_the_row_is_told_that_something_needs() {
    let untrusted = || blocked(Hop::Tls, "tls: untrusted", "vantage-untrusted");
    let states = || vec![untrusted(), untrusted(), untrusted(), ok()];
    assert_eq!(
        shown(Spot::Runner, states()),
        ["tls: untrusted", "behind web", "tls: untrusted", "ok"]
    );
    // No controller fetches by git.
    assert_eq!(
        shown(Spot::Controller, states()),
        ["behind api", "tls: untrusted", "tls: untrusted", "ok"]
    );
    // An answer is of one path.
    let trouble = || blocked(Hop::Http, "http 503", "vantage-http");
    let states = vec![trouble(), trouble(), ok(), ok()];
    assert_eq!(
        shown(Spot::Runner, states),
        ["http 503", "http 503", "ok", "ok"]
    );
}

#[test]
fn of_one_mirror_a_daemon_tells_once() {
    let of = |name: &str, mirror: Option<&str>| Target {
        mirror: mirror.map(str::to_owned),
        ..target(name, Asked::Registry, &format!("https://{name}/v2/"))
    };
    let targets = vec![
        of("docker.io", Some("r.corp/hub")),
        of("quay.io", Some("r.corp")),
        of("o.corp", None),
    ];
    let refused = || blocked(Hop::Http, "http 401", "image-unauthorized");
    let states = vec![refused(), refused(), refused()];
    let cells = grid(targets, vec![column(Spot::Dind, states)], true).cells;
    let behind = State::Behind {
        what: "docker.io".to_owned(),
    };
    assert_eq!(cells[0].state, refused());
    assert_eq!(cells[1].state, behind);
    assert_eq!(cells[2].state, refused());
}

#[test]
fn only_what_is_needed_is_a_finding() {
    let dns = || blocked(Hop::Dns, "dns", "vantage-dns");
    let unproven = || State::Unproven {
        why: "no curl".to_owned(),
    };
    let verdicts = |spot, states| {
        let grid = grid(targets(), vec![column(spot, states)], true);
        let findings = grid.findings().into_iter();
        findings
            .map(|finding| (finding.verdict, finding.subject))
            .collect::<Vec<_>>()
    };
    // A controller needs no codeload, and this machine decides nothing.
    assert_eq!(
        verdicts(Spot::Controller, vec![ok(), ok(), dns(), ok()]),
        []
    );
    assert_eq!(verdicts(Spot::Host, vec![dns(), ok(), dns(), ok()]), []);
    assert_eq!(
        verdicts(Spot::Runner, vec![ok(), unproven(), dns(), ok()]),
        [
            (Verdict::Unknown, "runner → api".to_owned()),
            (Verdict::Failed, "runner → codeload".to_owned()),
        ]
    );
}

#[test]
fn a_place_that_could_not_be_looked_from_is_one_finding() {
    let unproven = || State::Unproven {
        why: "its pod did not run".to_owned(),
    };
    let failure = Failure::new("quota-exceeded", Exit::Preflight, "no room").remedy("make room");
    let failed = Column {
        failure: Some(failure.details().clone()),
        ..column(
            Spot::Runner,
            vec![unproven(), unproven(), unproven(), unproven()],
        )
    };
    let findings = grid(targets(), vec![failed], true).findings();
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(findings[0].id, "quota-exceeded");
    assert_eq!(findings[0].verdict, Verdict::Failed);
    assert_eq!(findings[0].remedies(), ["make room"]);
}
