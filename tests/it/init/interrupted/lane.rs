//! One store: a cluster that is bare again after each install.

use std::sync::Arc;

use http::{Method, Request};
use serde_json::{Value, json};

use crate::init::STORY;
use crate::init::world::{self, World};
use crate::support::arc_setup::{ArcSetup, Running};
use crate::support::company::Company;
use crate::support::control_plane::{Component, ControlPlane, Options};
use crate::support::recording_proxy::{Hold, RecordingProxy};
use crate::support::webhook_backends::WebhookBackends;

use super::rollouts::Rollouts;

pub(super) struct Lane {
    program: ArcSetup,
    recorder: RecordingProxy,
    config: &'static str,
    client: kube::Client,
    /// What a bare cluster has.
    bare: World,
    /// What the first generation waits for before it makes runners.
    _manager: Option<(Rollouts, WebhookBackends)>,
    _plane: Arc<ControlPlane>,
}

impl Lane {
    pub(super) async fn start(config: &'static str, company: &Company) -> Self {
        let options = Options {
            components: vec![Component::Webhooks],
            ..Options::default()
        };
        let plane = Arc::new(ControlPlane::isolated(options).await.unwrap());
        let client = plane.client().unwrap();
        let recorder = RecordingProxy::start(client.clone()).await.unwrap();
        let direct = plane.kubeconfig("site").unwrap();
        let mut program = company.program(&direct).unwrap();
        company.allow_images(&program).await.unwrap();
        let kubeconfig = program
            .file("recorded", recorder.kubeconfig("site"))
            .unwrap();
        program.env("KUBECONFIG", &kubeconfig);
        let manager = (config == STORY).then(|| {
            let webhooks = WebhookBackends::follow(Arc::clone(&plane)).unwrap();
            (Rollouts::follow(client.clone()), webhooks)
        });
        Self {
            program,
            recorder,
            config,
            bare: world::settled(&client).await,
            _manager: manager,
            _plane: plane,
            client,
        }
    }

    fn running(&self) -> Running {
        let arguments = [
            "init",
            "--config",
            self.config,
            "--context",
            "site",
            "--timeout",
            "1m",
            "--yes",
            "--wait",
            "none",
        ];
        self.program.start(&arguments).unwrap()
    }

    /// Runs `init` to its end, which must be a good one.
    pub(super) async fn init(&self) {
        self.running().wait().await.unwrap().expect_code(0);
    }

    /// How many writes a run makes that nothing disturbs.
    pub(super) async fn undisturbed(&self) -> usize {
        self.recorder.take();
        self.init().await;
        let recorded = self.recorder.take();
        recorded.iter().filter(|one| one.writes()).count()
    }

    /// Kills `init` at that place.
    pub(super) async fn killed(&self, place: Hold) {
        self.recorder.hold(place);
        let mut running = self.running();
        tokio::select! {
            () = self.recorder.held() => {}
            // Fewer writes than the first run: what runs side by side can make one of two copies of the receipt.
            () = ended(&mut running) => {}
        }
        // Dropped is killed.
        drop(running);
        self.recorder.cut();
    }

    /// As if most of the time had passed for which the dead run's lock holds.
    pub(super) async fn expire_lock(&self) {
        for lease in self.list("/apis/coordination.k8s.io/v1/leases").await {
            let metadata = &lease["metadata"];
            let name = metadata["name"].as_str().unwrap_or_default();
            if !name.starts_with("arc-setup-") {
                continue;
            }
            let namespace = metadata["namespace"].as_str().unwrap_or_default();
            let target =
                format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}");
            let shorter = json!({"spec": {"leaseDurationSeconds": 1}});
            self.send(Method::PATCH, &target, &shorter).await.unwrap();
        }
    }

    /// What is stored.
    pub(super) async fn world(&self) -> World {
        world::read(&self.client).await
    }

    /// Takes everything of `world` away that a bare cluster does not have.
    pub(super) async fn empty(&self, world: &World) {
        let mut left: Vec<&String> = world
            .keys()
            .filter(|key| !self.bare.contains_key(*key))
            .collect();
        // Webhooks first, which guard others; namespaces last.
        left.sort_by_key(|key| (!key.contains("webhook"), key.starts_with("v1/namespaces ")));
        for key in &left {
            self.remove(key).await;
        }
        // These take a moment of their own.
        let slow = [
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
            "/api/v1/namespaces",
        ];
        for path in slow {
            crate::control_plane::eventually("a bare cluster", async || {
                let list = self.list(path).await;
                let is_bare = |object: &Value| {
                    let name = object["metadata"]["name"].as_str().unwrap_or_default();
                    let end = format!("{} /{name}", path.rsplit('/').next().unwrap_or_default());
                    self.bare.keys().any(|key| key.ends_with(&end))
                };
                list.iter().all(is_bare).then_some(())
            })
            .await;
        }
    }

    /// Removes an object by its key in a [`World`]; one that has gone meanwhile is gone.
    async fn remove(&self, key: &str) {
        let (kind, place) = key.split_once(' ').unwrap();
        let (namespace, name) = place.split_once('/').unwrap();
        let (version, plural) = kind.rsplit_once('/').unwrap();
        let root = if version == "v1" { "/api" } else { "/apis" };
        let within = if namespace.is_empty() {
            String::new()
        } else {
            format!("namespaces/{namespace}/")
        };
        let path = format!("{root}/{version}/{within}{plural}/{name}");
        self.send(Method::DELETE, &path, &json!({})).await.ok();
        if plural == "namespaces" {
            // What a controller would do once nothing is in it.
            let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}, "spec": {"finalizers": []}});
            let path = format!("{path}/finalize");
            self.send(Method::PUT, &path, &body).await.ok();
        }
    }

    async fn list(&self, path: &str) -> Vec<Value> {
        let request = Request::get(path).body(Vec::new()).unwrap();
        let list: Value = self.client.request(request).await.unwrap();
        list["items"].as_array().cloned().unwrap_or_default()
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> kube::Result<Value> {
        let media_type = if method == Method::PATCH {
            "application/merge-patch+json"
        } else {
            "application/json"
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", media_type)
            .body(body.to_string().into_bytes())
            .unwrap();
        self.client.request(request).await
    }
}

async fn ended(running: &mut Running) {
    while running.poll().unwrap().is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
