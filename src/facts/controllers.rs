//! Every ARC controller in the cluster, whoever installed it, and the runner sets that it looks after.

use std::collections::BTreeMap;

use futures::future::join_all;
use serde_json::Value;

use super::ControllerFacts;
use super::gaps::Gaps;
use crate::clients::kube::{Cluster, ClusterError};
use crate::config::ArcVersion;
use crate::failure::Failure;
use crate::object::ObjectRef;
use crate::object::pods::flags;

/// The label of everything that this program makes.
const INSTALL_LABEL: &str = "arc-setup.dev/install";
const SCALE_SETS: (&str, &[&str]) = ("actions.github.com/v1alpha1", &["AutoscalingRunnerSet"]);
const LEGACY: (&str, &[&str]) = (
    "actions.summerwind.dev/v1alpha1",
    &["RunnerDeployment", "RunnerSet", "Runner"],
);

/// What is read; the wide list and, where that is refused, the namespaces of the configuration.
pub(super) struct Reads {
    deployments: Listed,
    scale_sets: Vec<Listed>,
    legacy: Vec<Listed>,
}

struct Listed {
    kind: &'static str,
    items: Vec<Value>,
    errors: Vec<(String, ClusterError)>,
}

pub(super) async fn read(cluster: &Cluster, namespaces: &[&str]) -> Reads {
    let (deployments, scale_sets, legacy) = futures::join!(
        list(cluster, "apps/v1", "Deployment", namespaces),
        list_all(cluster, SCALE_SETS, namespaces),
        list_all(cluster, LEGACY, namespaces),
    );
    Reads {
        deployments,
        scale_sets,
        legacy,
    }
}

/// The runner sets of one generation; where its group is not served there are none, and none are asked for.
async fn list_all(
    cluster: &Cluster,
    (api_version, kinds): (&str, &[&'static str]),
    namespaces: &[&str],
) -> Vec<Listed> {
    let group = api_version.split('/').next().unwrap_or_default();
    if matches!(cluster.serves_group(group).await, Ok(false)) {
        return Vec::new();
    }
    let lists = kinds
        .iter()
        .map(|kind| list(cluster, api_version, kind, namespaces));
    join_all(lists).await
}

async fn list(
    cluster: &Cluster,
    api_version: &str,
    kind: &'static str,
    namespaces: &[&str],
) -> Listed {
    let mut listed = Listed {
        kind,
        items: Vec::new(),
        errors: Vec::new(),
    };
    match cluster.list(api_version, kind, None, None).await {
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
                    (
                        *namespace,
                        cluster.list(api_version, kind, Some(namespace), None).await,
                    )
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
        let mut sets = Vec::new();
        for listed in self
            .scale_sets
            .iter()
            .chain(&self.legacy)
            .chain(Some(&self.deployments))
        {
            for (what, error) in &listed.errors {
                gaps.fill(what, Err::<(), _>(error.clone()))?;
            }
        }
        for (scale_set, listed) in self
            .scale_sets
            .iter()
            .map(|listed| (true, listed))
            .chain(self.legacy.iter().map(|listed| (false, listed)))
        {
            for item in &listed.items {
                // A Runner of a RunnerDeployment goes with it.
                if listed.kind != "Runner" || item.pointer("/metadata/ownerReferences").is_none() {
                    sets.push((scale_set, ObjectRef::from_value(item)));
                }
            }
        }
        let mut controllers: Vec<ControllerFacts> = self
            .deployments
            .items
            .iter()
            .filter_map(|deployment| controller(deployment, &sets))
            .collect();
        controllers.sort_by(|one, other| {
            (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name))
        });
        Ok(controllers)
    }
}

/// Reads a Deployment; None where it is no ARC controller.
fn controller(deployment: &Value, sets: &[(bool, ObjectRef)]) -> Option<ControllerFacts> {
    let object = ObjectRef::from_value(deployment);
    let labels = labels(deployment);
    let namespace = object.namespace.unwrap_or_default();
    let pod = deployment.pointer("/spec/template/spec")?;
    let containers = pod.get("containers")?.as_array()?;
    let manager = containers
        .iter()
        .find(|container| is_manager(container, &labels))?;
    let flags = flags(manager, &namespace);
    let scale_set = flags
        .iter()
        .any(|(name, value)| name == "auto-scaling-runner-set-only" && value != "false");
    let watch_flag = if scale_set {
        "watch-single-namespace"
    } else {
        "watch-namespace"
    };
    let watches = flags
        .iter()
        .rev()
        .find(|(name, _)| name == watch_flag)
        .map(|(_, value)| value.clone())
        .filter(|value| !value.is_empty());
    let in_scope = |set: &ObjectRef| watches.is_none() || watches == set.namespace;
    let mut runner_sets: Vec<String> = sets
        .iter()
        .filter(|(generation, set)| *generation == scale_set && in_scope(set))
        .map(|(_, set)| {
            format!(
                "{}/{}",
                set.namespace.as_deref().unwrap_or_default(),
                set.name
            )
        })
        .collect();
    runner_sets.sort();
    runner_sets.dedup();
    let image = manager
        .get("image")
        .and_then(Value::as_str)
        .unwrap_or_default();
    Some(ControllerFacts {
        version: labels
            .get("app.kubernetes.io/version")
            .and_then(|version| version.parse().ok())
            .or_else(|| tag(image).and_then(version_of_tag)),
        install: labels.get(INSTALL_LABEL).cloned(),
        service_account: pod
            .get("serviceAccountName")
            .and_then(Value::as_str)
            .unwrap_or("default")
            .to_owned(),
        namespace,
        name: object.name,
        scale_set,
        watches,
        runner_sets,
    })
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

/// `/manager` is what every kubebuilder project calls its program: something of ARC's own must stand beside it.
fn is_manager(container: &Value, labels: &BTreeMap<String, String>) -> bool {
    let command = container.pointer("/command/0").and_then(Value::as_str);
    if command.is_some_and(|command| command.rsplit('/').next() != Some("manager")) {
        return false;
    }
    let image = container
        .get("image")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let by_image = [
        "actions-runner-controller",
        "gha-runner-scale-set-controller",
    ]
    .iter()
    .any(|name| image.contains(name));
    if by_image || command.is_none() {
        return by_image;
    }
    let texts = |key: &str, field: Option<&str>| -> Vec<String> {
        let list = container.get(key).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(|item| {
                field
                    .map_or(Some(item), |field| item.get(field))
                    .and_then(Value::as_str)
            })
            .map(str::to_owned)
            .collect()
    };
    let by_flag = texts("args", None)
        .iter()
        .chain(&texts("command", None))
        .any(|argument| {
            let argument = argument.trim_start_matches('-');
            [
                "auto-scaling-runner-set-only",
                "docker-image",
                "runner-image",
                "common-runner-labels",
            ]
            .iter()
            .any(|flag| argument.split('=').next() == Some(flag))
        });
    let by_variable = texts("env", Some("name")).iter().any(|name| {
        matches!(
            name.as_str(),
            "CONTROLLER_MANAGER_CONTAINER_IMAGE" | "GITHUB_APP_INSTALLATION_ID"
        )
    });
    let by_label = ["app.kubernetes.io/part-of", "app.kubernetes.io/name"]
        .iter()
        .any(|label| {
            labels.get(*label).is_some_and(|value| {
                matches!(
                    value.as_str(),
                    "gha-rs-controller" | "actions-runner-controller"
                )
            })
        });
    by_flag || by_variable || by_label
}

fn tag(image: &str) -> Option<&str> {
    let image = image.split('@').next().unwrap_or_default();
    image
        .rsplit('/')
        .next()?
        .split_once(':')
        .map(|(_, tag)| tag)
}

/// `v0.27.6`, `0.14.2`, and with a suffix such as `0.14.2-corp1`.
fn version_of_tag(tag: &str) -> Option<ArcVersion> {
    tag.split(['-', '+', '_'])
        .next()
        .and_then(|version| version.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn deployment(labels: &Value, container: &Value) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "c", "namespace": "n", "labels": labels},
            "spec": {"template": {"spec": {"serviceAccountName": "sa", "containers": [{"name": "sidecar", "image": "x"}, container]}}}})
    }

    fn set(namespace: &str) -> ObjectRef {
        ObjectRef::new(SCALE_SETS.0, "AutoscalingRunnerSet", Some(namespace), "s")
    }

    #[test]
    fn a_scale_set_controller_of_the_chart() {
        let found = controller(
            &deployment(
                &json!({"app.kubernetes.io/version": "0.14.2", "arc-setup.dev/install": "arc"}),
                &json!({"image": "corp/mirror@sha256:ab", "command": ["/manager"],
                    "args": ["--auto-scaling-runner-set-only", "--watch-single-namespace=$(NS)"],
                    "env": [{"name": "NS", "value": "runners"}]}),
            ),
            &[
                (true, set("runners")),
                (true, set("other")),
                (false, set("runners")),
            ],
        )
        .unwrap();
        assert_eq!(found.version, Some(ArcVersion::new(0, 14, 2)));
        assert_eq!(found.watches.as_deref(), Some("runners"));
        assert_eq!(found.install.as_deref(), Some("arc"));
        assert_eq!(
            (found.scale_set, found.runner_sets),
            (true, vec!["runners/s".to_owned()])
        );
        assert_eq!(found.service_account, "sa");
    }

    #[test]
    fn the_storys_manager_watches_everything() {
        let found = controller(
            &deployment(
                &json!({"control-plane": "controller-manager"}),
                &json!({"image": "registry.corp:5000/summerwind/actions-runner-controller:v0.18.2", "command": ["/manager"],
                    "args": ["--enable-leader-election", "--docker-image", "registry.corp/dind:1"]}),
            ),
            &[(false, set("any"))],
        )
        .unwrap();
        assert_eq!(
            (found.version, found.watches, found.scale_set),
            (Some(ArcVersion::new(0, 18, 2)), None, false)
        );
        assert_eq!(found.runner_sets, ["any/s"]);
    }

    #[test]
    fn other_managers_and_arcs_other_programs_are_not_controllers() {
        let none = json!({});
        for container in [
            json!({"image": "corp/cert-operator:v1", "command": ["/manager"], "args": ["--leader-elect"]}),
            json!({"image": "summerwind/actions-runner-controller:v0.27.6", "command": ["/github-webhook-server"]}),
            json!({"image": "nginx"}),
        ] {
            assert_eq!(
                controller(&deployment(&none, &container), &[]),
                None,
                "{container}"
            );
        }
        let renamed = json!({"image": "corp/arc:latest", "command": ["/manager"], "args": ["--runner-image=x", "-watch-namespace", "a"]});
        let found = controller(&deployment(&none, &renamed), &[]).unwrap();
        assert_eq!((found.version, found.watches.as_deref()), (None, Some("a")));
    }
}
