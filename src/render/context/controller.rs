//! The controller's Deployment.

use serde::Serialize;

use crate::config::{Config, Mode, Watch};
use crate::render::names::{self, Labels};
use crate::render::versions;

use super::{github, images};

#[derive(Debug, Serialize)]
pub(super) struct Controller<'a> {
    name: String,
    namespace: &'a str,
    /// What cluster-scoped names begin with.
    cluster_prefix: String,
    image: String,
    args: Vec<String>,
    replicas: u32,
    leader_election: bool,
    /// The only namespace that is watched.
    watch: Option<&'a str>,
    labels: Labels,
    /// With what upstream's chart of runner sets looks a controller up by.
    discovery_labels: Labels,
    selector: Labels,
    pod_labels: Labels,
}

impl<'a> Controller<'a> {
    pub(super) fn new(config: &'a Config) -> Self {
        let name = names::controller(config);
        let watch = watched(config);
        let application = application(config.mode);
        let mut labels = names::labels(config, application, "controller-manager");
        labels.insert("app.kubernetes.io/part-of", application.to_owned());
        let mut discovery_labels = labels.clone();
        if config.mode == Mode::ScaleSet {
            discovery_labels.insert(
                "actions.github.com/controller-service-account-namespace",
                config.namespaces.controller.clone(),
            );
            discovery_labels.insert(
                "actions.github.com/controller-service-account-name",
                name.clone(),
            );
            if let Some(namespace) = watch {
                discovery_labels.insert(
                    "actions.github.com/controller-watch-single-namespace",
                    namespace.to_owned(),
                );
            }
        }
        let selector = names::identity(config, application, "controller-manager");
        Self {
            cluster_prefix: names::cluster_prefix(config),
            namespace: &config.namespaces.controller,
            image: config
                .controller
                .image
                .clone()
                .unwrap_or_else(|| versions::manager_image(config.mode, config.version)),
            args: arguments(config, &name, watch),
            replicas: config.controller.replicas,
            leader_election: elects(config),
            watch,
            labels,
            discovery_labels,
            pod_labels: selector.clone(),
            selector,
            name,
        }
    }
}

fn application(mode: Mode) -> &'static str {
    match mode {
        Mode::ScaleSet => "gha-rs-controller",
        Mode::Legacy => "actions-runner-controller",
    }
}

/// As upstream's own manifests: the legacy manager always elects, since a rolling update runs two for a moment.
fn elects(config: &Config) -> bool {
    config.mode == Mode::Legacy || config.controller.replicas > 1
}

fn watched(config: &Config) -> Option<&str> {
    match config.controller.watch {
        Watch::Cluster => None,
        Watch::Runners => Some(
            config
                .runner_namespaces()
                .first()
                .copied()
                .unwrap_or(&config.namespaces.runners),
        ),
    }
}

fn arguments(config: &Config, name: &str, watch: Option<&str>) -> Vec<String> {
    let text = |value: &str| Some(value.to_owned());
    let mut wanted: Vec<(&str, Option<String>)> = Vec::new();
    match config.mode {
        Mode::ScaleSet => {
            wanted.push(("--auto-scaling-runner-set-only", None));
            if elects(config) {
                wanted.push(("--enable-leader-election", None));
                wanted.push(("--leader-election-id", text(name)));
            }
            wanted.push(("--log-level", text(&config.controller.log_level)));
            wanted.push(("--log-format", text("text")));
            if let Some(namespace) = watch {
                wanted.push(("--watch-single-namespace", text(namespace)));
            }
            wanted.push(("--runner-max-concurrent-reconciles", text("2")));
            wanted.push(("--update-strategy", text("immediate")));
            wanted.push((
                "--exclude-label-propagation-prefix",
                text(names::LABEL_PREFIX),
            ));
            wanted.push(("--listener-metrics-addr", text("0")));
            wanted.push(("--listener-metrics-endpoint", text("")));
            wanted.push(("--metrics-addr", text("0")));
            wanted.push(("--health-probe-bind-address", text(":8081")));
        }
        Mode::Legacy => {
            // Loopback with or without kube-rbac-proxy: nothing unauthenticated listens on the pod's address.
            wanted.push(("--metrics-addr", text("127.0.0.1:8080")));
            wanted.push(("--enable-leader-election", None));
            wanted.push(("--leader-election-id", text(name)));
            wanted.push(("--port", text("9443")));
            wanted.push(("--sync-period", text(versions::sync_period(config.version))));
            wanted.push(("--default-scale-down-delay", text("10m")));
            // Always: without them the binary falls back to images that are compiled into it.
            wanted.push(("--docker-image", text(images::fallback_dind(config))));
            wanted.push(("--runner-image", text(images::fallback_runner(config))));
            if let Some(namespace) = watch {
                wanted.push(("--watch-namespace", text(namespace)));
            }
            wanted.push(("--log-level", text(&config.controller.log_level)));
            wanted.push(("--log-format", text("text")));
            if github::has_own_api_host(config) {
                wanted.push(("--runner-github-url", text(&config.github.url)));
            }
        }
    }
    versions::arguments(config.mode, config.version, &wanted)
}
