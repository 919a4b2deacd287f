//! Entries that do nothing: each is tried alone on what a person means by it.

use std::net::IpAddr;

use serde::Serialize;

use super::destination::Destination;
use super::program::{PROGRAMS, Program};
use super::reader::{Reader, Why};
use super::variables::Variables;

/// A host that no entry but a star means.
const ANYTHING: &str = "somewhere.invalid";

/// An entry of NO_PROXY that does nothing for some programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Idle {
    /// The entry as it is written.
    pub entry: String,
    /// The programs for which it does nothing, and nor does another entry in its place.
    pub programs: Vec<Program>,
    /// Those for which another entry does what it means.
    pub replaced_for: Vec<Program>,
}

/// The entries of the list that do nothing for a program that reads such lists and has a proxy, in their order.
pub fn idle(variables: &Variables) -> Vec<Idle> {
    let whole = variables.list();
    // With a proxy for both schemes, so that an entry is what counts.
    let named = Variables::injected(true, true, whole);
    let readers = |list: &str| -> Vec<(Program, Reader)> {
        let listed = named.with_list(list);
        let reading = PROGRAMS.into_iter().filter(|program| {
            let is_own = *program != Program::Java;
            is_own && !Reader::new(*program, variables).has_no_proxy()
        });
        reading
            .map(|program| (program, Reader::new(program, &listed)))
            .collect()
    };
    let of_whole = readers(whole);
    let mut found: Vec<Idle> = Vec::new();
    for entry in whole.split(',').map(str::trim) {
        if entry.is_empty() || found.iter().any(|idle| idle.entry == entry) {
            continue;
        }
        let meant = meant(entry);
        let is_reached = |reader: &Reader| meant.iter().any(|to| reader.decide(to).is_direct);
        // To some a star counts only where it is the whole list.
        let anything = Destination::new(true, ANYTHING, None);
        let is_star = |reader: &Reader| reader.decide(&anything).why == Why::Entry("*");
        let alone = readers(entry);
        let (mut programs, mut replaced_for) = (Vec::new(), Vec::new());
        for ((program, alone), (_, among)) in alone.iter().zip(&of_whole) {
            let does = if entry == "*" {
                is_star(among)
            } else {
                is_reached(alone)
            };
            if does {
                continue;
            }
            let is_replaced = meant.iter().all(|to| among.decide(to).is_direct);
            if is_replaced && !meant.is_empty() {
                replaced_for.push(*program);
            } else {
                programs.push(*program);
            }
        }
        if !programs.is_empty() || !replaced_for.is_empty() {
            found.push(Idle {
                entry: entry.to_owned(),
                programs,
                replaced_for,
            });
        }
    }
    found
}

/// Destinations that a person means by an entry.
fn meant(entry: &str) -> Vec<Destination> {
    if entry == "*" {
        return vec![Destination::new(true, ANYTHING, None)];
    }
    let mut meant = Vec::new();
    for word in entry.split_whitespace() {
        let word = word.split_once("://").map_or(word, |(_, rest)| rest);
        if let Some((address, _)) = word.split_once('/')
            && let Ok(address) = address.parse::<IpAddr>()
        {
            let next = match address {
                IpAddr::V4(one) => IpAddr::from(one.to_bits().wrapping_add(1).to_be_bytes()),
                IpAddr::V6(one) => IpAddr::from(one.to_bits().wrapping_add(1).to_be_bytes()),
            };
            meant.extend([address, next].map(|one| Destination::new(true, &one.to_string(), None)));
            continue;
        }
        let (host, port) = host_and_port(word);
        let name = host
            .trim_start_matches("*.")
            .trim_start_matches('.')
            .trim_end_matches('.');
        if name.is_empty() {
            continue;
        }
        if name.len() == host.len() || !host.starts_with(['.', '*']) {
            meant.push(Destination::new(true, name, port));
        }
        if name.parse::<IpAddr>().is_err() && !name.starts_with('[') {
            meant.push(Destination::new(true, &format!("any.{name}"), port));
        }
    }
    meant
}

fn host_and_port(word: &str) -> (&str, Option<u16>) {
    if word.parse::<IpAddr>().is_ok() {
        return (word, None);
    }
    let word = word.split('/').next().unwrap_or_default();
    match word.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => {
            (host, port.parse().ok())
        }
        _ => (word, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn programs(list: &str, entry: &str) -> Vec<Program> {
        let variables = Variables::injected(true, true, list);
        let found = idle(&variables).into_iter().find(|one| one.entry == entry);
        found.map(|one| one.programs).unwrap_or_default()
    }

    #[test]
    fn entries_that_can_never_match_are_named_for_each_program() {
        use Program::{Curl, Dockerd, Git, Go, Node, OldRequests, Requests, Runner, Urllib, Wget};
        let everyone = [
            Go,
            Runner,
            Node,
            Curl,
            Git,
            Wget,
            Urllib,
            Requests,
            OldRequests,
            Dockerd,
        ];
        let table: &[(&str, &str, &[Program])] = &[
            ("corp", "corp", &[]),
            (".corp", ".corp", &[]),
            (
                "*.corp",
                "*.corp",
                &[Runner, Node, Curl, Git, Wget, Urllib, Requests, OldRequests],
            ),
            ("10.0.0.0/8", "10.0.0.0/8", &[Runner, Node, Wget, Urllib]),
            ("10.0.0.1", "10.0.0.1", &[Runner]),
            ("fd00::1", "fd00::1", &[Runner, Node, Urllib]),
            (
                "[fd00::1]",
                "[fd00::1]",
                &[Go, Runner, Curl, Git, Wget, Requests, OldRequests, Dockerd],
            ),
            ("corp:8080", "corp:8080", &[Curl, Git, Wget]),
            (
                "a,*",
                "*",
                &[Curl, Git, Wget, Urllib, Requests, OldRequests],
            ),
            ("*", "*", &[Wget]),
            ("http://corp", "http://corp", &everyone),
            (
                "a b",
                "a b",
                &[
                    Go,
                    Runner,
                    Node,
                    Wget,
                    Urllib,
                    Requests,
                    OldRequests,
                    Dockerd,
                ],
            ),
            ("localhost", "localhost", &[]),
        ];
        for (list, entry, wanted) in table {
            assert_eq!(programs(list, entry), *wanted, "{list:?}");
        }
    }

    #[test]
    fn what_another_entry_does_is_told_apart() {
        let found = idle(&Variables::injected(true, true, "::1,[::1],*.corp,.corp"));
        let harmless: Vec<&str> = found
            .iter()
            .filter(|one| one.programs.is_empty())
            .map(|one| one.entry.as_str())
            .collect();
        assert_eq!(harmless, ["::1", "[::1]", "*.corp"]);
    }

    #[test]
    fn who_reads_no_variable_is_not_told() {
        let variables = Variables::read(|name| {
            let value = match name {
                "HTTPS_PROXY" => "http://proxy.corp:3128",
                "NO_PROXY" => "10.0.0.0/8",
                _ => return None,
            };
            Some(value.to_owned())
        });
        let found = idle(&variables);
        assert_eq!(
            found
                .iter()
                .map(|one| one.programs.clone())
                .collect::<Vec<_>>(),
            [[Program::Runner, Program::Node, Program::Urllib]]
        );
    }
}
