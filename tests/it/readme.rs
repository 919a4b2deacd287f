//! The README tells the truth: each command in it is run here or says where it is run, and its tables
//! are those of the program.

use std::fmt::Write as _;
use std::path::Path;

use arc_setup::config::table;
use arc_setup::failure::Exit;

use crate::support::arc_setup::ArcSetup;

/// How a command of the README is exercised.
enum Exercised {
    /// By running it with the README's own configuration.
    Here,
    /// By the test, script or target of that name, which must exist: file and what it must contain.
    By(&'static str, &'static str),
}

/// Every command of the README.
fn exercise(command: &str) -> Option<Exercised> {
    use Exercised::{By, Here};
    Some(match command {
        "make demo" => By("Makefile", "demo: test-binaries"),
        "make test" => By(".ci/run", "\nmake test"),
        "arc-setup init --registry registry.artifactory.mydomain.com"
        | "arc-setup images --config arc-setup.yaml"
        | "arc-setup render --config arc-setup.yaml"
        | "arc-setup render --config arc-setup.yaml --output-dir manifests" => Here,
        // With --dry-run and with --yes against the demo's cluster and those of the tests.
        "arc-setup init --config arc-setup.yaml --context my-cluster --dry-run" => {
            By("tests/it/init.rs", "--dry-run")
        }
        "arc-setup init --config arc-setup.yaml --context my-cluster --yes" => {
            By("tests/demo/main.rs", "\"init\"")
        }
        "arc-setup patch-images --config arc-setup.yaml --context my-cluster --yes" => {
            By("tests/demo/main.rs", "\"patch-images\"")
        }
        "arc-setup uninstall --config arc-setup.yaml --context my-cluster --yes" => {
            By("tests/it/uninstall.rs", "\"uninstall\"")
        }
        "export ARC_SETUP_GITHUB_TOKEN=\"$(cat token)\" PULL_SECRET=\"$(cat ~/.docker/config.json)\"" => {
            By("tests/it/readme.rs", "secret_env")
        }
        _ => return None,
    })
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    std::fs::read_to_string(project().join(name)).unwrap_or_default()
}

/// The lines of every fenced block of that language.
fn fenced(language: &str) -> Vec<String> {
    let (readme, mut lines, mut inside) = (read("README.md"), Vec::new(), false);
    for line in readme.lines() {
        match line.strip_prefix("```") {
            Some(after) => inside = !inside && after == language,
            None if inside => lines.push(line.to_owned()),
            None => {}
        }
    }
    lines
}

/// A program with the README's configuration and the variables that it exports.
fn program() -> ArcSetup {
    let mut program = ArcSetup::new().unwrap();
    let authority = crate::support::authority::Authority::new().unwrap();
    let anchors = program
        .file("anchors/company.pem", authority.bundle_pem())
        .unwrap();
    // The anchors of a machine that is not here are replaced by ours.
    let config = fenced("yaml").join("\n").replace(
        "/etc/pki/ca-trust/source/anchors",
        &anchors.display().to_string(),
    );
    assert!(config.contains("anchors/company.pem"), "{config}");
    program.file("arc-setup.yaml", config).unwrap();
    program.secret_env(
        "ARC_SETUP_GITHUB_TOKEN",
        "ghp_readme0000000000000000000000000000",
    );
    program.secret_env(
        "PULL_SECRET",
        r#"{"auths":{"registry.artifactory.mydomain.com":{"auth":"cm9ib3Q6Y2FuYXJ5"}}}"#,
    );
    program
}

#[test]
fn every_command_is_exercised_somewhere() {
    let commands = fenced("sh");
    assert!(commands.len() > 5, "{commands:?}");
    for command in commands {
        match exercise(&command) {
            None => panic!("nothing exercises `{command}`"),
            Some(Exercised::By(file, what)) => {
                assert!(
                    read(file).contains(what),
                    "`{command}` should be exercised by {file}, which has no {what:?}"
                );
            }
            Some(Exercised::Here) => {}
        }
    }
}

#[tokio::test]
async fn commands_without_a_cluster_run_as_written() {
    let program = program();
    for command in fenced("sh")
        .iter()
        .filter(|command| command.starts_with("arc-setup "))
    {
        if !matches!(exercise(command), Some(Exercised::Here)) {
            continue;
        }
        let arguments: Vec<&str> = command.split(' ').skip(1).collect();
        let outcome = program.run(&arguments).await.unwrap();
        if command.contains("--output-dir") {
            let stderr = outcome.expect_code(0).stderr;
            assert!(stderr.contains("files in manifests"), "{stderr}");
        } else if command.contains("--config") {
            let outcome = outcome.expect_code(0);
            assert!(
                outcome
                    .stdout
                    .contains("registry.artifactory.mydomain.com/"),
                "{command}: {}",
                outcome.stdout
            );
        }
    }
}

#[tokio::test]
async fn the_quick_start_without_a_terminal_names_what_is_missing() {
    let program = ArcSetup::new().unwrap();
    let command = "init --registry registry.artifactory.mydomain.com";
    let outcome = program
        .run(&command.split(' ').collect::<Vec<_>>())
        .await
        .unwrap()
        .expect_code(2);
    assert!(outcome.stdout.is_empty(), "{}", outcome.stdout);
    for flag in ["--github-url", "--github-org", "--max"] {
        assert!(
            outcome.stderr.contains(flag),
            "{flag} is not named:\n{}",
            outcome.stderr
        );
    }
}

#[tokio::test]
async fn every_command_of_the_table_is_in_the_help_and_the_other_way_round() {
    let help = ArcSetup::new()
        .unwrap()
        .run(&["--help"])
        .await
        .unwrap()
        .expect_code(0)
        .stdout;
    let commands = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty());
    let mut offered: Vec<&str> = commands
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .collect();
    offered.retain(|name| !name.is_empty() && *name != "help");
    let readme = read("README.md");
    let mut written: Vec<&str> = rows(&readme, "## Commands")
        .map(|cell| cell.trim_matches('`'))
        .collect();
    offered.sort_unstable();
    written.sort_unstable();
    assert_eq!(written, offered);
}

#[test]
fn the_exit_codes_are_those_of_the_program() {
    let readme = read("README.md");
    let written: Vec<u8> = rows(&readme, "## Exit codes")
        .map(|cell| cell.parse().unwrap())
        .collect();
    let all = [
        Exit::Done,
        Exit::Unexpected,
        Exit::Usage,
        Exit::Preflight,
        Exit::Warnings,
        Exit::ChangesPending,
        Exit::ApplyFailed,
        Exit::RolledBack,
        Exit::Conflict,
        Exit::Timeout,
        Exit::Interrupted,
    ];
    assert_eq!(written, all.map(|exit| exit as u8));
}

#[test]
fn the_defaults_are_those_of_the_table_of_fields() {
    let mut expected = String::from("| field | default | flag |\n|---|---|---|\n");
    for (path, field) in table::every_field() {
        let Some(default) = field.default else {
            continue;
        };
        let flag = field
            .flag
            .map(|flag| format!("`--{flag}`"))
            .unwrap_or_default();
        writeln!(expected, "| `{path}` | {default} | {flag} |").unwrap();
    }
    let readme = read("README.md");
    let (_, rest) = readme.split_once("<!-- defaults: begin -->\n").unwrap();
    let (written, _) = rest.split_once("<!-- defaults: end -->").unwrap();
    assert_eq!(
        written, expected,
        "the README's table should be\n{expected}"
    );
}

#[test]
fn the_reference_lists_every_field() {
    let expected = arc_setup::config::reference();
    let page = read("docs/configuration.md");
    let (_, rest) = page.split_once("<!-- reference: begin -->\n").unwrap();
    let (written, _) = rest.split_once("<!-- reference: end -->").unwrap();
    assert_eq!(
        written, expected,
        "the table of docs/configuration.md should be\n{expected}"
    );
}

/// What the page shows in between is a configuration that the program takes.
#[tokio::test(flavor = "multi_thread")]
async fn the_shapes_of_the_configuration_are_taken() {
    let page = read("docs/configuration.md");
    let images = read("docs/images.md");
    let (_, rules) = images.split_once("\n## Rules\n").unwrap();
    let rules = rules.split("\n## ").next().unwrap();
    let blocks: Vec<&str> = [&page, rules]
        .iter()
        .flat_map(|page| page.split("```yaml\n").skip(1))
        .collect();
    assert!(blocks.len() > 6);
    for block in blocks {
        let text = block.split("```").next().unwrap();
        let mut program = ArcSetup::new().unwrap();
        program.file("arc-setup.yaml", text).unwrap();
        program.file("secrets/token", "ghp_x").unwrap();
        program
            .file(
                "secrets/config.json",
                r#"{"auths": {"registry.example.com": {"auth": "cm9ib3Q6cm9ib3Q="}}}"#,
            )
            .unwrap();
        // What a block leaves out.
        program
            .env("ARC_SETUP_GITHUB_URL", "https://github.example.com")
            .env("ARC_SETUP_GITHUB_ORG", "platform")
            .env("ARC_SETUP_PROXY", "http://proxy.example.com:3128")
            .env("ARC_SETUP_MAX", "3");
        if !text.contains("github:") {
            program.secret_env("ARC_SETUP_GITHUB_TOKEN", "ghp_canary");
        }
        let outcome = program.run(&["config", "validate"]).await.unwrap();
        assert_eq!(outcome.code, Some(0), "{text}\n{}", outcome.stderr);
    }
}

/// The first cells of the table under a heading.
fn rows<'a>(readme: &'a str, heading: &str) -> impl Iterator<Item = &'a str> {
    let section = readme.split_once(&format!("{heading}\n")).unwrap().1;
    let section = section
        .split_once("\n## ")
        .map_or(section, |(section, _)| section);
    let rows = section.lines().filter_map(|line| line.strip_prefix("| "));
    rows.skip(1).filter_map(|row| row.split(" | ").next())
}
