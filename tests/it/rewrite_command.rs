//! `rewrite` as it is used: files and directories, standard input, what it refuses, and how much it holds.

mod definitions;
mod files;
mod helm;
mod kustomize;
mod large;
mod refused;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

use crate::support::arc_setup::{ArcSetup, Outcome, program};

/// quay.io comes from Artifactory, Docker Hub stays.
const RULES: [&str; 4] = [
    "--registry-map",
    "docker.io=keep",
    "--registry-map",
    "quay.io=registry.corp",
];

const POD: &str = "\
# A pod.
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: team}
spec:
  containers:
  - name: web
    image: \"quay.io/company/web:v2\"   # pinned
  - {name: cache, image: redis:7}
";

async fn rewrite(arc_setup: &ArcSetup, arguments: &[&str]) -> Result<Outcome> {
    let all = [&["rewrite"], RULES.as_slice(), arguments].concat();
    arc_setup.run(&all).await
}

fn rewritten(text: &str) -> String {
    text.replace("quay.io/", "registry.corp/")
}

/// One of the programs that users have, built where it is not there yet.
pub(crate) fn built(name: &str) -> Result<PathBuf> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/binaries/build");
    let output = Command::new(script)
        .arg(name)
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(
        output.status.success(),
        "{script} ended with {}",
        output.status
    );
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim_end()).join(name))
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(name)
}

/// A PATH on which `arc-setup` is found, with the directory that holds it.
fn path(home: &Path) -> Result<String> {
    let directory = home.join("bin");
    std::fs::create_dir_all(&directory)?;
    let link = directory.join("arc-setup");
    if !link.exists() {
        std::os::unix::fs::symlink(program()?, link)?;
    }
    Ok(format!("{}:/usr/bin:/bin", directory.display()))
}

/// Runs one of them in a directory; stdout, or a failure with what it said.
fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{} {said}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}
