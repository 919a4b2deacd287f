//! A cluster full of Deployments: an API server and its etcd, nothing that would react to a change.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use arc_setup::clients::kube::{Cluster, ClusterOptions, Selection};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::client::Body;
use serde_json::{Value, json};

use super::Sample;
use crate::support::control_plane::{ControlPlane, Options};

/// Objects that are made at the same time.
const AT_ONCE: usize = 32;

pub(super) struct Fleet {
    plane: ControlPlane,
    /// The program's own stack, one HTTP/2 connection.
    pub(super) cluster: Cluster,
    /// The API server and etcd.
    programs: Vec<u32>,
    each: usize,
    filled: usize,
    round: usize,
}

/// Deployments of the namespace with few of them.
pub(super) const FEW: usize = 100;

/// What the kernel tells of a process.
struct Stat {
    name: String,
    parent: u32,
    /// In user and kernel.
    ticks: u64,
}

impl Stat {
    fn of(pid: u32) -> Option<Self> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (before, after) = text.rsplit_once(')')?;
        let fields: Vec<&str> = after.split_whitespace().collect();
        let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
        Some(Self {
            name: before.split_once('(')?.1.to_owned(),
            parent: fields.get(1)?.parse().ok()?,
            ticks: number(11)? + number(12)?,
        })
    }
}

/// The processes of these names that this one has started: other rows may have left some.
fn children(names: &[&str]) -> Result<Vec<u32>> {
    let entries = std::fs::read_dir("/proc")?;
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let found: Vec<u32> = pids
        .filter(|pid| {
            Stat::of(*pid).is_some_and(|stat| {
                stat.parent == std::process::id() && names.contains(&stat.name.as_str())
            })
        })
        .collect();
    Ok(found)
}

/// The registry that every image comes from after so many rounds.
pub(super) fn registry(round: usize) -> String {
    format!("round-{round}.registry.corp")
}

/// The image of a round, without the number of the Deployment.
pub(super) fn image(round: usize) -> String {
    format!("{}/shop/web:1.27", registry(round))
}

impl Fleet {
    pub(super) async fn start(each: usize) -> Result<Self> {
        let names = ["kube-apiserver", "etcd"];
        let before = children(&names)?;
        let plane = ControlPlane::start(Options::default()).await?;
        let mut programs = children(&names)?;
        programs.retain(|pid| !before.contains(pid));
        ensure!(
            programs.len() == names.len(),
            "{names:?} were not started once each"
        );
        let options = ClusterOptions {
            kubeconfig: Some(plane.kubeconfig("bench")?),
            ..ClusterOptions::default()
        };
        let cluster = Cluster::connect(&options).await;
        let cluster = cluster.map_err(|failure| anyhow::anyhow!("{failure:?}"))?;
        Ok(Self {
            plane,
            cluster,
            programs,
            each,
            filled: 0,
            round: 0,
        })
    }

    /// Deployments of each namespace.
    pub(super) fn each(&self) -> usize {
        self.each
    }

    pub(super) fn kubeconfig(&self) -> Result<PathBuf> {
        self.plane.kubeconfig("bench")
    }

    pub(super) fn kubectl(&self) -> PathBuf {
        self.plane.binaries().join("kubectl")
    }

    pub(super) fn namespace(number: usize) -> String {
        format!("shop-{number}")
    }

    pub(super) fn small() -> String {
        "few".to_owned()
    }

    /// The round whose registry every image is of.
    pub(super) fn round(&self) -> usize {
        self.round
    }

    pub(super) fn next_round(&mut self) {
        self.round += 1;
    }

    /// Makes namespaces up to this number.
    pub(super) async fn fill(&mut self, namespaces: usize) -> Result<()> {
        for number in self.filled..namespaces {
            self.fill_namespace(&Self::namespace(number), self.each)
                .await?;
        }
        self.filled = self.filled.max(namespaces);
        Ok(())
    }

    pub(super) async fn fill_small(&self) -> Result<()> {
        self.fill_namespace(&Self::small(), FEW).await
    }

    async fn fill_namespace(&self, namespace: &str, each: usize) -> Result<()> {
        self.plane.create_namespace(namespace).await?;
        stream::iter(0..each)
            .map(|number| async move {
                let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments");
                let body = deployment(namespace, number, self.round).to_string();
                self.send("POST", &path, "application/json", body.into_bytes())
                    .await
                    .map(|_| ())
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    /// One request; the length of its answer, which nobody reads.
    pub(super) async fn send(
        &self,
        method: &str,
        path: &str,
        media_type: &str,
        body: Vec<u8>,
    ) -> Result<Vec<u8>> {
        let metadata = match media_type {
            "application/strategic-merge-patch+json" => {
                "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
            }
            _ => "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
        };
        let accept = if method == "GET" {
            "application/json"
        } else {
            metadata
        };
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("accept", accept)
            .header("content-type", media_type)
            .body(Body::from(body))?;
        let response = self.cluster.client.send(request).await?;
        let status = response.status();
        let body = response.into_body().collect_bytes().await?;
        ensure!(
            status.is_success(),
            "{path}: {status}: {}",
            String::from_utf8_lossy(&body)
        );
        Ok(body.into())
    }

    /// Time and CPU time of something.
    pub(super) fn sample(&self, run: impl FnOnce() -> Result<Duration>) -> Result<Sample> {
        let before = self.cpu()?;
        let wall = run()?;
        Ok((wall, self.cpu()?.saturating_sub(before)))
    }

    /// The same of something that brings every image to the next round.
    pub(super) fn timed(&mut self, run: impl FnOnce(usize) -> Result<Duration>) -> Result<Sample> {
        let sample = self.sample(|| run(self.round))?;
        self.next_round();
        Ok(sample)
    }

    /// The same, with the fleet.
    pub(super) fn timed_round(
        &mut self,
        run: impl FnOnce(&Self, usize) -> Result<Duration>,
    ) -> Result<Sample> {
        let sample = self.sample(|| run(self, self.round))?;
        self.next_round();
        Ok(sample)
    }

    /// CPU time of the API server and of etcd, in user and kernel.
    pub(super) fn cpu(&self) -> Result<Duration> {
        self.programs.iter().try_fold(Duration::ZERO, |sum, pid| {
            let stat = Stat::of(*pid).context("a program of the control plane is not there")?;
            // In hundredths of a second (USER_HZ), whatever the kernel's own clock.
            Ok(sum + Duration::from_millis(stat.ticks * 10))
        })
    }

    /// Fails where an image is not of the present round.
    pub(super) async fn is_at_round(&self) -> Result<()> {
        let wanted = image(self.round);
        let selection = Selection::default();
        let mut pages = self.cluster.pages("apps/v1", "Deployment", &selection);
        while let Some(page) = pages.next().await {
            let page = page?;
            for number in 0..page.len() {
                let object = page.object(number).context("no object")??;
                let found = object.pointer("/spec/template/spec/containers/0/image");
                let found = found.and_then(Value::as_str).unwrap_or_default();
                ensure!(found == wanted, "{found} is not {wanted}");
            }
        }
        Ok(())
    }

    /// Runs something that is asynchronous, as [`Self::sample`] does.
    pub(super) async fn sample_async(
        &self,
        run: impl Future<Output = Result<()>>,
    ) -> Result<Sample> {
        let before = self.cpu()?;
        let started = Instant::now();
        run.await?;
        Ok((started.elapsed(), self.cpu()?.saturating_sub(before)))
    }
}

/// A Deployment as people write them: two containers, probes, resources, variables.
fn deployment(namespace: &str, number: usize, round: usize) -> Value {
    let name = format!("web-{number}");
    let labels = json!({"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "shop", "team": "checkout"});
    let probe = json!({"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10, "failureThreshold": 3});
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
            "template": {"metadata": {"labels": labels}, "spec": {
                "containers": [
                    {"name": "web", "image": image(round), "ports": [{"containerPort": 8080}],
                     "env": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "DATABASE", "value": "postgres://db:5432/shop"}],
                     "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
                     "readinessProbe": probe, "livenessProbe": probe,
                     "volumeMounts": [{"name": "config", "mountPath": "/etc/web"}]},
                    {"name": "exporter", "image": "prom/nginx-exporter:1.1", "args": ["--nginx.scrape-uri=http://127.0.0.1:8080/status"],
                     "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}}}],
                "volumes": [{"name": "config", "configMap": {"name": "web"}}]}}}})
}
