//! What a controller does with its finalizers: it holds what it sees, and lets go of what is deleted, but only as
//! long as its own Deployment is there.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_setup::clients::kube::{Cluster, Identity};
use arc_setup::object::ObjectRef;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::support::control_plane::ControlPlane;

const GROUP: &str = "actions.github.com/v1alpha1";
const SET_FINALIZER: &str = "autoscalingrunnerset.actions.github.com/finalizer";
const RUNNER_FINALIZER: &str = "ephemeralrunner.actions.github.com/finalizer";
const REGISTRATION_FINALIZER: &str =
    "ephemeralrunner.actions.github.com/runner-registration-finalizer";
const LISTENER_FINALIZER: &str = "autoscalinglistener.actions.github.com/finalizer";

/// Whose finalizers it holds.
#[derive(Debug, Clone)]
pub(super) struct Manager {
    /// Its Deployment.
    pub(super) deployment: ObjectRef,
    /// Where its runner sets are.
    pub(super) runners: String,
    /// Kinds that it never lets go of.
    pub(super) keeps: &'static [&'static str],
}

/// A running one; it ends when this is dropped.
pub(super) struct Running {
    task: JoinHandle<()>,
    released: Arc<Mutex<Vec<String>>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Running {
    /// Kinds that it let go of, in order.
    pub(super) fn released(&self) -> Vec<String> {
        self.released.lock().unwrap().clone()
    }
}

impl Manager {
    pub(super) fn start(self, plane: &ControlPlane) -> Running {
        let cluster = Cluster::new(plane.client().unwrap(), Identity::default());
        let released = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&released);
        let task = tokio::spawn(async move {
            loop {
                self.reconcile(&cluster, &shared).await;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        Running { task, released }
    }

    /// Gives every runner set what a controller makes under it.
    pub(super) async fn populate(&self, cluster: &Cluster) {
        for set in self.list(cluster, "AutoscalingRunnerSet").await {
            hold(cluster, &set, &[SET_FINALIZER]).await;
            let name = set["metadata"]["name"].as_str().unwrap();
            let replicas = self.child(
                "EphemeralRunnerSet",
                &format!("{name}-abcde"),
                &set,
                &[RUNNER_FINALIZER],
            );
            let replicas = cluster.create(&replicas, false).await.unwrap().object;
            let runner = self.child(
                "EphemeralRunner",
                &format!("{name}-abcde-runner-1"),
                &replicas,
                &[RUNNER_FINALIZER, REGISTRATION_FINALIZER],
            );
            cluster.create(&runner, false).await.unwrap();
            let home = self.deployment.namespace.as_deref().unwrap();
            // Labels of a set are passed on to what is made under it.
            let labels = &set["metadata"]["labels"];
            let listener = format!("{name}-754b578d-listener");
            let mut object = json!({"apiVersion": GROUP, "kind": "AutoscalingListener", "metadata": {"name": listener,
                "namespace": home, "labels": labels, "finalizers": [LISTENER_FINALIZER]},
                "spec": {"autoscalingRunnerSetNamespace": self.runners, "autoscalingRunnerSetName": name}});
            cluster.create(&object, false).await.unwrap();
            object = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": [],
                "metadata": {"name": listener, "namespace": self.runners, "labels": labels}});
            cluster.create(&object, false).await.unwrap();
        }
    }

    fn child(&self, kind: &str, name: &str, owner: &Value, finalizers: &[&str]) -> Value {
        let metadata = &owner["metadata"];
        json!({"apiVersion": GROUP, "kind": kind,
            "spec": {"patchID": 0, "githubConfigUrl": "https://github.mydomain.com", "githubConfigSecret": "github", "runnerScaleSetId": 1},
            "metadata": {"name": name, "namespace": self.runners, "finalizers": finalizers, "labels": metadata["labels"],
                "ownerReferences": [{"apiVersion": GROUP, "kind": owner["kind"], "name": metadata["name"],
                    "uid": metadata["uid"], "controller": true, "blockOwnerDeletion": true}]}})
    }

    async fn list(&self, cluster: &Cluster, kind: &str) -> Vec<Value> {
        let found = cluster.list(GROUP, kind, Some(&self.runners), None).await;
        found.unwrap_or_default()
    }

    /// Listener, runners, their set, the runner set: each only when what hangs on it is gone.
    async fn reconcile(&self, cluster: &Cluster, released: &Mutex<Vec<String>>) {
        if !matches!(cluster.get(&self.deployment).await, Ok(Some(_))) {
            return;
        }
        let sets = self.list(cluster, "AutoscalingRunnerSet").await;
        let Some(set) = sets.iter().find(|set| is_going(set)) else {
            return;
        };
        let name = set["metadata"]["name"].as_str().unwrap_or_default();
        let listener = format!("{name}-754b578d-listener");
        let home = self.deployment.namespace.as_deref();
        let below = [
            ObjectRef::new(GROUP, "AutoscalingListener", home, &listener),
            ObjectRef::new(
                GROUP,
                "EphemeralRunner",
                Some(&self.runners),
                &format!("{name}-abcde-runner-1"),
            ),
            ObjectRef::new(
                GROUP,
                "EphemeralRunnerSet",
                Some(&self.runners),
                &format!("{name}-abcde"),
            ),
            ObjectRef::from_value(set),
        ];
        for object in below {
            let Ok(live) = cluster.get(&object).await else {
                return;
            };
            if let Some(live) = live {
                if self.keeps.contains(&object.kind.as_str()) {
                    return;
                }
                cluster.delete(&object, None).await.ok();
                hold(cluster, &live, &[]).await;
                released.lock().unwrap().push(object.kind.clone());
                return;
            }
        }
    }
}

fn is_going(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some()
}

/// Sets the finalizers of an object that may have gone already.
async fn hold(cluster: &Cluster, object: &Value, finalizers: &[&str]) {
    let operation = json!({"op": "add", "path": "/metadata/finalizers", "value": finalizers});
    let object = ObjectRef::from_value(object);
    cluster
        .json_patch(&object, &[operation], "manager", false)
        .await
        .ok();
}
