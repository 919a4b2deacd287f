//! No secret on any stream, on a command line or in a file that is left, whatever the run comes to.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::init::site::Site;
use crate::support::arc_setup::{ArcSetup, Outcome};

const CONFIG: &str = "examples/locked-down-rancher-scale-set/arc-setup.yaml";
const TOKEN: &str = "ghp_demonstration0000000000000000000000";
const PASSWORD: &str = "registry-password-of-the-company";

/// Runs it to its end; what it shows on its command line and what it has open is looked at all the time.
async fn watched(program: &ArcSetup, arguments: &[&str]) -> Outcome {
    let mut running = program.start(arguments).unwrap();
    let process = PathBuf::from(format!("/proc/{}", running.id()));
    let mut seen = 0;
    loop {
        if let Ok(line) = std::fs::read(process.join("cmdline")) {
            hidden(&process.join("cmdline"), &line);
            seen += 1;
        }
        if let Some(outcome) = running.poll().unwrap() {
            assert!(seen > 1, "it was not seen running");
            return outcome;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[track_caller]
fn hidden(place: &Path, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for secret in [TOKEN, PASSWORD] {
        crate::support::arc_setup::ensure_hidden(
            "secret",
            secret,
            &place.display().to_string(),
            &text,
        )
        .unwrap();
    }
}

/// Every file under `directory`.
fn files(directory: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut left = vec![directory.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                found.insert(path);
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_streams_nor_command_lines_nor_files_show_one() {
    let mut site = Site::start(CONFIG).await;
    let temporary = site.program.home().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    site.program.env("TMPDIR", &temporary);
    let before = files(site.program.home());
    // Each stream of each run is searched for every secret that was given: see ArcSetup.
    let runs: [(&[&str], i32); 4] = [
        (&["--dry-run", "-vv", "-o", "json"], 0),
        (&["--wait", "manager", "-vv"], 0),
        (&["--wait", "none", "-v", "-o", "yaml"], 0),
        (&["--wait", "none", "-vv", "-o", "github"], 3),
    ];
    for (more, code) in runs {
        if code == 3 {
            let runner = "ghcr-remote/actions/actions-runner";
            let missing = crate::support::registry::Answer::Missing;
            site.company.registry.answer_with(runner, missing);
            site.program.secret_env(
                "ARC_SETUP_GITHUB_TOKEN",
                "ghp_canaryThatGithubDoesNotKnow000000000",
            );
        }
        let outcome = watched(&site.program, &site.arguments(more)).await;
        outcome.expect_code(code);
        assert_eq!(files(site.program.home()), before, "{more:?} left a file");
    }
    // They went where they belong, and the receipt names none.
    let receipts = site.get(&["secrets", "-n", "arc-systems"]);
    let items = receipts["items"].as_array().unwrap();
    for receipt in items.iter().filter(|secret| {
        secret["metadata"]["name"]
            .as_str()
            .unwrap()
            .starts_with("arc-setup")
    }) {
        hidden(Path::new("the receipt"), receipt.to_string().as_bytes());
    }
}
