//! Stands in for the scale-set controller, as far as anyone who waits can see: it registers sets, makes
//! listeners and runners, and deletes every set of another minor release.

use std::time::Duration;

use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind, TypeMeta};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

const GROUP_VERSION: &str = "actions.github.com/v1alpha1";

/// Its CRDs, as far as anyone looks here.
pub(crate) fn definitions() -> Vec<Value> {
    let kinds = [
        "AutoscalingRunnerSet",
        "AutoscalingListener",
        "EphemeralRunnerSet",
        "EphemeralRunner",
    ];
    let definition = |kind: &str| {
        let singular = kind.to_lowercase();
        let plural = format!("{singular}s");
        let open = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        let schema = json!({"type": "object", "properties": {"spec": open, "status": open}});
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.actions.github.com")},
            "spec": {"group": "actions.github.com", "scope": "Namespaced",
                "names": {"kind": kind, "plural": plural, "singular": singular, "listKind": format!("{kind}List")},
                "versions": [{"name": "v1alpha1", "served": true, "storage": true,
                    "subresources": {"status": {}}, "schema": {"openAPIV3Schema": schema}}]}})
    };
    kinds.map(definition).into()
}

/// Works until it is dropped, once its Deployment is available.
pub(super) struct ScaleSetController(JoinHandle<()>);

impl Drop for ScaleSetController {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Where the controller runs, and of which release it is.
#[derive(Clone)]
struct Controller {
    client: Client,
    namespace: &'static str,
    deployment: &'static str,
    minor: &'static str,
}

impl ScaleSetController {
    pub(super) fn follow(
        client: Client,
        namespace: &'static str,
        deployment: &'static str,
        minor: &'static str,
    ) -> Self {
        let controller = Controller {
            client,
            namespace,
            deployment,
            minor,
        };
        Self(tokio::spawn(async move {
            loop {
                // What is not there yet, or has just changed, is looked at again.
                controller.reconcile().await.ok();
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }))
    }
}

impl Controller {
    fn resource(group: &str, version: &str, kind: &str) -> ApiResource {
        ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
    }

    fn api(&self, kind: &str, namespace: &str) -> Api<DynamicObject> {
        let resource = match kind {
            "Pod" => Self::resource("", "v1", kind),
            "Deployment" => Self::resource("apps", "v1", kind),
            _ => Self::resource("actions.github.com", "v1alpha1", kind),
        };
        Api::namespaced_with(self.client.clone(), namespace, &resource)
    }

    async fn reconcile(&self) -> kube::Result<()> {
        let deployment = self
            .api("Deployment", self.namespace)
            .get(self.deployment)
            .await?;
        if deployment.data["status"]["availableReplicas"]
            .as_u64()
            .unwrap_or_default()
            == 0
        {
            return Ok(());
        }
        let manager = &deployment.data["spec"]["template"]["spec"]["containers"][0];
        let resource = Self::resource("actions.github.com", "v1alpha1", "AutoscalingRunnerSet");
        let sets = Api::<DynamicObject>::all_with(self.client.clone(), &resource);
        for mut set in sets.list(&ListParams::default()).await? {
            // Items of a list do not say what they are.
            set.types = Some(TypeMeta {
                api_version: GROUP_VERSION.to_owned(),
                kind: "AutoscalingRunnerSet".to_owned(),
            });
            self.reconcile_set(&set, manager).await?;
        }
        Ok(())
    }

    async fn reconcile_set(&self, set: &DynamicObject, manager: &Value) -> kube::Result<()> {
        let name = set.metadata.name.clone().unwrap_or_default();
        let namespace = set.metadata.namespace.clone().unwrap_or_default();
        let sets = self.api("AutoscalingRunnerSet", &namespace);
        let labels = set.metadata.labels.clone().unwrap_or_default();
        let version = labels.get("app.kubernetes.io/version").map(String::as_str);
        if version
            .and_then(|version| version.rsplit_once('.'))
            .map(|(minor, _)| minor)
            != Some(self.minor)
        {
            sets.delete(&name, &DeleteParams::default()).await?;
            return Ok(());
        }
        let annotations = set.metadata.annotations.clone().unwrap_or_default();
        if !annotations.contains_key("runner-scale-set-id") {
            let patch = json!({"metadata": {"annotations": {"runner-scale-set-id": "7"}}});
            sets.patch(&name, &PatchParams::default(), &Patch::Merge(patch))
                .await?;
        }
        assert_complete(&name, &set.data["spec"]);
        self.make_listener(&name, &namespace, set, manager).await?;
        self.make_runners(&name, &namespace, set).await
    }

    async fn make_listener(
        &self,
        name: &str,
        namespace: &str,
        set: &DynamicObject,
        manager: &Value,
    ) -> kube::Result<()> {
        let variables = manager["env"].as_array().into_iter().flatten();
        let image = variables
            .filter(|one| one["name"] == "CONTROLLER_MANAGER_CONTAINER_IMAGE")
            .map(|one| one["value"].clone())
            .next()
            .expect("the controller ends without the listener's image");
        let made = json!({"autoscalingRunnerSetName": name, "autoscalingRunnerSetNamespace": namespace, "image": image});
        let name = format!("{name}-0a1b2c3d-listener");
        let listener = self
            .make("AutoscalingListener", self.namespace, &name, made, None)
            .await?;
        let mut pod = set.data["spec"]["listenerTemplate"]["spec"].clone();
        for container in pod["containers"].as_array_mut().into_iter().flatten() {
            if container["name"] == "listener" {
                container["image"] = image.clone();
                container["command"] = json!(["/ghalistener"]);
            }
        }
        pod["restartPolicy"] = json!("Never");
        self.make("Pod", self.namespace, &name, pod, Some(&listener))
            .await?;
        Ok(())
    }

    async fn make_runners(
        &self,
        name: &str,
        namespace: &str,
        set: &DynamicObject,
    ) -> kube::Result<()> {
        let spec = &set.data["spec"];
        let template = &spec["template"]["spec"];
        let wanted = spec["minRunners"].as_u64().unwrap_or_default();
        let one = json!({"githubConfigUrl": spec["githubConfigUrl"], "githubConfigSecret": spec["githubConfigSecret"],
            "runnerScaleSetId": 7, "metadata": {}, "spec": template});
        let runners = self
            .make(
                "EphemeralRunnerSet",
                namespace,
                &format!("{name}-x1y2z"),
                json!({"patchID": 0, "replicas": wanted, "ephemeralRunnerSpec": one}),
                Some(set),
            )
            .await?;
        for number in 0..wanted {
            let name = format!("{name}-x1y2z-runner-{number}");
            let made = one.clone();
            let runner = self
                .make("EphemeralRunner", namespace, &name, made, Some(&runners))
                .await?;
            self.make("Pod", namespace, &name, template.clone(), Some(&runner))
                .await?;
        }
        Ok(())
    }

    /// Makes what is not there yet.
    async fn make(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
        spec: Value,
        owner: Option<&DynamicObject>,
    ) -> kube::Result<DynamicObject> {
        let api = self.api(kind, namespace);
        if let Some(made) = api.get_opt(name).await? {
            return Ok(made);
        }
        let api_version = if kind == "Pod" { "v1" } else { GROUP_VERSION };
        let mut object = json!({"apiVersion": api_version, "kind": kind,
            "metadata": {"name": name, "namespace": namespace}, "spec": spec});
        if let Some(owner) = owner {
            let types = owner.types.clone().unwrap_or_default();
            object["metadata"]["ownerReferences"] = json!([{"apiVersion": types.api_version, "kind": types.kind,
                "name": owner.metadata.name, "uid": owner.metadata.uid, "controller": true}]);
        }
        let mut made: DynamicObject = serde_json::from_value(object).unwrap();
        if kind == "Pod" {
            made.metadata.labels =
                Some([("actions-ephemeral-runner".to_owned(), "True".to_owned())].into());
        }
        api.create(&PostParams::default(), &made).await
    }
}

/// Nothing fills these in for whoever forgets them.
fn assert_complete(name: &str, spec: &Value) {
    for field in ["githubConfigUrl", "githubConfigSecret"] {
        assert!(spec[field].is_string(), "{name} has no {field}");
    }
    let containers = spec["template"]["spec"]["containers"].as_array().unwrap();
    assert!(
        containers
            .iter()
            .any(|container| container["name"] == "runner"),
        "{containers:?}"
    );
}
