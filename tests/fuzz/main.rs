//! `make fuzz`: our parser of image references against the reference grammar, on made-up texts; then the readers of
//! certificates on broken ones (chains.rs), and the readers of NO_PROXY on lists of every kind (no_proxy.rs).
//!
//! tests/fuzz/reference is a program around `github.com/distribution/reference`; both get the same texts, and the
//! answers must be the same: reference or not, and every part of it. One difference is meant: we know
//! `registry-1.docker.io` as Docker Hub.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for developers; src/ui is arc-setup's own"
)]

mod chains;
mod generate;
#[path = "../it/no_proxy/generate.rs"]
#[expect(
    dead_code,
    reason = "the readers' own tests ask for URLs, which are not needed here"
)]
mod generate_no_proxy;
mod no_proxy;

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail, ensure};
use arc_setup::image_ref::ImageReference;

use generate::Generator;

/// Texts that travel together.
const BATCH: usize = 2048;
/// Differences that are shown before the run ends.
const SHOWN: usize = 20;

struct Options {
    program: String,
    cases: usize,
    seed: u64,
}

fn main() -> ExitCode {
    let outcome = options().and_then(|options| {
        let different = compare(&options)?;
        chains::run(options.cases, options.seed)?;
        no_proxy::run(options.cases, options.seed)?;
        Ok(different)
    });
    match outcome {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("fuzz: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// `PROGRAM CASES [SEED]`; without a seed, the clock's.
fn options() -> Result<Options> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |text: &String| {
        text.parse::<u64>()
            .with_context(|| format!("'{text}' is no number"))
    };
    let (program, cases, seed) = match arguments.as_slice() {
        [program, cases] => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
            (
                program,
                cases,
                u64::from(now.subsec_nanos()) ^ now.as_secs(),
            )
        }
        [program, cases, seed] => (program, cases, number(seed)?),
        _ => bail!("usage: fuzz PROGRAM CASES [SEED]"),
    };
    Ok(Options {
        program: program.clone(),
        cases: usize::try_from(number(cases)?)?,
        seed,
    })
}

/// Returns how many answers differ.
fn compare(options: &Options) -> Result<usize> {
    println!("references: {} cases, seed {}", options.cases, options.seed);
    let started = Instant::now();
    let mut program = Command::new(&options.program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", options.program))?;
    let counts = std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(16);
        let input = program.stdin.take();
        let asking = scope.spawn(move || {
            let input = input.context("the program has no input")?;
            ask(BufWriter::new(input), &sender, options)
        });
        let counts = check(&mut program, &receiver);
        drop(receiver);
        match (asking.join(), &counts) {
            // A run that ended early has left the other side writing.
            (Ok(Err(error)), Ok(counted)) if counted.different == 0 => Err(error),
            _ => counts,
        }
    })?;
    let status = program.wait()?;
    ensure!(
        counts.different > 0 || status.success(),
        "the reference program ended with {status}"
    );
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "references: {} differences; {} were references; {:.1} s, {:.0} cases/s",
        counts.different,
        counts.references,
        seconds,
        f64::from(u32::try_from(counts.cases)?) / seconds
    );
    ensure!(
        counts.different > 0 || counts.cases == options.cases,
        "only {} cases were answered",
        counts.cases
    );
    Ok(counts.different)
}

/// Sends every text to the program, and to `check` in the same order.
fn ask(mut input: impl Write, checks: &SyncSender<Vec<Vec<u8>>>, options: &Options) -> Result<()> {
    let mut generator = Generator::new(options.seed);
    let mut left = options.cases;
    while left > 0 {
        let count = left.min(BATCH);
        left -= count;
        let batch: Vec<Vec<u8>> = (0..count).map(|_| generator.text()).collect();
        let asked: Vec<Vec<u8>> = batch.iter().map(|text| as_asked(text)).collect();
        // Before its answers can come: the pipe holds less than a batch of them.
        if checks.send(batch).is_err() {
            return Ok(());
        }
        for text in asked {
            input.write_all(&u32::try_from(text.len())?.to_le_bytes())?;
            input.write_all(&text)?;
        }
        input.flush()?;
    }
    Ok(())
}

/// The one difference that is meant: the reference is asked about Docker Hub by its first name.
fn as_asked(text: &[u8]) -> Vec<u8> {
    match text.strip_prefix(b"registry-1.docker.io/") {
        Some(rest) => [b"docker.io/", rest].concat(),
        None => text.to_vec(),
    }
}

#[derive(Default)]
struct Counts {
    cases: usize,
    references: usize,
    different: usize,
}

fn check(program: &mut Child, batches: &Receiver<Vec<Vec<u8>>>) -> Result<Counts> {
    let output = program.stdout.take().context("the program has no output")?;
    let mut output = BufReader::with_capacity(1 << 16, output);
    let mut counts = Counts::default();
    let mut line = String::new();
    for text in batches.iter().flatten() {
        line.clear();
        output.read_line(&mut line)?;
        ensure!(
            line.ends_with('\n'),
            "the reference program stopped answering"
        );
        let theirs = line.trim_end_matches('\n');
        let ours = parts(&text);
        counts.cases += 1;
        counts.references += usize::from(ours != "-");
        if ours != theirs {
            counts.different += 1;
            println!(
                "case {}: {}\n  ours      {ours}\n  reference {theirs}",
                counts.cases,
                text.escape_ascii()
            );
            if counts.different == SHOWN {
                println!("… and no more are looked for");
                program.kill()?;
                return Ok(counts);
            }
        }
    }
    Ok(counts)
}

/// What we make of it, as the program writes it.
fn parts(text: &[u8]) -> String {
    let reference = std::str::from_utf8(text).map(ImageReference::parse);
    let Ok(Ok(reference)) = reference else {
        return "-".to_owned();
    };
    format!(
        "+{}+{}+{}+{}",
        reference.host(),
        reference.path(),
        reference.tag().unwrap_or_default(),
        reference.digest().unwrap_or_default()
    )
}
