//! Files and directories: what is read, what is written, what is told.

use std::os::unix::fs::PermissionsExt as _;

use anyhow::Result;

use super::{POD, rewrite, rewritten};
use crate::support::arc_setup::ArcSetup;

#[tokio::test(flavor = "multi_thread")]
async fn a_file_and_standard_input_come_back_with_only_the_references_changed() -> Result<()> {
    let mut arc_setup = ArcSetup::new()?;
    let file = arc_setup.file("pod.yaml", POD)?;
    let outcome = rewrite(&arc_setup, &["pod.yaml"]).await?.expect_code(0);
    assert_eq!(outcome.stdout, rewritten(POD));
    assert_eq!(outcome.stderr, "1 image rewritten in pod.yaml\n");
    assert_eq!(std::fs::read_to_string(file)?, POD);
    arc_setup.stdin(POD.replace('\n', "\r\n"));
    for arguments in [&["-"][..], &[]] {
        let outcome = rewrite(&arc_setup, arguments).await?.expect_code(0);
        assert_eq!(outcome.stdout, rewritten(POD).replace('\n', "\r\n"));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn several_files_become_one_stream_of_documents() -> Result<()> {
    let arc_setup = ArcSetup::new()?;
    arc_setup.file("all/1.yaml", POD.trim_end())?;
    arc_setup.file("all/2.json", "{\"kind\": \"Service\"}\n")?;
    arc_setup.file("all/below/3.yml", format!("---\n{POD}"))?;
    arc_setup.file("all/4.yaml", format!("%YAML 1.2\n---\n{POD}"))?;
    arc_setup.file("all/.hidden/5.yaml", "image: [")?;
    arc_setup.file("all/notes.txt", "image: [")?;
    let outcome = rewrite(&arc_setup, &["all", "all/1.yaml"])
        .await?
        .expect_code(0);
    let pod = rewritten(POD);
    let service = "{\"kind\": \"Service\"}\n";
    assert_eq!(
        outcome.stdout,
        format!("{pod}---\n{service}...\n%YAML 1.2\n---\n{pod}---\n{pod}")
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_first_text_of_a_stream_keeps_its_mark() -> Result<()> {
    let arc_setup = ArcSetup::new()?;
    let pod = format!("\u{feff}{POD}");
    let marked = "\u{feff}---\nkind: Service\n";
    let json = "\u{feff}{\"kind\": \"Pod\", \"apiVersion\": \"v1\", \"spec\": {\"containers\": [{\"image\": \"quay.io/a:1\"}]}}\n";
    let mut files = Vec::new();
    for (name, content) in [("1.yaml", &*pod), ("2.yaml", marked), ("3.json", json)] {
        files.push(arc_setup.file(name, content)?);
    }
    let all = ["1.yaml", "2.yaml", "3.json"];
    let outcome = rewrite(&arc_setup, &all).await?.expect_code(0);
    let json = rewritten(json);
    let expected = format!(
        "{}{}---\n{}",
        rewritten(&pod),
        marked.trim_start_matches('\u{feff}'),
        json.trim_start_matches('\u{feff}')
    );
    assert_eq!(outcome.stdout, expected);
    let documents = arc_setup::yaml::parse_documents(&outcome.stdout, "x")?;
    assert_eq!(documents.len(), 3);
    rewrite(&arc_setup, &[&["-i"], all.as_slice()].concat())
        .await?
        .expect_code(0);
    for (file, expected) in files.iter().zip([rewritten(&pod), marked.to_owned(), json]) {
        assert_eq!(std::fs::read_to_string(file)?, expected);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn in_place_keeps_mode_and_links_and_leaves_what_needs_no_change() -> Result<()> {
    let arc_setup = ArcSetup::new()?;
    let real = arc_setup.file("real/pod.yaml", POD)?;
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640))?;
    let link = arc_setup.home().join("link.yaml");
    std::os::unix::fs::symlink("real/pod.yaml", &link)?;
    let kept = arc_setup.file("kept.yaml", "apiVersion: v1\nkind: Service # image\n")?;
    let before = std::fs::metadata(&kept)?.modified()?;
    let arguments = ["-i", "link.yaml", "kept.yaml", "real/pod.yaml"];
    let outcome = rewrite(&arc_setup, &arguments).await?.expect_code(0);
    assert_eq!(
        outcome.stdout,
        "link.yaml:8:13: quay.io/company/web:v2 → registry.corp/company/web:v2 \
         [--registry-map quay.io=registry.corp]\n1 image rewritten in link.yaml\n"
    );
    assert_eq!(std::fs::read_to_string(&real)?, rewritten(POD));
    assert_eq!(
        std::fs::metadata(&real)?.permissions().mode() & 0o777,
        0o640
    );
    assert!(std::fs::symlink_metadata(&link)?.is_symlink());
    assert_eq!(std::fs::metadata(&kept)?.modified()?, before);
    // Nothing is left to do, and nothing lies around.
    let again = rewrite(&arc_setup, &["-i", "link.yaml"])
        .await?
        .expect_code(0);
    assert_eq!(again.stdout, "nothing to change in 1 input\n");
    assert_eq!(std::fs::read_dir(arc_setup.home().join("real"))?.count(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn check_writes_nothing_and_says_by_its_exit_code_whether_something_would_change()
-> Result<()> {
    let mut arc_setup = ArcSetup::new()?;
    let file = arc_setup.file("pod.yaml", POD)?;
    let outcome = rewrite(&arc_setup, &["--check", "pod.yaml"])
        .await?
        .expect_code(10);
    assert!(
        outcome.stdout.starts_with("pod.yaml:8:13: "),
        "{}",
        outcome.stdout
    );
    assert!(outcome.stdout.ends_with("1 image to rewrite in pod.yaml\n"));
    assert_eq!(std::fs::read_to_string(file)?, POD);
    let outcome = rewrite(&arc_setup, &["--check", "-o", "github", "pod.yaml"]).await?;
    let outcome = outcome.expect_code(10);
    assert!(
        outcome
            .stderr
            .contains("::warning file=pod.yaml,line=8,col=13::")
    );
    arc_setup.stdin(rewritten(POD));
    rewrite(&arc_setup, &["--check", "-"]).await?.expect_code(0);
    Ok(())
}

/// The YAML under review may say anything: it commands neither the terminal nor GitHub's runner, and fills no log.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_yaml_says_is_shown_and_not_obeyed() -> Result<()> {
    let arc_setup = ArcSetup::new()?;
    let hostile = "x\\n::set-output name=a::b\\e[31mRED 100%";
    let long = "y".repeat(100_000);
    let pod = format!(
        "{POD}  - {{name: x, image: \"{hostile}\"}}\n  - {{name: y, image: \"Q{long}\"}}\n"
    );
    arc_setup.file("n,a%:b.yaml", pod)?;
    for format in ["text", "github"] {
        let outcome = rewrite(&arc_setup, &["--check", "-o", format, "n,a%:b.yaml"]).await?;
        let outcome = outcome.expect_code(10);
        let all = [outcome.stdout, outcome.stderr].concat();
        assert!(!all.contains('\u{1b}'), "{all}");
        assert!(
            all.contains("x□::set-output name=a::b□[31mRED 100%"),
            "{all}"
        );
        assert!(!all.contains("\n::set-output"), "{all}");
        assert!(all.len() < 5000, "{} bytes", all.len());
        let commands: Vec<&str> = all.lines().filter(|line| line.starts_with("::")).collect();
        let place = "::warning file=n%2Ca%25%3Ab.yaml,line=";
        assert!(
            commands.iter().all(|line| line.starts_with(place)),
            "{commands:?}"
        );
        assert_eq!(commands.len(), if format == "github" { 3 } else { 0 });
        let escaped = commands
            .iter()
            .any(|line| line.contains("RED 100%25 stays"));
        assert_eq!(escaped, format == "github", "{commands:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_for_a_machine_has_all_that_is_told() -> Result<()> {
    let mut arc_setup = ArcSetup::new()?;
    arc_setup.stdin(
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: actions.summerwind.dev/v1alpha1\n  kind: Runner\n  metadata: {name: r}\n  spec:\n    image: quay.io/company/runner:1\n    containerMode: kubernetes\n    env:\n    - {name: HINT, value: 'quay.io/company/tool:3'}\n    containers:\n    - {name: side, image: quay.io/Upper/case}\n",
    );
    let outcome = rewrite(&arc_setup, &["-", "-o", "json"])
        .await?
        .expect_code(0);
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots/rewrite");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("list", outcome.stdout));
    Ok(())
}
