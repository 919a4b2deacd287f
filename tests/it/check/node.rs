//! A node for probes: runs what their container would run, on this machine, and writes its message into the pod's status.
//! kwok has started the pod before; nobody but this ends it.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use kube::Client;
use kube::api::{Api, ListParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::init::site::Site;

/// What every image has.
const TOOLS: [&str; 11] = [
    "sh", "tr", "cut", "head", "sed", "sleep", "timeout", "cat", "printf", "cp", "mkdir",
];

/// It stops when this is dropped.
#[derive(Debug)]
pub(super) struct ProbeNode {
    running: JoinHandle<()>,
    _home: tempfile::TempDir,
}

impl Drop for ProbeNode {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// What runs a container.
struct Machine {
    client: Client,
    home: PathBuf,
    /// Host and port of the API server.
    api: (String, String),
}

impl ProbeNode {
    /// Plays the node with these tools in the image beside the usual ones.
    pub(super) fn follow(site: &Site, tools: &[&str]) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let bin = home.path().join("bin");
        std::fs::create_dir(&bin)?;
        for tool in TOOLS.iter().chain(tools) {
            let places = ["/usr/bin", "/bin"].map(|place| Path::new(place).join(tool));
            if let Some(place) = places.iter().find(|place| place.exists()) {
                symlink(place, bin.join(tool))?;
            }
        }
        let server = site.plane.server_url();
        let authority = server.trim_start_matches("https://").trim_end_matches('/');
        let (host, port) = authority.rsplit_once(':').context("no port")?;
        let machine = Machine {
            client: site.client.clone(),
            home: home.path().to_owned(),
            api: (host.to_owned(), port.to_owned()),
        };
        let running = tokio::spawn(async move {
            let mut done = Vec::new();
            loop {
                // What is not there yet, or gone again, is looked at again.
                machine.look(&mut done).await.ok();
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        Ok(Self {
            running,
            _home: home,
        })
    }
}

impl Machine {
    async fn look(&self, done: &mut Vec<String>) -> Result<()> {
        let pods = Api::<Pod>::all(self.client.clone());
        let labelled = ListParams::default().labels("arc-setup.dev/probe");
        for pod in pods.list(&labelled).await? {
            let pod = serde_json::to_value(pod)?;
            let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
            let statuses = pod["status"]["containerStatuses"].as_array();
            let is_running = statuses.is_some_and(|statuses| {
                statuses
                    .iter()
                    .all(|status| status["state"]["running"].is_object())
            });
            if !is_running || done.iter().any(|one| one == uid) {
                continue;
            }
            self.run(&pod, uid).await?;
            done.push(uid.to_owned());
        }
        Ok(())
    }

    async fn run(&self, pod: &Value, uid: &str) -> Result<()> {
        let namespace = pod["metadata"]["namespace"].as_str().context("namespace")?;
        let containers = pod["spec"]["containers"].as_array().context("none")?;
        let runner = containers.iter().find(|one| one["name"] == "runner");
        let runner = runner.context("no runner")?;
        let files = self.home.join(uid);
        std::fs::create_dir_all(&files)?;
        // kwok has them done before anything else.
        let init = pod["spec"]["initContainers"].as_array();
        let init = init.into_iter().flatten();
        for init in init.filter(|init| init["name"] == "arc-setup-prepare") {
            let moved = self.mounted(pod, init, namespace, &files).await?;
            self.prepare(init, namespace, &moved).await?;
        }
        let message = files.join("message");
        let mut moved = vec![("/dev/termination-log".to_owned(), message.clone())];
        moved.extend(self.mounted(pod, runner, namespace, &files).await?);
        let here = |text: &str| {
            moved.iter().fold(text.to_owned(), |text, (from, to)| {
                text.replace(from, &to.display().to_string())
            })
        };
        let script = runner["command"][2].as_str().context("no script")?;
        let mut command = Command::new(self.home.join("bin/sh"));
        command.arg("-c").arg(here(script)).env_clear();
        for (name, value) in self.variables(runner, namespace).await? {
            command.env(name, here(&value));
        }
        // As the resolver of a cluster would.
        command
            .env("PATH", self.home.join("bin"))
            .env("KUBERNETES_SERVICE_HOST", &self.api.0)
            .env("KUBERNETES_SERVICE_PORT", &self.api.1);
        let output = tokio::task::spawn_blocking(move || command.output()).await??;
        let message = std::fs::read_to_string(&message).unwrap_or_default();
        self.end(pod, namespace, &message, output.status.code().unwrap_or(1))
            .await
    }

    async fn prepare(
        &self,
        init: &Value,
        namespace: &str,
        moved: &[(String, PathBuf)],
    ) -> Result<()> {
        let script = init["args"][0].as_str().context("no script")?;
        let script = moved.iter().fold(script.to_owned(), |text, (from, to)| {
            text.replace(from, &to.display().to_string())
        });
        let mut command = Command::new(self.home.join("bin/sh"));
        command.arg("-ec").arg(script).env_clear();
        for (name, value) in self.variables(init, namespace).await? {
            command.env(name, value);
        }
        command.env("PATH", self.home.join("bin"));
        let output = tokio::task::spawn_blocking(move || command.output()).await??;
        anyhow::ensure!(output.status.success(), "{output:?}");
        Ok(())
    }

    /// ConfigMaps and empty folders as files, by the paths that they are mounted at.
    async fn mounted(
        &self,
        pod: &Value,
        container: &Value,
        namespace: &str,
        files: &Path,
    ) -> Result<Vec<(String, PathBuf)>> {
        let mut moved = Vec::new();
        let mounts = container["volumeMounts"].as_array();
        for (number, mount) in mounts.into_iter().flatten().enumerate() {
            let volumes = pod["spec"]["volumes"].as_array();
            let mut volumes = volumes.into_iter().flatten();
            let volume = volumes.find(|volume| volume["name"] == mount["name"]);
            if let Some(volume) = volume.filter(|volume| volume["emptyDir"].is_object()) {
                // One for all containers of the pod.
                let to = files.join(volume["name"].as_str().unwrap_or_default());
                std::fs::create_dir_all(&to)?;
                let path = mount["mountPath"].as_str().unwrap_or_default().to_owned();
                moved.push((path, to));
                continue;
            }
            let Some(name) = volume.and_then(|volume| volume["configMap"]["name"].as_str()) else {
                continue;
            };
            let maps = Api::<ConfigMap>::namespaced(self.client.clone(), namespace);
            let Some(map) = maps.get_opt(name).await? else {
                continue;
            };
            let to = files.join(number.to_string());
            std::fs::create_dir_all(&to)?;
            for (key, text) in map.data.into_iter().flatten() {
                #[expect(clippy::disallowed_methods, reason = "a file of this test alone")]
                std::fs::write(to.join(key), text)?;
            }
            let path = mount["mountPath"].as_str().unwrap_or_default().to_owned();
            moved.push((path, to));
        }
        Ok(moved)
    }

    async fn variables(
        &self,
        container: &Value,
        namespace: &str,
    ) -> Result<BTreeMap<String, String>> {
        let mut values = BTreeMap::new();
        for variable in container["env"].as_array().into_iter().flatten() {
            let name = variable["name"].as_str().unwrap_or_default().to_owned();
            let from = &variable["valueFrom"]["secretKeyRef"];
            let value = match (variable["value"].as_str(), from["name"].as_str()) {
                (Some(value), _) => value.to_owned(),
                (None, Some(secret)) => {
                    let secrets = Api::<Secret>::namespaced(self.client.clone(), namespace);
                    let secret = serde_json::to_value(secrets.get(secret).await?)?;
                    let key = from["key"].as_str().unwrap_or_default();
                    let encoded = secret["data"][key].as_str().unwrap_or_default();
                    String::from_utf8(STANDARD.decode(encoded)?)?
                }
                (None, None) => continue,
            };
            values.insert(name, value);
        }
        Ok(values)
    }

    async fn end(&self, pod: &Value, namespace: &str, message: &str, code: i32) -> Result<()> {
        let name = pod["metadata"]["name"].as_str().context("no name")?;
        let mut statuses = pod["status"]["containerStatuses"].clone();
        for status in statuses.as_array_mut().into_iter().flatten() {
            if status["name"] == "runner" {
                status["ready"] = json!(false);
                status["started"] = json!(false);
                status["state"] = json!({"terminated": {"exitCode": code, "message": message}});
            }
        }
        let pods = Api::<Pod>::namespaced(self.client.clone(), namespace);
        let patch = Patch::Merge(json!({"status": {"containerStatuses": statuses}}));
        pods.patch_status(name, &PatchParams::default(), &patch)
            .await?;
        Ok(())
    }
}
