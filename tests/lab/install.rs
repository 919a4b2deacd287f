//! An ARC that arc-setup has put into the lab, looked at as an administrator would, and removed again.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::administrator;
use crate::lab::Lab;
use crate::parts::registry::{self, MIRROR_READER};
use crate::parts::{github, squid};
use crate::pods::Sandbox;
use crate::support::arc_setup::{ArcSetup, Outcome};

/// Longer than anything takes here that is to happen.
const PATIENCE: Duration = Duration::from_mins(2);

/// The repository of the story.
const STORY_REPOSITORY: &str = "robbos/testing-grounds";

/// A configuration, and what it makes.
#[derive(Debug)]
pub(crate) struct Install {
    lab: Arc<Lab>,
    pub(crate) program: ArcSetup,
    pub(crate) config: Value,
    pub(crate) controller: Sandbox,
    pub(crate) runners: Sandbox,
}

/// A pod of it.
#[derive(Debug)]
pub(crate) struct Pod {
    pub(crate) name: String,
    pub(crate) address: Ipv4Addr,
    pub(crate) object: Value,
}

/// examples/locked-down-rancher with the names of this company.
pub(crate) fn story(lab: &Lab) -> Result<Value> {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/examples/locked-down-rancher/arc-setup.yaml"
    );
    let text = std::fs::read_to_string(file)?
        .replace("github.mydomain.com", github::OUTSIDE_HOST)
        .replace("registry.artifactory.mydomain.com", registry::HOST)
        .replace(
            "proxy.mydomain.com:8080",
            &format!("{}:{}", squid::HOST, squid::PORT),
        );
    let mut config: Value = serde_yaml::from_str(&text)?;
    // The account and the token come from variables, as the example says that they may.
    let github = config["github"].as_object_mut().context("no github")?;
    github.remove("token");
    let registry = config["registry"].as_object_mut().context("no registry")?;
    registry.remove("pullSecret");
    config["proxy"]["noProxy"] = json!([".lab.internal", "10.0.0.0/8"]);
    // The proxy wants an account here, and jobs go through it.
    config["proxy"]["runners"] = json!("same");
    administrator::set_authorities(&mut config, Some(&lab.pki.anchors()));
    lab.github
        .outside
        .add_scope(&format!("repos/{STORY_REPOSITORY}"));
    Ok(config)
}

/// The second generation in the same surroundings: one runner with a Docker daemon, always there.
pub(crate) fn scale_set(lab: &Lab) -> Value {
    let mut config = administrator::behind_the_proxy(lab);
    config["runnerSets"] =
        json!([{ "name": "rancher-dind", "containerMode": "dind", "min": 1, "max": 3 }]);
    config
}

impl Install {
    /// Nothing is installed yet.
    pub(crate) fn new(lab: &Arc<Lab>, config: Value) -> Result<Self> {
        let namespace = |key: &str, default: &str| {
            let name = config["namespaces"][key].as_str().unwrap_or(default);
            Sandbox::existing(lab, name)
        };
        let mut program = administrator::program(lab)?;
        let mirror = format!("{}:{}", MIRROR_READER.user, MIRROR_READER.password);
        program.secret_env("ARC_SETUP_MIRROR_CREDENTIALS", &mirror);
        Ok(Self {
            controller: namespace("controller", "arc-systems"),
            runners: namespace("runners", "arc-runners"),
            lab: Arc::clone(lab),
            program,
            config,
        })
    }

    /// `arc-setup init`, which must reach what it waits for.
    pub(crate) async fn init(&self) -> Result<Outcome> {
        let outcome = self.run(&["init"]).await?;
        self.expect_code(outcome, 0).await
    }

    /// A command on the lab's cluster that asks nothing, however it ends.
    pub(crate) async fn run(&self, command: &[&str]) -> Result<Outcome> {
        let here = ["--context", "lab", "--yes"];
        administrator::run(&self.program, &self.config, &[command, &here].concat()).await
    }

    /// Where the code is another, the error has what the program said and what the cluster says.
    pub(crate) async fn expect_code(&self, outcome: Outcome, code: i32) -> Result<Outcome> {
        if outcome.code == Some(code) {
            return Ok(outcome);
        }
        let mut said = format!(
            "ended with {:?}\n{}\n{}",
            outcome.code, outcome.stdout, outcome.stderr
        );
        for sandbox in [&self.controller, &self.runners] {
            said += &sandbox.kubectl(&["get", "pods", "-o", "wide"]).await?;
            let logs = [
                "logs",
                "--all-pods",
                "--all-containers",
                "--tail=30",
                "--prefix",
            ];
            let pods: Value =
                serde_json::from_str(&sandbox.kubectl(&["get", "pods", "-o", "json"]).await?)?;
            for pod in pods["items"].as_array().into_iter().flatten() {
                let pod = format!(
                    "pod/{}",
                    pod["metadata"]["name"].as_str().unwrap_or_default()
                );
                let logs = [&["logs", &pod], &logs[2..]].concat();
                said += &sandbox
                    .kubectl(&logs)
                    .await
                    .unwrap_or_else(|error| format!("{error:#}\n"));
            }
        }
        bail!("{said}")
    }

    /// Removes it, with the namespaces and definitions, which outlive an install.
    pub(crate) async fn uninstall(self) -> Result<()> {
        self.remove().await?;
        self.clear().await
    }

    /// `arc-setup uninstall`, which must reach its end.
    pub(crate) async fn remove(&self) -> Result<()> {
        // Of the same name in two namespaces, side by side: the one of this configuration.
        let namespace = self.config["namespaces"]["controller"]
            .as_str()
            .unwrap_or("arc-systems");
        let outcome = self
            .run(&["uninstall", "--controller-namespace", namespace])
            .await?;
        self.expect_code(outcome, 0).await.map(drop)
    }

    /// Removes namespaces and definitions, when nothing is in them that somebody must let go.
    pub(crate) async fn clear(self) -> Result<()> {
        let group = match self.config["mode"].as_str() {
            Some("legacy") => "actions.summerwind.dev",
            _ => "actions.github.com",
        };
        let kubectl = async |arguments: &[&str]| self.lab.cluster.kubectl(arguments).await;
        let definitions = kubectl(&["get", "crd", "-o", "name"]).await?;
        let ours: Vec<&str> = definitions
            .lines()
            .filter(|name| name.ends_with(group))
            .collect();
        let patience = format!("--timeout={}s", PATIENCE.as_secs());
        let delete = ["delete", "--ignore-not-found", &patience];
        if !ours.is_empty() {
            let deleted = kubectl(&[&delete[..], &ours].concat()).await;
            if let Err(error) = deleted {
                let kinds: Vec<&str> = ours
                    .iter()
                    .filter_map(|name| name.split('/').next_back())
                    .collect();
                let left = kubectl(&["get", &kinds.join(","), "-A", "-o", "yaml"]).await;
                return Err(error.context(left.unwrap_or_else(|error| format!("{error:#}"))));
            }
        }
        for sandbox in [&self.controller, &self.runners] {
            let deleted = kubectl(&[&delete[..], &["namespace", sandbox.name()]].concat()).await;
            if let Err(error) = deleted {
                return Err(error.context(self.what_holds(sandbox).await));
            }
        }
        Ok(())
    }

    /// What a namespace says that does not go, and its pods: a finalizer that nobody clears looks like a slow machine.
    async fn what_holds(&self, sandbox: &Sandbox) -> String {
        let conditions =
            "-o=jsonpath={range .status.conditions[*]}{.type}={.status} {.message}{\"\\n\"}{end}";
        let namespace = ["get", "namespace", sandbox.name(), conditions];
        let namespace = self.lab.cluster.kubectl(&namespace).await;
        let pods = sandbox.kubectl(&["get", "pods", "-o", "yaml"]).await;
        [namespace, pods]
            .map(|said| said.unwrap_or_else(|error| format!("{error:#}\n")))
            .concat()
    }

    /// The pods of both namespaces.
    pub(crate) async fn pods(&self) -> Result<Vec<Pod>> {
        let mut all = self.controller.pods().await?;
        all.extend(self.runners.pods().await?);
        Ok(all)
    }

    /// The one whose container has this name, when it runs and is ready.
    pub(crate) async fn pod_with(&self, container: &str) -> Result<Pod> {
        until(
            &format!("a ready pod with a container {container}"),
            async || {
                let pods = self.pods().await?;
                Ok(pods.into_iter().find(|pod| pod.runs(container)))
            },
        )
        .await
    }
}

impl Install {
    /// The runner's pod, when the runner in it has its session with GitHub.
    pub(crate) async fn runner_at_github(&self) -> Result<Pod> {
        let pod = self.pod_with("runner").await?;
        until("the runner at GitHub", async || {
            let mut runners = self.lab.github.outside.runners().into_iter();
            Ok(runners.find(|one| one.name == pod.name && one.is_online()))
        })
        .await?;
        Ok(pod)
    }
}

impl Pod {
    /// None before it has an address.
    pub(crate) fn of(object: Value) -> Option<Self> {
        Some(Self {
            name: object["metadata"]["name"].as_str()?.to_owned(),
            address: object["status"]["podIP"].as_str()?.parse().ok()?,
            object,
        })
    }

    /// Whether all of it is ready, this container is in it, and nobody is deleting it.
    fn runs(&self, container: &str) -> bool {
        let containers = self.object["status"]["containerStatuses"].as_array();
        let mut containers = containers.into_iter().flatten();
        let all = containers.clone().all(|one| one["ready"] == json!(true));
        let named = containers.any(|one| one["name"] == json!(container));
        all && named && self.object["metadata"]["deletionTimestamp"].is_null()
    }

    /// The images of its containers, as its object names them.
    pub(crate) fn images(&self) -> Vec<String> {
        let lists = ["initContainers", "containers"].map(|list| &self.object["spec"][list]);
        let containers = lists.into_iter().filter_map(Value::as_array).flatten();
        containers
            .filter_map(|one| one["image"].as_str())
            .map(str::to_owned)
            .collect()
    }
}

/// Asks until there is an answer.
pub(crate) async fn until<T>(
    what: &str,
    mut ask: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        ensure!(
            started.elapsed() < PATIENCE,
            "{what} did not come within {PATIENCE:?}"
        );
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// A file of the proofs, beside them.
pub(crate) fn script(name: &str) -> Result<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/proofs");
    Ok(std::fs::read_to_string(folder.join(name))?)
}
