//! The cluster, read in parallel. What a restricted user may not read is left out and named in `incomplete`.

use std::collections::BTreeMap;

use futures::future::join_all;
use serde_json::Value;

use super::controllers::labels;
use super::gaps::Gaps;
use super::{ClusterFacts, Facts, KubernetesVersion, addresses, controllers, host};
use crate::clients::kube::{Cluster, ClusterError};
use crate::config::{Config, Mode};
use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;

/// CRDs of each generation (upstream's `config/crd/bases`).
const SCALE_SET_CRDS: &[&str] = &[
    "autoscalinglisteners.actions.github.com",
    "autoscalingrunnersets.actions.github.com",
    "ephemeralrunners.actions.github.com",
    "ephemeralrunnersets.actions.github.com",
];
const LEGACY_CRDS: &[&str] = &[
    "horizontalrunnerautoscalers.actions.summerwind.dev",
    "runnerdeployments.actions.summerwind.dev",
    "runnerreplicasets.actions.summerwind.dev",
    "runners.actions.summerwind.dev",
    "runnersets.actions.summerwind.dev",
];

const NAMESPACE: (&str, &str) = ("v1", "Namespace");
const DEFINITION: (&str, &str) = ("apiextensions.k8s.io/v1", "CustomResourceDefinition");

/// Reads everything that is decided upon: cluster, CA bundle and CRDs on disk. GitHub is read by
/// [`super::read_github`]. `now` is in seconds since 1970.
pub async fn read(cluster: &Cluster, config: &Config, now: i64) -> Result<Facts, Failure> {
    let mut facts = Facts::assumed(KubernetesVersion::DEFAULT);
    facts.now = now;
    host::read_into(config, &mut facts)?;
    facts.cluster = Box::pin(read_cluster(cluster, config)).await?;
    Ok(facts)
}

/// Reads the cluster's names, addresses and ranges alone; all else is as assumed.
pub async fn read_addresses(cluster: &Cluster) -> Result<ClusterFacts, Failure> {
    let mut gaps = Gaps::default();
    let addresses = addresses::read(cluster).await.fold(&mut gaps)?;
    Ok(ClusterFacts {
        assumed: false,
        api_server_hosts: addresses.api_server,
        service_cidrs: addresses.services,
        domain: addresses.domain,
        incomplete: gaps.0,
        ..Facts::assumed(KubernetesVersion::DEFAULT).cluster
    })
}

async fn read_cluster(cluster: &Cluster, config: &Config) -> Result<ClusterFacts, Failure> {
    let names = namespaces(config);
    let (version, found, crds, controllers, openshift, addresses) = futures::join!(
        cluster.read("/version"),
        join_all(names.iter().map(|name| object(cluster, NAMESPACE, name))),
        read_crds(cluster, config.mode),
        controllers::read(cluster, &names),
        cluster.serves_group("security.openshift.io"),
        addresses::read(cluster),
    );
    let version = version.map_err(|error| {
        let what = format!("the version of {} cannot be read", cluster.identity.server);
        error.failure(what, Exit::Preflight)
    })?;
    let mut gaps = Gaps::default();
    let mut read = BTreeMap::new();
    let mut namespaces = BTreeMap::new();
    for (name, result) in names.iter().zip(found) {
        if let Some(object) = remember(&mut read, NAMESPACE, name, result, &mut gaps)? {
            namespaces.insert((*name).to_owned(), labels(&object));
        }
    }
    let mut definitions = BTreeMap::new();
    for (name, result) in crds {
        if let Some(object) = remember(&mut read, DEFINITION, name, result, &mut gaps)? {
            definitions.insert(name.to_owned(), without_managed_fields(object));
        }
    }
    let controllers = controllers.fold(&mut gaps)?;
    let addresses = addresses.fold(&mut gaps)?;
    Ok(ClusterFacts {
        assumed: false,
        kubernetes: kubernetes_version(&version),
        api_server_hosts: addresses.api_server,
        service_cidrs: addresses.services,
        domain: addresses.domain,
        namespaces,
        crds: definitions,
        controllers,
        openshift: gaps.fill("API groups", openshift)?,
        incomplete: gaps.0,
        read,
    })
}

/// Notes what was read; None where the object is absent or may not be read.
fn remember(
    read: &mut BTreeMap<ObjectRef, Option<Value>>,
    (api_version, kind): (&str, &str),
    name: &str,
    result: Result<Option<Value>, ClusterError>,
    gaps: &mut Gaps,
) -> Result<Option<Value>, Failure> {
    if let Ok(object) = &result {
        let reference = ObjectRef::new(api_version, kind, None, name);
        read.insert(reference, object.clone());
    }
    gaps.fill(&format!("{kind} {name}"), result)
}

/// The namespaces of the configuration, without repetition.
fn namespaces(config: &Config) -> Vec<&str> {
    let mut names = vec![config.controller_namespace()];
    for name in config.runner_namespaces() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

async fn object(
    cluster: &Cluster,
    (api_version, kind): (&str, &str),
    name: &str,
) -> Result<Option<Value>, ClusterError> {
    cluster
        .get(&ObjectRef::new(api_version, kind, None, name))
        .await
}

async fn read_crds(
    cluster: &Cluster,
    mode: Mode,
) -> Vec<(&'static str, Result<Option<Value>, ClusterError>)> {
    let names = match mode {
        Mode::ScaleSet => SCALE_SET_CRDS,
        Mode::Legacy => LEGACY_CRDS,
    };
    join_all(
        names
            .iter()
            .map(async |name| (*name, object(cluster, DEFINITION, name).await)),
    )
    .await
}

/// `{"major": "1", "minor": "33+"}`: some distributions append a plus sign.
fn kubernetes_version(answer: &Value) -> KubernetesVersion {
    let number = |key: &str| {
        let text = answer.get(key).and_then(Value::as_str).unwrap_or_default();
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    match (number("major"), number("minor")) {
        (Some(major), Some(minor)) => KubernetesVersion { major, minor },
        _ => KubernetesVersion::DEFAULT,
    }
}

fn without_managed_fields(mut object: Value) -> Value {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("managedFields");
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    use std::path::PathBuf;

    use ::kube::Client;
    use ::kube::client::Body;
    use http::{Request, Response};

    use crate::clients::kube::Identity;
    use crate::config::load::{Sources, load};

    fn config() -> Config {
        let example = "examples/existing-secrets/arc-setup.yaml";
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(example);
        let sources = Sources {
            file: Some(file),
            ..Sources::default()
        };
        load(&sources).expect("the example is valid").config
    }

    /// A server that knows these paths; every other answers `status`.
    fn cluster(known: &'static [(&'static str, &'static str)], status: u16) -> Cluster {
        let service = tower::service_fn(move |request: Request<Body>| async move {
            let path = request.uri().path().to_owned();
            let found = known.iter().find(|(known, _)| *known == path);
            let (status, body) = found.map_or((status, "{}"), |(_, body)| (200, body));
            let body = Body::from(body.as_bytes().to_vec());
            Ok::<_, tower::BoxError>(Response::builder().status(status).body(body).unwrap())
        });
        let identity = Identity {
            server: "https://api.corp:6443".to_owned(),
            ..Identity::default()
        };
        Cluster::new(Client::new(service, "default"), identity)
    }

    const DISCOVERY: &str = r#"{"items": [{"metadata": {}, "versions": [{"version": "v1", "resources": [
        {"resource": "namespaces", "scope": "Cluster", "responseKind": {"kind": "Namespace"}},
        {"resource": "services", "scope": "Namespaced", "responseKind": {"kind": "Service"}},
        {"resource": "configmaps", "scope": "Namespaced", "responseKind": {"kind": "ConfigMap"}}]}]}]}"#;
    const GROUPS: &str = r#"{"items": [{"metadata": {"name": "security.openshift.io"}, "versions": []},
        {"metadata": {"name": "apps"}, "versions": [{"version": "v1", "resources": [
        {"resource": "deployments", "scope": "Namespaced", "responseKind": {"kind": "Deployment"}}]}]},
        {"metadata": {"name": "discovery.k8s.io"}, "versions": [{"version": "v1", "resources": [
        {"resource": "endpointslices", "scope": "Namespaced", "responseKind": {"kind": "EndpointSlice"}}]}]},
        {"metadata": {"name": "networking.k8s.io"}, "versions": [{"version": "v1", "resources": [
        {"resource": "servicecidrs", "scope": "Cluster", "responseKind": {"kind": "ServiceCIDR"}}]}]}]}"#;

    #[tokio::test]
    async fn everything_is_read_and_what_is_absent_is_no_gap() {
        let known: &[(&str, &str)] = &[
            ("/version", r#"{"major": "1", "minor": "30"}"#),
            ("/api", DISCOVERY),
            ("/apis", GROUPS),
            (
                "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
                r#"{"items": [{"endpoints": [{"addresses": ["10.0.0.5"]}]}]}"#,
            ),
            (
                "/apis/networking.k8s.io/v1/servicecidrs",
                r#"{"items": [{"spec": {"cidrs": ["10.43.0.0/16"]}}]}"#,
            ),
            (
                "/api/v1/namespaces/arc-systems",
                r#"{"metadata": {"name": "arc-systems", "labels": {"a": "b"}}}"#,
            ),
            (
                "/apis/apps/v1/deployments",
                r#"{"items": [{"metadata": {"name": "arc", "namespace": "other"}, "spec": {"template": {"spec": {"containers": [
                    {"image": "ghcr.io/actions/gha-runner-scale-set-controller:0.13.1", "command": ["/manager"], "args": ["--auto-scaling-runner-set-only"]}]}}}}]}"#,
            ),
        ];
        let facts = read(&cluster(known, 404), &config(), 7).await.unwrap();
        let cluster = facts.cluster;
        assert_eq!(
            (facts.now, cluster.kubernetes.minor, cluster.openshift),
            (7, 30, true)
        );
        assert_eq!(cluster.api_server_hosts, ["api.corp", "10.0.0.5"]);
        assert_eq!(
            cluster.namespaces.keys().collect::<Vec<_>>(),
            ["arc-systems"]
        );
        assert_eq!(cluster.controllers.len(), 1);
        assert_eq!(
            cluster.controllers[0]
                .version
                .map(|version| version.to_string())
                .as_deref(),
            Some("0.13.1")
        );
        assert_eq!(cluster.controllers[0].watches, None);
        assert_eq!(cluster.service_cidrs, ["10.43.0.0/16"]);
        assert_eq!(cluster.incomplete, Vec::<String>::new());
    }

    #[tokio::test]
    async fn a_restricted_user_gets_what_may_be_read_and_a_list_of_the_rest() {
        let known: &[(&str, &str)] = &[
            ("/version", r#"{"major": "1", "minor": "33"}"#),
            ("/api", DISCOVERY),
            ("/apis", GROUPS),
            (
                "/apis/apps/v1/namespaces/arc-systems/deployments",
                r#"{"items": []}"#,
            ),
        ];
        let facts = read(&cluster(known, 403), &config(), 7).await.unwrap();
        let gaps = &facts.cluster.incomplete;
        let named = |what: &str| gaps.iter().any(|gap| gap.starts_with(what));
        assert!(
            named("Deployments of every namespace:") && !named("Deployments of arc-systems"),
            "{gaps:?}"
        );
        assert!(named("Namespace arc-systems:"), "{gaps:?}");
        assert_eq!(facts.cluster.domain, "cluster.local");
        assert_eq!(
            read(&cluster(&[], 401), &config(), 7)
                .await
                .unwrap_err()
                .code(),
            "cluster-login"
        );
    }

    #[test]
    fn versions_with_a_plus_and_without_sense() {
        let of = |minor: &str| kubernetes_version(&json!({"major": "1", "minor": minor}));
        assert_eq!(
            of("29+"),
            KubernetesVersion {
                major: 1,
                minor: 29
            }
        );
        assert_eq!(of(""), KubernetesVersion::DEFAULT);
    }
}
