//! Reads what a probe has left in the termination message of its container.
//!
//! Whatever stands there may be anything: what does not carry the mark of the run, a server's words among it, is passed over.

use std::collections::BTreeMap;

use crate::plan::vantage::{Run, TOKEN_SERVICE};
use crate::verify::redact::without_secrets;

/// A kubelet keeps 4096 bytes; whoever sends more is no kubelet.
const LONGEST: usize = 64 * 1024;
/// Of one line.
const LONGEST_WORDS: usize = 400;

/// What curl has counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Numbers {
    /// Status of the last answer; 0 without one.
    pub(super) http: u16,
    /// Status of the proxy's answer to CONNECT; 0 without one.
    pub(super) connect: u16,
    /// OpenSSL's verify result (`X509_V_ERR_…`).
    pub(super) verify: u32,
    /// A name was resolved, or needed not be.
    pub(super) is_looked_up: bool,
    /// A TCP connection was there.
    pub(super) is_connected: bool,
    /// TLS with the server was there.
    pub(super) is_secured: bool,
}

/// One question's answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Measured {
    /// Exit code of the program.
    pub(super) exit: u32,
    /// Of curl alone.
    pub(super) numbers: Numbers,
    /// The program's own words.
    pub(super) words: String,
}

/// All that a probe has said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Said {
    answers: BTreeMap<String, Measured>,
    is_whole: bool,
}

impl Said {
    /// Reads a termination message.
    pub(super) fn parse(message: &str, run: &Run) -> Self {
        let mut said = Self::default();
        let mut end = message.len().min(LONGEST);
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        for line in message[..end].lines() {
            let Some(rest) = line.strip_prefix(run.mark()) else {
                continue;
            };
            let mut words = rest.trim_start().splitn(3, ' ');
            let (Some(about), Some(exit)) = (words.next(), words.next()) else {
                continue;
            };
            let Ok(exit) = exit.parse() else {
                continue;
            };
            if about == "end" {
                said.is_whole = true;
                continue;
            }
            let measured = measured(exit, words.next().unwrap_or_default());
            said.answers.entry(about.to_owned()).or_insert(measured);
        }
        said
    }

    /// What was measured of a row.
    pub(super) fn of(&self, row: usize) -> Option<&Measured> {
        self.answers.get(&row.to_string())
    }

    /// What was measured of a registry's token service; None where it named none.
    pub(super) fn token_service(&self, row: usize) -> Option<&Measured> {
        self.answers.get(&format!("{row}{TOKEN_SERVICE}"))
    }

    /// Why nothing was measured: the image lacks a program, or Docker did not answer.
    pub(super) fn lacks(&self) -> Option<String> {
        let of = |about: &str| self.answers.get(about);
        if of("curl").is_some() {
            return Some("the runner's image has no curl: nothing was asked".to_owned());
        }
        let docker = of("docker")?;
        Some(if docker.exit == 127 {
            "the runner's image has no docker program: nothing was asked".to_owned()
        } else {
            format!("Docker did not answer the runner: {}", docker.words)
        })
    }

    /// True where the probe has come to its end.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }
}

/// `:http:connect:verify:looked-up:connected:secured: words`; what does not fit is left at nothing.
fn measured(exit: u32, rest: &str) -> Measured {
    let mut numbers = Numbers::default();
    let mut words = rest;
    let fields: Vec<&str> = rest.splitn(8, ':').collect();
    if let [
        "",
        http,
        connect,
        verify,
        looked_up,
        connected,
        secured,
        after,
    ] = fields[..]
    {
        let is_after = |seconds: &str| seconds.parse::<f64>().is_ok_and(|seconds| seconds > 0.0);
        numbers = Numbers {
            http: http.parse().unwrap_or_default(),
            connect: connect.parse().unwrap_or_default(),
            verify: verify.parse().unwrap_or_default(),
            is_looked_up: is_after(looked_up),
            is_connected: is_after(connected),
            is_secured: is_after(secured),
        };
        words = after;
    }
    let shown = words.chars().filter(|letter| !letter.is_control());
    let shown: String = shown.take(LONGEST_WORDS).collect();
    let shown = shown.trim();
    // `curl: (7) Failed to connect …`
    let shown = shown.strip_prefix("curl: ").unwrap_or(shown);
    let shown = match shown.split_once(") ") {
        Some((code, rest)) if code.starts_with('(') => rest,
        _ => shown,
    };
    // An explanation for people at a terminal follows some errors.
    let shown = shown.split(" More details here:").next().unwrap_or(shown);
    // Times are taken where a phase ends; these words are said within the next one.
    let is_within = ["SSL connection timeout", "CONNECT aborted"];
    numbers.is_connected |= is_within.iter().any(|said| shown.contains(said));
    Measured {
        exit,
        numbers,
        words: without_secrets(shown.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> Run {
        Run::new(1)
    }

    fn said(lines: &[&str]) -> Said {
        let lines: Vec<String> = lines
            .iter()
            .map(|line| format!("{} {line}", run().mark()))
            .collect();
        Said::parse(&lines.join("\n"), &run())
    }

    #[test]
    fn numbers_and_words_are_told_apart() {
        let said = said(&[
            "0 0 :200:000:0:0.001:0.002:0.010: ",
            "1 60 :000:200:20:0.1:0.1:0.000: curl: (60) SSL certificate problem: unable to get local issuer certificate",
            "1t 7 :000:000:0:0.1:0.000:0.000: curl: (7) Failed to connect to auth.corp port 443: Connection refused",
            "end 0",
        ]);
        assert!(said.is_whole());
        let first = said.of(0).unwrap();
        assert_eq!((first.exit, first.numbers.http), (0, 200));
        assert!(first.numbers.is_secured && first.words.is_empty());
        let second = said.of(1).unwrap();
        assert_eq!((second.numbers.connect, second.numbers.verify), (200, 20));
        assert!(!second.numbers.is_secured);
        assert_eq!(
            second.words,
            "SSL certificate problem: unable to get local issuer certificate"
        );
        assert_eq!(said.token_service(1).unwrap().exit, 7);
        assert_eq!(said.token_service(0), None);
    }

    #[test]
    fn what_others_say_is_passed_over_and_breaks_nothing() {
        let mark = run().mark().to_owned();
        for hostile in [
            String::new(),
            "probe-0000000000000002 0 0 :200:0:0:1:1:1:".to_owned(),
            mark.clone(),
            format!("{mark} "),
            format!("{mark} 0"),
            format!("{mark} 0 many"),
            format!("{mark} end"),
            format!("{mark} 99999999999999999999 0"),
            format!("\u{1b}[2J{mark} 0 0"),
            "é".repeat(LONGEST),
        ] {
            let said = Said::parse(&hostile, &run());
            assert!(!said.is_whole() && said.of(0).is_none(), "{hostile:.80}");
        }
        let odd = said(&[
            "0 7 :x:-1:0.5:::",
            "0 0 :200:0:0:1:1:1:",
            "1 7 ::::::: \u{7}\u{1b}[2J",
        ]);
        assert_eq!(odd.of(0).unwrap().exit, 7, "the first counts");
        assert_eq!(odd.of(0).unwrap().numbers, Numbers::default());
        assert_eq!(odd.of(1).unwrap().words, "[2J");
        let long = said(&[&format!("0 7 {}", "a".repeat(9000))]);
        assert_eq!(long.of(0).unwrap().words.len(), LONGEST_WORDS);
    }

    #[test]
    fn a_missing_program_is_told() {
        assert_eq!(
            said(&["curl 127"]).lacks().as_deref(),
            Some("the runner's image has no curl: nothing was asked")
        );
        let docker = said(&["docker 1 Cannot connect to the Docker daemon"]);
        assert!(docker.lacks().unwrap().ends_with("the Docker daemon"));
        assert_eq!(said(&["0 0"]).lacks(), None);
    }
}
