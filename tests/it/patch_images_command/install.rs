//! The Deployment of the story in a namespace of its own, and the program without a configuration file.

use arc_setup::clients::kube::{Cluster, Identity};
use arc_setup::object::ObjectRef;
use serde_json::{Value, json};

use crate::control_plane::eventually;
use crate::support::arc_setup::{ArcSetup, Outcome};
use crate::support::control_plane::ControlPlane;
use crate::wizard::Terminal;

pub(super) const PROXY: &str = "quay.io/brancz/kube-rbac-proxy:v0.8.0";
/// Its registry is not of this world: nobody is asked whether an image is there.
pub(super) const STORY: &[&str] = &[
    "--no-verify",
    "--registry-map",
    "quay.io=registry.artifactory.mydomain.com",
    "--registry-map",
    "docker.io=keep",
];

pub(super) struct Install {
    cluster: Cluster,
    pub(super) program: ArcSetup,
    namespace: String,
}

impl Install {
    pub(super) async fn new(plane: &ControlPlane, namespace: &str) -> Self {
        let mut program = ArcSetup::new().unwrap();
        program.env("KUBECONFIG", plane.kubeconfig("story").unwrap());
        Self::of(plane, namespace, program).await
    }

    /// The same with a program of somebody's own.
    pub(super) async fn of(plane: &ControlPlane, namespace: &str, program: ArcSetup) -> Self {
        plane.create_namespace(namespace).await.unwrap();
        Self {
            cluster: Cluster::new(plane.client().unwrap(), Identity::default()),
            program,
            namespace: namespace.to_owned(),
        }
    }

    /// The command of the story, in every namespace.
    pub(super) async fn everywhere(&self, more: &[&str]) -> Outcome {
        self.command(&[STORY, more].concat()).await
    }

    /// The command of the story, in this namespace.
    pub(super) async fn run(&self, more: &[&str]) -> Outcome {
        self.with(&[STORY, more].concat()).await
    }

    /// Without the story's rules, in this namespace.
    pub(super) async fn with(&self, more: &[&str]) -> Outcome {
        self.command(&[&["-n", &self.namespace], more].concat())
            .await
    }

    /// The same on a terminal, without waiting for a rollout; None where there is none.
    pub(super) fn terminal(&self, more: &[&str]) -> Option<Terminal> {
        let more = more.join(" ");
        let namespace = &self.namespace;
        let arguments = format!("patch-images --context story --no-wait -n {namespace} {more}");
        Terminal::start(&self.program, &arguments).unwrap()
    }

    async fn command(&self, more: &[&str]) -> Outcome {
        let base = ["patch-images", "--context", "story"];
        self.program.run(&[&base[..], more].concat()).await.unwrap()
    }

    pub(super) async fn create(&self, mut object: Value) {
        object["metadata"]["namespace"] = json!(self.namespace);
        self.cluster.create(&object, false).await.unwrap();
    }

    pub(super) async fn deployment(&self) -> Value {
        let reference = ObjectRef::new(
            "apps/v1",
            "Deployment",
            Some(&self.namespace),
            "controller-manager",
        );
        self.cluster.get(&reference).await.unwrap().unwrap()
    }

    /// The data of a ConfigMap; None where there is none.
    pub(super) async fn data(&self, name: &str) -> Option<Value> {
        let reference = ObjectRef::new("v1", "ConfigMap", Some(&self.namespace), name);
        let found = self.cluster.get(&reference).await.unwrap()?;
        Some(found["data"].clone())
    }

    pub(super) async fn proxy_image(&self) -> String {
        let deployment = self.deployment().await;
        let image = &deployment["spec"]["template"]["spec"]["containers"][1]["image"];
        image.as_str().unwrap().to_owned()
    }

    /// Until a pod of it is in ImagePullBackOff.
    pub(super) async fn stuck(&self) {
        eventually("a pod that cannot pull", async || {
            let pods = self.cluster.list("v1", "Pod", Some(&self.namespace), None);
            let pods = Value::Array(pods.await.unwrap());
            pods.to_string().contains("ImagePullBackOff").then_some(())
        })
        .await;
    }
}

/// The Deployment of v0.18.2 with the marks that a deployment tool leaves.
pub(super) fn marked(labels: &Value, annotations: &Value) -> Value {
    let selector = json!({"control-plane": "controller-manager"});
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "controller-manager", "labels": labels, "annotations": annotations},
        "spec": {"replicas": 1, "selector": {"matchLabels": selector}, "template": {"metadata": {"labels": selector},
            "spec": {"terminationGracePeriodSeconds": 10, "containers": [
                {"name": "manager", "image": "summerwind/actions-runner-controller:v0.18.2", "command": ["/manager"],
                 "args": ["--metrics-addr=127.0.0.1:8080", "--enable-leader-election", "--sync-period=10m"]},
                {"name": "kube-rbac-proxy", "image": PROXY,
                 "args": ["--secure-listen-address=0.0.0.0:8443", "--upstream=http://127.0.0.1:8080/", "--logtostderr=true", "--v=10"]}]}}}})
}
