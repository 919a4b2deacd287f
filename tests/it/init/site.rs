//! A cluster, the company around it and the program, as one example needs them.

use std::path::Path;
use std::sync::Arc;

use kube::Client;
use serde_json::Value;

use crate::support::arc_setup::{ArcSetup, Outcome};
use crate::support::company::Company;
use crate::support::control_plane::{ControlPlane, Options};
use crate::support::webhook_backends::WebhookBackends;

use super::world::{self, World};

/// Where one test runs.
pub(crate) struct Site {
    pub(crate) company: Company,
    pub(crate) program: ArcSetup,
    pub(crate) client: Client,
    pub(crate) config: String,
    _webhooks: WebhookBackends,
    pub(crate) plane: Arc<ControlPlane>,
}

impl Site {
    /// The configuration's own surroundings, with every image that it needs on the registry's shelf.
    pub(crate) async fn start(config: &str) -> Self {
        let plane = Arc::new(ControlPlane::isolated(Options::full()).await.unwrap());
        Self::on(plane, config).await
    }

    /// The same on a control plane that is there.
    pub(crate) async fn on(plane: Arc<ControlPlane>, config: &str) -> Self {
        let company = Company::start(config).await.unwrap();
        let webhooks = WebhookBackends::follow(Arc::clone(&plane)).unwrap();
        let kubeconfig = plane.kubeconfig("site").unwrap();
        let program = company.program(&kubeconfig).unwrap();
        company.allow_images(&program).await.unwrap();
        Self {
            company,
            program,
            client: plane.client().unwrap(),
            config: config.to_owned(),
            _webhooks: webhooks,
            plane,
        }
    }

    /// The arguments of `init`, with more of them.
    pub(crate) fn arguments<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let mut arguments = vec![
            "init",
            "--config",
            &self.config,
            "--context",
            "site",
            "--timeout",
            "20s",
        ];
        if !more.contains(&"--dry-run") {
            arguments.push("--yes");
        }
        arguments.extend(more);
        arguments
    }

    /// Runs `init` to its end.
    pub(crate) async fn init(&self, more: &[&str]) -> Outcome {
        self.program.run(&self.arguments(more)).await.unwrap()
    }

    /// Runs `init --wait manager`, which must succeed.
    pub(crate) async fn installed(&self) -> Outcome {
        self.init(&["--wait", "manager"]).await.expect_code(0)
    }

    /// Copies the configuration with a change, beside files that it refers to.
    pub(crate) fn change_config(&mut self, change: impl FnOnce(String) -> String) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&self.config);
        let text = std::fs::read_to_string(&path).unwrap();
        let changed = change(text.clone());
        assert_ne!(changed, text, "the change changed nothing");
        let copy = self.program.file("arc-setup.yaml", changed).unwrap();
        for directory in ["anchors", "credentials"] {
            let from = path.with_file_name(directory);
            for file in std::fs::read_dir(from).into_iter().flatten() {
                let file = file.unwrap();
                let name = format!("{directory}/{}", file.file_name().to_string_lossy());
                let content = std::fs::read(file.path()).unwrap();
                self.program.file(&name, content).unwrap();
            }
        }
        self.config = copy.display().to_string();
    }

    /// Everything that is stored, once it is at rest.
    pub(crate) async fn world(&self) -> World {
        world::settled(&self.client).await
    }

    /// kubectl, which must succeed.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        let output = self.plane.kubectl(arguments).unwrap();
        assert!(
            output.status.success(),
            "kubectl {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// One object as JSON.
    pub(crate) fn get(&self, arguments: &[&str]) -> Value {
        let text = self.kubectl(&[&["get", "-o", "json"], arguments].concat());
        serde_json::from_str(&text).unwrap()
    }

    /// Waits until the API server serves a CRD.
    pub(crate) async fn established(&self, definition: &str) {
        crate::control_plane::eventually(definition, async || {
            let conditions = self.get(&["crd", definition])["status"]["conditions"].take();
            let is_established = |condition: &Value| {
                condition["type"] == "Established" && condition["status"] == "True"
            };
            conditions
                .as_array()?
                .iter()
                .any(is_established)
                .then_some(())
        })
        .await;
    }

    /// Applies objects as somebody else.
    pub(crate) fn apply(&self, objects: &Value) {
        let file = self
            .program
            .file("applied.json", objects.to_string())
            .unwrap();
        self.kubectl(&[
            "apply",
            "--server-side",
            "--field-manager=somebody",
            "-f",
            file.to_str().unwrap(),
        ]);
    }
}
