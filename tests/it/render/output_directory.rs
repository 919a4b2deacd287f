//! `render --output-dir`: the same objects, one file each; what an earlier run left goes, what others put there stays.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use super::render;
use crate::support::arc_setup::ArcSetup;
use crate::support::examples::{arc_setup, examples};

const SMALL: &str = "github: {url: https://github.com, organization: o, existingSecret: login}\n";
const ONE: &str = "runnerSets: [{name: one, max: 2}]\n";
const TWO: &str =
    "runnerSets: [{name: one, max: 2}, {name: another, max: 2, containerMode: dind}]\n";

/// Content by name, of manifests only.
fn manifests(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "yaml") {
            let name = path.file_name().unwrap_or_default();
            let name = name.to_string_lossy().into_owned();
            found.insert(name, std::fs::read_to_string(&path)?);
        }
    }
    Ok(found)
}

/// Every object of a stream, in an order of its own.
fn sorted(stream: &str) -> Result<BTreeSet<String>> {
    let documents = arc_setup::yaml::parse_documents(stream, "stream")?;
    Ok(documents.iter().map(Value::to_string).collect())
}

async fn render_small(program: &ArcSetup, sets: &str, more: &[&str]) -> Result<(String, String)> {
    program.file("arc-setup.yaml", [SMALL, sets].concat())?;
    let arguments = [&["render", "--output-dir", "out"], more].concat();
    let outcome = program.run(&arguments).await?.expect_code(0);
    Ok((outcome.stdout, outcome.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_for_each_object_holds_the_same_objects() -> Result<()> {
    for example in examples()? {
        let stream = render(&example, &[]).await?.expect_code(0).stdout;
        let program = arc_setup()?;
        let target = program.home().join("out/manifests");
        let arguments =
            example.arguments("render", &["--output-dir", &target.display().to_string()]);
        let outcome = program.run(&arguments).await?.expect_code(0);
        assert_eq!(outcome.stdout, "", "{}", example.name);
        let files = manifests(&target)?;
        let together: Vec<&str> = files.values().map(String::as_str).collect();
        let (together, stream) = (sorted(&together.join("---\n"))?, sorted(&stream)?);
        assert!(together == stream, "{}", example.name);
        let said = format!("{} files in ", files.len());
        assert!(outcome.stderr.contains(&said), "{}", outcome.stderr);
        // In the order of the names everything has what it needs before it.
        let first = |kind: &str| files.values().position(|text| text.contains(kind));
        assert!(first("kind: Namespace\n") < first("kind: CustomResourceDefinition\n"));
        assert!(first("kind: CustomResourceDefinition\n") < first("kind: Deployment\n"));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_keeps_its_name_whatever_else_is_rendered() -> Result<()> {
    let program = arc_setup()?;
    render_small(&program, ONE, &[]).await?;
    let before = manifests(&program.home().join("out"))?;
    let (_, said) = render_small(&program, TWO, &[]).await?;
    let after = manifests(&program.home().join("out"))?;
    assert!(before.keys().all(|name| after.contains_key(name)));
    assert!(
        after.len() > before.len() && !said.contains("removed"),
        "{said}"
    );
    assert!(
        after
            .keys()
            .all(|name| name.is_ascii() && !name.contains([':', '/', ' ']))
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_an_earlier_run_go_and_those_of_others_stay() -> Result<()> {
    let program = arc_setup()?;
    let foreign = program.file("out/kustomization.yaml", "resources: []\n")?;
    program.file("out/README.md", "how we deploy\n")?;
    let (_, said) = render_small(&program, TWO, &[]).await?;
    assert!(
        said.contains("did not write them: kustomization.yaml\n"),
        "{said}"
    );
    assert!(!said.contains("README.md"), "nobody applies it: {said}");
    let (_, said) = render_small(&program, ONE, &[]).await?;
    let left = "70-autoscalingrunnerset_arc-runners_another.yaml";
    let line = said.lines().find(|line| line.starts_with("removed, "));
    assert!(line.is_some_and(|line| line.contains(left)), "{said}");
    assert!(!program.home().join("out").join(left).exists());
    assert_eq!(std::fs::read_to_string(foreign)?, "resources: []\n");
    let first = manifests(&program.home().join("out"))?;
    let (answer, said) = render_small(&program, ONE, &["-o", "json"]).await?;
    assert!(!said.contains("removed"), "{said}");
    assert_eq!(manifests(&program.home().join("out"))?, first);
    let answer: Value = serde_json::from_str(&answer)?;
    assert_eq!(answer["kind"], "Rendered");
    assert_eq!(answer["foreign"], serde_json::json!(["kustomization.yaml"]));
    assert_eq!(answer["removed"], serde_json::json!([]));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_of_an_earlier_run_do_not_stay_behind() -> Result<()> {
    let mut program = arc_setup()?;
    program.without_canaries();
    let token = "github: {url: https://github.com, organization: o, token: {env: GITHUB_TOKEN}}\n";
    program.file("arc-setup.yaml", [token, ONE].concat())?;
    let with = ["render", "--output-dir", "out", "--with-secrets"];
    program.run(&with).await?.expect_code(0);
    let secrets = |files: BTreeMap<String, String>| {
        files
            .values()
            .filter(|text| text.contains("kind: Secret\n"))
            .count()
    };
    assert_eq!(secrets(manifests(&program.home().join("out"))?), 1);
    program.run(&with[..3]).await?.expect_code(0);
    assert_eq!(secrets(manifests(&program.home().join("out"))?), 0);
    Ok(())
}
