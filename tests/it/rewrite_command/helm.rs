//! As a post-renderer of the real helm.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::{built, example, output, path};

fn helm(home: &Path) -> Result<Command> {
    let mut command = Command::new(built("helm")?);
    command
        .current_dir(example("helm-post-renderer"))
        .env_clear()
        .env("HOME", home)
        .env("PATH", path(home)?);
    Ok(command)
}

const TEMPLATE: [&str; 5] = [
    "template",
    "web",
    "chart",
    "--post-renderer",
    "./rewrite.sh",
];

#[test]
fn helm_renders_a_chart_with_the_images_of_the_registry() -> Result<()> {
    let home = tempfile::tempdir()?;
    let plain = output(helm(home.path())?.args(&TEMPLATE[..3]))?;
    let rendered = output(helm(home.path())?.args(TEMPLATE))?;
    let registry = "registry.artifactory.mydomain.com";
    let (chart, hook) = plain
        .split_once("apiVersion: batch/v1")
        .context("the hook")?;
    let expected = chart
        .replace("quay.io", &format!("{registry}/quay"))
        .replace("ghcr.io", &format!("{registry}/ghcr"));
    // Helm 3 keeps hooks from its post-renderer, as the example's README says.
    assert!(
        rendered.contains(&format!("\"{registry}/quay/company/web:v2.4\"")),
        "{rendered}"
    );
    for line in expected.lines().filter(|line| line.contains("image")) {
        assert!(rendered.contains(line), "{line} is not in {rendered}");
    }
    assert!(rendered.contains("image: redis:7"));
    assert!(
        hook.contains("quay.io/company/migrate@sha256:")
            && rendered.contains("quay.io/company/migrate@sha256:")
    );
    Ok(())
}

#[test]
fn helm_writes_nothing_where_a_rule_refuses_an_image() -> Result<()> {
    let home = tempfile::tempdir()?;
    let mut command = helm(home.path())?;
    command
        .args(TEMPLATE)
        .env("ARC_SETUP_REGISTRY_MAP", "quay.io=deny");
    let said = output(&mut command).unwrap_err().to_string();
    assert!(said.contains("the rules refuse 1 image"), "{said}");
    assert!(
        said.contains("Deployment web: quay.io/company/web:v2.4"),
        "{said}"
    );
    Ok(())
}

/// The file of Helm 4's plugin names the same program; no Helm 4 is at hand.
#[test]
fn the_plugin_of_helm_4_runs_the_same_program() -> Result<()> {
    let home = tempfile::tempdir()?;
    let directory = example("helm-post-renderer");
    let text = std::fs::read_to_string(directory.join("plugin.yaml"))?;
    let plugin = arc_setup::yaml::parse_documents(&text, "plugin.yaml")?.remove(0);
    assert_eq!(plugin["type"], "postrenderer/v1");
    let program = plugin["runtimeConfig"]["platformCommand"][0]["command"]
        .as_str()
        .context("a command")?
        .replace("${HELM_PLUGIN_DIR}", &directory.display().to_string());
    let rendered = helm(home.path())?.args(&TEMPLATE[..3]).output()?.stdout;
    let file = home.path().join("rendered.yaml");
    #[expect(clippy::disallowed_methods, reason = "a file of the test's own")]
    std::fs::write(&file, rendered)?;
    let output = Command::new(program)
        .env("PATH", path(home.path())?)
        .stdin(std::fs::File::open(&file)?)
        .output()?;
    let said = String::from_utf8(output.stderr)?;
    assert!(!said.contains("warning"), "its own rules are right: {said}");
    let text = String::from_utf8(output.stdout)?;
    assert!(!text.contains("quay.io"), "hooks are rewritten too: {text}");
    Ok(())
}
