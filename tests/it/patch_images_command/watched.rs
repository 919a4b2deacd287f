//! A namespace of Deployments, and the program behind a proxy that can hold its writes.

use std::collections::BTreeMap;

use arc_setup::clients::kube::{Cluster, Identity};
use arc_setup::object::ObjectRef;
use serde_json::{Value, json};

use crate::control_plane::eventually;
use crate::support::arc_setup::{ArcSetup, Outcome, Running};
use crate::support::control_plane::{ControlPlane, Options};
use crate::support::recording_proxy::{Hold, RecordingProxy};

/// The only namespace.
pub(super) const NAMESPACE: &str = "shop";
/// The annotation that is the receipt.
pub(super) const RECEIPT: &str = "arc-setup.dev/original-images";

const PLACE: &[&str] = &[
    "patch-images",
    "--context",
    "watched",
    "--all-workloads",
    "-n",
    NAMESPACE,
    "--yes",
    "-o",
    "json",
];

/// Rewrites what has the host quay.io.
pub(super) const PATCH: &[&str] = &[
    "--registry-map",
    "quay.io=registry.artifactory.mydomain.com",
    "--no-verify",
];
/// Takes it back.
pub(super) const UNDO: &[&str] = &["--undo"];

pub(super) struct Watched {
    pub(super) cluster: Cluster,
    plane: ControlPlane,
}

/// A run that stands still at one of its writes.
pub(super) struct Held {
    running: Running,
    proxy: RecordingProxy,
    /// Its home.
    _program: ArcSetup,
}

impl Held {
    /// KILL. With the proxy goes what was sent and has not come to the server.
    pub(super) fn kill(self) {
        // Dropping does it.
        drop(self.running);
        drop(self.proxy);
    }

    /// INT, as Ctrl-C sends it; once it is noticed, what is on its way may go on.
    pub(super) async fn interrupted(self) -> Outcome {
        self.running.interrupt().unwrap();
        eventually("a word about the interrupt", async || {
            let said = self.running.stderr();
            said.contains("stopping as soon as").then_some(())
        })
        .await;
        self.release().await
    }

    /// Lets it go on to its end.
    pub(super) async fn release(self) -> Outcome {
        self.proxy.release();
        self.running.wait().await.unwrap()
    }
}

impl Watched {
    pub(super) async fn new() -> Self {
        let plane = ControlPlane::isolated(Options::default()).await.unwrap();
        plane.create_namespace(NAMESPACE).await.unwrap();
        Self {
            cluster: Cluster::new(plane.client().unwrap(), Identity::default()),
            plane,
        }
    }

    /// To its end, with nothing in between.
    pub(super) async fn run(&self, task: &[&str]) -> Outcome {
        let (_program, running) = self.started(task);
        running.wait().await.unwrap()
    }

    /// A run that nobody holds, and its home.
    pub(super) fn started(&self, task: &[&str]) -> (ArcSetup, Running) {
        let mut program = ArcSetup::new().unwrap();
        program.env("KUBECONFIG", self.plane.kubeconfig("watched").unwrap());
        let running = program.start(&[PLACE, task].concat()).unwrap();
        (program, running)
    }

    /// Holds a run at that write, when so many of its patches have been begun.
    pub(super) async fn held(&self, task: &[&str], place: Hold, begun: usize) -> Held {
        let client = self.plane.client().unwrap();
        let proxy = RecordingProxy::start(client).await.unwrap();
        let mut program = ArcSetup::new().unwrap();
        let kubeconfig = program.file("kubeconfig", proxy.kubeconfig("watched"));
        program.env("KUBECONFIG", kubeconfig.unwrap());
        proxy.hold(place);
        let mut running = program.start(&[PLACE, task].concat()).unwrap();
        eventually("a run that is held", async || {
            if let Some(outcome) = running.poll().unwrap() {
                panic!("it ended: {outcome:?}");
            }
            (proxy.is_held() && proxy.came() >= begun).then_some(())
        })
        .await;
        Held {
            running,
            proxy,
            _program: program,
        }
    }

    /// What is stored of each Deployment, to the byte, but for what moves with every write.
    pub(super) async fn stored(&self) -> BTreeMap<String, String> {
        let listed = self
            .cluster
            .list("apps/v1", "Deployment", Some(NAMESPACE), None);
        let essence = |object: &Value| {
            let metadata = &object["metadata"];
            let essence = json!({"labels": metadata["labels"], "annotations": metadata["annotations"], "spec": object["spec"]});
            let name = metadata["name"].as_str().unwrap_or_default();
            (name.to_owned(), essence.to_string())
        };
        listed.await.unwrap().iter().map(essence).collect()
    }

    /// Changes an object past the program.
    pub(super) async fn change(&self, name: &str, operations: &[Value]) {
        let object = reference(name);
        let changed = self
            .cluster
            .json_patch(&object, operations, "kubectl", false);
        changed.await.unwrap();
    }
}

/// A Deployment of that name.
pub(super) fn reference(name: &str) -> ObjectRef {
    ObjectRef::new("apps/v1", "Deployment", Some(NAMESPACE), name)
}

/// A Deployment with these containers.
pub(super) fn deployment(name: &str, containers: &Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": {"metadata": {"labels": {"app": name}},
            "spec": {"containers": containers}}}})
}

/// What the answer says of each object, by its name.
pub(super) fn told(outcome: &Outcome) -> BTreeMap<String, Value> {
    let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let objects = answer["objects"].as_array().unwrap();
    objects
        .iter()
        .map(|object| {
            let name = object["object"]["name"].as_str().unwrap();
            (name.to_owned(), object.clone())
        })
        .collect()
}
