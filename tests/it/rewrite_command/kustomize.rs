//! As a KRM function, as a plugin and behind a pipe of the real `kubectl kustomize`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::{built, example, output, path};
use crate::support::arc_setup::ArcSetup;

const REGISTRY: &str = "registry.artifactory.mydomain.com";

fn kubectl(home: &Path, arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(built("kubectl")?);
    command
        .arg("kustomize")
        .args(arguments)
        .current_dir(example("kustomize-function"))
        .env_clear()
        .env("HOME", home)
        .env("PATH", path(home)?);
    Ok(command)
}

/// What kubectl makes of the base, with the images of the registry.
fn expected(home: &Path) -> Result<String> {
    let plain = output(&mut kubectl(home, &["base"])?)?;
    assert!(
        plain.contains("image: quay.io/company/actions-runner:v2.300"),
        "{plain}"
    );
    Ok(plain.replace("quay.io", REGISTRY))
}

/// Puts a `docker` on the PATH that runs what the example's Dockerfile makes the image's program, as that image would:
/// the protocol is kubectl's own.
fn with_container_runtime(home: &Path) -> Result<()> {
    let text = std::fs::read_to_string(example("kustomize-function").join("Dockerfile"))?;
    let entry = text
        .lines()
        .find_map(|line| line.strip_prefix("ENTRYPOINT "))
        .context("an ENTRYPOINT")?;
    let words: Vec<String> = serde_json::from_str(entry)?;
    let program = words.first().context("a program")?;
    let program = program.rsplit('/').next().unwrap_or_default();
    let script = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$*\" > {}\nexec {program} {}\n",
        home.join("docker.log").display(),
        words[1..].join(" ")
    );
    let docker = home.join("bin/docker");
    #[expect(clippy::disallowed_methods, reason = "a file of the test's own")]
    std::fs::write(&docker, script)?;
    std::fs::set_permissions(&docker, std::fs::Permissions::from_mode(0o755))?;
    Ok(())
}

#[test]
fn kubectl_runs_it_as_a_function() -> Result<()> {
    let home = tempfile::tempdir()?;
    let expected = expected(home.path())?;
    with_container_runtime(home.path())?;
    let made = output(&mut kubectl(
        home.path(),
        &["--enable-alpha-plugins", "function"],
    )?)?;
    assert_eq!(made, expected);
    let called = std::fs::read_to_string(home.path().join("docker.log"))?;
    assert!(
        called.contains(&format!("{REGISTRY}/tools/arc-setup-rewrite:1")),
        "{called}"
    );
    Ok(())
}

#[test]
fn kubectl_runs_it_as_a_plugin() -> Result<()> {
    let home = tempfile::tempdir()?;
    let plugins = example("kustomize-function").join("plugins");
    let mut command = kubectl(home.path(), &["--enable-alpha-plugins", "plugin"])?;
    let made = output(command.env("KUSTOMIZE_PLUGIN_HOME", plugins))?;
    assert_eq!(made, expected(home.path())?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stands_behind_a_pipe_of_kubectl() -> Result<()> {
    let mut arc_setup = ArcSetup::new()?;
    let home = arc_setup.home().to_owned();
    let plain = output(&mut kubectl(&home, &["base"])?)?;
    arc_setup.stdin(plain);
    let map = format!("quay.io={REGISTRY}");
    let outcome = arc_setup
        .run(&["rewrite", "--registry-map", &map, "-"])
        .await?
        .expect_code(0);
    assert_eq!(outcome.stdout, expected(&home)?);
    Ok(())
}

/// A list of resources as kubectl sends it.
fn list(config: &str) -> String {
    format!(
        "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: p\n    annotations: {{config.kubernetes.io/index: '0'}}\n  spec:\n    containers:\n    - name: c\n      image: quay.io/a:1\n      args: [sh, -c, 'quay.io/b:1']\nfunctionConfig:\n{config}"
    )
}

const CONFIG: &str = "  kind: ImageRules\n  spec:\n    registry:\n      map:\n      - {source: quay.io, target: reg.corp}\n";

#[tokio::test(flavor = "multi_thread")]
async fn results_tell_what_changed_and_what_is_suspected() -> Result<()> {
    let mut arc_setup = ArcSetup::new()?;
    let text = list(CONFIG);
    arc_setup.stdin(text.as_str());
    let outcome = arc_setup.run(&["rewrite", "-"]).await?.expect_code(0);
    let (items, results) = outcome
        .stdout
        .split_at(outcome.stdout.find("results:").context("results")?);
    assert_eq!(items, text.replace("image: quay.io", "image: reg.corp"));
    let results = arc_setup::yaml::parse_documents(results, "results")?.remove(0);
    let results = results["results"].as_array().context("a list")?;
    let of = |index: usize, pointer: &str| {
        results[index]
            .pointer(pointer)
            .cloned()
            .unwrap_or(Value::Null)
    };
    assert_eq!(of(0, "/severity"), "info");
    assert_eq!(of(0, "/field/path"), "spec.containers[0].image");
    assert_eq!(of(0, "/field/proposedValue"), "reg.corp/a:1");
    assert_eq!(of(0, "/resourceRef/name"), "p");
    assert_eq!(of(1, "/severity"), "warning");
    assert_eq!(of(1, "/field/path"), "spec.containers[0].args[2]");
    // What it wrote is a list of resources that says the same.
    let all = arc_setup::yaml::parse_documents(&outcome.stdout, "x")?.remove(0);
    assert_eq!(all["kind"], "ResourceList");
    // The next function of the chain finds results, and they stay as they are.
    arc_setup.stdin(outcome.stdout.as_str());
    let again = arc_setup.run(&["rewrite", "-"]).await?.expect_code(0);
    assert_eq!(again.stdout, outcome.stdout);
    Ok(())
}

/// A function before this one may leave `results` behind with nothing in it: its place is there, and a second one would
/// be no YAML.
#[tokio::test(flavor = "multi_thread")]
async fn results_that_are_empty_are_filled() -> Result<()> {
    let mut arc_setup = ArcSetup::new()?;
    let block = list(CONFIG);
    let mut value = arc_setup::yaml::parse_documents(&block, "x")?.remove(0);
    value["results"] = json!([]);
    for text in [
        format!("{block}results: []\n"),
        format!("{block}results: [] # none yet\n# the end\n"),
        format!("{block}results: null"),
        format!("{block}results: ~\n...\n"),
        format!("{block}results:\n"),
        format!("{block}results: # none yet\n"),
        block.replace("items:", "results:\nitems:"),
        block.replace("items:", "results: [\n  ]\nitems:"),
        value.to_string(),
    ] {
        arc_setup.stdin(text.as_str());
        let outcome = arc_setup.run(&["rewrite", "-"]).await?.expect_code(0);
        let mut written = arc_setup::yaml::parse_documents(&outcome.stdout, "x")
            .with_context(|| format!("{text} became {}", outcome.stdout))?;
        assert_eq!(written.len(), 1, "{text}");
        let mut written = written.remove(0);
        let results = written["results"].take();
        assert_eq!(results.as_array().map(Vec::len), Some(2), "{text}");
        let image = "/items/0/spec/containers/0/image";
        assert_eq!(written.pointer(image).context("an image")?, "reg.corp/a:1");
        written["items"] = value["items"].clone();
        written["results"] = json!([]);
        assert_eq!(written, value, "{text}");
        assert_eq!(outcome.stdout.contains('#'), text.contains('#'), "{text}");
    }
    Ok(())
}

/// Results are a key of the list: they are told where one can be appended, and else what comes out is the list alone.
#[tokio::test(flavor = "multi_thread")]
async fn what_it_writes_is_one_list_in_every_style() -> Result<()> {
    let mut arc_setup = ArcSetup::new()?;
    let block = list(CONFIG);
    let value = arc_setup::yaml::parse_documents(&block, "x")?.remove(0);
    let indented = format!("  {}\n", block.trim_end().replace('\n', "\n  "));
    for (text, tells) in [
        (format!("# a comment\n---\n# another\n{block}"), true),
        (format!("# a comment\n{value}\n"), false),
        (format!("---\n# a comment\n\n{value}\n"), false),
        (format!("--- {value}\n"), false),
        (indented, false),
    ] {
        arc_setup.stdin(text.as_str());
        let outcome = arc_setup.run(&["rewrite", "-"]).await?.expect_code(0);
        let mut written = arc_setup::yaml::parse_documents(&outcome.stdout, "x")?;
        assert_eq!(written.len(), 1, "{text}");
        let mut written = written.remove(0);
        let results = written.as_object_mut().context("a list")?.remove("results");
        assert_eq!(results.is_some(), tells, "{text}");
        let image = "/items/0/spec/containers/0/image";
        assert_eq!(written.pointer(image).context("an image")?, "reg.corp/a:1");
        written["items"] = value["items"].clone();
        assert_eq!(written, value, "{text}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_config_names_its_rules_in_three_ways() -> Result<()> {
    let mut arc_setup = ArcSetup::new()?;
    arc_setup.file(
        "rules.yaml",
        "registry: {map: [{source: quay.io, target: reg.corp}]}\n",
    )?;
    for config in [
        CONFIG,
        "  kind: ImageRules\n  spec: {config: rules.yaml}\n",
        "  kind: ConfigMap\n  data: {config: rules.yaml}\n",
        "  kind: ConfigMap\n  data:\n    arc-setup.yaml: |\n      registry: {map: [{source: quay.io, target: reg.corp}]}\n",
    ] {
        arc_setup.stdin(list(config));
        let outcome = arc_setup.run(&["rewrite", "-"]).await?.expect_code(0);
        assert!(outcome.stdout.contains("image: reg.corp/a:1"), "{config}");
    }
    for (config, arguments, said) in [
        (
            "  kind: ImageRules\n",
            &[][..],
            "or write them into the functionConfig",
        ),
        (
            "  kind: ImageRules\n  spec: {registry: {mapp: []}}\n",
            &[],
            "stdin:16:21: unknown key",
        ),
        (
            "  kind: ConfigMap\n  data:\n    arc-setup.yaml: |\n      ---\n      registry: {mapp: []}\n",
            &[],
            "stdin:19:18: unknown key",
        ),
        // What is spelled in another way has no lines of its own.
        (
            "  kind: ConfigMap\n  data: {arc-setup.yaml: 'registry: {mapp: []}'}\n",
            &[],
            "functionConfig:1:12: unknown key",
        ),
        (
            "  kind: ConfigMap\n  data: {quay.io: reg.corp}\n",
            &[],
            "the functionConfig cannot be read",
        ),
        (
            CONFIG,
            &["--config", "rules.yaml"],
            "both --config and the functionConfig hold the rules",
        ),
    ] {
        arc_setup.stdin(list(config));
        let outcome = arc_setup
            .run(&[&["rewrite", "-"], arguments].concat())
            .await?
            .expect_code(2);
        assert!(
            outcome.stderr.contains(said),
            "{config}: {}",
            outcome.stderr
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_config_in_a_file_is_told_by_its_name_and_lines() -> Result<()> {
    let mut arc_setup = ArcSetup::new()?;
    arc_setup.file(
        "fnc.yaml",
        "# the rules\nkind: ImageRules\nspec:\n  # of all\n  registry:\n    mapp: []\n",
    )?;
    arc_setup.stdin("kind: Pod\n");
    let outcome = arc_setup
        .run(&["rewrite", "--function-config", "fnc.yaml", "-"])
        .await?
        .expect_code(2);
    let said = "fnc.yaml:6:5: unknown key";
    assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    Ok(())
}
