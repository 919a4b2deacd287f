//! A cluster, the company around it, and the program with the configuration of an example.

use std::sync::Arc;
use std::time::Duration;

use arc_setup::clients::kube::{Cluster, Identity};
use serde_json::Value;

use super::census::{Census, census, difference};
use crate::control_plane::eventually;
use crate::support::arc_setup::{ArcSetup, Outcome};
use crate::support::company::Company;
use crate::support::control_plane::{Component, ControlPlane, Options};
use crate::support::webhook_backends::WebhookBackends;

pub(super) const SCALE_SET: &str = "examples/locked-down-rancher-scale-set/arc-setup.yaml";
pub(super) const LEGACY: &str = "examples/locked-down-rancher/arc-setup.yaml";

pub(super) struct Site {
    pub(super) plane: Arc<ControlPlane>,
    pub(super) cluster: Cluster,
    pub(super) program: ArcSetup,
    pub(super) config: &'static str,
    _company: Company,
    _webhooks: Option<WebhookBackends>,
}

impl Site {
    /// Without nodes: nothing of scale sets is waited for here.
    pub(super) async fn scale_set() -> Self {
        let components = vec![Component::ControllerManager];
        let options = Options {
            components,
            ..Options::default()
        };
        Self::start(SCALE_SET, options).await
    }

    /// With nodes: runner objects are written after their webhook answers.
    pub(super) async fn legacy() -> Self {
        Self::start(LEGACY, Options::full()).await
    }

    async fn start(config: &'static str, options: Options) -> Self {
        let answers = options.components.contains(&Component::Webhooks);
        let plane = Arc::new(ControlPlane::isolated(options).await.unwrap());
        let webhooks = answers.then(|| WebhookBackends::follow(Arc::clone(&plane)).unwrap());
        let company = Company::start(config).await.unwrap();
        let program = company.program(&plane.kubeconfig("site").unwrap()).unwrap();
        company.allow_images(&program).await.unwrap();
        let cluster = Cluster::new(plane.client().unwrap(), Identity::default());
        Self {
            plane,
            cluster,
            program,
            config,
            _company: company,
            _webhooks: webhooks,
        }
    }

    pub(super) fn arguments<'a>(&self, command: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        let base = [command, "--config", self.config, "--context", "site"];
        base.iter().chain(more).copied().collect()
    }

    pub(super) async fn run(&self, command: &str, more: &[&str]) -> Outcome {
        let arguments = self.arguments(command, more);
        self.program.run(&arguments).await.unwrap()
    }

    pub(super) async fn init(&self, more: &[&str]) {
        let all = [&["--yes", "--wait", "none"], more].concat();
        self.run("init", &all).await.expect_code(0);
    }

    pub(super) async fn census(&self) -> Census {
        census(&self.plane).await
    }

    /// Namespaces end after the program: the cluster is as before within a moment, or says what is not.
    pub(super) async fn is_again(&self, before: &Census) {
        let end = tokio::time::Instant::now() + Duration::from_secs(20);
        loop {
            let differs = difference(before, &self.census().await);
            if differs.is_empty() {
                return;
            }
            assert!(
                tokio::time::Instant::now() < end,
                "the cluster is not as before:\n{}",
                differs.join("\n")
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Somebody else's object; what they wrote to it is theirs.
    pub(super) async fn foreign(&self, object: Value) {
        self.cluster.create(&object, false).await.unwrap();
    }

    /// A namespace that was there before, with the account that every namespace gets.
    pub(super) async fn namespace(&self, name: &str) {
        self.plane.create_namespace(name).await.unwrap();
        eventually("the authorities of the namespace", async || {
            let authorities = arc_setup::object::ObjectRef::new(
                "v1",
                "ConfigMap",
                Some(name),
                "kube-root-ca.crt",
            );
            self.cluster.get(&authorities).await.unwrap()
        })
        .await;
    }
}
