//! A thousand hosts beside every program, and what Go needs for itself alone.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use arc_setup::proxy::{Destination, PROGRAMS, Variables, explain, idle};

use crate::measure;

const HOSTS: usize = 1_000;
/// Milliseconds.
const MOST: f64 = 50.0;
/// As long as those of real installs are.
const LIST: &str = "corp.example,.corp.example,registry.tools.example,.registry.tools.example,10.0.0.0/8,\
                    172.16.0.0/12,192.168.0.0/16,localhost,127.0.0.1,::1,[::1],.svc,cluster.local,.cluster.local,\
                    kubernetes.default.svc,169.254.169.254,10.43.0.1,10.20.30.41,10.20.30.42,10.20.30.43,10.43.0.0/16,\
                    fd00:43::/112,fd00:43::1,[fd00:43::1],ghes.example,.ghes.example,*.old.example,cache.example:8080";

pub(crate) fn run() -> Result<()> {
    let destinations: Vec<Destination> = (0..HOSTS).map(destination).collect();
    let variables = Variables::injected(true, true, LIST);
    let ours = || -> Result<Duration> {
        let started = Instant::now();
        let grid = explain(&variables, &destinations);
        let idle = idle(&variables);
        let time = started.elapsed();
        ensure!(
            grid.rows.len() == HOSTS && !idle.is_empty(),
            "not all was said"
        );
        Ok(time)
    };
    let mut asked = "L".to_owned();
    for byte in LIST.bytes() {
        write!(asked, "{byte:02x}")?;
    }
    asked.push('\n');
    for to in &destinations {
        writeln!(asked, "U{to}/")?;
    }
    let go = built()?;
    let theirs = || -> Result<Duration> {
        let started = Instant::now();
        let mut child = Command::new(&go)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut stdin = child.stdin.take().context("no input")?;
        stdin.write_all(asked.as_bytes())?;
        drop(stdin);
        let output = child.wait_with_output()?;
        let time = started.elapsed();
        let answers = String::from_utf8_lossy(&output.stdout).lines().count();
        ensure!(answers == HOSTS, "Go did not answer everything");
        Ok(time)
    };
    let pairs = measure::in_turn(ours, theirs)?;
    let name = format!("1,000 hosts x {} programs / Go alone", PROGRAMS.len());
    measure::report_time(&name, &pairs, MOST)
}

fn destination(number: usize) -> Destination {
    let host = match number % 5 {
        0 => format!("host{number}.corp.example"),
        1 => format!("host{number}.example.org"),
        2 => format!("10.{}.{}.7", number % 256, number / 256),
        3 => format!("fd00:{number:x}::1"),
        _ => format!("service{number}.tools.svc.cluster.local"),
    };
    Destination::new(
        number.is_multiple_of(2),
        &host,
        number.is_multiple_of(3).then_some(8443),
    )
}

/// The program around Go's httpproxy that the tests ask.
fn built() -> Result<std::path::PathBuf> {
    let output = Command::new("tests/it/no_proxy/build")
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "tests/it/no_proxy/build failed");
    let directory = String::from_utf8(output.stdout)?;
    Ok(std::path::Path::new(directory.trim_end()).join("go"))
}
