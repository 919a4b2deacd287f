//! An API server that is asked what it thinks of objects. Nothing but definitions and namespaces is written.

use std::collections::BTreeSet;

use arc_setup::object::Manifest;
use arc_setup::object::pods::{Part, pod_specs};
use arc_setup::observe::{LegacyManager, pod_of};
use kube::Client;
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams, ValidationDirective};
use kube::discovery::{Discovery, Scope};
use serde_json::{Value, json};

use super::variations::Rendered;
use crate::control_plane::eventually;
use crate::support::control_plane::{ControlPlane, Options};

const ENFORCE: &str = "pod-security.kubernetes.io/enforce";

pub(super) struct Server {
    client: Client,
    discovery: Discovery,
    /// What was asked already, and the namespaces that are there.
    known: BTreeSet<String>,
    asked: usize,
    _plane: ControlPlane,
}

impl Server {
    /// Starts one and waits until it serves what `definitions` define.
    pub(super) async fn start(definitions: &[&Value]) -> Self {
        // Pods may name accounts that nobody makes here.
        let options = Options {
            apiserver_flags: vec!["--disable-admission-plugins=ServiceAccount".to_owned()],
            ..Options::default()
        };
        let plane = ControlPlane::isolated(options).await.unwrap();
        let client = plane.client().unwrap();
        let discovery = Discovery::new(client.clone()).run().await.unwrap();
        let mut server = Self {
            client,
            discovery,
            known: BTreeSet::new(),
            asked: 0,
            _plane: plane,
        };
        for definition in definitions {
            let refused = server.apply(definition, false).await;
            assert_eq!(refused, None);
        }
        let wanted = definitions.len();
        server.discovery = eventually("definitions", async || {
            let client = server.client.clone();
            let discovery = Discovery::new(client).run().await.ok()?;
            let groups = discovery
                .groups()
                .filter(|group| super::ARC_GROUPS.contains(&group.name()));
            let kinds: usize = groups
                .map(|group| group.recommended_resources().len())
                .sum();
            (kinds >= wanted).then_some(discovery)
        })
        .await;
        server
    }

    /// How many different objects and pods it was asked about.
    pub(super) fn asked(&self) -> usize {
        self.asked
    }

    /// What it says against an object, applied by the server's dry run with strict validation of fields.
    pub(super) async fn object(&mut self, name: &str, object: &Value) -> Option<String> {
        if !self.known.insert(object.to_string()) {
            return None;
        }
        if let Some(namespace) = object["metadata"]["namespace"].as_str() {
            self.namespace(namespace, None).await;
        }
        self.asked += 1;
        let refused = self.apply(object, true).await?;
        let (kind, of) = (&object["kind"], &object["metadata"]["name"]);
        Some(format!("{name}: {kind} {of}: {refused}"))
    }

    /// What it says against the pods of an object, at the level of the namespace that they will be in.
    pub(super) async fn pods(&mut self, rendered: &Rendered, manifest: &Manifest) -> Vec<String> {
        let mut refused = Vec::new();
        for at in pod_specs(&manifest.object) {
            let home = match at.part {
                Part::Listener => rendered.controller_namespace(),
                _ => manifest.reference().namespace.unwrap_or_default(),
            };
            let level = rendered.level(&home);
            let namespace = format!("level-{level}");
            let manager = LegacyManager::default();
            let Some(pod) = pod_of(&manifest.object, &at, &namespace, &manager) else {
                continue;
            };
            if !self.known.insert(pod.to_string()) {
                continue;
            }
            self.namespace(&namespace, Some(&level)).await;
            self.asked += 1;
            let parameters = PostParams {
                dry_run: true,
                ..PostParams::default()
            };
            let pods = Api::<DynamicObject>::namespaced_with(
                self.client.clone(),
                &namespace,
                &kube::api::ApiResource::erase::<k8s_openapi::api::core::v1::Pod>(&()),
            );
            let pod: DynamicObject = serde_json::from_value(pod).unwrap();
            if let Err(error) = pods.create(&parameters, &pod).await {
                let object = manifest.reference();
                refused.push(format!(
                    "{}: pod of {object} at {}: {error}",
                    rendered.name, at.pointer
                ));
            }
        }
        refused
    }

    async fn namespace(&mut self, name: &str, level: Option<&str>) {
        if !self.known.insert(format!("namespace {name}")) {
            return;
        }
        let labels = level.map_or(json!({}), |level| json!({ENFORCE: level}));
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}});
        let refused = self.apply(&namespace, false).await;
        assert_eq!(refused, None);
    }

    async fn apply(&self, object: &Value, dry_run: bool) -> Option<String> {
        let object: DynamicObject = serde_json::from_value(object.clone()).unwrap();
        let kind = object.types.clone().unwrap();
        let kind = kube::core::GroupVersionKind::try_from(kind).unwrap();
        let Some((resource, capabilities)) = self.discovery.resolve_gvk(&kind) else {
            return Some(format!("the server does not know {kind:?}"));
        };
        let api: Api<DynamicObject> = match capabilities.scope {
            Scope::Cluster => Api::all_with(self.client.clone(), &resource),
            Scope::Namespaced => {
                let namespace = object.metadata.namespace.clone();
                Api::namespaced_with(
                    self.client.clone(),
                    &namespace.unwrap_or_default(),
                    &resource,
                )
            }
        };
        let parameters = PatchParams {
            dry_run,
            force: true,
            field_manager: Some("arc-setup".to_owned()),
            field_validation: Some(ValidationDirective::Strict),
        };
        let name = object.metadata.name.clone().unwrap_or_default();
        let answer = api.patch(&name, &parameters, &Patch::Apply(&object)).await;
        answer.err().map(|error| error.to_string())
    }
}

impl Rendered {
    /// The level that a rendered namespace enforces; without a word it is the server's, which enforces nothing.
    fn level(&self, namespace: &str) -> String {
        let found = self.objects.iter().find(|object| {
            object["kind"] == "Namespace" && object["metadata"]["name"] == namespace
        });
        let level = found.and_then(|object| object["metadata"]["labels"][ENFORCE].as_str());
        level.unwrap_or("privileged").to_owned()
    }

    fn controller_namespace(&self) -> String {
        let deployment = self
            .objects
            .iter()
            .find(|object| object["kind"] == "Deployment");
        let namespace = deployment.and_then(|object| object["metadata"]["namespace"].as_str());
        namespace.unwrap_or_default().to_owned()
    }
}
