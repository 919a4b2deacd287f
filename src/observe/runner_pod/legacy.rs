//! The pod of a legacy runner, as its controller writes it (actions-runner-controller v0.24 to v0.27.6; earlier
//! releases get every container written out). Registration is left out: only the controller has its token.

mod fields;

use serde_json::{Map, Value, json};

use fields::{fill, mount, variable};

use crate::config::arc_versions::differences::{Feature, has};
use crate::config::{ArcVersion, Mode};
use crate::object::items_at;
use crate::object::pods::{Role, absent_slots, containers, flags};

/// What a legacy Runner's spec shares with a PodSpec; everything else in it is read by the controller.
const SHARED: [&str; 18] = [
    "affinity",
    "automountServiceAccountToken",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "hostAliases",
    "imagePullSecrets",
    "initContainers",
    "nodeSelector",
    "priorityClassName",
    "runtimeClassName",
    "securityContext",
    "serviceAccountName",
    "sidecarContainers",
    "terminationGracePeriodSeconds",
    "tolerations",
    "topologySpreadConstraints",
    "volumes",
];
/// Where jobs work.
const WORK: &str = "/runner/_work";
/// The group of the Docker socket where neither a flag nor the image's name tells.
const DOCKER_GROUP: &str = "1001";

/// What the manager was told about the pods that it builds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LegacyManager {
    docker_image: Option<String>,
    runner_image: Option<String>,
    registry_mirror: Option<String>,
    docker_group: Option<String>,
    pull_secrets: Vec<String>,
    version: Option<ArcVersion>,
}

impl LegacyManager {
    /// Reads the Deployment of a manager of this release; for an image that no flag names, the one compiled in.
    pub fn of(deployment: &Value, version: ArcVersion) -> Self {
        let mut manager = Self {
            version: Some(version),
            ..Self::default()
        };
        let found = containers(deployment)
            .into_iter()
            .find(|container| container.role == Role::Controller);
        let Some(container) = found.and_then(|at| at.pointer.get(deployment)) else {
            return manager;
        };
        let namespace = deployment.pointer("/metadata/namespace");
        let namespace = namespace.and_then(Value::as_str).unwrap_or_default();
        for (flag, value) in flags(container, namespace) {
            match flag.as_str() {
                "docker-image" => manager.docker_image = Some(value),
                "runner-image" => manager.runner_image = Some(value),
                "docker-registry-mirror" => manager.registry_mirror = Some(value),
                "docker-gid" => manager.docker_group = Some(value),
                "runner-image-pull-secret" => manager.pull_secrets.push(value),
                _ => {}
            }
        }
        for slot in absent_slots(deployment) {
            match slot.why {
                Role::Dind => manager.docker_image = Some(slot.default),
                Role::Runner => manager.runner_image = Some(slot.default),
                _ => {}
            }
        }
        manager
    }

    /// The last release where the version is not known.
    fn has(&self, feature: Feature) -> bool {
        self.version
            .is_none_or(|version| has(Mode::Legacy, version, feature))
    }
}

/// The PodSpec of a runner; of the containers only `runner` and `docker` are the controller's.
pub(super) fn pod_spec(spec: &Value, manager: &LegacyManager) -> Value {
    let mut pod = Map::new();
    for field in SHARED {
        if let Some(value) = spec.get(field)
            && field != "sidecarContainers"
        {
            pod.insert(field.to_owned(), value.clone());
        }
    }
    with_containers(pod, spec, manager)
}

/// The PodSpec of a RunnerSet: its template, with what stands beside it.
pub(super) fn pod_spec_of_set(config: &Value, template: &Value, manager: &LegacyManager) -> Value {
    let mut pod = template.as_object().cloned().unwrap_or_default();
    let mut spec = template.clone();
    if let (Some(fields), Some(config)) = (spec.as_object_mut(), config.as_object()) {
        for (key, value) in config {
            if !matches!(key.as_str(), "template" | "selector" | "replicas") {
                fields.entry(key).or_insert_with(|| value.clone());
            }
        }
    }
    pod.remove("containers");
    with_containers(pod, &spec, manager)
}

fn with_containers(mut pod: Map<String, Value>, spec: &Value, manager: &LegacyManager) -> Value {
    if !manager.has(Feature::GeneratedDocker) && !items_at(spec, "/containers").is_empty() {
        pod.insert(
            "containers".to_owned(),
            json!(items_at(spec, "/containers")),
        );
        return Value::Object(pod);
    }
    let daemon = Daemon::of(spec, manager);
    let mut others: Vec<Value> = ["/containers", "/sidecarContainers"]
        .iter()
        .flat_map(|list| items_at(spec, list))
        .cloned()
        .collect();
    let mut take = |name: &str| {
        let at = others
            .iter()
            .position(|container| container.get("name").and_then(Value::as_str) == Some(name))?;
        Some(others.remove(at))
    };
    let written_runner = take("runner");
    // Where Docker is disabled a container of that name is the user's own.
    let written_docker = daemon.is_some().then(|| take("docker")).flatten();
    let mut volumes = items_at(spec, "/volumes").to_vec();
    let work = text(spec, "workDir").unwrap_or(WORK);
    let mounts = mounts(spec, daemon.as_ref(), work, &mut volumes);
    let mut containers = vec![runner(
        spec,
        written_runner,
        daemon.as_ref(),
        manager,
        &mounts,
    )];
    if let Some(daemon) = &daemon {
        containers.push(docker(spec, written_docker, daemon, manager, &mounts));
    }
    containers.append(&mut others);
    pod.insert("containers".to_owned(), Value::Array(containers));
    if !volumes.is_empty() {
        pod.insert("volumes".to_owned(), Value::Array(volumes));
    }
    if !pod.contains_key("imagePullSecrets") && !manager.pull_secrets.is_empty() {
        let names = manager
            .pull_secrets
            .iter()
            .map(|name| json!({"name": name}));
        pod.insert("imagePullSecrets".to_owned(), names.collect());
    }
    Value::Object(pod)
}

/// How the daemon beside the runner is reached.
struct Daemon {
    /// The volume that runner and daemon share.
    volume: Value,
    mount: Value,
    host: &'static str,
    tls: bool,
}

impl Daemon {
    /// None where no daemon runs beside the runner.
    fn of(spec: &Value, manager: &LegacyManager) -> Option<Self> {
        let flag =
            |name: &str, usual: bool| spec.get(name).and_then(Value::as_bool).unwrap_or(usual);
        if !flag("dockerEnabled", true)
            || flag("dockerdWithinRunnerContainer", false)
            || text(spec, "containerMode") == Some("kubernetes")
        {
            return None;
        }
        if !manager.has(Feature::SocketGroup) {
            return Some(Self {
                volume: json!({"name": "certs-client", "emptyDir": {}}),
                mount: json!({"name": "certs-client", "mountPath": "/certs/client"}),
                host: "tcp://localhost:2376",
                tls: true,
            });
        }
        let (directory, host) = if manager.has(Feature::SocketInRun) {
            ("/run", "unix:///run/docker.sock")
        } else {
            ("/run/docker", "unix:///run/docker/docker.sock")
        };
        let limit = text(spec, "dockerVarRunVolumeSizeLimit").unwrap_or("1M");
        Some(Self {
            volume: json!({"name": "var-run", "emptyDir": {"medium": "Memory", "sizeLimit": limit}}),
            mount: json!({"name": "var-run", "mountPath": directory}),
            host,
            tls: false,
        })
    }
}

/// The controller's own mounts of the runner, and the volumes behind them.
fn mounts(
    spec: &Value,
    daemon: Option<&Daemon>,
    work: &str,
    volumes: &mut Vec<Value>,
) -> Vec<Value> {
    let mut mounts = Vec::new();
    let mut add = |volume: Value, mount: Value| {
        if !volumes
            .iter()
            .any(|known| known.get("name") == volume.get("name"))
        {
            volumes.push(volume);
        }
        mounts.push(mount);
    };
    let limit = text(spec, "volumeSizeLimit");
    if limit != Some("0") {
        let mut directory = json!({});
        if let Some(limit) = limit {
            directory["sizeLimit"] = json!(limit);
        }
        if let Some(medium) = text(spec, "volumeStorageMedium") {
            directory["medium"] = json!(medium);
        }
        add(
            json!({"name": "runner", "emptyDir": directory}),
            json!({"name": "runner", "mountPath": "/runner"}),
        );
    }
    let claim = spec.get("workVolumeClaimTemplate");
    if text(spec, "containerMode") == Some("kubernetes")
        && let Some(claim) = claim
    {
        add(
            json!({"name": "work", "ephemeral": {"volumeClaimTemplate": {"spec": claim}}}),
            json!({"name": "work", "mountPath": work}),
        );
    }
    if let Some(daemon) = daemon {
        add(
            json!({"name": "work", "emptyDir": {}}),
            json!({"name": "work", "mountPath": work}),
        );
        add(daemon.volume.clone(), daemon.mount.clone());
    }
    mounts
}

fn runner(
    spec: &Value,
    written: Option<Value>,
    daemon: Option<&Daemon>,
    manager: &LegacyManager,
    mounts: &[Value],
) -> Value {
    let mut runner = written.unwrap_or_else(|| json!({"name": "runner"}));
    let fallback = manager.runner_image.as_ref().map(|image| json!(image));
    fill(
        &mut runner,
        "image",
        spec.get("image").cloned().or(fallback),
    );
    for field in [
        "imagePullPolicy",
        "env",
        "envFrom",
        "resources",
        "volumeMounts",
    ] {
        fill(&mut runner, field, spec.get(field).cloned());
    }
    if spec
        .get("dockerdWithinRunnerContainer")
        .and_then(Value::as_bool)
        == Some(true)
    {
        fill(
            &mut runner,
            "securityContext",
            Some(json!({"privileged": true})),
        );
    }
    if let Some(daemon) = daemon {
        variable(&mut runner, "DOCKER_HOST", daemon.host);
        if daemon.tls {
            variable(&mut runner, "DOCKER_TLS_VERIFY", "1");
            variable(&mut runner, "DOCKER_CERT_PATH", "/certs/client");
        }
    }
    mount(&mut runner, mounts);
    runner
}

fn docker(
    spec: &Value,
    written: Option<Value>,
    daemon: &Daemon,
    manager: &LegacyManager,
    mounts: &[Value],
) -> Value {
    let mut docker = written.unwrap_or_else(|| json!({"name": "docker"}));
    fill(
        &mut docker,
        "image",
        manager.docker_image.as_ref().map(|image| json!(image)),
    );
    fill(&mut docker, "env", spec.get("dockerEnv").cloned());
    fill(
        &mut docker,
        "volumeMounts",
        spec.get("dockerVolumeMounts").cloned(),
    );
    fill(
        &mut docker,
        "resources",
        spec.get("dockerdContainerResources").cloned(),
    );
    fill(
        &mut docker,
        "securityContext",
        Some(json!({"privileged": true})),
    );
    let mut arguments = Vec::new();
    if daemon.tls {
        variable(&mut docker, "DOCKER_TLS_CERTDIR", "/certs");
    } else {
        variable(&mut docker, "DOCKER_GROUP_GID", &group(spec, manager));
        arguments.extend(["dockerd".to_owned(), format!("--host={}", daemon.host)]);
        arguments.push("--group=$(DOCKER_GROUP_GID)".to_owned());
    }
    if let Some(mtu) = spec.get("dockerMTU").and_then(Value::as_i64) {
        arguments.push(format!("--mtu={mtu}"));
    }
    let mirror = text(spec, "dockerRegistryMirror").or(manager.registry_mirror.as_deref());
    arguments.extend(mirror.map(|mirror| format!("--registry-mirror={mirror}")));
    if !arguments.is_empty() {
        fill(&mut docker, "args", Some(json!(arguments)));
    }
    mount(&mut docker, mounts);
    docker
}

/// The group that the controller reads out of the name of the runner's image.
fn group(spec: &Value, manager: &LegacyManager) -> String {
    let image = text(spec, "image").or(manager.runner_image.as_deref());
    let image = image.unwrap_or_default();
    if image.contains("22.04") {
        "121".to_owned()
    } else if image.contains("20.04") {
        DOCKER_GROUP.to_owned()
    } else {
        let told = manager.docker_group.clone();
        told.unwrap_or_else(|| DOCKER_GROUP.to_owned())
    }
}

fn text<'a>(spec: &'a Value, field: &str) -> Option<&'a str> {
    spec.get(field)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

#[cfg(test)]
#[path = "legacy_tests.rs"]
mod tests;
