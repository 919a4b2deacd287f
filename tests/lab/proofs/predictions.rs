//! What `ca doctor` and `proxy explain` say beforehand is what happens in a runner's pod; and a bundle that lacks the issuing
//! authority ends `init` before anything is written.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::administrator;
use crate::evidence::Since;
use crate::harness::topic;
use crate::install::{self, Install};
use crate::lab::Lab;
use crate::parts::github::OUTSIDE_HOST;
use crate::parts::registry::{self, MIRROR_READER};

topic!(LEGACY = predictions on Legacy: of_the_first_generation);
topic!(SCALE_SET = predictions on ScaleSet: of_scale_sets);

/// The authority that the servers of this company do not send.
const ISSUING: &str = "CN=Example Issuing CA 1";

/// A program in the runner's container that goes to a host.
struct Visit {
    /// As `proxy explain` calls it; `ca doctor` has the same word for it.
    program: &'static str,
    host: &'static str,
    /// For bash.
    command: String,
    /// What it says once the handshake was done.
    reached: &'static str,
}

fn visits() -> Vec<Visit> {
    let visit = |program, host, command: String, reached| Visit {
        program,
        host,
        command,
        reached,
    };
    let curl = |url: &str| format!("curl -sS -o /dev/null -w '%{{http_code}}' {url}");
    let git = |url: &str| format!("GIT_TERMINAL_PROMPT=0 git ls-remote {url}");
    vec![
        visit(
            "curl",
            OUTSIDE_HOST,
            curl(&format!("https://{OUTSIDE_HOST}/api/v3/meta")),
            "200",
        ),
        visit(
            "git",
            OUTSIDE_HOST,
            git(&format!("https://{OUTSIDE_HOST}/acme/app.git")),
            "not found",
        ),
        visit(
            "curl",
            registry::HOST,
            curl(&format!("https://{}/v2/", registry::HOST)),
            "401",
        ),
        visit(
            "git",
            registry::HOST,
            git(&format!("https://{}/acme/app.git", registry::HOST)),
            "not found",
        ),
    ]
}

async fn of_the_first_generation(lab: Arc<Lab>) -> Result<()> {
    let install = lab.standing.legacy(&lab).await?;
    what_was_said_happens(&lab, &install).await
}

async fn of_scale_sets(lab: Arc<Lab>) -> Result<()> {
    let install = lab.standing.scale_set(&lab).await?;
    the_root_alone_is_refused(&lab, &install).await?;
    what_was_said_happens(&lab, &install).await
}

async fn what_was_said_happens(lab: &Lab, install: &Install) -> Result<()> {
    let runner = install.runner_at_github().await?;
    for host in [OUTSIDE_HOST, registry::HOST] {
        let refused = refusals(install, &install.config, host, 0).await?;
        ensure!(refused.is_empty(), "{host}: refused by {refused:?}");
    }
    for visit in visits() {
        let Visit { program, host, .. } = visit;
        let way = way(install, program, host).await?;
        let since = Since::now(lab)?;
        let script = format!("{{ {}\n}} 2>&1 || true", visit.command);
        let said = ["bash", "-c", &script];
        let said = install.runners.exec(&runner.name, "runner", &said).await?;
        ensure!(said.contains(visit.reached), "{program} to {host}: {said}");
        let evidence = since.of(lab, runner.address)?;
        let tunnel = format!("{host}:");
        let is_proxied = evidence
            .proxied
            .iter()
            .any(|one| one.target.starts_with(&tunnel));
        ensure!(
            is_proxied == (way == "proxy"),
            "{program} to {host}: {way} was said, and the proxy saw {:#?}",
            evidence.proxied
        );
        ensure!(
            evidence.strays.is_empty(),
            "{program} to {host}: {:?}",
            evidence.strays
        );
    }
    a_job_pulls(lab, install).await
}

/// An image of a registry that nobody here can reach.
async fn a_job_pulls(lab: &Lab, install: &Install) -> Result<()> {
    let way = way(install, "dockerd", registry::HOST).await?;
    ensure!(way == "direct", "dockerd: {way}");
    let runner = install.runner_at_github().await?;
    install::until("the Docker daemon", async || {
        let version = ["docker", "version"];
        let answer = install.runners.exec(&runner.name, "runner", &version);
        Ok(answer.await.ok())
    })
    .await?;
    let since = Since::now(lab)?;
    let pull = ["docker", "pull", "quay.io/lab/busybox:1.35"];
    install.runners.exec(&runner.name, "runner", &pull).await?;
    let evidence = since.of(lab, runner.address)?;
    let pulled = evidence.pulled_by(MIRROR_READER);
    ensure!(pulled.contains("lab/busybox:1.35"), "{pulled:?}");
    let asked = evidence
        .proxied
        .iter()
        .find(|one| one.target.starts_with(registry::HOST));
    ensure!(asked.is_none(), "dockerd asked the proxy: {asked:?}");
    Ok(())
}

/// Which way `proxy explain` says that a program goes.
async fn way(install: &Install, program: &str, host: &str) -> Result<String> {
    let command = ["proxy", "explain", host, "--context", "lab", "-o", "json"];
    let outcome = administrator::run(&install.program, &install.config, &command).await?;
    let answer: Value = serde_json::from_str(&install.expect_code(outcome, 0).await?.stdout)?;
    let cells = answer["rows"][0]["cells"].as_array().context("no cells")?;
    let cell = cells.iter().find(|cell| cell["program"] == program);
    let way = cell.and_then(|cell| cell["way"].as_str());
    Ok(way
        .with_context(|| format!("nothing of {program}: {answer}"))?
        .to_owned())
}

/// The programs that `ca doctor` says would refuse a server on the way that an install goes.
async fn refusals(install: &Install, config: &Value, host: &str, code: i32) -> Result<Vec<String>> {
    let command = ["ca", "doctor", host, "-o", "json"];
    let outcome = administrator::run(&install.program, config, &command).await?;
    let answer: Value = serde_json::from_str(&install.expect_code(outcome, code).await?.stdout)?;
    let mut ways = answer["ways"].as_array().into_iter().flatten();
    let used = ways.find(|way| way["isUsed"] == true).context("no way")?;
    let verdicts = used["verdicts"].as_array().context("nothing was seen")?;
    let refused = verdicts.iter().filter(|one| !one["refusal"].is_null());
    Ok(refused.map(ToString::to_string).collect())
}

/// Servers send their own certificate alone: with the root and without its issuing authority every program refuses them.
async fn the_root_alone_is_refused(lab: &Arc<Lab>, install: &Install) -> Result<()> {
    let mut config = install.config.clone();
    administrator::set_authorities(&mut config, Some(&lab.pki.root()));
    let refused = refusals(install, &config, registry::HOST, 3).await?;
    ensure!(
        refused.len() > 9 && refused.iter().all(|one| one.contains(ISSUING)),
        "{refused:#?}"
    );
    config["name"] = json!("root-alone");
    config["namespaces"] =
        json!({ "controller": "root-alone-systems", "runners": "root-alone-runners" });
    let init = ["init", "--context", "lab", "--yes"];
    let outcome = administrator::run(&install.program, &config, &init).await?;
    let outcome = install.expect_code(outcome, 3).await?;
    ensure!(outcome.stderr.contains(ISSUING), "{}", outcome.stderr);
    let written = ["get", "namespaces", "-o", "name"];
    let written = lab.cluster.kubectl(&written).await?;
    ensure!(!written.contains("root-alone"), "{written}");
    Ok(())
}
