//! What each program makes of NO_PROXY: our readers beside the real programs, on made-up lists and destinations.

mod command;
pub(crate) mod generate;
mod readers;

use arc_setup::proxy::{Program, Reader, Variables};

use generate::{Asked, Generator};
use readers::{Case, Readers};

/// Destinations that are asked for with each list.
const DESTINATIONS: usize = 50;
const SEED: u64 = 6;

/// Lists for each program; with 2,000 it is 100,000 pairs.
fn lists(program: Program) -> usize {
    match program {
        // One start for each pair.
        Program::Git => 4,
        // One start for each list.
        Program::Curl | Program::Wget => 200,
        _ => 400,
    }
}

/// Those that can be run; dockerd is Go, and the runner is held by its own table.
const ASKED: [Program; 9] = [
    Program::Go,
    Program::Node,
    Program::Curl,
    Program::Git,
    Program::Wget,
    Program::Urllib,
    Program::Requests,
    Program::OldRequests,
    Program::Java,
];

fn cases(program: Program, count: usize, seed: u64) -> Vec<Case> {
    let mut generator = Generator::new(seed);
    let cases = (0..count).map(|_| generator.case(DESTINATIONS));
    cases
        .map(|(list, asked)| match program {
            // Its own separator.
            Program::Java => (list.replace(',', "|"), asked),
            _ => (list, asked),
        })
        .collect()
}

fn variables(program: Program, list: &str) -> Variables {
    if program == Program::Java {
        let options =
            format!("-Dhttp.proxyHost=p -Dhttps.proxyHost=p \"-Dhttp.nonProxyHosts={list}\"");
        return Variables::read(|name| (name == "JAVA_TOOL_OPTIONS").then(|| options.clone()));
    }
    Variables::injected(true, true, list)
}

/// The differences; None where the program is not here.
fn differences(readers: &Readers, program: Program, cases: &[Case]) -> Option<Vec<String>> {
    let answers = readers.ask(program, cases)?;
    let mut answers = answers.into_iter();
    let mut different = Vec::new();
    for (list, asked) in cases {
        let reader = Reader::new(program, &variables(program, list));
        for asked in asked {
            let is_direct = answers.next().unwrap();
            let ours = reader.decide(&asked.to);
            if ours.is_direct != is_direct {
                let theirs = if is_direct { "direct" } else { "proxy" };
                let url = &asked.url;
                different.push(format!(
                    "{program}: {list:?} {url}: it goes {theirs}, not {ours:?}"
                ));
            }
        }
    }
    Some(different)
}

#[expect(
    clippy::print_stderr,
    reason = "who runs the tests sees what was not run"
)]
fn tell_skipped(program: Program) {
    eprintln!("SKIPPED: {program} is not here; what is said of its NO_PROXY was not tried");
}

fn compare(count: impl Fn(Program) -> usize + Sync, seed: u64) -> Vec<String> {
    let readers = Readers::new();
    let mut different = Vec::new();
    std::thread::scope(|scope| {
        let asking: Vec<_> = ASKED
            .into_iter()
            .map(|program| {
                let (readers, count) = (&readers, count(program));
                scope.spawn(move || {
                    let cases = cases(program, count, seed);
                    (program, differences(readers, program, &cases))
                })
            })
            .collect();
        for asking in asking {
            match asking.join().unwrap() {
                (program, None) => tell_skipped(program),
                (_, Some(found)) => different.extend(found.into_iter().take(20)),
            }
        }
    });
    different
}

#[test]
fn every_program_that_is_here_goes_the_way_that_its_reader_says() {
    let different = compare(lists, SEED);
    assert!(different.is_empty(), "{different:#?}");
}

/// `cargo test --release --test it no_proxy::a_hundred_thousand -- --ignored --nocapture`
#[test]
#[ignore = "a hundred thousand pairs for each program take minutes"]
#[expect(clippy::print_stdout, reason = "the count is what it is for")]
fn a_hundred_thousand_pairs() {
    let different = compare(
        |program| if program == Program::Git { 40 } else { 2_000 },
        SEED + 1,
    );
    println!(
        "100,000 pairs for each program but git (2,000): {} differences",
        different.len()
    );
    assert!(different.is_empty(), "{different:#?}");
}

/// Which variables a program reads, and which of two cases wins.
#[test]
fn every_program_that_is_here_reads_the_variables_that_are_said() {
    const PROXY: &str = "http://127.9.9.9:9";
    let readers = Readers::new();
    let proxies = [
        ("http_proxy", "HTTP_PROXY"),
        ("https_proxy", "HTTPS_PROXY"),
        ("all_proxy", "ALL_PROXY"),
    ];
    let mut environments: Vec<Vec<(&str, &str)>> = vec![Vec::new()];
    for (lower, upper) in proxies {
        environments.push(vec![(lower, PROXY)]);
        environments.push(vec![(upper, PROXY)]);
        environments.push(vec![(lower, ""), (upper, PROXY)]);
        environments.push(vec![(lower, PROXY), (upper, "")]);
    }
    for lists in [
        vec![("no_proxy", "a.corp")],
        vec![("NO_PROXY", "a.corp")],
        vec![("no_proxy", ""), ("NO_PROXY", "a.corp")],
        vec![("no_proxy", "a.corp"), ("NO_PROXY", "")],
        vec![("no_proxy", "a.corp"), ("NO_PROXY", "b.corp")],
    ] {
        environments.push([vec![("http_proxy", PROXY), ("https_proxy", PROXY)], lists].concat());
    }
    let asked: Vec<Asked> = ["a.corp", "b.corp"]
        .iter()
        .flat_map(|host| [false, true].map(|is_secure| (host, is_secure)))
        .map(|(host, is_secure)| {
            let to = arc_setup::proxy::Destination::new(is_secure, host, Some(81));
            Asked {
                url: format!("{to}/"),
                to,
            }
        })
        .collect();
    let mut wrong = Vec::new();
    for program in ASKED {
        for environment in &environments {
            let Some(answers) = readers.ask_with(program, environment, &asked) else {
                tell_skipped(program);
                break;
            };
            let variables = Variables::read(|name| {
                let found = environment.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            });
            let reader = Reader::new(program, &variables);
            let ours: Vec<bool> = asked
                .iter()
                .map(|one| reader.decide(&one.to).is_direct)
                .collect();
            if ours != answers {
                wrong.push(format!(
                    "{program}: {environment:?}: it goes {answers:?}, not {ours:?}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
