//! An API server of its own, and the program in front of it.

use arc_setup::clients::kube::{Applied, Cluster, ClusterError, Identity};
use arc_setup::object::ObjectRef;
use serde_json::{Value, json};

use crate::support::arc_setup::{ArcSetup, Outcome};
use crate::support::control_plane::{ControlPlane, Options};

pub(super) const MIRROR: &str = "registry.artifactory.mydomain.com";

pub(super) struct Site {
    pub(super) plane: ControlPlane,
    pub(super) cluster: Cluster,
    pub(super) program: ArcSetup,
}

impl Site {
    /// Nothing but the API server: no ServiceAccount is needed for a pod.
    pub(super) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// The same with more flags.
    pub(super) async fn with(flags: &[&str]) -> Self {
        let own = "--disable-admission-plugins=ServiceAccount";
        let flags = flags.iter().copied().chain([own]).map(str::to_owned);
        let options = Options {
            apiserver_flags: flags.collect(),
            ..Options::default()
        };
        Self::on(ControlPlane::isolated(options).await.unwrap())
    }

    pub(super) fn on(plane: ControlPlane) -> Self {
        let mut program = ArcSetup::new().unwrap();
        program.env("KUBECONFIG", plane.kubeconfig("story").unwrap());
        program.env("T", "ghp_0123456789");
        Self {
            cluster: Cluster::new(plane.client().unwrap(), Identity::default()),
            program,
            plane,
        }
    }

    pub(super) async fn run(&self, more: &[&str]) -> Outcome {
        let base = ["patch-images", "--admission", "--context", "story"];
        self.program.run(&[&base[..], more].concat()).await.unwrap()
    }

    /// How many policies and bindings there are.
    pub(super) async fn policies(&self) -> usize {
        let mut count = 0;
        for kind in ["MutatingAdmissionPolicy", "ValidatingAdmissionPolicy"] {
            for suffix in ["", "Binding"] {
                let kind = format!("{kind}{suffix}");
                let version = "admissionregistration.k8s.io/v1";
                match self.cluster.list(version, &kind, None, None).await {
                    Ok(found) => count += found.len(),
                    Err(ClusterError::NotFound { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
        count
    }

    /// Makes a pod and returns what the server has.
    pub(super) async fn make(&self, namespace: &str, mut pod: Value) -> Value {
        pod["apiVersion"] = json!("v1");
        pod["kind"] = json!("Pod");
        pod["metadata"]["namespace"] = json!(namespace);
        self.cluster.create(&pod, false).await.unwrap().object
    }

    pub(super) async fn create(&self, namespace: &str, name: &str, image: &str) {
        self.make(namespace, pod(name, image)).await;
    }

    /// What the server would make of a pod.
    pub(super) async fn try_out(
        &self,
        namespace: &str,
        pod: &Value,
    ) -> Result<Applied, ClusterError> {
        let mut pod = pod.clone();
        pod["metadata"]["namespace"] = json!(namespace);
        self.cluster.create(&pod, true).await
    }

    /// Until the server refuses it, at most 30 s: its caches take a moment.
    pub(super) async fn refused(&self, namespace: &str, pod: &Value) -> String {
        crate::control_plane::eventually("a refusal", async || {
            let answer = self.try_out(namespace, pod).await;
            answer.err().map(|error| error.message().to_owned())
        })
        .await
    }

    /// A pod from before the policies gets a label and two ephemeral containers: only these are rewritten, since
    /// another image would restart a container, or be refused.
    pub(super) async fn changes_of_an_older_pod_restart_nothing(&self) {
        let reference = ObjectRef::new("v1", "Pod", Some("runners"), "older");
        let label = json!({"metadata": {"labels": {"a": "b"}}});
        self.cluster
            .merge_patch(&reference, &label, "test", false)
            .await
            .unwrap();
        for index in ["1", "2"] {
            let name = format!("--container=debug-{index}");
            let image = format!("--image=quay.io/debug:{index}");
            let debug = [
                "debug",
                "-n",
                "runners",
                "older",
                &name,
                &image,
                "--attach=false",
            ];
            let done = self.plane.kubectl(&debug).unwrap();
            assert!(
                done.status.success(),
                "{}",
                String::from_utf8_lossy(&done.stderr)
            );
        }
        let pod = self.cluster.get(&reference).await.unwrap().unwrap();
        let debug = |index: usize| pod["spec"]["ephemeralContainers"][index]["image"].clone();
        assert_eq!(images(&pod), ["quay.io/a/old:1"]);
        assert_eq!(debug(0), format!("{MIRROR}/debug:1"));
        assert_eq!(debug(1), format!("{MIRROR}/debug:2"));
    }
}

pub(super) fn pod(name: &str, image: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {"containers": [{"name": "main", "image": image}]}})
}

/// Images of containers, of init containers, of image volumes.
pub(super) fn images(pod: &Value) -> Vec<String> {
    let list = |name: &str, pointer: &str| -> Vec<String> {
        let items = pod["spec"][name].as_array().into_iter().flatten();
        items
            .filter_map(|item| item.pointer(pointer)?.as_str())
            .map(str::to_owned)
            .collect()
    };
    [
        list("containers", "/image"),
        list("initContainers", "/image"),
        list("volumes", "/image/reference"),
    ]
    .concat()
}
