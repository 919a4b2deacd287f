//! What cannot be read or may not be written: the place is told, and nothing at all is written.

use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::{POD, rewrite};
use crate::support::arc_setup::{ArcSetup, program};

/// Files beside which a good one must stay as it is, with what the failure says.
#[tokio::test(flavor = "multi_thread")]
async fn one_bad_file_and_none_is_written() -> Result<()> {
    let denied = POD.replace("redis:7", "evil.example.com/a:1");
    let cases: [(&str, &[u8], &str); 13] = [
        (
            "duplicate",
            b"image: a\nimage: b\n",
            "bad.yaml:2:1: not valid YAML",
        ),
        (
            "tab",
            b"kind: Pod\nspec:\n\timage: a\n",
            "bad.yaml:3:2: not valid YAML",
        ),
        (
            "quote",
            b"---\nimage: a\n---\nimage: 'b\n",
            "bad.yaml:4:8: not valid YAML",
        ),
        (
            "utf-8",
            b"kind: Pod\nimage: \xff\n",
            "bad.yaml:2:8: not valid YAML",
        ),
        (
            "utf-16",
            b"\xff\xfei\0m\0a\0g\0e\0",
            "bad.yaml:1:1: not valid YAML",
        ),
        (
            "alias",
            b"image: *nowhere\n",
            "bad.yaml:1:8: not valid YAML",
        ),
        (
            "mark inside",
            "image: a\n\u{feff}b: c\n".as_bytes(),
            "bad.yaml:2:1: not valid YAML",
        ),
        (
            "template",
            b"image: {{ .Values.image }}\n",
            "a Helm template is no YAML yet",
        ),
        ("deep", &b"image: [".repeat(400), "bad.yaml:1:"),
        ("bomb", &bomb(), "bad.yaml:"),
        ("nul", b"image: \"a\0b\"\nx: [\n", "bad.yaml:"),
        (
            "denied",
            denied.as_bytes(),
            "bad.yaml:9:26: Pod team/web: evil.example.com/a:1: rule '--registry-map evil.example.com=deny' refuses it",
        ),
        (
            "collision",
            b"kind: Pod\napiVersion: v1\nspec: {containers: [{image: ghcr.io/company/web:v2}]}\n",
            "different images would become registry.corp/company/web:v2",
        ),
    ];
    for (name, content, said) in cases {
        let arc_setup = ArcSetup::new()?;
        let good = arc_setup.file("good.yaml", POD)?;
        arc_setup.file("bad.yaml", content)?;
        let more = [
            "--registry-map",
            "evil.example.com=deny",
            "--registry-map",
            "ghcr.io=registry.corp",
        ];
        let all = [more.as_slice(), &["-i", "good.yaml", "bad.yaml"]].concat();
        let outcome = rewrite(&arc_setup, &all).await?.expect_code(2);
        assert!(outcome.stderr.contains(said), "{name}: {}", outcome.stderr);
        assert!(outcome.stdout.is_empty(), "{name}");
        assert_eq!(std::fs::read_to_string(&good)?, POD, "{name}");
        let all = [more.as_slice(), &["good.yaml", "bad.yaml"]].concat();
        let outcome = rewrite(&arc_setup, &all).await?.expect_code(2);
        assert!(outcome.stdout.is_empty(), "{name}");
        let left: Vec<_> = std::fs::read_dir(arc_setup.home())?.collect();
        assert_eq!(left.len(), 2, "{name}: {left:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_file_is_named() -> Result<()> {
    let arc_setup = ArcSetup::new()?;
    let good = arc_setup.file("all/a.yaml", POD)?;
    arc_setup.file("all/b.yaml", "image: a\nimage: b\n")?;
    arc_setup.file("all/c.yaml", b"kind: Pod\nimage: \xff\n")?;
    arc_setup.file("all/d.yaml", "image: {{ .Values.image }}\n")?;
    let last = arc_setup.file("all/e.yaml", POD)?;
    for arguments in [&["all"][..], &["-i", "all"], &["--check", "all"]] {
        let outcome = rewrite(&arc_setup, arguments).await?.expect_code(2);
        assert!(outcome.stdout.is_empty());
        for said in [
            "3 inputs cannot be read",
            "nothing was written",
            "all/b.yaml:2:1: not valid YAML: ",
            "all/c.yaml:2:8: not valid YAML: the text is not UTF-8",
            "all/d.yaml:1:",
            "a Helm template is no YAML yet",
        ] {
            assert!(outcome.stderr.contains(said), "{said}: {}", outcome.stderr);
        }
    }
    for file in [&good, &last] {
        assert_eq!(std::fs::read_to_string(file)?, POD);
    }
    let left: Vec<_> = std::fs::read_dir(arc_setup.home().join("all"))?.collect();
    assert_eq!(left.len(), 5, "{left:?}");
    // So many that the first are enough, also for a machine.
    for number in 0..30 {
        arc_setup.file(&format!("all/f{number:02}.yaml"), "image: [\n")?;
    }
    let outcome = rewrite(&arc_setup, &["-o", "json", "all"]).await?;
    let outcome = outcome.expect_code(2);
    let told = [outcome.stdout, outcome.stderr].concat();
    for said in ["33 inputs cannot be read", "all/f16.yaml:", "and 13 more"] {
        assert!(told.contains(said), "{said}: {told}");
    }
    assert!(!told.contains("all/f17.yaml:"), "{told}");
    Ok(())
}

fn bomb() -> Vec<u8> {
    let mut text = String::from("image: &a [x,x,x,x,x,x,x,x,x]\n");
    for (name, of) in "bcdefghi".chars().zip("abcdefgh".chars()) {
        let uses = vec![format!("*{of}"); 9].join(",");
        text.push_str(
            &[
                &name.to_string(),
                ": &",
                &name.to_string(),
                " [",
                &uses,
                "]\n",
            ]
            .concat(),
        );
    }
    text.into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_object_passes_unchanged() -> Result<()> {
    let mut arc_setup = ArcSetup::new()?;
    let text = "- image: quay.io/a:1\n---\nimage\n---\nkind: Pod\napiVersion: v1\nimage: quay.io/a:1\n---\n---\napiVersion: v1\nkind: Pod\nspec: null\n---\napiVersion: v1\nkind: PodList\nitems: image\n---\napiVersion: apps/v1\nkind: Deployment\nspec: {template: [image]}\n---\n5: image\n";
    arc_setup.stdin(text);
    let outcome = rewrite(&arc_setup, &["-"]).await?.expect_code(0);
    assert_eq!(outcome.stdout, text);
    Ok(())
}

/// A pipe that is named as a file would be waited for, perhaps for ever.
#[tokio::test(flavor = "multi_thread")]
async fn only_regular_files_are_read() -> Result<()> {
    let arc_setup = ArcSetup::new()?;
    let pipe = arc_setup.home().join("pipe");
    ensure!(Command::new("mkfifo").arg(&pipe).status()?.success());
    for arguments in [
        &["pipe"][..],
        &["-i", "pipe"],
        &["--function-config", "pipe", "-"],
    ] {
        let outcome = rewrite(&arc_setup, arguments).await?.expect_code(2);
        let said = "pipe cannot be read\n  why:\n    it is no regular file";
        assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    }
    Ok(())
}

/// There is nothing to finish: the first signal ends a command that only reads and prints.
#[test]
fn a_signal_ends_it_while_it_waits_for_standard_input() -> Result<()> {
    let home = tempfile::tempdir()?;
    for command in [
        "rewrite --registry r.corp -",
        "rules test --registry r.corp -",
    ] {
        let mut child = Command::new(program()?)
            .args(command.split(' '))
            .current_dir(home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut stdin = child.stdin.take().context("no standard input")?;
        // More than a pipe holds: once it is written, it is being read.
        stdin.write_all(&vec![b'\n'; 1 << 20])?;
        let id = child.id().to_string();
        ensure!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()?
                .success()
        );
        drop(stdin);
        assert_eq!(child.wait()?.signal(), Some(15), "{command}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_use_is_told() -> Result<()> {
    let arc_setup = ArcSetup::new()?;
    arc_setup.file("pod.yaml", POD)?;
    std::fs::create_dir(arc_setup.home().join("empty"))?;
    for (arguments, said) in [
        (
            &["rewrite", "pod.yaml"][..],
            "there is no rule to rewrite images by",
        ),
        (
            &["rewrite", "--registry", "r.corp", "gone.yaml"],
            "gone.yaml cannot be read",
        ),
        (
            &["rewrite", "--registry", "r.corp", "empty"],
            "no YAML or JSON file is below empty",
        ),
        (
            &["rewrite", "--registry", "r.corp", "-i", "-"],
            "standard input cannot be written in place",
        ),
        (
            &["rewrite", "--registry", "r.corp", "-i"],
            "standard input cannot be written in place",
        ),
        (
            &[
                "rewrite",
                "--registry",
                "r.corp",
                "-i",
                "--check",
                "pod.yaml",
            ],
            "cannot be used with",
        ),
    ] {
        let outcome = arc_setup.run(arguments).await?.expect_code(2);
        assert!(
            outcome.stderr.contains(said),
            "{arguments:?}: {}",
            outcome.stderr
        );
    }
    Ok(())
}
