//! A GitHub server of the company's own authority, which sends its own certificate alone: whoever must trust it does, and
//! nobody would without what arc-setup puts there.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::harness::topic;
use crate::install::{self, Install, until};
use crate::lab::Lab;
use crate::parts::github::{ORGANIZATION, OUTSIDE_HOST};
use crate::pods::Sandbox;

topic!(LEGACY = trust on Legacy: of_the_first_generation);
topic!(SCALE_SET = trust on ScaleSet: of_scale_sets);

/// A pod of the runner's that has nothing of arc-setup's trust.
const STRIPPED: &str = "without-authorities";
/// What Go says of a server whose authority it does not know.
const UNKNOWN_AUTHORITY: &str = "x509: certificate signed by unknown authority";
/// Variables that mean nothing without the files, beside those that name them.
const OURS: &[&str] = &["GIT_SSL_CAPATH", "RUNNER_UPDATE_CA_CERTS"];

/// A program in the runner's container.
struct Client {
    name: &'static str,
    /// For bash.
    command: String,
    /// What it says when the handshake was done.
    trusting: &'static str,
    /// What it says when it does not trust the server.
    distrusting: &'static str,
}

async fn of_the_first_generation(lab: Arc<Lab>) -> Result<()> {
    let install = lab.standing.legacy(&lab).await?;
    the_runners_programs(&install).await?;

    let manager = strip_the_manager(&install).await?;
    let runner = install
        .runners
        .kubectl(&["get", "runner", "gh-runner", "-o", "json"]);
    let mut runner: Value = serde_json::from_str(&runner.await?)?;
    let bare = json!({
        "apiVersion": runner["apiVersion"], "kind": "Runner",
        "metadata": { "name": STRIPPED }, "spec": runner["spec"].take(),
    });
    // The webhook of the new manager may not be reached yet.
    until("another runner", async || {
        Ok(install.runners.apply(&bare).await.ok())
    })
    .await?;
    says(&install.controller, &manager, UNKNOWN_AUTHORITY).await?;
    let_go(&install.runners, "runner").await?;
    // A plain second run puts back what was taken away.
    install.init().await?;
    gone(&install.runners, "runner").await
}

async fn of_scale_sets(lab: Arc<Lab>) -> Result<()> {
    let install = lab.standing.scale_set(&lab).await?;
    the_runners_programs(&install).await?;
    // It has its session.
    install.pod_with("listener").await?;

    let manager = strip_the_manager(&install).await?;
    let name = "autoscalingrunnersets.actions.github.com/rancher-dind";
    let set = install
        .runners
        .kubectl(&["get", name, "-o", "json"])
        .await?;
    let mut set: Value = serde_json::from_str(&set)?;
    let mut spec = set["spec"].take();
    spec["githubServerTLS"] = Value::Null;
    for template in ["template", "listenerTemplate"] {
        strip(&mut spec[template]["spec"]);
    }
    // The controller asks GitHub about a set that it does not know yet; a known one is its listener's work.
    let label = "app.kubernetes.io/version";
    let bare = json!({
        "apiVersion": set["apiVersion"], "kind": set["kind"],
        "metadata": { "name": STRIPPED, "labels": { label: set["metadata"]["labels"][label] } },
        "spec": spec,
    });
    install.runners.apply(&bare).await?;
    merge(&install.runners, name, &json!({ "spec": spec })).await?;
    says(&install.controller, &manager, UNKNOWN_AUTHORITY).await?;
    let kind = "autoscalingrunnersets.actions.github.com";
    let_go(&install.runners, kind).await?;
    until("a listener that trusts nobody", async || {
        let pods = install.controller.pods().await?;
        for pod in pods.iter().filter(|pod| pod.name.ends_with("-listener")) {
            // Between two pods there is no log.
            let log = install.controller.kubectl(&["logs", &pod.name]).await;
            if log.is_ok_and(|log| log.contains(UNKNOWN_AUTHORITY)) {
                return Ok(Some(()));
            }
        }
        Ok(None)
    })
    .await?;
    // Lists of a set have one owner as a whole, and since the patch that is kubectl.
    let outcome = install.run(&["init", "--force-conflicts"]).await?;
    install.expect_code(outcome, 0).await?;
    gone(&install.runners, kind).await
}

/// Deletes what has nothing of our trust, without waiting: the manager before may have registered it, and then its
/// finalizer stays until a manager reaches GitHub again.
async fn let_go(sandbox: &Sandbox, kind: &str) -> Result<()> {
    let delete = ["delete", kind, STRIPPED, "--wait=false"];
    sandbox.kubectl(&delete).await.map(drop)
}

async fn gone(sandbox: &Sandbox, kind: &str) -> Result<()> {
    until(&format!("the end of {kind} {STRIPPED}"), async || {
        let left = ["get", kind, STRIPPED, "--ignore-not-found", "-o", "name"];
        let left = sandbox.kubectl(&left).await?;
        Ok(left.trim().is_empty().then_some(()))
    })
    .await
}

fn clients() -> Result<Vec<Client>> {
    let node = "$(ls -d /runner/externals/node*/bin/node /home/runner/externals/node*/bin/node /runnertmp/externalstmp/node*/bin/node 2>/dev/null | head -n 1)";
    Ok(vec![
        Client {
            name: "curl",
            command: format!(
                "curl -sS -o /dev/null -w '%{{http_code}}' https://{OUTSIDE_HOST}/api/v3/meta"
            ),
            trusting: "200",
            distrusting: "unable to get local issuer certificate",
        },
        Client {
            name: "git",
            command: format!(
                "GIT_TERMINAL_PROMPT=0 git ls-remote https://{OUTSIDE_HOST}/acme/app.git"
            ),
            // There is no repository to be had behind it.
            trusting: "not found",
            distrusting: "certificate verification failed",
        },
        Client {
            name: "a JavaScript action",
            command: format!(
                "{node} -e \"$(cat <<'END'\n{}\nEND\n)\" {OUTSIDE_HOST}",
                install::script("action.js")?
            ),
            trusting: "HTTP/1.1 200",
            distrusting: "UNABLE_TO_",
        },
    ])
}

/// Each reaches the server in the runner's container, and does not in one that differs by nothing but our trust.
async fn the_runners_programs(install: &Install) -> Result<()> {
    // It trusts the server: it is there.
    let runner = install.runner_at_github().await?;
    let clients = clients()?;
    for client in &clients {
        let said = ask(&install.runners, &runner.name, &client.command).await?;
        ensure!(said.contains(client.trusting), "{}: {said}", client.name);
    }

    install.runners.apply(&stripped(&runner.object)?).await?;
    let ready = format!("pod/{STRIPPED}");
    install.runners.wait_until_ready(&ready).await?;
    for client in &clients {
        let said = ask(&install.runners, STRIPPED, &client.command).await?;
        ensure!(said.contains(client.distrusting), "{}: {said}", client.name);
    }
    let register = format!(
        "cd \"$(dirname \"$(ls /home/runner/config.sh /runnertmp/config.sh 2>/dev/null | head -n 1)\")\" && \
         ./config.sh --unattended --name bare --token none --url https://{OUTSIDE_HOST}/{ORGANIZATION}"
    );
    let said = ask(&install.runners, STRIPPED, &register).await?;
    ensure!(
        said.contains("the remote certificate is invalid"),
        "the runner: {said}"
    );
    let delete = ["delete", &ready, "--grace-period=0", "--force"];
    install.runners.kubectl(&delete).await.map(drop)
}

/// What it writes to both streams, however it ends.
async fn ask(sandbox: &Sandbox, pod: &str, command: &str) -> Result<String> {
    let script = format!("{{ {command}\n}} 2>&1 || true");
    sandbox.exec(pod, "runner", &["bash", "-c", &script]).await
}

/// The runner's container alone, asleep.
fn stripped(runner: &Value) -> Result<Value> {
    let mut spec = runner["spec"].clone();
    strip(&mut spec);
    let fields = spec.as_object_mut().context("a pod without a spec")?;
    fields.retain(|key, _| {
        [
            "containers",
            "volumes",
            "imagePullSecrets",
            "securityContext",
        ]
        .contains(&key.as_str())
    });
    let containers = spec["containers"].as_array_mut().context("no containers")?;
    containers.retain(|one| one["name"] == json!("runner"));
    let container = containers.first_mut().context("no runner")?;
    container["command"] = json!(["sleep", "3600"]);
    container["args"] = json!([]);
    // The node is small, and this pod does next to nothing.
    container["resources"] = json!({});
    spec["terminationGracePeriodSeconds"] = json!(0);
    Ok(json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": STRIPPED }, "spec": spec,
    }))
}

/// Takes all of arc-setup's trust out of a pod's spec.
fn strip(spec: &mut Value) {
    let is_ours = |name: &Value| {
        let ours = ["arc-setup-ca", "arc-setup-bundle", "arc-setup-prepare"];
        name.as_str()
            .is_some_and(|name| ours.iter().any(|one| name.starts_with(one)))
    };
    if let Some(volumes) = spec["volumes"].as_array_mut() {
        volumes.retain(|volume| !is_ours(&volume["name"]));
    }
    if let Some(containers) = spec["initContainers"].as_array_mut() {
        containers.retain(|container| !is_ours(&container["name"]));
    }
    for list in ["initContainers", "containers"] {
        for container in spec[list].as_array_mut().into_iter().flatten() {
            if let Some(mounts) = container["volumeMounts"].as_array_mut() {
                mounts.retain(|mount| !is_ours(&mount["name"]));
            }
            if let Some(variables) = container["env"].as_array_mut() {
                variables.retain(|variable| {
                    let text = |key: &str| variable[key].as_str().unwrap_or_default();
                    let names = |folder: &str| text("value").contains(folder);
                    !names("/etc/arc-setup/ca")
                        && !names("/etc/arc-setup/bundle")
                        && !OURS.contains(&text("name"))
                });
            }
        }
    }
}

/// The controller's Deployment, rolled out without any trust.
async fn strip_the_manager(install: &Install) -> Result<String> {
    let name = install
        .controller
        .kubectl(&["get", "deployment", "-o", "name"])
        .await?;
    let name = name.trim().to_owned();
    let written = install
        .controller
        .kubectl(&["get", &name, "-o", "json"])
        .await?;
    let mut written: Value = serde_json::from_str(&written)?;
    let mut template = written["spec"]["template"].take();
    strip(&mut template["spec"]);
    let spec = json!({ "template": { "spec": {
        "containers": template["spec"]["containers"], "volumes": template["spec"]["volumes"],
    } } });
    merge(&install.controller, &name, &json!({ "spec": spec })).await?;
    let wait = ["rollout", "status", &name, "--timeout=90s"];
    install.controller.kubectl(&wait).await?;
    Ok(name)
}

async fn merge(sandbox: &Sandbox, object: &str, patch: &Value) -> Result<()> {
    let patch = patch.to_string();
    let arguments = ["patch", object, "--type=merge", "--patch", &patch];
    sandbox.kubectl(&arguments).await.map(drop)
}

async fn says(sandbox: &Sandbox, object: &str, words: &str) -> Result<()> {
    until(&format!("{words} in the log of {object}"), async || {
        let log = sandbox.kubectl(&["logs", object, "--all-containers"]).await;
        Ok(log.is_ok_and(|log| log.contains(words)).then_some(()))
    })
    .await
}
