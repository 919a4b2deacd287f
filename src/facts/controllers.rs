//! Every ARC controller in the cluster, whoever installed it, and the runner sets that it looks after.
//!
//! A cluster may have thousands of Deployments: of each page only what is said of a controller is kept.

mod manager;

use std::collections::BTreeMap;

use futures::future::join_all;
use serde_json::Value;

use self::manager::controller;
use super::ControllerFacts;
use super::gaps::Gaps;
use crate::clients::kube::{Cluster, ClusterError};
use crate::failure::Failure;
use crate::object::ObjectRef;

const SCALE_SETS: (&str, &[&str]) = ("actions.github.com/v1alpha1", &["AutoscalingRunnerSet"]);
const LEGACY: (&str, &[&str]) = (
    "actions.summerwind.dev/v1alpha1",
    &["RunnerDeployment", "RunnerSet", "Runner"],
);

/// What is read; the wide list and, where that is refused, the namespaces of the configuration.
pub(super) struct Reads {
    /// Their runner sets are not known yet.
    controllers: Listed<ControllerFacts>,
    scale_sets: Vec<Listed<ObjectRef>>,
    legacy: Vec<Listed<ObjectRef>>,
}

struct Listed<T> {
    items: Vec<T>,
    errors: Vec<(String, ClusterError)>,
}

pub(super) async fn read(cluster: &Cluster, namespaces: &[&str]) -> Reads {
    let (controllers, scale_sets, legacy) = futures::join!(
        list(cluster, "apps/v1", "Deployment", namespaces, controller),
        list_all(cluster, SCALE_SETS, namespaces),
        list_all(cluster, LEGACY, namespaces),
    );
    Reads {
        controllers,
        scale_sets,
        legacy,
    }
}

/// What a Deployment says of the ARC controller in it; None where it is none. Runner sets are not looked for.
pub fn controller_of(deployment: &Value) -> Option<ControllerFacts> {
    controller(deployment)
}

/// The runner sets of one generation; where its group is not served there are none, and none are asked for.
async fn list_all(
    cluster: &Cluster,
    (api_version, kinds): (&str, &[&'static str]),
    namespaces: &[&str],
) -> Vec<Listed<ObjectRef>> {
    let group = api_version.split('/').next().unwrap_or_default();
    if matches!(cluster.serves_group(group).await, Ok(false)) {
        return Vec::new();
    }
    let lists = kinds
        .iter()
        .map(|kind| list(cluster, api_version, kind, namespaces, runner_set));
    join_all(lists).await
}

/// A runner set's identity. A Runner of a RunnerDeployment goes with it.
fn runner_set(object: &Value) -> Option<ObjectRef> {
    let reference = ObjectRef::from_value(object);
    let is_made = object.pointer("/metadata/ownerReferences").is_some();
    (reference.kind != "Runner" || !is_made).then_some(reference)
}

async fn list<T>(
    cluster: &Cluster,
    api_version: &str,
    kind: &str,
    namespaces: &[&str],
    keep: fn(&Value) -> Option<T>,
) -> Listed<T> {
    let mut listed = Listed {
        items: Vec::new(),
        errors: Vec::new(),
    };
    match cluster.list_reduced(api_version, kind, None, keep).await {
        Ok(items) => listed.items = items,
        // The CRD is not there: nothing of the kind is.
        Err(ClusterError::NotFound { .. }) => {}
        Err(error) => {
            let denied = matches!(error, ClusterError::Forbidden { .. });
            listed
                .errors
                .push((format!("{kind}s of every namespace"), error));
            if denied {
                let each = join_all(namespaces.iter().map(async |namespace| {
                    let items = cluster.list_reduced(api_version, kind, Some(namespace), keep);
                    (*namespace, items.await)
                }));
                for (namespace, result) in each.await {
                    match result {
                        Ok(items) => listed.items.extend(items),
                        Err(error) => listed
                            .errors
                            .push((format!("{kind}s of {namespace}"), error)),
                    }
                }
            }
        }
    }
    listed
}

impl Reads {
    pub(super) fn fold(self, gaps: &mut Gaps) -> Result<Vec<ControllerFacts>, Failure> {
        let sets = self.scale_sets.iter().chain(&self.legacy);
        let errors = sets
            .flat_map(|listed| &listed.errors)
            .chain(&self.controllers.errors);
        for (what, error) in errors {
            gaps.fill(what, Err::<(), _>(error.clone()))?;
        }
        let mut controllers = self.controllers.items;
        for controller in &mut controllers {
            let sets = if controller.scale_set {
                &self.scale_sets
            } else {
                &self.legacy
            };
            let sets = sets.iter().flat_map(|listed| &listed.items);
            controller.runner_sets = looked_after(controller.watches.as_deref(), sets);
        }
        controllers.sort_by(|one, other| {
            (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name))
        });
        Ok(controllers)
    }
}

/// `NAMESPACE/NAME` of each set in the scope of a controller; `watches` is its one namespace, None all of them.
fn looked_after<'a>(
    watches: Option<&str>,
    sets: impl Iterator<Item = &'a ObjectRef>,
) -> Vec<String> {
    let mut names: Vec<String> = sets
        .filter(|set| watches.is_none() || watches == set.namespace.as_deref())
        .map(|set| {
            let namespace = set.namespace.as_deref().unwrap_or_default();
            format!("{namespace}/{}", set.name)
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

/// `metadata.labels`.
pub(super) fn labels(object: &Value) -> BTreeMap<String, String> {
    let labels = object
        .pointer("/metadata/labels")
        .and_then(Value::as_object);
    labels
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::kube::{Identity, Scope};
    use http::{Request, Response};
    use kube::client::Body;
    use serde_json::json;

    /// A cluster with two pages of Deployments, a controller on each, and one runner set per namespace and kind.
    fn cluster() -> Cluster {
        let manager = |name: &str, namespace: &str, arguments: &[&str]| {
            json!({"metadata": {"name": name, "namespace": namespace}, "spec": {"template": {"spec": {"containers": [
                {"name": "m", "image": "corp/actions-runner-controller:v0.27.6", "command": ["/manager"], "args": arguments}]}}}})
        };
        let service = tower::service_fn(move |request: Request<Body>| {
            let uri = request.uri().to_string();
            let answer = match uri.as_str() {
                "/api" | "/apis" => json!({"items": [
                    {"metadata": {"name": "actions.github.com"}, "versions": []},
                    {"metadata": {"name": "actions.summerwind.dev"}, "versions": []}]}),
                "/apis/apps/v1/deployments?limit=500" => {
                    let other = json!({"metadata": {"name": "shop", "namespace": "a"}, "spec": {}});
                    json!({"metadata": {"continue": "t"}, "items": [other, manager("z", "old", &["--watch-namespace=a"])]})
                }
                "/apis/apps/v1/deployments?limit=500&continue=t" => {
                    json!({"metadata": {}, "items": [
                    manager("c", "new", &["--auto-scaling-runner-set-only"])]})
                }
                // One Runner is a RunnerDeployment's, and counted with it.
                _ if uri.contains("/runners?") => json!({"metadata": {}, "items": [
                    {"metadata": {"name": "alone", "namespace": "a"}},
                    {"metadata": {"name": "made", "namespace": "a", "ownerReferences": [{}]}}]}),
                _ => json!({"metadata": {}, "items": [
                    {"metadata": {"name": "s", "namespace": "a"}},
                    {"metadata": {"name": "s", "namespace": "b"}}]}),
            };
            let body = Body::from(answer.to_string().into_bytes());
            async move { Ok::<_, tower::BoxError>(Response::new(body)) }
        });
        let cluster = Cluster::new(kube::Client::new(service, "default"), Identity::default());
        cluster.seed("apps/v1", "Deployment", "deployments", Scope::Namespaced);
        for (api_version, kinds) in [SCALE_SETS, LEGACY] {
            for kind in kinds {
                let plural = format!("{}s", kind.to_ascii_lowercase());
                cluster.seed(api_version, kind, &plural, Scope::Namespaced);
            }
        }
        cluster
    }

    #[tokio::test]
    async fn controllers_of_every_page_get_the_runner_sets_of_their_generation_and_scope() {
        let mut gaps = Gaps::default();
        let found = read(&cluster(), &[]).await.fold(&mut gaps).unwrap();
        let told: Vec<(&str, &[String])> = found
            .iter()
            .map(|one| (one.name.as_str(), one.runner_sets.as_slice()))
            .collect();
        let names = ["a/alone", "a/s", "b/s"].map(str::to_owned);
        assert_eq!(told, [("c", &names[1..]), ("z", &names[..2])]);
    }
}
