//! Settled values → [`Config`]. What is missing or unreadable becomes a problem and a stand-in value, so that
//! one run finds everything.

mod github;
mod presets;
mod registry;
mod rules;
mod runner_sets;
mod ways;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::object::sha256_as_written;
use serde_json::Value as Json;

use super::arc_versions;
use super::model::{
    ArcVersion, Config, Controller, ExistingController, ExistingSecret, Mode, Namespaces, Origins,
    RbacProxy, Watch, WebhookCertificate,
};
use super::places::Places;
use super::problem::Problem;
use super::settled::{Settled, Value};
use super::table;

/// Builds the configuration.
pub(super) fn config(settled: &Settled, places: &Places, problems: &mut Vec<Problem>) -> Config {
    let mut assembler = Assembler {
        settled,
        places,
        problems,
    };
    assembler.config()
}

/// Typed access to settled values; what is absent falls back to the table's default.
struct Assembler<'a> {
    settled: &'a Settled,
    places: &'a Places,
    problems: &'a mut Vec<Problem>,
}

impl Assembler<'_> {
    fn config(&mut self) -> Config {
        let mode = match self.text_or_default("mode").as_str() {
            "legacy" => Mode::Legacy,
            _ => Mode::ScaleSet,
        };
        let name = self.text_or_default("name");
        let namespaces = Namespaces {
            controller: self.text_or_default("namespaces.controller"),
            runners: self.text_or_default("namespaces.runners"),
            manage: self.boolean("namespaces.manage").unwrap_or(false),
        };
        let controller = self.controller();
        let (github, scope_problem) = self.github(mode, controller.existing.is_some());
        let runner_sets = self.runner_sets(&name, mode, &namespaces, github.scope.as_ref());
        if self.lacks_scope() {
            self.problems.extend(scope_problem);
        }
        let mut config = Config {
            version: self.version(mode),
            registry: self.registry(),
            proxy: self.proxy(),
            ca_bundle: self.path("caBundle"),
            pins: self.pins(),
            listener_pod_template: self.json("listener.podTemplate"),
            rbac_proxy: self
                .boolean("rbacProxy.enabled")
                .unwrap_or(true)
                .then(|| RbacProxy {
                    image: self.text("rbacProxy.image"),
                }),
            webhook_certificate: self.webhook_certificate(),
            common_labels: self.text_map("commonLabels"),
            common_annotations: self.text_map("commonAnnotations"),
            crds: self.path("crds"),
            origins: Origins(
                self.settled
                    .origins()
                    .map(|(path, origin)| (path.to_owned(), origin.clone()))
                    .collect(),
            ),
            name,
            mode,
            github,
            namespaces,
            controller,
            runner_sets,
        };
        self.ways(&mut config);
        config
    }

    fn version(&mut self, mode: Mode) -> ArcVersion {
        let Some(version) = self.value("version") else {
            return arc_versions::default_of(mode);
        };
        if let Ok(parsed) = version.value.parse() {
            return parsed;
        }
        self.problem(
            "config-version",
            "version",
            "version is not of the form 0.14.2",
            format!("supported: {}", arc_versions::describe(mode)),
        );
        arc_versions::default_of(mode)
    }

    fn controller(&mut self) -> Controller {
        let existing = self.text("controller.existing").and_then(|text| {
            let parts = text.split_once('/').filter(|(namespace, name)| {
                !namespace.is_empty() && !name.is_empty() && !name.contains('/')
            });
            if parts.is_none() {
                self.problem(
                    "config-existing-controller",
                    "controller.existing",
                    "controller.existing is not NAMESPACE/NAME",
                    "write the namespace and name of the controller's Deployment",
                );
            }
            parts.map(|(namespace, name)| ExistingController {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            })
        });
        Controller {
            watch: match self.text_or_default("controller.watch").as_str() {
                "cluster" => Watch::Cluster,
                _ => Watch::Runners,
            },
            existing,
            image: self.text("controller.image"),
            replicas: self.integer("controller.replicas").unwrap_or(1),
            log_level: self.text_or_default("controller.logLevel"),
            pod_template: self.json("controller.podTemplate"),
        }
    }

    fn webhook_certificate(&mut self) -> WebhookCertificate {
        const PARTS: [&str; 3] = ["certificate", "privateKey", "authority"];
        if let Some(secret) = self.existing_secret("webhookCertificate.existingSecret") {
            return WebhookCertificate::ExistingSecret(secret);
        }
        let paths = PARTS.map(|part| format!("webhookCertificate.{part}"));
        if paths.iter().any(|path| self.settled.has(path)) {
            for path in &paths {
                if !self.settled.has(path) && !self.settled.is_broken(path) {
                    self.problems.push(Problem::missing(
                        path,
                        format!("{path} is missing beside the other parts of the certificate"),
                        &[],
                    ));
                }
            }
            return WebhookCertificate::Given;
        }
        let cluster_issuer = self.text("webhookCertificate.clusterIssuer");
        if cluster_issuer.is_some()
            || self.text("webhookCertificate.issuer").as_deref() == Some("cert-manager")
        {
            return WebhookCertificate::CertManager { cluster_issuer };
        }
        WebhookCertificate::Generate
    }

    fn problem(
        &mut self,
        code: &'static str,
        path: &str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let origin = self.settled.origin(path);
        self.problems
            .push(Problem::new(code, path, what, origin).remedy(remedy));
    }

    /// Says that nobody gave `path`, unless somebody gave it in a form that could not be read.
    fn missing(&mut self, path: &str, what: impl Into<String>, flags: &[&str]) {
        if !self.settled.is_broken(path) {
            let mut problem = Problem::missing(path, what, flags);
            problem.origin = self.settled.nearest_origin(path);
            self.problems.push(problem);
        }
    }

    fn value(&self, path: &str) -> Option<Value<String>> {
        let found = self.settled.get(path)?;
        let text = found.value.as_str()?.to_owned();
        Some(found.clone().map(|_| text))
    }

    fn text(&self, path: &str) -> Option<String> {
        self.value(path).map(|found| found.value)
    }

    fn text_or_default(&self, path: &str) -> String {
        self.text(path).unwrap_or_else(|| {
            table::field_at(path)
                .and_then(|field| field.default)
                .unwrap_or_default()
                .to_owned()
        })
    }

    fn integer(&self, path: &str) -> Option<u32> {
        let number = self.settled.get(path)?.value.as_u64()?;
        u32::try_from(number).ok()
    }

    fn boolean(&self, path: &str) -> Option<bool> {
        self.settled.get(path)?.value.as_bool()
    }

    fn json(&self, path: &str) -> Option<Json> {
        self.settled.get(path).map(|found| found.value.clone())
    }

    fn path(&self, path: &str) -> Option<PathBuf> {
        let found = self.value(path)?;
        Some(self.places.resolve(&found.value, &found.origin))
    }

    /// What is no SHA-256 stays as it is, for validation to tell.
    fn pins(&self) -> Vec<String> {
        let pins = self.texts("pinSha256").unwrap_or_default().into_iter();
        pins.map(|pin| sha256_as_written(&pin).unwrap_or(pin))
            .collect()
    }

    fn texts(&self, path: &str) -> Option<Vec<String>> {
        let items = self.settled.get(path)?.value.as_array()?;
        Some(
            items
                .iter()
                .filter_map(Json::as_str)
                .map(str::to_owned)
                .collect(),
        )
    }

    fn text_map(&self, path: &str) -> BTreeMap<String, String> {
        self.settled
            .get(path)
            .map(|found| text_map(&found.value))
            .unwrap_or_default()
    }

    fn existing_secret(&self, path: &str) -> Option<ExistingSecret> {
        let found = &self.settled.get(path)?.value;
        Some(ExistingSecret {
            name: found.get("name")?.as_str()?.to_owned(),
            keys: found.get("keys").map(text_map).unwrap_or_default(),
        })
    }
}

fn text_map(value: &Json) -> BTreeMap<String, String> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}
