//! Lists of NO_PROXY of every kind: whatever stands in one, each reader comes to a decision, and what is written in
//! place of an entry stays as it is when it is read again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use anyhow::{Result, ensure};
use arc_setup::proxy::{Destination, PROGRAMS, Reader, Variables, explain, forms, idle};

use super::generate_no_proxy::Generator;

/// Each of so many cases is looked at by every program, entry by entry: that takes fifty times as long.
const LOOKED_AT: usize = 50;

const STRANGE: &[char] = &[
    '\0', '\n', '\r', '\t', '\u{b}', '\u{1f}', '\u{a0}', 'é', 'İ', 'ß', 'ſ', '\u{feff}', '٨', '😀',
    '%', '\\', '"', '\'', '|', ';', '=', '\u{202e}',
];

/// Runs so many cases; the error names the first that broke something.
pub(super) fn run(cases: usize, seed: u64) -> Result<()> {
    println!("NO_PROXY: {cases} cases, seed {seed}");
    let started = Instant::now();
    let mut generator = Generator::new(seed);
    let mut direct = 0;
    for number in 0..cases {
        let (mut list, asked) = generator.case(1);
        for _ in 0..generator.below(4) {
            let at = list
                .char_indices()
                .map(|(at, _)| at)
                .nth(generator.below(list.len() + 1));
            list.insert(
                at.unwrap_or(list.len()),
                STRANGE[generator.below(STRANGE.len())],
            );
        }
        let Some(to) = asked.first().map(|asked| &asked.to) else {
            continue;
        };
        let is_looked_at = number % LOOKED_AT == 0;
        let program = PROGRAMS[number % PROGRAMS.len()];
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let options = format!("-Dhttps.proxyHost=p -Dhttp.nonProxyHosts={list}");
            let variables = Variables::read(|name| {
                let value = match name {
                    "no_proxy" => list.as_str(),
                    "JAVA_TOOL_OPTIONS" => options.as_str(),
                    _ => "proxy",
                };
                Some(value.to_owned())
            });
            let reader = Reader::new(program, &variables);
            if is_looked_at && !looked_at(&variables, &list, to) {
                return None;
            }
            Some(reader.decide(to).is_direct)
        }));
        match outcome {
            Ok(Some(is_direct)) => direct += usize::from(is_direct),
            _ => ensure!(false, "case {number}, {program}: {list:?} {to}"),
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("NO_PROXY: no panic; {direct} went directly; {seconds:.1} s");
    Ok(())
}

/// False where something is not as it has to be.
fn looked_at(variables: &Variables, list: &str, to: &Destination) -> bool {
    let grid = explain(variables, std::slice::from_ref(to));
    let is_whole = grid
        .rows
        .iter()
        .all(|row| row.cells.len() == PROGRAMS.len());
    idle(variables);
    let is_stable = list.split(',').all(|entry| {
        let written = forms(entry);
        written.iter().all(|form| {
            let again = forms(form);
            again.iter().all(|one| written.contains(one))
        })
    });
    is_whole && is_stable
}
