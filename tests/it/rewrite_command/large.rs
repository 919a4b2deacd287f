//! Large streams and long lines: memory is bounded.

use std::fmt::Write as _;

use anyhow::Result;

use super::{POD, RULES, rewritten};
use crate::support::arc_setup::{ArcSetup, Outcome};

const MEBIBYTE: usize = 1024 * 1024;

/// As the requirement says.
const MOST_KIB: u64 = 64 * 1024;

/// Runs `rewrite -` and returns the outcome and the most memory that the kernel saw, in KiB.
async fn run(text: String, arguments: &[&str]) -> Result<(Outcome, u64)> {
    let mut arc_setup = ArcSetup::new()?;
    arc_setup.stdin(text);
    let mut running =
        arc_setup.start(&[&["rewrite"], RULES.as_slice(), arguments, &["-"]].concat())?;
    let status = format!("/proc/{}/status", running.id());
    let mut peak = 0;
    loop {
        let read = std::fs::read_to_string(&status).unwrap_or_default();
        let line = read.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.trim().split(' ').next()?.parse().ok());
        peak = peak.max(now.unwrap_or(0));
        if let Some(outcome) = running.poll()? {
            return Ok((outcome, peak));
        }
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_ten_megabytes_takes_at_most_64_mebibytes() -> Result<()> {
    let mut text = String::new();
    while text.len() < 10_000_000 {
        write!(
            text,
            "---\n{POD}---\napiVersion: v1\nkind: Service\nspec: {{ports: [{{port: 80}}]}}\n"
        )?;
    }
    let (outcome, peak) = run(text.clone(), &[]).await?;
    let outcome = outcome.expect_code(0);
    assert!(
        outcome.stdout == rewritten(&text),
        "other bytes changed too"
    );
    assert!(peak > 0 && peak <= MOST_KIB, "{peak} KiB");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn tens_of_thousands_of_changes_are_told_in_at_most_64_mebibytes() -> Result<()> {
    let filler = format!("# {}\n", "x".repeat(500));
    let pod = format!("---\n{POD}{filler}");
    let count = 10_000_000 / pod.len();
    let (outcome, peak) = run(pod.repeat(count), &["--check", "-o", "json"]).await?;
    let answer: serde_json::Value = serde_json::from_str(&outcome.expect_code(10).stdout)?;
    assert_eq!(answer["kind"], "Rewrite");
    assert_eq!(answer["changes"].as_array().map(Vec::len), Some(count));
    assert!(peak > 0 && peak <= MOST_KIB, "{peak} KiB");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_megabytes_are_refused_and_never_held_whole() -> Result<()> {
    let line = format!("kind: Pod\nimage: {}\n", "a".repeat(100 * MEBIBYTE));
    let document = format!("---\n{POD}");
    let stream = document.repeat(100 * MEBIBYTE / document.len());
    let last_line = 64 * MEBIBYTE / document.len() * document.lines().count();
    for (text, least_line) in [(line, 2), (stream, last_line)] {
        let (outcome, peak) = run(text, &[]).await?;
        let outcome = outcome.expect_code(2);
        let told = outcome.stderr.split("stdin:").nth(1).unwrap_or_default();
        let told_line: usize = told.split(':').next().unwrap_or_default().parse()?;
        assert!(told.contains(":1: stdin is too large"), "{told}");
        assert!((least_line..least_line + 12).contains(&told_line), "{told}");
        assert!(outcome.stdout.is_empty());
        assert!(peak <= 96 * 1024, "{peak} KiB");
    }
    Ok(())
}
