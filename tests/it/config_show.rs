//! `config show`: what it prints is a file of the same meaning, and says where each value came from.

use anyhow::Result;

use crate::support::examples::{arc_setup, examples};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_can_be_saved_and_means_the_same() -> Result<()> {
    for example in examples()? {
        for flags in [&[][..], &["--origin"]] {
            let program = arc_setup()?;
            let file = example.file.to_str().unwrap_or_default();
            let show = [&["config", "show", "--config", file], flags].concat();
            let shown = program.run(&show).await?.expect_code(0);
            program.file("saved.yaml", &shown.stdout)?;
            let mut renders = Vec::new();
            for file in [file, "saved.yaml"] {
                let arguments = ["render", "--config", file];
                renders.push(program.run(&arguments).await?.expect_code(0));
            }
            assert_eq!(renders[0].stdout, renders[1].stdout, "{}", example.name);
            // Warnings name the line of their file.
            let said = renders.iter().map(|outcome| {
                let lines = outcome.stderr.lines();
                lines
                    .filter(|line| !line.starts_with("warning: "))
                    .collect::<Vec<_>>()
            });
            let said: Vec<Vec<&str>> = said.collect();
            assert_eq!(said[0], said[1], "{}", example.name);
            let again = ["config", "show", "--config", "saved.yaml"];
            let again = program.run(&again).await?.expect_code(0).stdout;
            let plain: Vec<&str> = shown
                .stdout
                .lines()
                .map(|line| line.split("  # ").next().unwrap_or_default())
                .collect();
            assert_eq!(plain, again.lines().collect::<Vec<_>>(), "{}", example.name);
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn origins_stand_beside_the_values() -> Result<()> {
    const FILE: &str = "github: {url: https://github.com, organization: o, existingSecret: login}\n\
        runnerSets: [{max: 2}]\n";
    let mut program = arc_setup()?;
    program.file("arc-setup.yaml", FILE)?;
    program.env("ARC_SETUP_PROXY", "http://proxy.example.com:3128");
    let show = ["config", "show", "--origin", "--registry", "r.example.com"];
    let shown = program.run(&show).await?.expect_code(0).stdout;
    for line in [
        "  host: r.example.com  # --registry",
        "  url: http://proxy.example.com:3128  # $ARC_SETUP_PROXY",
        "  organization: o  # arc-setup.yaml:1:49",
        "mode: scale-set  # default",
    ] {
        assert!(shown.lines().any(|one| one == line), "{line}:\n{shown}");
    }
    let json = [&show[..], &["-o", "json"]].concat();
    let answer = program.run(&json).await?.expect_code(0).stdout;
    let answer: serde_json::Value = serde_json::from_str(&answer)?;
    assert_eq!(answer["kind"], "Config");
    assert_eq!(answer["config"]["registry"]["host"], "r.example.com");
    assert_eq!(answer["origins"]["registry.host"], "--registry");
    Ok(())
}
