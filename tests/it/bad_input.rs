//! Wrong files, flags, references, certificates and credentials: each ends on one screen with the right code,
//! says what to do, and shows no secret and no trace of the program's inside.

mod table;

use std::process::Stdio;

use anyhow::Result;

use self::table::{Bad, CASES, files};
use crate::support::arc_setup::{ArcSetup, Outcome, skipped};

pub(crate) const CANARY: &str = "ghp_canary0123456789abcdefghijklmnopqrst";
const FORMATS: [&str; 4] = ["text", "json", "yaml", "github"];

fn program() -> Result<ArcSetup> {
    let mut program = ArcSetup::new()?;
    for (name, content) in files() {
        program.file(name, content)?;
    }
    program
        .secret_env("T", CANARY)
        .canary("the word itself", "canary");
    Ok(program)
}

/// One screen, no panic, no trace; what it says stands on stderr.
#[track_caller]
fn is_a_good_failure(case: &str, outcome: &Outcome, code: i32) {
    let faults = faults(outcome, code);
    assert!(faults.is_empty(), "{case}: {faults:?}\n{}", outcome.stderr);
}

fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

fn faults(outcome: &Outcome, code: i32) -> Vec<String> {
    const INSIDE: [&str; 7] = [
        "panicked",
        "BACKTRACE",
        "backtrace",
        "a defect of",
        "src/",
        "Err(",
        "Some(",
    ];
    let stderr = &outcome.stderr;
    let mut faults = Vec::new();
    if outcome.code != Some(code) {
        faults.push(format!("ended with {:?}, not {code}", outcome.code));
    }
    if !stderr.contains("error: ") {
        faults.push("says no error".to_owned());
    }
    if stderr.lines().count() > 30 {
        faults.push("more than a screen".to_owned());
    }
    let shown = INSIDE.iter().filter(|word| stderr.contains(*word));
    faults.extend(shown.map(|word| format!("shows its inside: {word}")));
    faults
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_input_ends_on_one_screen() -> Result<()> {
    let (mut said, mut wrong) = (String::new(), Vec::new());
    for Bad {
        name,
        arguments,
        code,
        says,
    } in CASES
    {
        let outcome = match program()?.run(&words(arguments)).await {
            Ok(outcome) => outcome,
            Err(leak) => {
                wrong.push(format!("{name}: {leak}"));
                continue;
            }
        };
        let mut faults = faults(&outcome, *code);
        if !outcome.stderr.contains(says) {
            faults.push(format!("does not say '{says}'"));
        }
        if !outcome.stdout.is_empty() {
            faults.push("stdout is for data".to_owned());
        }
        if !faults.is_empty() {
            wrong.push(format!("{name}: {}\n{}", faults.join(", "), outcome.stderr));
        }
        said = said + "==== " + name + "\n" + &outcome.stderr;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let mut settings = insta::Settings::clone_current();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/bad-input");
    settings.set_snapshot_path(folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("all", said));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_format_changes_neither_the_code_nor_what_is_said() -> Result<()> {
    for format in FORMATS {
        let arguments = [
            "config",
            "validate",
            "--config",
            "unknown-key.yaml",
            "-o",
            format,
        ];
        let outcome = program()?.run(&arguments).await?;
        is_a_good_failure(format, &outcome, 2);
        match format {
            "json" => {
                let document: serde_json::Value = serde_json::from_str(&outcome.stdout)?;
                assert_eq!(document["apiVersion"], "arc-setup/v1");
                assert_eq!(document["kind"], "Failure");
                assert_eq!(document["code"], "config-unknown-key");
                assert_eq!(document["exit"], "usage");
            }
            "yaml" => assert!(
                outcome
                    .stdout
                    .starts_with("apiVersion: arc-setup/v1\nkind: Failure\n")
            ),
            "github" => assert!(
                outcome
                    .stderr
                    .contains("::error title=arc-setup config-unknown-key::")
            ),
            _ => assert_eq!(outcome.stdout, ""),
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_line_that_is_not_understood_is_a_document_too() -> Result<()> {
    let arguments = ["init", "-o", "json", "--no-such-flag", CANARY];
    let outcome = program()?.run(&arguments).await?;
    is_a_good_failure("json", &outcome, 2);
    let document: serde_json::Value = serde_json::from_str(&outcome.stdout)?;
    assert_eq!(
        (&document["kind"], &document["code"], &document["exit"]),
        (&"Failure".into(), &"usage".into(), &"usage".into())
    );
    assert!(document["what"].to_string().contains("--no-such-flag"));
    let github = ["nonsense", "-o", "github"];
    let outcome = program()?.run(&github).await?;
    assert!(
        outcome.stderr.contains("::error title=arc-setup usage::"),
        "{}",
        outcome.stderr
    );
    Ok(())
}

/// The name of every flag of every command: none takes a secret as its value.
#[tokio::test(flavor = "multi_thread")]
async fn no_flag_takes_a_secret() -> Result<()> {
    for command in [
        "init",
        "render",
        "images",
        "patch-images",
        "adopt",
        "uninstall",
    ] {
        let help = program()?
            .run(&[command, "--help"])
            .await?
            .expect_code(0)
            .stdout;
        assert!(help.lines().count() > 20, "{command}");
        for word in help
            .split_whitespace()
            .filter(|word| word.starts_with("--"))
        {
            let flag =
                word.trim_matches(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
            let secret = [
                "token",
                "password",
                "secret",
                "private-key",
                "credentials",
                "account",
            ];
            let safe = ["-file", "-existing", "-existing-secret", "existing-secret"];
            let harmless = [
                "--with-secrets",
                "--pull-secret",
                "--use-cluster-pull-secrets",
            ];
            assert!(
                !secret.iter().any(|part| flag.contains(part))
                    || safe.iter().any(|end| flag.ends_with(end))
                    || harmless.contains(&flag),
                "{command}: does {flag} take a secret?"
            );
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_init_names_every_missing_flag() -> Result<()> {
    let arguments = ["init", "--registry", "registry.example.com"];
    let outcome = program()?.run(&arguments).await?;
    is_a_good_failure("init", &outcome, 2);
    for flag in [
        "--github-url",
        "--github-org",
        "--github-token-file",
        "--max",
        "--yes",
        "--context",
    ] {
        assert!(
            outcome.stderr.contains(flag),
            "{flag} is not in:\n{}",
            outcome.stderr
        );
    }
    // What nobody needs is not demanded.
    for flag in [
        "--proxy ",
        "--ca-bundle",
        "--pull-secret-file",
        "--container-mode",
    ] {
        assert!(
            !outcome.stderr.contains(flag),
            "{flag} is in:\n{}",
            outcome.stderr
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_directory_that_cannot_be_written_is_named() -> Result<()> {
    let program = program()?;
    program.file("taken", "a file")?;
    for target in ["taken", "taken/below", "/proc/arc-setup"] {
        let arguments = ["render", "--config", "good.yaml", "--output-dir", target];
        let outcome = program.run(&arguments).await?;
        is_a_good_failure(target, &outcome, 2);
        assert!(outcome.stderr.contains(target), "{}", outcome.stderr);
    }
    Ok(())
}

/// `arc-setup render | head -1`: the reader has what it wanted, and nobody is told of a broken pipe.
#[test]
fn a_closed_pipe_is_no_failure() -> Result<()> {
    let program = program()?;
    for arguments in [
        &["render", "--config", "good.yaml"][..],
        &["images", "--config", "good.yaml", "-o", "json"],
        &["config", "schema"],
        &["--help"],
    ] {
        let mut command = std::process::Command::new(crate::support::arc_setup::program()?);
        program.prepare(&mut command);
        let (reader, writer) = std::io::pipe()?;
        drop(reader);
        let output = command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {stderr}");
        assert!(
            !stderr.to_lowercase().contains("pipe"),
            "{arguments:?}: {stderr}"
        );
    }
    Ok(())
}

/// A full disk behind stdout is told; half a document must not look like a whole one.
#[test]
fn a_full_disk_is_a_failure() -> Result<()> {
    let full = std::path::Path::new("/dev/full");
    if !full.exists() {
        skipped("a full disk: there is no /dev/full here");
        return Ok(());
    }
    let program = program()?;
    let mut command = std::process::Command::new(crate::support::arc_setup::program()?);
    program.prepare(&mut command);
    let output = command
        .args(["render", "--config", "good.yaml"])
        .stdin(Stdio::null())
        .stdout(std::fs::File::options().write(true).open(full)?)
        .stderr(Stdio::piped())
        .output()?;
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write to standard output"));
    Ok(())
}

/// The environment is input, too.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_variables_are_named_and_not_shown() -> Result<()> {
    for (name, value, says) in [
        ("ARC_SETUP_MAX", "canary", "$ARC_SETUP_MAX"),
        ("ARC_SETUP_MODE", "canary", "$ARC_SETUP_MODE"),
        (
            "ARC_SETUP_PROXY",
            "http://user:canary@proxy:3128",
            "$ARC_SETUP_PROXY",
        ),
        ("ARC_SETUP_PULL_SECRET", "{canary", "$ARC_SETUP_PULL_SECRET"),
        (
            "ARC_SETUP_PULL_SECRET_FILE",
            "ghp_canary",
            "$ARC_SETUP_PULL_SECRET_FILE",
        ),
        (
            "ARC_SETUP_GITHUB_TOKEN",
            "two\ncanary lines",
            "$ARC_SETUP_GITHUB_TOKEN",
        ),
        (
            "ARC_SETUP_GITHUB_URL",
            "https://u:canary@github.com",
            "$ARC_SETUP_GITHUB_URL",
        ),
        ("ARC_SETUP_CONFIG", "nowhere.yaml", "nowhere.yaml"),
    ] {
        let mut program = program()?;
        program.env(name, value);
        let mut arguments = vec!["config", "validate"];
        if name != "ARC_SETUP_CONFIG" {
            arguments.extend(["--config", "good.yaml"]);
        }
        let outcome = program.run(&arguments).await?;
        is_a_good_failure(name, &outcome, 2);
        assert!(outcome.stderr.contains(says), "{name}: {}", outcome.stderr);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_from_standard_input_that_is_empty_or_no_text_is_told() -> Result<()> {
    for content in [&b""[..], b"\n", b"\xff\xfe\x00", b"canary\ncanary"] {
        let mut program = program()?;
        program.stdin(content);
        let arguments = [
            "config",
            "validate",
            "--config",
            "good.yaml",
            "--github-token-file",
            "-",
        ];
        let outcome = program.run(&arguments).await?;
        is_a_good_failure("stdin", &outcome, 2);
        assert!(
            outcome.stderr.contains("github.token"),
            "{}",
            outcome.stderr
        );
    }
    Ok(())
}
